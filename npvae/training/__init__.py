"""Training: the loop, its checkpoints, the settings of a run, the measures of a trained model, and its warnings."""

from .loop import Training, training_step
from .run import Run

__all__ = ["Run", "Training", "training_step"]

"""Training: the loop, its checkpoints, the settings of a run, and the measures and warnings of a trained model."""

from .loop import Training, training_step
from .run import Run

__all__ = ["Run", "Training", "training_step"]

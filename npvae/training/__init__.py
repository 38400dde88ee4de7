"""Training: the loop, its checkpoints, the settings of a run, and the measures of a trained model."""

from .loop import Training, training_step

__all__ = ["Training", "training_step"]

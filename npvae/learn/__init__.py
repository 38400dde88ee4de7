"""The exercises: write the parts of a variational autoencoder, and find out what is wrong."""

from .exercise import Prediction, ProcedureExercise, Wrong
from .notebook import check
from .operation import OperationExercise

__all__ = ["OperationExercise", "Prediction", "ProcedureExercise", "Wrong", "check"]

"""Automatic differentiation: the Tensor and its tape, the operations, and the check of every derivative."""

from . import ops
from .gradcheck import gradcheck
from .tape import tape
from .tensor import Tensor, no_grad, op, trap_nonfinite

__all__ = ["Tensor", "gradcheck", "no_grad", "op", "ops", "tape", "trap_nonfinite"]

"""Automatic differentiation: the Tensor and its tape, the operations, and the check of every derivative."""

from . import convolution, normalization, ops
from .gradcheck import gradcheck
from .guards import trap_nonfinite
from .tape import tape
from .tensor import Tensor, enable_grad, no_grad, no_grad_for, op

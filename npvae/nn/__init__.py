"""Layers, their initialisation, optimisers and schedules."""

from . import init, optim, schedules
from .layers import (
    Activation,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Dense,
    LeakyReLU,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Softplus,
    Tanh,
)
from .module import Module

__all__ = [
    "Activation", "BatchNorm", "Conv2d", "ConvTranspose2d", "Dense", "LeakyReLU", "Module", "ReLU", "Reshape",
    "Sequential", "Sigmoid", "Softplus", "Tanh", "init", "optim", "schedules",
]

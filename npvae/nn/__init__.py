"""Layers, their initialisation, optimisers and schedules."""

from . import init, optim, schedules
from .layers import Activation, Dense, LeakyReLU, ReLU, Sequential, Sigmoid, Softplus, Tanh
from .module import Module

__all__ = [
    "Activation", "Dense", "LeakyReLU", "Module", "ReLU", "Sequential", "Sigmoid", "Softplus", "Tanh",
    "init", "optim", "schedules",
]

"""Modules and layers, their initialisation, optimisers and schedules."""

from . import init, optim, schedules
from .layers import Activation, BatchNorm, Conv2d, ConvTranspose2d, Dense, Reshape, Sequential
from .layers import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from .module import Module

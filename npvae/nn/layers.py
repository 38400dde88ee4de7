"""Layers: operations with parameters of their own, and ways to put them together."""

import numpy as np

from ..autodiff import Tensor, ops
from .init import xavier_uniform
from .module import Module


class Dense(Module):
    """A fully connected layer, y = x W + b: x (N, fan_in) -> y (N, fan_out).

    W (fan_in, fan_out) is drawn with `init` from `rng`, b (fan_out,) is zero; both float32.
    """

    def __init__(self, fan_in, fan_out, rng, init=xavier_uniform):
        self.W = Tensor(init(rng, fan_in, fan_out), requires_grad=True)
        self.b = Tensor(np.zeros(fan_out, dtype=np.float32), requires_grad=True)

    def forward(self, x):
        return ops.dense(x, self.W, self.b)


class Activation(Module):
    """An elementwise function without parameters, as a layer: x of any shape -> y of the same shape."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


def ReLU():
    """max(x, 0) as a layer."""
    return Activation(ops.relu)


def LeakyReLU(slope=0.01):
    """x where x > 0 and slope · x elsewhere, as a layer."""
    return Activation(lambda x: ops.leaky_relu(x, slope=slope))


def Sigmoid():
    """1 / (1 + e⁻ˣ) as a layer."""
    return Activation(ops.sigmoid)


def Tanh():
    """tanh x as a layer."""
    return Activation(ops.tanh)


def Softplus():
    """ln(1 + eˣ) as a layer."""
    return Activation(ops.softplus)


class Sequential(Module):
    """Layers one after another: Sequential(Dense(784, 512, rng), ReLU(), ...)."""

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

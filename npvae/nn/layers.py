"""Layers: operations together with their parameters, and ways to combine them."""

import numpy as np

from ..arguments import check_sizes, generator
from ..autodiff import Tensor, convolution, normalization, ops
from .init import he_normal, xavier_uniform
from .module import Module


class Dense(Module):
    """A fully connected layer, y = x W + b: x (N, fan_in) -> y (N, fan_out).

    W (fan_in, fan_out) is drawn with `init` from `rng`, a generator or its seed; b (fan_out,) is zero; both float32.
    """

    def __init__(self, fan_in, fan_out, rng, init=xavier_uniform):
        self.W = Tensor(init(generator(rng), fan_in, fan_out), requires_grad=True)
        self.b = Tensor(np.zeros(fan_out, dtype=np.float32), requires_grad=True)

    def forward(self, x):
        return ops.dense(x, self.W, self.b)


class Conv2d(Module):
    """A convolution of k × k windows: x (N, H, W, channels_in) -> y (N, H', W', channels_out).

    H' = ⌊(H + 2 padding − k) / stride⌋ + 1. Each output sees k · k · channels_in numbers, which is the fan_in of
    `init`.
    """

    def __init__(self, channels_in, channels_out, rng, kernel=3, stride=1, padding=1, init=he_normal):
        check_sizes(channels_in=channels_in, channels_out=channels_out)
        self.stride, self.padding = stride, padding
        W = init(generator(rng), kernel * kernel * channels_in, channels_out)
        self.W = Tensor(W.reshape(kernel, kernel, channels_in, channels_out), requires_grad=True)
        self.b = Tensor(np.zeros(channels_out, dtype=np.float32), requires_grad=True)

    def forward(self, x):
        return convolution.conv2d(x, self.W, self.b, stride=self.stride, padding=self.padding)


class ConvTranspose2d(Module):
    """A transposed convolution: x (N, H, W, channels_in) -> y (N, H', W', channels_out).

    H' = (H − 1) stride − 2 padding + k + output_padding. W is drawn like that of Conv2d, times the stride: an output
    sums over only 1 / stride² of the kernel, so the weights need stride² times the variance.
    """

    def __init__(self, channels_in, channels_out, rng, kernel=3, stride=1, padding=1, output_padding=0):
        check_sizes(channels_in=channels_in, channels_out=channels_out)
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        W = he_normal(rng, kernel * kernel * channels_in, channels_out) * np.float32(stride)
        W = W.reshape(kernel, kernel, channels_in, channels_out).transpose(0, 1, 3, 2)
        self.W = Tensor(np.ascontiguousarray(W), requires_grad=True)
        self.b = Tensor(np.zeros(channels_out, dtype=np.float32), requires_grad=True)

    def forward(self, x):
        return convolution.conv_transpose2d(
            x, self.W, self.b, stride=self.stride, padding=self.padding, output_padding=self.output_padding
        )


class BatchNorm(Module):
    """Every channel with mean β and variance γ² over the minibatch: x (..., channels) -> y of the same shape.

    In evaluation mode, the running mean and variance, which are buffers, replace those of the minibatch, so that an
    example does not depend on its neighbours. In training mode they move by `momentum` towards those of the minibatch
    (the variance with M − 1 in the denominator, as an estimate for all data). A single value has no variance: if a
    channel has only one, training mode uses the running statistics too.

    Source: Ioffe and Szegedy (2015), Batch normalization, algorithms 1 and 2.
    """

    buffers = ("running_mean", "running_variance")

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        self.momentum, self.eps = momentum, eps
        self.gamma = Tensor(np.ones(channels, dtype=np.float32), requires_grad=True)
        self.beta = Tensor(np.zeros(channels, dtype=np.float32), requires_grad=True)
        self.running_mean = np.zeros(channels, dtype=np.float32)
        self.running_variance = np.ones(channels, dtype=np.float32)

    def forward(self, x):
        values = x.data if isinstance(x, Tensor) else x
        M = values.size // values.shape[-1]
        if not self.training or M == 1:      # not batch_norm: its derivative assumes that the moments depend on x
            scale = self.gamma / np.sqrt(self.running_variance + self.running_variance.dtype.type(self.eps))
            return x * scale + (self.beta - scale * self.running_mean)
        mean, variance = moments = normalization.batch_moments(values)
        y = normalization.batch_norm(x, self.gamma, self.beta, moments=moments, eps=self.eps)
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_variance += self.momentum * (variance * (M / (M - 1)) - self.running_variance)
        return y


class Reshape(Module):
    """Examples in another shape: x (N, ...) -> y (N, *shape). Reshape(784) flattens images of 28 × 28 × 1."""

    def __init__(self, *shape):
        self.shape = shape

    def forward(self, x):
        return ops.reshape(x, shape=(len(x), *self.shape))


class Activation(Module):
    """An operation without parameters as a layer: x of any shape -> y of the same shape.

    options   keywords of the operation
    """

    def __init__(self, function, **options):
        self.function, self.options = function, options

    def forward(self, x):
        return self.function(x, **self.options)

    def label(self):
        return getattr(self.function, "__name__", type(self.function).__name__)


def ReLU():
    """max(x, 0) as a layer."""
    return Activation(ops.relu)


def LeakyReLU(slope=0.01):
    """x where x > 0 and slope · x elsewhere, as a layer."""
    return Activation(ops.leaky_relu, slope=slope)


def Sigmoid():
    """1 / (1 + e⁻ˣ) as a layer."""
    return Activation(ops.sigmoid)


def Tanh():
    """tanh x as a layer."""
    return Activation(ops.tanh)


def Softplus():
    """ln(1 + eˣ) as a layer."""
    return Activation(ops.softplus)


ACTIVATIONS = {"relu": ReLU, "leaky-relu": LeakyReLU, "sigmoid": Sigmoid, "tanh": Tanh, "softplus": Softplus}


class Sequential(Module):
    """Layers one after another: Sequential(Dense(784, 512, rng), ReLU(), ...)."""

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

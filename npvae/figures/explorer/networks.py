"""The networks of a model, as the page computes them: layers whose weights are whole numbers.

8-bit integers make the page a quarter of the size of float32. Each column o of an array has one scale:

    W_io ≈ scale_o · q_io,    scale_o = max_i |W_io| / 127,    q_io = round(W_io / scale_o) from −127 to 127.

The bias takes up what rounding changes on average, b'_o = b_o + mean (x W − x (scale ⊙ q))_o. Where that is still too
coarse, the smallest layers get 16 bits, one after another: around z they are small, and matter most.

An encoder of a VAE ends in two layers, for μ and for logvar; side by side they are one layer with twice the width. In
evaluation mode, batch normalization multiplies and shifts each channel, so it is a part of the layer before it.
"""

import dataclasses

import numpy as np

from ...autodiff import convolution, ops
from ...errors import UserError
from ...models.pca import PCA
from ...nn import BatchNorm, Conv2d, ConvTranspose2d, Dense, Reshape, Sequential
from ...nn.layers import Activation

ACTIVATIONS = {"relu": ops.relu, "leaky_relu": ops.leaky_relu, "sigmoid": ops.sigmoid, "tanh": ops.tanh,
               "softplus": ops.softplus}  # fmt: skip
NAMES = {operation: name for name, operation in ACTIVATIONS.items()}


@dataclasses.dataclass
class Window:
    """What makes a layer a convolution, or its transpose: `before` and `after` are the shapes (H, W, C) of images."""

    kernel: int
    stride: int
    padding: int
    before: tuple
    after: tuple
    transposed: bool


@dataclasses.dataclass
class Layer:
    """y = activation(x W + b), or the same with a convolution in place of the product.

    W            (I, O); of a convolution (k · k · channels in, channels out)
    b            (O,)
    activation   a name of model.js, or "identity"
    slope        that of leaky_relu below 0
    bits         of each weight in the page: 8 or 16
    window       a `Window`, or None for a dense layer
    """

    W: np.ndarray
    b: np.ndarray
    activation: str = "identity"
    slope: float = 0.0
    bits: int = 8
    window: Window | None = None

    def product(self, x):
        """Return x W for rows x (N, I), or its convolution: an array whose last axis is that of b."""
        if self.window is None:
            return x @ self.W
        k, stride, padding = self.window.kernel, self.window.stride, self.window.padding
        W, nothing = self.W.reshape(k, k, -1, len(self.b)), np.zeros_like(self.b)
        x = x.reshape(-1, *self.window.before)
        if not self.window.transposed:
            return convolution.conv2d.raw(x, W, nothing, stride=stride, padding=padding)[0]
        W = np.ascontiguousarray(W.transpose(0, 1, 3, 2))
        more = self.window.after[0] - ((self.window.before[0] - 1) * stride - 2 * padding + k)
        return convolution.conv_transpose2d.raw(x, W, nothing, stride=stride, padding=padding, output_padding=more)[0]


def encoder_and_decoder(model):
    """Return two lists of `Layer`s: from an example to μ (and logvar), and from z to the numbers of the likelihood.

    Raises UserError for a model without an encoder, and for layers that the page does not know.
    """
    if isinstance(model, PCA):
        W = model.components.T                                    # z = (x − mean) W, and back x = z Wᵀ + mean
        return [Layer(W, -model.mean @ W)], [Layer(W.T, model.mean)]
    if not hasattr(model, "encoder"):
        raise UserError("this model has no encoder, so there are no codes to explore: choose a vae or an autoencoder")
    encoder = layers_of(model.encoder)
    if model.has_bound:
        heads = model.mu, model.logvar
        encoder.append(Layer(*(np.concatenate([getattr(head, name).data for head in heads], axis=-1) for name in "Wb")))
    return encoder, layers_of(model.decoder)


def layers_of(module):
    """Return the `Layer`s of a network. Raises UserError for a part that is none, and belongs to none."""
    found, shape = [], None                                       # of the images between the layers, (H, W, C)
    for part in _parts(module):
        last = found[-1] if found else None
        is_plain = last is not None and last.activation == "identity"
        if isinstance(part, Dense):
            found.append(Layer(part.W.data, part.b.data))
        elif isinstance(part, Conv2d | ConvTranspose2d):
            found.append(_convolution(part, shape))
            shape = found[-1].window.after
        elif isinstance(part, Reshape):
            shape = part.shape
        elif isinstance(part, BatchNorm) and is_plain:
            _normalize(last, part)
        elif isinstance(part, Activation) and part.function in NAMES and is_plain:
            last.activation, last.slope = NAMES[part.function], part.options.get("slope", 0.0)
        else:
            raise UserError(f"the network holds a {type(part).__name__}, which the page of the explorer cannot compute")
    return found


def _parts(module):
    """Return the layers of nested `Sequential`s, in order."""
    if isinstance(module, Sequential):
        return [part for layer in module.layers for part in _parts(layer)]
    return [module]


def _convolution(part, shape):
    """Return a convolution, or a transposed one, of images of this shape as a `Layer`."""
    W, transposed = part.W.data, isinstance(part, ConvTranspose2d)
    W = W.transpose(0, 1, 3, 2) if transposed else W              # (k, k, channels in, channels out)
    k, _, C, O = W.shape
    if transposed:
        sides = [(n - 1) * part.stride - 2 * part.padding + k + part.output_padding for n in shape[:2]]
    else:
        sides = [convolution.windows_along(n, k, part.stride, part.padding) for n in shape[:2]]
    window = Window(k, part.stride, part.padding, tuple(shape), (*sides, O), transposed)
    return Layer(W.reshape(k * k * C, O), part.b.data, window=window)


def _normalize(layer, norm):
    """Make batch normalization a part of the layer before it: γ (y − mean) / √(variance + eps) + β of its output y."""
    scale = norm.gamma.data / np.sqrt(norm.running_variance + norm.eps)
    shift = norm.beta.data - scale * norm.running_mean
    times = len(layer.b) // len(scale)                            # a dense layer makes all pixels of every channel
    layer.W = (layer.W * np.tile(scale, times)).astype(np.float32)
    layer.b = (layer.b * np.tile(scale, times) + np.tile(shift, times)).astype(np.float32)


def quantized(a, bits):
    """Return an array (I, O) as whole numbers and the scale (O,) of each column: a ≈ scale · q."""
    most = 2 ** (bits - 1) - 1
    largest = np.abs(a).max(axis=0)
    scale = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(most)
    return np.round(a / scale).astype(f"<i{bits // 8}"), scale


def rounded(layers, x):
    """Return the `Layer`s with the weights and biases that the page will use. x (N, I): inputs of the first."""
    found = []
    for layer in layers:
        q, scale = quantized(layer.W, layer.bits)
        coarse = dataclasses.replace(layer, W=q * scale)
        lost = layer.product(x) - coarse.product(x)
        coarse.b = layer.b + lost.reshape(-1, len(layer.b)).mean(axis=0)
        found.append(coarse)
        x = compute([layer], x)
    return found


def refine(layers, is_precise):
    """Give 16 bits to the smallest of the layers, one after another, until `is_precise()` or none is left."""
    for layer in sorted(layers, key=lambda layer: layer.W.size):
        if is_precise():
            break
        layer.bits = 16


def compute(layers, x):
    """Apply the layers to x (N, I): return an array (N, O)."""
    for layer in layers:
        y = layer.product(x) + layer.b
        if layer.activation != "identity":
            options = {"slope": layer.slope} if layer.activation == "leaky_relu" else {}
            y = ACTIVATIONS[layer.activation].raw(y, **options)[0]
        x = y.reshape(len(x), -1)
    return x

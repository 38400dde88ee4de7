"""The networks of a model, as the page computes them: dense layers, whose weights are whole numbers.

Whole numbers of 8 bits make the page four times smaller than float32 does. Each column o of an array has one scale:

    W_io ≈ scale_o · q_io,    scale_o = max_i |W_io| / 127,    q_io = round(W_io / scale_o) from −127 to 127.

The bias takes up what rounding changes on average, b'_o = b_o + Σ_i mean(x_i) (W_io − scale_o q_io). Where that is
still too coarse, the smallest layers get 16 bits, one after another: around z they are small, and matter most.

An encoder of a VAE ends in two layers, for μ and for logvar. Side by side they are one layer with twice the width.
"""

import dataclasses

import numpy as np

from ...autodiff import ops
from ...errors import UserError
from ...models.pca import PCA
from ...nn import Dense, Sequential
from ...nn.layers import Activation

ACTIVATIONS = {ops.relu: "relu", ops.leaky_relu: "leaky_relu", ops.sigmoid: "sigmoid", ops.tanh: "tanh",
               ops.softplus: "softplus"}  # fmt: skip


@dataclasses.dataclass
class Layer:
    """y = activation(x W + b).

    W, b         arrays (I, O) and (O,)
    activation   a name of model.js, or "identity"
    slope        that of leaky_relu below 0
    bits         of each weight in the page: 8 or 16
    """

    W: np.ndarray
    b: np.ndarray
    activation: str = "identity"
    slope: float = 0.0
    bits: int = 8


def encoder_and_decoder(model):
    """Return two lists of `Layer`s: from an example to μ (and logvar), and from z to the numbers of the likelihood.

    Raises UserError for a model without an encoder, and for layers that are not dense.
    """
    if isinstance(model, PCA):
        W = model.components.T                                    # z = (x − mean) W, and back x = z Wᵀ + mean
        return [Layer(W, -model.mean @ W)], [Layer(W.T, model.mean)]
    if not hasattr(model, "encoder"):
        raise UserError("this model has no encoder, so there are no codes to explore: choose a vae or an autoencoder")
    encoder = dense_layers(model.encoder)
    if model.has_bound:
        heads = model.mu, model.logvar
        encoder.append(Layer(*(np.concatenate([getattr(head, name).data for head in heads], axis=-1) for name in "Wb")))
    return encoder, dense_layers(model.decoder)


def dense_layers(module):
    """Return the `Layer`s of a network. Raises UserError for anything but dense layers and known activations."""
    found = []
    for part in _parts(module):
        if isinstance(part, Dense):
            found.append(Layer(part.W.data, part.b.data))
        elif isinstance(part, Activation) and part.function in ACTIVATIONS and found:
            found[-1].activation = ACTIVATIONS[part.function]
            found[-1].slope = part.options.get("slope", 0.0)
        else:
            raise UserError(
                f"the network holds a {type(part).__name__}, and the page computes dense layers only: explore a vae, "
                "iwae, cvae, ae, linear-ae, dae or pca"
            )
    return found


def _parts(module):
    """Return the layers of nested `Sequential`s, in order."""
    if isinstance(module, Sequential):
        return [part for layer in module.layers for part in _parts(layer)]
    return [module]


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
        W = q * scale
        found.append(dataclasses.replace(layer, W=W, b=layer.b + x.mean(axis=0) @ (layer.W - W)))
        x = compute([layer], x)
    return found


def refine(layers, is_precise):
    """Give 16 bits to the smallest of the layers, one after another, until `is_precise()` or none is left."""
    for layer in sorted(layers, key=lambda layer: layer.W.size):
        if is_precise():
            break
        layer.bits = 16


def compute(layers, x):
    """Return what the layers make of x (N, I), in NumPy: an array (N, O)."""
    for layer in layers:
        y = x @ layer.W + layer.b
        function = getattr(ops, layer.activation, None)
        if function is not None:
            options = {"slope": layer.slope} if layer.activation == "leaky_relu" else {}
            y = function.raw(y, **options)[0]
        x = y
    return x

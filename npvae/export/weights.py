"""The weights of a model in the layout of another library, and back.

A network is a tree: a `Sequential` may contain another one. The name of an array leads through the tree, and the
programs use the same names, without `layers`: what is `decoder.layers.0.layers.2.W` here is `decoder.0.2.W` in JAX, and
`decoder.0.2.weight` in PyTorch.

JAX takes the arrays as they are. PyTorch's layers expect the axes in reverse order, except for the two of a kernel:

    Linear             weight (out, in)               here W (in, out)
    Conv2d             weight (out, in, k, k)         here W (k, k, in, out)
    ConvTranspose2d    weight (in, out, k, k)         here W (k, k, out, in)

PyTorch has the channels of an image first. So its rows hold the same numbers in another order wherever an image becomes
a row, or a row an image: in the data, and in the dense layers between the two convolutional networks.
"""

import numpy as np

from ..errors import UserError
from ..nn import BatchNorm, Conv2d, Dense, Reshape

TORCH_NAMES = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "running_variance": "running_var"}
BLOCK = 3  # layers of a block in PyTorch-VAE: convolution, batch normalization, leaky ReLU
COUNTER = "num_batches_tracked"  # of PyTorch's batch normalization, which needs it only without a momentum


def plain(name):
    """Return the name of an array without `layers`."""
    return ".".join(part for part in name.split(".") if part != "layers")


def torch_name(name):
    """Return PyTorch's name for an array of ours."""
    layer, _, last = plain(name).rpartition(".")
    return f"{layer}.{TORCH_NAMES.get(last, last)}"


def has_images(model):
    """Return whether a model has convolutions, for which PyTorch orders the rows in another way."""
    return any(isinstance(part, Conv2d) for _, part in model.named_modules())


def channels_first(image_shape):
    """Return where the numbers of an image with channels first stand in a row of ours: indices (C · H · W,).

    image_shape   (H, W, C)
    """
    return np.arange(np.prod(image_shape)).reshape(image_shape).transpose(2, 0, 1).ravel()


def _reordered(model):
    """Return the arrays whose rows or columns PyTorch orders in another way, with the axis; and that order."""
    if not has_images(model):
        return {}, None
    shapes = [part.shape for _, part in model.decoder.named_modules() if isinstance(part, Reshape)]
    axes = {}
    for path, part in model.named_modules():
        if isinstance(part, Dense):
            axes |= {f"{path}W": 1, f"{path}b": 0} if path.startswith("decoder") else {f"{path}W": 0}
    return axes, channels_first(shapes[0])  # the first makes an image of a row


def to_torch(model):
    """Return what PyTorch's `load_state_dict` takes: the arrays of a model, by PyTorch's names, in its layout."""
    axes, order = _reordered(model)
    state = {}
    for name, a in model.state_dict().items():
        a = np.take(a, order, axis=axes[name]) if name in axes else a
        if name.endswith(".W"):
            a = a.T if a.ndim == 2 else a.transpose(3, 2, 0, 1)
        state[torch_name(name)] = np.array(a, order="C")
    for path, part in model.named_modules():
        if isinstance(part, BatchNorm):
            state[torch_name(path + COUNTER)] = np.array(0)
    return state


def to_jax(model):
    """Return the arrays of a model by the names of a program for JAX: "encoder.0.W"."""
    return {plain(name): a for name, a in model.state_dict().items()}


def from_torch(saved, model):
    """Return PyTorch's arrays, by PyTorch's names, as `model.load_state_dict` takes them."""
    axes, order = _reordered(model)
    state = {}
    for name in model.state_dict():
        a = np.asarray(saved[torch_name(name)])
        if name.endswith(".W"):
            a = a.T if a.ndim == 2 else a.transpose(2, 3, 1, 0)
        if name in axes:
            a = np.take(a, np.argsort(order), axis=axes[name])
        state[name] = a
    return state


def from_saved(saved, model):
    """Return the arrays that a program saved as `model.load_state_dict` takes them.

    saved   arrays by name, from an exported program or from PyTorch-VAE's VanillaVAE, for the layers of this model

    Raises UserError for other layers, other shapes, and numbers that are not finite in the model's dtype; it names an
    array as the file does.
    """
    saved = {name: a for name, a in saved.items() if not name.endswith(COUNTER)}
    is_jax = saved.keys() == to_jax(model).keys()
    expected = to_jax(model) if is_jax else to_torch(model)
    names = {name: name for name in saved} if is_jax else published_names(saved, model)
    unknown = sorted(name for ours, name in names.items() if ours not in expected)
    missing = sorted(name for name in expected.keys() - names.keys() if not name.endswith(COUNTER))
    if unknown or missing:
        found = f"holds {unknown[0]!r}, which the run does not have" if unknown else f"has no {missing[0]!r}"
        same = "expected the weights of the same layers, by the names that npvae export writes"
        raise UserError(f"the file {found}: {same}")
    for ours, name in names.items():
        found, shape = np.shape(saved[name]), expected[ours].shape
        if found != shape:
            same = "choose a run with the same layers, or train one for a step"
            raise UserError(f"{name!r} has shape {found} in the file, and {shape} in the run: {same}")
        with np.errstate(over="ignore"):  # a large number becomes infinite
            if not np.isfinite(np.asarray(saved[name]).astype(model.dtype)).all():
                raise UserError(f"{name!r} holds NaN or infinity in {model.dtype}, expected finite numbers")
    arrays = {ours: saved[name] for ours, name in names.items()}
    return {name: arrays[plain(name)] for name in model.state_dict()} if is_jax else from_torch(arrays, model)


def published_names(saved, model):
    """Return a dict from the names that `to_torch` gives to the names in a state dict.

    They are the same, except in PyTorch-VAE's VanillaVAE: there, each block of three layers is a Sequential, and the
    last block of the decoder has another name.
    """
    blocks = sum(isinstance(part, Conv2d) for path, part in model.named_modules() if path.startswith("encoder"))
    if "decoder_input.weight" not in saved or not blocks:
        return {name: name for name in saved}
    first_layers = {"encoder": ("encoder", 1), "decoder": ("decoder.0", 2)}
    first_layers["final_layer"] = ("decoder.0", 2 + BLOCK * (blocks - 1))
    others = {"fc_mu": "mu", "fc_var": "logvar", "decoder_input": "decoder.0.0"}
    names = {}
    for name in saved:
        part, *numbers, last = name.split(".")
        numbers = ["0", *numbers] if part == "final_layer" else numbers  # of the block, and of the layer in it
        if part in first_layers and len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            ours, layer = first_layers[part]
            names[f"{ours}.{layer + BLOCK * int(numbers[0]) + int(numbers[1])}.{last}"] = name
        else:
            names[".".join([others.get(part, part), *numbers, last])] = name
    return names

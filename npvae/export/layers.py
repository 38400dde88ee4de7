"""The layers of a model, and its weights in the layout of another library.

A network here is a tree: a `Sequential` may contain another one. The path of a layer leads through the tree. The
programs that we write use the same names, without `layers`: what is `decoder.layers.0.layers.2.W` here is
`decoder.0.2.weight` in PyTorch, and the W of the layer `decoder.0.2` in JAX.

In JAX, the arrays stay as they are. PyTorch's layers expect

    Linear             weight (out, in)                  here W (in, out)
    Conv2d             weight (out, in, k, k)            here W (k, k, in, out)
    ConvTranspose2d    weight (in, out, k, k)            here W (k, k, out, in)

so each of the three is W with its axes in reverse order, except that the two axes of the kernel keep theirs. Images
here have their channels last. The programs keep the examples as rows (N, H · W · C), and move the channels only between
`Images` and `Rows`; so no weight of a dense layer needs another order.
"""

from ..errors import UserError
from ..nn import BatchNorm, Conv2d, ConvTranspose2d, Dense, Sequential

TORCH_NAMES = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "running_variance": "running_var"}
WITH_WEIGHTS = (Dense, Conv2d, ConvTranspose2d, BatchNorm)


def plain_path(name):
    """Return the name of a layer or an array without `layers`: "decoder.0.2.W" for "decoder.layers.0.layers.2.W"."""
    return ".".join(part for part in name.split(".") if part != "layers")


def in_order(network, path):
    """Yield pairs of path and layer, in the order of the computation, for a network and its path."""
    if not isinstance(network, Sequential):
        yield path, network
        return
    for i, layer in enumerate(network.layers):
        yield from in_order(layer, f"{path}.{i}")


def kernel_first(W):
    """Return a weight of PyTorch's in the layout of this library: an array with the axes reversed, see above."""
    return W.T if W.ndim == 2 else W.transpose(2, 3, 1, 0)


def kernel_last(W):
    """Return W (in, out) or (k, k, a, b) in the layout of PyTorch: (out, in) or (b, a, k, k)."""
    return W.T if W.ndim == 2 else W.transpose(3, 2, 0, 1)


def torch_name(name):
    """Return PyTorch's name for the array of this name in a state dict of ours."""
    layer, _, last = plain_path(name).rpartition(".")
    return f"{layer}.{TORCH_NAMES.get(last, last)}"


def to_torch(state):
    """Return a state dict of ours as PyTorch's `load_state_dict` takes it: names and layouts are PyTorch's.

    Only the number of minibatches that a batch normalization has seen is missing; PyTorch uses it for nothing here.
    """
    return {torch_name(name): kernel_last(a) if name.endswith(".W") else a for name, a in state.items()}


def to_jax(state):
    """Return a state dict of ours with the names of the programs: "encoder.0.W"."""
    return {plain_path(name): a for name, a in state.items()}


def from_saved(saved, state):
    """Return the arrays that a program saved as a state dict of ours.

    saved   what `to_torch` or `to_jax` returns for the same layout; other numbers
    state   a state dict of the model that takes them

    Raises UserError for names that belong to another layout. `load_state_dict` checks the shapes.
    """
    saved = {name: a for name, a in saved.items() if not name.endswith("num_batches_tracked")}
    for named, layout in ((torch_name, kernel_first), (plain_path, lambda W: W)):
        names = {named(name): name for name in state}
        if names.keys() == saved.keys():
            return {ours: layout(saved[name]) if ours.endswith(".W") else saved[name] for name, ours in names.items()}
    expected = sorted(map(torch_name, state))
    unknown = next((name for name in sorted(saved) if name not in expected), None)
    missing = next((name for name in expected if name not in saved), None)
    found = f"has {unknown!r}, which the run does not have" if unknown else f"has no {missing!r}"
    raise UserError(f"the file {found}: expected the weights of the same layers, as npvae export names them")

"""Data sets: MNIST, Fashion-MNIST, your own .npz file, and synthetic ones."""

from ..errors import choose
from .binarization import BINARIZATIONS, binarize
from .dataset import Dataset
from .idx import read_idx
from .minibatches import Minibatches
from .mnist import load_mnist
from .npz import load_npz
from .pixels import Pixels
from .shapes import load_shapes
from .toys import load_bars

LOADERS = {
    "mnist": lambda: load_mnist("mnist"),
    "fashion-mnist": lambda: load_mnist("fashion-mnist"),
    "bars": load_bars,
    "shapes": load_shapes,
}


def load(name):
    """Load a `Dataset` by its name, or from the path of an .npz file.

    Raises UserError for an unknown name (the message suggests the nearest one), and whatever the loader raises.
    """
    if is_path(name):
        return load_npz(name)
    return choose("data set", name, LOADERS, or_else="the path of an .npz file")()


def is_path(name):
    """Return whether this is the path of an .npz file and not the name of a set."""
    return str(name).lower().endswith(".npz")


__all__ = [
    "BINARIZATIONS", "LOADERS", "Dataset", "Minibatches", "Pixels", "binarize", "load", "load_bars", "load_mnist",
    "load_npz", "load_shapes", "read_idx",
]

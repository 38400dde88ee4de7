"""Data sets: MNIST, Fashion-MNIST, your own files, and synthetic ones."""

import os

from ..errors import choose
from .binarization import BINARIZATIONS, binarize
from .dataset import Dataset
from .idx import read_idx
from .minibatches import Minibatches
from .mnist import load_fashion_10k, load_mnist
from .own import load_path
from .pixels import Pixels
from .shapes import load_shapes
from .toys import load_bars

LOADERS = {
    "mnist": lambda: load_mnist("mnist"),
    "fashion-mnist": lambda: load_mnist("fashion-mnist"),
    "fashion-mnist-10k": load_fashion_10k,
    "bars": load_bars,
    "shapes": load_shapes,
}
OR_ELSE = "the path of a file or a folder"
EXTENSIONS = (".npz", ".npy", ".csv", ".tsv", "-ubyte", ".gz")  # of files, which may be missing


def load(name):
    """Load a `Dataset` by its name, or from the path of your own data: see `load_path`.

    Raises UserError for an unknown name (the message suggests the nearest one), and whatever the loader raises.
    """
    if is_path(name):
        return load_path(name)
    return choose("data set", name, LOADERS, or_else=OR_ELSE)()


def is_path(name):
    """Return whether this is the path of a file or a folder, and not the name of a set."""
    name = str(name)
    if name.lower() in LOADERS:
        return False
    return name.lower().endswith(EXTENSIONS) or os.sep in name or os.path.exists(name)


__all__ = [
    "BINARIZATIONS", "LOADERS", "Dataset", "Minibatches", "Pixels", "binarize", "load", "load_bars", "load_fashion_10k",
    "load_mnist", "load_path", "load_shapes", "read_idx",
]

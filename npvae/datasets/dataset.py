"""What every data set looks like to the rest of the package."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass
class Dataset:
    """Examples in rows, for training and for testing.

    name          for people: the name that `load` knows, or the name of the file without .npz
    source        where it was found, for people
    x_train       float32 (N, D), and x_test likewise: one example in each row, images row by row
    y_train       labels, int64 (N,), or None; y_test likewise
    image_shape   (H, W, C) with H · W · C = D: how to draw an example
    """

    name: str
    source: str
    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None
    image_shape: tuple


def shape_to_draw(D):
    """(H, W, 1) for an example of which only its D numbers are known: a square if D is one, else a strip."""
    side = math.isqrt(D)
    return (side, side, 1) if side * side == D else (1, D, 1)

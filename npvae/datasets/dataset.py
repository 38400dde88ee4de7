"""What every data set looks like to the rest of the package."""

import dataclasses
import hashlib

import numpy as np

from .pixels import Pixels

ROWS_AT_ONCE = 1000


@dataclasses.dataclass
class Dataset:
    """Examples in rows, for training and for testing.

    name          the name that `load` knows, or the name of the file without its extension
    source        where the data came from, for the screen
    x_train       float32 (N, D), an array or `Pixels`: one example in each row, images row by row
    x_test        float32 (M, D), an array
    y_train       labels, int64 (N,), or None; y_test likewise; of your own data, classes counted from 0
    image_shape   (H, W, C) with H · W · C = D: how to draw an example; None for vectors
    factors_test  for a synthetic set, the factors that made each test example: a dict from names to arrays (N,)
    classes       what the labels of your own data stand for, a tuple of text; None if they were 0, 1, … K − 1
    notes         what `load_path` decided about your own data, a tuple of sentences
    """

    name: str
    source: str
    x_train: np.ndarray | Pixels
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None
    image_shape: tuple | None
    factors_test: dict | None = None
    classes: tuple | None = None
    notes: tuple = ()

    @property
    def data_dim(self):
        """D, how many numbers an example has."""
        return self.x_train.shape[1]

    @property
    def labels(self):
        """The labels that occur, an array (K,) in rising order; None if there are none."""
        return None if self.y_train is None or self.y_test is None else np.union1d(self.y_train, self.y_test)

    def fingerprint(self, labels=False):
        """Return the SHA-256 of all examples and their shapes, to tell whether the data has changed since training.

        labels   whether to include the labels
        """
        digest = hashlib.sha256()
        of_labels = [y for y in (self.y_train, self.y_test) if labels and y is not None]
        for x in (self.x_train, self.x_test, *of_labels):
            digest.update(f"{x.shape}".encode())
            for start in range(0, len(x), ROWS_AT_ONCE):
                digest.update(np.ascontiguousarray(x[start : start + ROWS_AT_ONCE]))
        return digest.hexdigest()

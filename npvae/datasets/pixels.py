"""Pixels that are kept as bytes and read as float32: a quarter of the memory."""

import numpy as np


class Pixels:
    """Examples (N, D) of bytes, which look like float32 numbers in [0, 1]: `x[rows]` divides those rows by 255.

    values   the bytes, an array (N, D) of uint8

    `np.asarray(x)`, and every selection of rows, is an array of float32, of four times the memory.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, values):
        self.values = values

    shape = property(lambda self: self.values.shape)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index] / np.float32(255)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("the numbers are computed from bytes: there is no array of them that could be shared")
        return self[:].astype(dtype or self.dtype, copy=False)

    def min(self):
        """The smallest number."""
        return self.values.min() / np.float32(255)

    def max(self):
        """The largest number."""
        return self.values.max() / np.float32(255)

"""Pixels that are kept as bytes and read as float32: a quarter of the memory."""

import numpy as np


class Pixels:
    """Examples (N, D) of bytes, which look like float32 numbers in [0, 1]: `x[rows]` divides those rows by 255.

    bytes   an array (N, D) of uint8

    `np.asarray(x)` is all of it, as an array of its own.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, bytes):
        self.bytes = bytes

    shape = property(lambda self: self.bytes.shape)

    def __len__(self):
        return len(self.bytes)

    def __getitem__(self, index):
        return self.bytes[index] / np.float32(255)

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def min(self):
        """The smallest number."""
        return self.bytes.min() / np.float32(255)

    def max(self):
        """The largest number."""
        return self.bytes.max() / np.float32(255)

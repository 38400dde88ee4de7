"""Pixels stored as bytes and read as float32, which takes a quarter of the memory."""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class Pixels(NDArrayOperatorsMixin):
    """Examples (N, D), stored as bytes, that behave like an array of float32 numbers in [0, 1].

    values   the bytes, an array (N, D) of uint8
    white    the byte that stands for 1: 255, or 1 if the bytes are zeros and ones

    `x[rows]` divides those rows by `white`. Everything else, such as `x.mean(axis=0)`, `x > 0.5` or `np.asarray(x)`,
    first converts all rows to an array that takes four times the memory; only `min` and `max` work on the bytes.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, values, white=255):
        self.values, self.white = values, np.float32(white)

    @property
    def shape(self):
        """(N, D)."""
        return self.values.shape

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index] / self.white

    def min(self, *arguments, **options):
        """Return the smallest number, or the smallest along an axis; the arguments are those of `numpy.ndarray.min`."""
        return self.values.min(*arguments, **options) / self.white

    def max(self, *arguments, **options):
        """Return the largest number, or the largest along an axis; the arguments are those of `numpy.ndarray.max`."""
        return self.values.max(*arguments, **options) / self.white

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("the numbers are computed from bytes: no array holds them, so pass copy=None or copy=True")
        return self[:] if dtype is None else self[:].astype(dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if any(isinstance(a, Pixels) for a in options.get("out", ())):
            raise TypeError("Pixels are stored as bytes and cannot be changed: take x[:], an array of all of them")
        return getattr(ufunc, method)(*(a[:] if isinstance(a, Pixels) else a for a in inputs), **options)

    def __getattr__(self, name):
        if name.startswith("_") or name in ("values", "white"):  # pickle and copy look these up before they exist
            raise AttributeError(name)
        return getattr(self[:], name)

    def __repr__(self):
        return f"Pixels({self.shape}, float32 from bytes)"

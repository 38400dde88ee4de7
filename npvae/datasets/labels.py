"""Labels, in the forms in which data sets publish them, as classes counted from 0."""

import numpy as np

from ..errors import UserError
from .files import shown


def to_classes(parts, lengths, called):
    """Return labels as a list of int64 arrays of classes from 0, and the names of the classes, or None.

    parts     the labels of the training set and perhaps of the test set: arrays of whole numbers, of fractions that
              are whole, or of text, each of shape (N,) or (N, 1), or "one-hot": (N, K) with a single 1 in every row
    lengths   the numbers N of examples
    called    what they are, for the message

    The names are a tuple of text, or None if the labels already are 0, 1, … K − 1. Raises UserError for labels of any
    other form.
    """
    parts = [_flatten(y, N, called) for y, N in zip(parts, lengths)]
    names, classes = np.unique(np.concatenate(parts), return_inverse=True)
    is_counted = names.dtype.kind in "ui" and names[0] == 0 and names[-1] == len(names) - 1
    parts = np.split(classes.astype(np.int64), np.cumsum(lengths)[:-1])
    return parts, None if is_counted else tuple(map(str, names.tolist()))


def _flatten(y, N, called):
    """Return labels as an array (N,) of integers or text."""
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2 and y.dtype.kind in "buif" and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)
    if y.shape != (N,):
        raise UserError(
            f"{called} has shape {shown(y.shape)}, expected a label for each of the {N} examples: ({N},), or ({N}, K) "
            "with a single 1 in every row"
        )
    if y.dtype.kind == "b":
        return y.astype(np.int64)
    if y.dtype.kind == "f":
        y = y.astype(np.float64)                             # float16 cannot hold 2⁵³
        is_class = np.isfinite(y) & (y == np.rint(y)) & (np.abs(y) < 2**53)
        if not is_class.all():
            raise UserError(
                f"{called} holds {y[~is_class][0]:g}, and labels are classes: expected whole numbers or text; leave "
                "the labels out, or save classes"
            )
        return y.astype(np.int64)
    if y.dtype.kind not in "uiU":
        raise UserError(f"{called} holds {y.dtype}, expected whole numbers or text")
    return y

"""Where an array is wrong, if the wrong elements have something in common: rows, columns, or the sign of an input."""

import contextlib

import numpy as np

from .comparison import symbol

# How many elements a description needs: of fifty conditions, one fits five elements by chance, but hardly ever twenty.
FEWEST, FEWEST_AT_ENDS = 20, 6


def region(comparisons, masks):
    """Describe the part of the array that is wrong, the same in every draw; None if there is no pattern.

    comparisons   draws of one array
    masks         which of its elements are wrong in each, arrays of bool
    """
    elements = sum(int(np.sum(mask | (np.abs(c.expected) > 1e-12))) for c, mask in zip(comparisons, masks))
    if all(mask.all() for mask in masks):
        return None
    for describe, fewest in ((_ends, FEWEST_AT_ENDS), (_signs, FEWEST), (_any_slices, FEWEST)):
        if elements < fewest:
            return None
        described = [dict(describe(c, mask)) for c, mask in zip(comparisons, masks)]
        fitting = [words for words in described[0] if all(others.get(words) for others in described)]
        if fitting:
            return "only " + ", or ".join(fitting[:3])  # the numbers cannot tell them apart
    return None


def _fits(c, mask, condition):
    """Return whether the mask is what a condition says.

    Where the right number is 0, many mistakes give 0 too, so elements that are 0 and not wrong say nothing.
    """
    silent = ~mask & (np.abs(c.expected) < 1e-12)
    is_part = not np.all(condition)
    return is_part and bool((np.broadcast_to(condition, mask.shape) == mask)[~silent].all())


def _ends(c, mask):
    """Yield pairs of a description and whether it fits: the first or the last along an axis, or all but those."""
    for axis in range(mask.ndim):
        n = mask.shape[axis]
        indices = np.arange(n).reshape(-1, *[1] * (mask.ndim - 1 - axis))
        for words, chosen in {
            "in the first {}": indices == 0,
            "in the last {}": indices == n - 1,
            "in all but the first {}": indices > 0,
            "in all but the last {}": indices < n - 1,
        }.items():
            yield words.format(_slice(mask, axis)), _fits(c, mask, chosen)


def _signs(c, mask):
    """Yield the same pairs for the signs and the sizes of known arrays."""
    for name, value in c.known.items():
        if len(np.unique(value)) > 2:  # a mask is not an input
            for words, condition in _conditions(name, np.asarray(value)):
                with contextlib.suppress(ValueError):
                    yield f"where {words}", _fits(c, mask, condition)


def _any_slices(c, mask):
    """Yield the same pairs for whole rows or columns, wherever they are, and for a single element."""
    for axis in range(mask.ndim if mask.ndim > 1 else 0):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        yield f"in some {_slice(mask, axis)}s", _fits(c, mask, mask.any(axis=others, keepdims=True))
    yield "in one element", int(mask.sum()) == 1


def _slice(mask, axis):
    """Return the word for what one index of an axis picks out."""
    if mask.ndim == 1:
        return "element"
    return ["row", "column"][axis] if mask.ndim == 2 else f"slice of axis {axis}"


def _conditions(name, value):
    called = symbol(name)
    return [
        (f"{called} < 0", value < 0),
        (f"{called} > 0", value > 0),
        (f"|{called}| > 1", np.abs(value) > 1),
        (f"|{called}| < 1", np.abs(value) < 1),
    ]

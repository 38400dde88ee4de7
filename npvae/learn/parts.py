"""Where an array is wrong, if the wrong elements have something in common: rows, columns, or the sign of an input."""

import numpy as np

from .comparison import symbol


def part(comparisons, masks):
    """In words, the part of the array that is wrong, the same in every draw; None where there is no pattern.

    comparisons   draws of one array
    masks         which of its elements are wrong in each, arrays of bool
    """
    if all(mask.all() for mask in masks):
        return None
    described = [dict(_descriptions(c, mask)) for c, mask in zip(comparisons, masks)]
    for words in described[0]:
        if all(words in others and others[words] for others in described):
            return words
    return None


def _descriptions(c, mask):
    """Pairs of a description and whether it is what the mask says."""
    for axis in range(mask.ndim):
        n = mask.shape[axis]
        others = tuple(i for i in range(mask.ndim) if i != axis)
        whole = mask.all(axis=others)
        is_whole = bool((whole == mask.any(axis=others)).all())
        places = np.arange(n)
        for words, chosen in {
            "in the first {}": places == 0,
            "in the last {}": places == n - 1,
            "in all but the first {}": places > 0,
            "in all but the last {}": places < n - 1,
        }.items():
            yield f"only {words.format(_slice(mask, axis))}", is_whole and bool((whole == chosen).all())
    for name, value in c.known.items():
        if np.size(value) > 1:
            for words, condition in _conditions(name, np.asarray(value)):
                try:
                    yield f"only where {words}", bool((np.broadcast_to(condition, mask.shape) == mask).all())
                except ValueError:
                    pass
    for axis in range(mask.ndim if mask.ndim > 1 else 0):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        whole = mask.all(axis=others)
        yield f"only in some {_slice(mask, axis)}s", bool((whole == mask.any(axis=others)).all())
    yield "only in one element", int(mask.sum()) == 1


def _slice(mask, axis):
    """What one index of an axis picks out."""
    if mask.ndim == 1:
        return "element"
    return ["row", "column"][axis] if mask.ndim == 2 else f"index of axis {axis}"


def _conditions(name, value):
    called = symbol(name)
    return [
        (f"{called} < 0", value < 0), (f"{called} > 0", value > 0),
        (f"|{called}| > 1", np.abs(value) > 1), (f"|{called}| < 1", np.abs(value) < 1),
    ]  # fmt: skip

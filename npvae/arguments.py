"""Arguments that functions of many packages take: a generator or its seed, sizes, and a state dict.

If you pass a generator where a size belongs, or the other way round, one sentence says so. Without these checks, the
error would come later, and be about something else.
"""

import numbers

import numpy as np

from .errors import UserError


def generator(rng):
    """Return the numpy Generator rng; or, for a seed, a whole number from 0 on, a new Generator with that seed.

    Raises UserError for anything else.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if not _is_whole(rng, 0):
        raise UserError(
            f"rng is {_shown(rng)}, expected a numpy Generator, such as numpy.random.default_rng(0), or a seed, a "
            "whole number from 0 on"
        )
    return np.random.default_rng(int(rng))


def check_sizes(**sizes):
    """Raise UserError unless every size is a whole number from 1 on."""
    for name, size in sizes.items():
        if not _is_whole(size, 1):
            raise UserError(f"{name} is {_shown(size)}, expected a whole number from 1 on")


def check_widths(name, widths):
    """Raise UserError unless these are a list (or tuple) of whole numbers from 1 on."""
    if not isinstance(widths, (list, tuple)) or not all(_is_whole(width, 1) for width in widths):
        raise UserError(f"{name} is {_shown(widths)}, expected a list of whole numbers from 1 on, such as [512, 256]")


def check_state(state):
    """Raise UserError unless a state dict is a dict from names to arrays of real numbers."""
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise UserError(f"the state dict is {_shown(state)}, expected a dict from names to arrays")
    for name, a in state.items():
        if not isinstance(a, np.ndarray) or a.dtype.kind not in "buif":
            found = f"an array of {a.dtype}" if isinstance(a, np.ndarray) else _shown(a)
            raise UserError(f"{name[:40]} in the state dict is {found}, expected an array of real numbers")


def _is_whole(value, least):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least


def _shown(value):
    """Return a number or a short list as it is, and the type of anything else."""
    text = repr(value)
    is_short = isinstance(value, (numbers.Number, str, list, tuple, type(None))) and len(text) <= 40
    return text if is_short else f"a {type(value).__name__}"

"""The scale of the data: which number is white, decided from the type and the range of the numbers.

A wrong scale does its harm silently: masks of 0 and 1, divided by 255, look black to every model. So the loader prints
what it decides, and if two scales are plausible, it does not guess: it asks.

    in [0, 1]                                  kept: black and white, or grey
    whole numbers from 0 to 128 … 255          divided by 255: bytes that use more than half of their range, of any type
    uint16 from 0 to 32768 … 65535             divided by 65535, for the same reason
    any other type of whole numbers from 0 on   in doubt: 15 may be white, or almost black
    fractions from 0 to 128 … 255              in doubt: pixels, or other quantities
    fractions from 0 on that are all whole     in doubt, for the same reason
    anything else                              kept: not pixels, or rescaled already
"""

import numpy as np

from ..errors import UserError

ROWS_AT_ONCE = 1000


def find_white(parts, called):
    """Return the number to divide by, 1 to keep the data, and a phrase that says what that does to the data.

    parts    the training set and perhaps the test set: arrays of real numbers, finite, not empty
    called   what they are, for the message

    Raises UserError if the scale is in doubt. The message says how to resolve it.
    """
    low, high = min(x.min() for x in parts), max(x.max() for x in parts)
    if high >= 128 and any(0 <= x.min() and x.max() <= 1 for x in parts):
        ranges = " and ".join(f"from {x.min():g} to {x.max():g}" for x in parts)
        raise UserError(f"the training and the test set of {called} run {ranges}: save both on one scale")
    dtype = np.result_type(*parts)
    is_whole_type = dtype.kind in "bui"
    is_whole = is_whole_type or (low >= 0 and _are_whole(parts))
    found = f"{dtype if is_whole_type or (is_whole and high > 1) else 'fractions'} from {low:g} to {high:g}"
    if 0 <= low and high <= 1:
        return 1, f"{found}{', zeros and ones only' if is_whole else ''}, kept as it is"
    if is_whole and 128 <= high <= 255 and low >= 0:
        return 255, f"{found}, divided by 255: now from {low / 255:.3g} to {high / 255:.3g}"
    if dtype == np.uint16 and high >= 32768:
        return 65535, f"{found}, divided by 65535: now from {low / 65535:.3g} to {high / 65535:.3g}"
    if low >= 0 and (is_whole or 128 <= high <= 255):
        whites = "x / 255" if 128 <= high <= 255 else f"x / {high:g}" + (" or x / 255" if high < 255 else "")
        raise UserError(
            f"{called} holds {found}, and the scale is in doubt: if these are pixels, save {whites}, so that white is "
            "1; if not, save (x - x.mean()) / x.std()"
        )
    return 1, f"{found}, kept as it is"


def _are_whole(parts):
    """Return whether all numbers are whole."""
    rows = (x[i : i + ROWS_AT_ONCE] for x in parts for i in range(0, len(x), ROWS_AT_ONCE))
    return all((some == np.rint(some)).all() for some in rows)

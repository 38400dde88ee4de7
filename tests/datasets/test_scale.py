"""Proves that the scale of the data is kept or found where it is clear, and asked for where it is in doubt.

These tests would catch masks that are divided by 255, and grey levels from 0 to 15 that are taken for black.
"""

import numpy as np
import pytest

from npvae.datasets.scale import find_white
from npvae.errors import UserError


def of(dtype, *numbers):
    return [np.array([numbers, numbers]).astype(dtype)]


@pytest.mark.parametrize(
    "parts, white, words",
    [
        (of(np.uint8, 0, 1), 1, "uint8 from 0 to 1, zeros and ones only, kept as it is"),
        (of(bool, 0, 1), 1, "bool from 0 to 1, zeros and ones only"),
        (of(np.int64, 0, 0), 1, "int64 from 0 to 0"),
        (of(np.float32, 0, 1), 1, "fractions from 0 to 1, zeros and ones only"),
        (of(np.float32, 0.25, 0.75), 1, "fractions from 0.25 to 0.75, kept as it is"),
        (of(np.uint8, 0, 255), 255, "uint8 from 0 to 255, divided by 255: now from 0 to 1"),
        (of(np.uint8, 3, 128), 255, "uint8 from 3 to 128, divided by 255: now from 0.0118 to 0.502"),
        (of(np.int64, 0, 255), 255, "int64 from 0 to 255, divided by 255"),
        (of(np.uint16, 0, 32768), 65535, "uint16 from 0 to 32768, divided by 65535: now from 0 to 0.5"),
        (of(np.float32, -1, 1), 1, "fractions from -1 to 1, kept as it is"),
        (of(np.float32, 0.5, 3.5), 1, "fractions from 0.5 to 3.5, kept as it is"),
        (of(np.float32, 0, 1000.5), 1, "kept"),
        (of(np.int8, -1, 1), 1, "int8 from -1 to 1, kept as it is"),
        (of(np.uint8, 0, 99) + of(np.uint8, 0, 255), 255, "uint8 from 0 to 255"),
        (of(np.float32, 0, 255), 255, "float32 from 0 to 255, divided by 255"),
        (of(np.uint8, 0, 1) + of(np.float32, 0, 0.5), 1, "fractions from 0 to 1, kept"),
    ],
)
def test_what_is_clear(parts, white, words):
    assert find_white(parts, "x")[0] == white
    assert words in find_white(parts, "x")[1]


@pytest.mark.parametrize(
    "parts, remedy",
    [
        (of(np.uint8, 0, 15), "x / 15 or x / 255"),
        (of(np.uint8, 0, 127), "x / 127 or x / 255"),
        (of(np.int64, 0, 256), "x / 256, so"),
        (of(np.uint16, 0, 4095), "x / 4095, so"),
        (of(np.int32, 0, 65535), "x / 65535, so"),
        (of(np.float32, 0.5, 254.5), "x / 255, so"),
        (of(np.float32, 0, 16), "x / 16 or x / 255"),
        (of(np.float32, 0, 65535), "x / 65535, so"),
    ],
)
def test_what_is_in_doubt_is_refused_with_remedies_that_help(parts, remedy):
    with pytest.raises(UserError, match=r"x in a file holds .* in doubt: if these are pixels, save") as raised:
        find_white(parts, "x in a file")
    assert remedy in str(raised.value)
    for divisor in remedy.removesuffix(", so").replace("x / ", "").split(" or "):
        assert find_white([x / np.float32(divisor) for x in parts], "x")[0] == 1
    x = np.concatenate(parts)
    assert find_white([(x - x.mean()) / x.std()], "x")[0] == 1


def test_many_examples_are_looked_at():
    x = np.full((2500, 2), 20, dtype=np.float32)
    with pytest.raises(UserError):
        find_white([x], "x")
    x = np.full((2500, 2), 20, dtype=np.float32)
    x[-1] = 0.5                                             # the only fraction
    assert find_white([x], "x")[0] == 1

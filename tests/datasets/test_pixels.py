"""Proves that pixels stored as bytes behave like the float32 numbers that they represent, for every kind of index.

These tests would catch bytes that are used undivided, a change that is silently lost, and an example outside the
fingerprint."""

import copy

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.datasets import Dataset, Pixels

BYTES = np.random.default_rng(0).integers(3, 250, (7, 5)).astype(np.uint8)
NUMBERS = BYTES / np.float32(255)


@pytest.mark.parametrize("index", [slice(2, 4), [0, 3, 3], np.array([True] * 3 + [False] * 4), 2, (slice(None), 1)])
def test_rows_are_numbers(index):
    found = Pixels(BYTES)[index]
    assert found.dtype == np.float32 and np.array_equal(found, NUMBERS[index])


def test_all_of_it_is_an_array():
    x = Pixels(BYTES)
    assert np.array_equal(np.asarray(x), NUMBERS) and np.asarray(x).dtype == x.dtype == np.float32
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert x.shape == NUMBERS.shape and len(x) == 7 and x.ndim == 2
    assert x.min() == NUMBERS.min() and x.max() == NUMBERS.max()


def test_what_is_done_with_an_array_can_be_done_with_pixels():
    x = Pixels(BYTES)
    assert np.array_equal(x.mean(axis=0), NUMBERS.mean(axis=0)) and x.reshape(5, 7).shape == x.T.shape == (5, 7)
    assert np.array_equal(x > 0.5, NUMBERS > 0.5) and np.array_equal(x == x, NUMBERS == NUMBERS)
    assert np.array_equal(2 * x - 1, 2 * NUMBERS - 1) and np.array_equal(1 - x, 1 - NUMBERS)
    assert np.array_equal(np.add.reduce(x, axis=0), NUMBERS.sum(axis=0)) and np.max(x) == NUMBERS.max()
    assert np.array_equal(x.min(axis=0), NUMBERS.min(axis=0)) and np.array_equal(x.max(1), NUMBERS.max(1))
    assert Tensor(x).dtype == np.float32 and np.array_equal(Tensor(x).data, NUMBERS)
    assert np.array_equal(copy.deepcopy(x)[:], NUMBERS) and "(7, 5)" in repr(x)
    with pytest.raises(AttributeError):
        print(x.nothing)


def test_pixels_cannot_be_changed():
    x = Pixels(BYTES.copy())
    with pytest.raises(TypeError, match=r"Pixels are stored as bytes and cannot be changed: take x\[:\]"):
        x *= 2
    with pytest.raises(TypeError, match="stored as bytes"):
        np.add(x, 1, out=x)
    assert np.array_equal(x.values, BYTES)


def test_there_is_no_array_to_share():
    with pytest.raises(ValueError, match="computed from bytes"):
        np.asarray(Pixels(BYTES), copy=False)


def test_a_change_of_any_example_changes_the_fingerprint():
    def fingerprint(x):
        return Dataset("test", "here", x, None, NUMBERS, None, None).fingerprint()

    many = np.zeros((2500, 5), np.uint8)
    changed = many.copy()
    changed[-1, -1] = 1
    assert fingerprint(Pixels(many)) != fingerprint(Pixels(changed))
    assert fingerprint(Pixels(many)) == fingerprint(np.asarray(Pixels(many)))

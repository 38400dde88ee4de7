"""Proves that a pixel of grey value x becomes 1 with probability x, and 0 otherwise.

These tests would catch a fixed threshold, noise that repeats, and a black pixel that turns white."""

import numpy as np

from npvae.datasets import binarize


def test_the_probability_is_the_grey_value(rng):
    n = 100_000
    x = np.broadcast_to(np.array([0, 0.1, 0.5, 0.9, 1], dtype=np.float32), (n, 5))
    found = binarize(x, rng)
    assert found.dtype == np.float32 and set(np.unique(found)) == {0, 1}
    assert found[:, 0].max() == 0 and found[:, 4].min() == 1
    assert (np.abs(found.mean(axis=0) - x[0]) < 5 * 0.5 / np.sqrt(n)).all()


def test_every_draw_is_another_one(rng):
    x = np.full((10, 10), 0.5, dtype=np.float32)
    assert not np.array_equal(binarize(x, rng), binarize(x, rng))
    assert np.array_equal(binarize(x, np.random.default_rng(1)), binarize(x, np.random.default_rng(1)))


class Zeros(np.random.Generator):
    """A generator that returns the smallest number that a generator can draw."""

    def random(self, shape, dtype):
        return np.zeros(shape, dtype)


def test_a_black_pixel_stays_black_whatever_is_drawn():
    assert binarize(np.array([[0.0, 0.1]], dtype=np.float32), Zeros(np.random.PCG64())).tolist() == [[0, 1]]

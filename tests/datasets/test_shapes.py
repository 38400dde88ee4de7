"""Proves that an image shows the factors from which it was generated.

These tests would catch across and down exchanged, a triangle that is off-centre, and the factors of another image.
"""

import colorsys

import numpy as np
import pytest

from npvae.datasets import load_shapes
from npvae.datasets.shapes import KINDS, SIDE, draw_factors, render


@pytest.mark.parametrize("kind, area", [(0, np.pi), (1, 4.0), (2, 2.0)], ids=KINDS)
def test_size_and_place(kind, area):
    factors = {name: np.array([value]) for name, value in
               {"shape": kind, "hue": 0.0, "size": 10.0, "across": 20.3, "down": 41.7}.items()}  # fmt: skip
    image = render(factors)
    assert image.shape == (1, SIDE, SIDE, 3) and image.dtype == np.float32
    covered = image[0, :, :, 0]
    assert covered.sum() == pytest.approx(area * 100, rel=0.02)
    rows, columns = np.nonzero(covered > 0.5)
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(20.3, abs=0.8)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(41.7, abs=0.8)
    assert columns.max() - columns.min() + 1 == pytest.approx(20, abs=1.1)
    assert rows.max() - rows.min() + 1 == pytest.approx(20, abs=1.1)


def test_hue(rng):
    factors = draw_factors(50, rng)
    brightest = render(factors).reshape(50, -1, 3).max(axis=1)
    assert np.allclose(brightest, [colorsys.hsv_to_rgb(hue, 1, 1) for hue in factors["hue"]], atol=1e-6)


def test_the_data_set():
    data = load_shapes(N=40)
    assert data.x_train.shape == (40, 64 * 64 * 3) and data.x_test.shape == (10, 64 * 64 * 3)
    assert data.image_shape == (64, 64, 3) and 0 <= data.x_train.min() and data.x_train.max() <= 1
    assert np.array_equal(data.x_test.reshape(-1, 64, 64, 3), render(data.factors_test))
    assert np.array_equal(data.y_test, data.factors_test["shape"]) and set(data.y_train) == {0, 1, 2}
    assert load_shapes(N=40).fingerprint() == data.fingerprint() != load_shapes(N=40, seed=1).fingerprint()
    assert not np.array_equal(data.x_train[:10], data.x_test)


def test_nothing_is_cut_off(rng):
    images = render(draw_factors(200, rng))
    assert images[:, [0, -1]].max() == 0 and images[:, :, [0, -1]].max() == 0


def test_the_sides_of_a_triangle_are_straight_and_one_pixel_smooth():
    """Halfway up, a triangle is half as wide. Across a side of slope 2, the covered share c falls from 1 to 0 within
    √5/2 pixels, so c (1 − c) adds up to a sixth of that on each of the two sides. The test averages over 20 places."""
    n = 20
    factors = {"shape": [2] * n, "hue": [0.0] * n, "size": [13.0] * n, "down": [32.0] * n}
    factors["across"] = 32 + np.arange(n) / n
    covered = render({name: np.array(values) for name, values in factors.items()})[..., 0]
    assert covered[:, 31:33].sum(axis=2).mean() == pytest.approx(13, abs=0.05)
    smooth = (covered * (1 - covered))[:, 25:40].sum(axis=2).mean()
    assert smooth == pytest.approx(2 * np.sqrt(5) / 2 / 6, rel=0.02)

"""Proves that the 256 probabilities add up to one, and keep their digits where a difference of numbers near 1 has none.

These tests would catch an outermost bin that does not reach to infinity, bins of the wrong width, and ln 0.
"""

import numpy as np
import pytest

from npvae.probability import DiscretizedLogistic

X = (np.arange(256) / 255)[:, None]


@pytest.mark.parametrize("mu", [-0.5, 0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("log_scale", [-7.0, -4.0, -1.0, 2.0])
def test_the_probabilities_add_up_to_one(mu, log_scale):
    distribution = DiscretizedLogistic(np.full_like(X, mu), log_scale)
    assert np.exp(distribution.log_prob(X).data).sum() == pytest.approx(1, abs=1e-12)


def test_they_are_differences_of_the_distribution_function():
    mu, s = 0.4, 0.1
    F = lambda t: 1 / (1 + np.exp(-(t - mu) / s))  # noqa: E731
    edges = np.concatenate([[0], F(X[1:, 0] - 0.5 / 255), [1]])
    found = np.exp(DiscretizedLogistic(np.full_like(X, mu), np.log(s)).log_prob(X).data)
    assert np.allclose(found, np.diff(edges), rtol=1e-10)


def test_far_from_the_mean_the_logarithm_is_a_straight_line():
    """For x − μ ≫ s, P(x) ≈ e^−(x − μ)/s · 2 sinh(h/s), while F(x + h) − F(x − h) rounds to 1 − 1."""
    s = 0.001
    log_p = DiscretizedLogistic(np.zeros_like(X), np.log(s)).log_prob(X).data
    far = slice(60, 255)
    expected = -X[far, 0] / s + np.log(2 * np.sinh(0.5 / 255 / s))
    assert np.allclose(log_p[far], expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows(dtype):
    x = X.astype(dtype)
    for log_scale in (-30, -8, 0, 30):
        log_p = DiscretizedLogistic(np.full_like(x, 0.5), dtype(log_scale)).log_prob(x).data
        assert log_p.dtype == dtype and not np.isnan(log_p).any() and (log_p <= 1e-6).all()


def test_in_float32_it_has_the_digits_of_float32():
    found, exact = (
        DiscretizedLogistic(np.full_like(X, 0.3).astype(dtype), dtype(-3)).log_prob(X.astype(dtype)).data
        for dtype in (np.float32, np.float64)
    )
    assert np.allclose(found, exact, rtol=2e-6)


def test_the_mean_is_a_grey_value():
    assert DiscretizedLogistic(np.array([-1.0, 0.3, 2.0]), 0.0).mean.tolist() == [0.0, 0.3, 1.0]

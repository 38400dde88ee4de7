"""Proves that batch normalization gives every channel the promised mean and standard deviation, and keeps its digits.

These tests would catch a variance with M − 1 in the denominator, moments over the wrong axes, and sums in float32 that
lose their digits. tests/gradchecks/test_gradchecks.py proves that its derivative is right.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor, ops
from npvae.autodiff.normalization import batch_moments, batch_norm


@pytest.mark.parametrize("shape", [(13, 5), (7, 3, 2, 5)])
def test_batch_norm_gives_every_channel_its_mean_and_its_width(rng, shape):
    x = rng.normal(3, 4, shape)
    gamma, beta = rng.uniform(1, 2, 5), rng.standard_normal(5)
    y = batch_norm(x, gamma, beta, eps=0.0).data.reshape(-1, 5)
    assert np.allclose(y.mean(axis=0), beta, atol=1e-12)
    assert np.allclose(y.std(axis=0), gamma, rtol=1e-12)


def test_batch_norm_is_the_composition_that_it_replaces(rng):
    arrays, dy = [rng.standard_normal(shape) for shape in ((13, 5), (5,), (5,))], rng.standard_normal((13, 5))

    def composed(x, gamma, beta):
        d = x - x.mean(axis=0)
        return gamma * d / ops.sqrt(ops.square(d).mean(axis=0) + 1e-5) + beta

    values, gradients = [], []
    for f in (batch_norm, composed):
        leaves = [Tensor(a, requires_grad=True) for a in arrays]
        y = f(*leaves)
        y.backward(dy)
        values.append(y.data)
        gradients.append([leaf.grad for leaf in leaves])
    assert np.allclose(*values, atol=1e-12)
    assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(*gradients))


def test_the_moments_of_a_million_numbers_far_from_zero_keep_their_digits(rng):
    """In float32, E[x²] − m² would lose all digits, and a single sum of a million numbers would lose 1.5."""
    x = (1000 + rng.standard_normal((250, 64, 64, 1))).astype(np.float32)
    mean, variance = batch_moments(x)
    exact = x.astype(np.float64)
    assert mean == pytest.approx(exact.mean(), rel=1e-6) and variance == pytest.approx(exact.var(), rel=1e-4)

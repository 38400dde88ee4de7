"""Proves the change of variables on a map whose density is known, and on one whose density is not.

It would catch a transposed Jacobian, one of another example, and a determinant with the wrong sign.
"""

import numpy as np
import pytest

from npvae.probability import DiagonalGaussian, jacobian, pushed_log_prob, reparameterize, ring


def test_a_reparameterized_draw_has_the_density_of_its_gaussian(rng):
    """ln q(z | x) = ln p(ε) − ln |det ∂z/∂ε| equals log_prob."""
    mu, logvar, eps = rng.standard_normal((3, 11, 5))
    z, log_q = pushed_log_prob(lambda e: mu + e * np.exp(0.5 * logvar), eps)
    assert np.allclose(z, reparameterize.raw(mu, logvar, eps)[0])
    assert np.abs(log_q - DiagonalGaussian(mu, logvar).log_prob(z).data).max() < 1e-12


def test_a_full_matrix(rng):
    """z = ε A has the covariance AᵀA: compare with the density of the multivariate Gaussian."""
    A, eps = rng.standard_normal((3, 3)), rng.standard_normal((11, 3))
    z, log_q = pushed_log_prob(lambda e: e @ A, eps)
    precision = np.linalg.inv(A.T @ A)
    expected = -0.5 * (np.einsum("ni,ij,nj->n", z, precision, z) + np.linalg.slogdet(2 * np.pi * A.T @ A)[1])
    assert np.allclose(log_q, expected)


def test_jacobian_is_row_by_output(rng):
    A, x = rng.standard_normal((3, 2)), rng.standard_normal((11, 3))
    assert np.allclose(jacobian(lambda e: e @ A, x), np.broadcast_to(A.T, (11, 2, 3)))


def test_the_ring(rng):
    z = ring(rng.standard_normal((1000, 2))).data
    radius = np.linalg.norm(z, axis=1)
    assert radius.min() >= 1 and radius.max() < 1.6
    assert ring(np.array([[3.0, 4.0]])).data.tolist() == [pytest.approx([0.9, 1.2])]


def test_the_density_of_the_ring_integrates_to_one(rng):
    """Sum over a grid of ε in polar coordinates: the density at z, times the area of the cell's image."""
    r, angle = np.linspace(0.01, 6, 400), 0.3
    eps = r[:, None] * [np.cos(angle), np.sin(angle)]
    z, log_q = pushed_log_prob(ring, eps)
    radius = np.linalg.norm(z, axis=1)
    assert np.trapezoid(np.exp(log_q) * 2 * np.pi * radius, radius) == pytest.approx(1, abs=1e-3)

"""Proves that the posterior on a grid equals the true one, if that is known, and that a ring's is not Gaussian."""

import numpy as np
import pytest

from npvae.models import VAE, ProbabilisticPCA
from npvae.probability import DiagonalGaussian, grid_posterior, refine, ring


def test_on_the_oracle_it_is_exact(rng):
    oracle = ProbabilisticPCA.random(5, 2, rng)
    x = oracle.sample(1, rng)
    found = grid_posterior(x[0], oracle.decode, extent=6, side=300)
    assert found.log_likelihood == pytest.approx(oracle.log_likelihood(x)[0], abs=1e-6)
    expected = DiagonalGaussian(*(np.tile(p, (300 * 300, 1)) for p in oracle_parameters(oracle, x)))
    log_p = expected.log_prob(found.z.reshape(-1, 2)).data
    assert np.abs(found.log_density.ravel() - log_p)[log_p > -20].max() < 1e-5
    assert found.z[0, -1].tolist() == pytest.approx([5.98, -5.98])       # z₁ to the right, z₂ upwards


def test_a_model_in_float32(rng):
    model = VAE(9, 2, [7], rng)
    x = rng.random((1, 9)).astype(np.float32)
    found = grid_posterior(x[0], model.decode, extent=5)
    assert found.log_likelihood == pytest.approx(model.importance_sampling(x, rng, 20_000).log_likelihood[0], abs=0.02)


def oracle_parameters(oracle, x):
    q = oracle.posterior(x)
    return q.mu, q.logvar


def test_the_best_gaussian_of_a_ring_is_worse_than_the_posterior(rng):
    decode = lambda z: DiagonalGaussian(ring(z), float(np.log(0.1)))  # noqa: E731
    x = np.array([[0.8, 0.8]])
    exact = grid_posterior(x[0], decode)
    q = refine(x, DiagonalGaussian(np.ones((1, 2)), np.zeros((1, 2))), decode, rng, 500, 0.02, samples=50)
    area = np.prod(exact.z[1, 1] - exact.z[0, 0])
    log_q = q.log_prob(exact.z.reshape(-1, 2)).data.reshape(exact.log_density.shape)
    divergence = (np.exp(log_q) * (log_q - exact.log_density)).sum() * area
    assert 0.05 < divergence < 1

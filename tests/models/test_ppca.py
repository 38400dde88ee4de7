"""Proves that the oracle is right: its likelihood, posterior and ELBO agree with each other, and with other formulas.

If the oracle were wrong, every test that compares with it would be worthless.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.models import ProbabilisticPCA
from npvae.probability import DiagonalGaussian

D, LATENT = 7, 3


@pytest.fixture
def oracle(rng):
    return ProbabilisticPCA.random(D, LATENT, rng)


def test_the_likelihood_is_that_of_the_full_gaussian(oracle, rng):
    x = oracle.sample(11, rng)
    covariance = oracle.W @ oracle.W.T + np.exp(oracle.logvar) * np.eye(D)
    r = x - oracle.b
    distance = np.einsum("nd,de,ne->n", r, np.linalg.inv(covariance), r)
    expected = -0.5 * (D * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + distance)
    assert np.allclose(oracle.log_likelihood(x), expected, atol=1e-10)


def test_bayes_rule(oracle, rng):
    """ln p(x | z) + ln p(z) − ln p(z | x) is ln p(x) for every z."""
    x, z = oracle.sample(11, rng), rng.standard_normal((11, LATENT))
    log_joint = oracle.decode(z).log_prob(x) + DiagonalGaussian(np.zeros_like(z), 0.0).log_prob(z)
    assert np.allclose((log_joint - oracle.posterior(x).log_prob(z)).data, oracle.log_likelihood(x), atol=1e-10)


def test_the_elbo_and_the_divergence_from_the_posterior_add_up_to_the_likelihood(oracle, rng):
    """ln p(x) = ELBO + KL(q ‖ p(z | x)), for any q, to 1e-9; at the true posterior the divergence is zero."""
    x = oracle.sample(11, rng)
    q = DiagonalGaussian(*(Tensor(rng.standard_normal((11, LATENT))) for _ in range(2)))
    gap = q.kl_divergence(oracle.posterior(x)).data
    assert np.abs(oracle.elbo(x, q).elbo.data + gap - oracle.log_likelihood(x)).max() < 1e-9
    assert (gap > 0.1).all()
    assert np.abs(oracle.elbo(x, oracle.posterior(x)).elbo.data - oracle.log_likelihood(x)).max() < 1e-9


def test_samples_have_the_mean_and_the_covariance_of_the_model(oracle, rng):
    n = 100_000
    x = oracle.sample(n, rng)
    covariance = oracle.W @ oracle.W.T + np.exp(oracle.logvar) * np.eye(D)
    width = np.sqrt(np.diag(covariance))
    assert (np.abs(x.mean(axis=0) - oracle.b) < 5 * width / np.sqrt(n)).all()
    assert (np.abs(np.cov(x.T) - covariance) < 5 * np.outer(width, width) * np.sqrt(2 / n)).all()


def test_fit_finds_the_maximum_of_the_likelihood(oracle, rng):
    x = oracle.sample(20_000, rng)
    fitted = ProbabilisticPCA.fit(x, LATENT)
    best = fitted.log_likelihood(x).mean()
    assert best > oracle.log_likelihood(x).mean()
    assert fitted.logvar == pytest.approx(oracle.logvar, abs=0.02)
    for change in (0.97, 1.03):
        assert ProbabilisticPCA(fitted.W * change, fitted.b, fitted.logvar).log_likelihood(x).mean() < best
        assert ProbabilisticPCA(fitted.W, fitted.b * change, fitted.logvar).log_likelihood(x).mean() < best
        assert ProbabilisticPCA(fitted.W, fitted.b, fitted.logvar + np.log(change)).log_likelihood(x).mean() < best


@pytest.mark.parametrize("sigma2", [1e-4, 1e-6])
def test_a_small_noise_is_found_beside_large_directions(rng, sigma2):
    """In float32, the noise would be the rounding error of 10,000 − 10,000."""
    directions = np.linalg.qr(rng.standard_normal((20, 3)))[0] * [100, 50, 30]
    x = ProbabilisticPCA(directions, np.zeros(20), np.log(sigma2)).sample(5000, rng)
    assert np.exp(ProbabilisticPCA.fit(x, 3).logvar) == pytest.approx(sigma2, rel=0.03)


def test_what_is_refused(rng):
    with pytest.raises(UserError, match="not orthogonal"):
        ProbabilisticPCA(rng.standard_normal((D, LATENT)), np.zeros(D), 0.0)
    with pytest.raises(UserError, match="the latent dimension is 7, expected less than the 7"):
        ProbabilisticPCA.fit(rng.standard_normal((20, D)), D)

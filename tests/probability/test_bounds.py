"""Proves that the bounds are bounds, on a model for which everything is known: the exact oracle.

With a linear decoder and Gaussian noise, p(z) = N(0, I), p(x | z) = N(W z + b, σ² I), the VAE is probabilistic PCA
(Tipping and Bishop, 1999), and both the likelihood and the posterior are known:

    p(x) = N(b, W Wᵀ + σ² I),    p(z | x) = N(M⁻¹ Wᵀ (x − b), σ² M⁻¹),    M = Wᵀ W + σ² I.

With orthogonal columns of W, M is diagonal, and the posterior is one that a diagonal Gaussian can be. It would catch a
KL with the wrong sign or without its ½, a mean where there should be a sum, and weights without the prior or q.
"""

import numpy as np

from npvae.autodiff import Tensor
from npvae.probability import DiagonalGaussian, active_units, elbo, importance_log_likelihood

N, D, LATENT = 11, 7, 3
SIGMA2 = 0.3


class Oracle:
    """Probabilistic PCA with orthogonal W, and some data drawn from it."""

    def __init__(self):
        rng = np.random.default_rng(0)
        directions, _ = np.linalg.qr(rng.standard_normal((D, LATENT)))
        self.W, self.b = directions * [2.0, 1.0, 0.5], rng.standard_normal(D)
        self.x = rng.standard_normal((N, LATENT)) @ self.W.T + self.b + np.sqrt(SIGMA2) * rng.standard_normal((N, D))

    def decode(self, z):
        return DiagonalGaussian(z @ self.W.T + self.b, float(np.log(SIGMA2)))

    def log_likelihood(self):
        covariance = self.W @ self.W.T + SIGMA2 * np.eye(D)
        r = self.x - self.b
        mahalanobis = np.sum(r @ np.linalg.inv(covariance) * r, axis=1)
        return -0.5 * (D * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + mahalanobis)

    def posterior(self, shift=0.0):
        """The true posterior; with a shift, a wrong one."""
        M = self.W.T @ self.W + SIGMA2 * np.eye(LATENT)
        mu = (self.x - self.b) @ self.W @ np.linalg.inv(M)
        logvar = np.broadcast_to(np.log(SIGMA2 / np.diag(M)), (N, LATENT))
        return DiagonalGaussian(Tensor(mu + shift), Tensor(logvar + shift))


ORACLE = Oracle()


def test_with_the_true_posterior_importance_sampling_is_exact():
    """All weights p(x, z) / p(z | x) equal p(x), so one sample is enough, and there is no variance."""
    for K in (1, 10):
        found = importance_log_likelihood(ORACLE.x, ORACLE.posterior(), ORACLE.decode, np.random.default_rng(0), K)
        assert np.allclose(found, ORACLE.log_likelihood(), atol=1e-9)


def test_the_elbo_at_the_true_posterior_is_the_log_likelihood():
    """ELBO = ln p(x) − KL(q ‖ p(z | x)). The KL is in closed form here, so only the reconstruction is random."""
    L = 20_000
    bound = elbo(ORACLE.x, ORACLE.posterior(), ORACLE.decode, np.random.default_rng(0), L)
    z = ORACLE.posterior().rsample(np.random.default_rng(1), L)
    samples = ORACLE.decode(z.reshape(L * N, LATENT)).log_prob(np.tile(ORACLE.x, (L, 1))).data.reshape(L, N)
    standard_error = samples.std(axis=0) / np.sqrt(L)
    assert (np.abs(bound.elbo.data - ORACLE.log_likelihood()) < 5 * standard_error).all()


def test_the_gap_of_a_wrong_posterior_is_its_divergence_from_the_true_one():
    L = 20_000
    q = ORACLE.posterior(shift=0.7)
    bound = elbo(ORACLE.x, q, ORACLE.decode, np.random.default_rng(0), L).elbo.data
    gap = q.kl_divergence(ORACLE.posterior()).data
    assert (gap > 0.5).all()
    assert (bound < ORACLE.log_likelihood()).all()
    assert np.allclose(ORACLE.log_likelihood() - bound, gap, rtol=0.05)


def test_more_samples_inside_the_logarithm_tighten_the_bound():
    """E ln (1/K) Σ w_k rises with K towards ln p(x); the means over 2,000 repetitions, 5 standard errors apart."""
    q, repetitions = ORACLE.posterior(shift=0.7), 2000
    repeated = np.tile(ORACLE.x[:1], (repetitions, 1))
    q = DiagonalGaussian(*(Tensor(np.tile(t.data[:1], (repetitions, 1))) for t in (q.mu, q.logvar)))
    exact, means, errors = ORACLE.log_likelihood()[0], [], []
    for K in (1, 5, 50):
        found = importance_log_likelihood(repeated, q, ORACLE.decode, np.random.default_rng(K), K)
        means.append(found.mean())
        errors.append(found.std() / np.sqrt(repetitions))
    assert means[0] + 5 * errors[0] < means[1] and means[1] + 5 * errors[1] < means[2]
    assert means[2] < exact + 5 * errors[2]
    assert exact - means[2] < 0.1 * (exact - means[0])


def test_importance_sampling_converges_to_the_log_likelihood():
    q = ORACLE.posterior(shift=0.3)
    found = importance_log_likelihood(ORACLE.x, q, ORACLE.decode, np.random.default_rng(0), 20_000, chunk=1000)
    assert np.allclose(found, ORACLE.log_likelihood(), atol=0.05)


def test_the_chunks_do_not_matter():
    q = ORACLE.posterior(shift=0.3)
    a, b = (
        importance_log_likelihood(ORACLE.x, q, ORACLE.decode, np.random.default_rng(0), 60, chunk) for chunk in (60, 7)
    )
    assert np.allclose(a, b, rtol=1e-12)


def test_the_elbo_with_L_samples_is_the_mean_of_L_bounds():
    q, L = ORACLE.posterior(shift=0.3), 5
    bound = elbo(ORACLE.x, q, ORACLE.decode, np.random.default_rng(0), L)
    rng = np.random.default_rng(0)
    singles = [elbo(ORACLE.x, q, ORACLE.decode, rng) for _ in range(L)]
    assert np.allclose(bound.elbo.data, np.mean([single.elbo.data for single in singles], axis=0))
    assert bound.reconstruction.shape == bound.kl.shape == (N,)


def test_importance_weights_are_added_in_float64():
    x = ORACLE.x.astype(np.float32)
    q = ORACLE.posterior()
    q = DiagonalGaussian(*(Tensor(t.data.astype(np.float32)) for t in (q.mu, q.logvar)))
    W, b = ORACLE.W.astype(np.float32), ORACLE.b.astype(np.float32)
    decode = lambda z: DiagonalGaussian(z @ W.T + b, float(np.log(SIGMA2)))  # noqa: E731
    found = importance_log_likelihood(x, q, decode, np.random.default_rng(0), 20_000, chunk=10)
    assert found.dtype == np.float64
    assert np.allclose(found, ORACLE.log_likelihood(), atol=1e-5)         # 2,000 partial sums lose no digits


def test_active_units(rng):
    means = rng.standard_normal((1000, 3)) * [1.0, 0.2, 0.05]            # variances 1, 0.04, 0.0025
    assert active_units(means).tolist() == [True, True, False]

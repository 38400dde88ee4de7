"""Proves that the bounds are bounds, on probabilistic PCA, the model whose likelihood and posterior are known.

These tests would catch a KL with the wrong sign or without its ½, a mean in place of a sum, weights without the prior
or q, and an estimate that does not rise with K, or does not converge to ln p(x).
"""

import numpy as np
import pytest

from npvae import runtime
from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.models import ProbabilisticPCA
from npvae.probability import DiagonalGaussian, active_units, bounds, elbo, importance_sampling, iwae_bound, log_weights

N, D, LATENT = 11, 7, 3
ORACLE = ProbabilisticPCA.random(D, LATENT, np.random.default_rng(0))
X = ORACLE.sample(N, np.random.default_rng(1))
EXACT = ORACLE.log_likelihood(X)


def posterior(shift=0.0, dtype=np.float64):
    """Return the true posterior, or with a shift a wrong one."""
    q = ORACLE.posterior(X)
    return DiagonalGaussian(*(Tensor((a + shift).astype(dtype)) for a in (q.mu, q.logvar)))


def estimate(q, samples, seed=0):
    return importance_sampling(X, q, ORACLE.decode, np.random.default_rng(seed), samples)


def test_the_elbo_at_the_true_posterior_is_the_log_likelihood():
    """Every weight p(x, z) / p(z | x) is p(x): one sample is enough, because there is no variance."""
    for K in (1, 10):
        log_w = log_weights(X, posterior(), ORACLE.decode, np.random.default_rng(0), K)
        assert np.abs(log_w.data - EXACT).max() < 1e-9
        assert np.abs(iwae_bound(log_w).data - EXACT).max() < 1e-9
        found = estimate(posterior(), K)
        assert np.abs(found.log_likelihood - EXACT).max() < 1e-9
        assert np.allclose(found.effective_sample_size, K)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_sampled_elbo_is_the_exact_one_within_its_standard_error(shift):
    L = 20_000
    q = posterior(shift)
    exact = ORACLE.elbo(X, q)
    bound = elbo(X, q, ORACLE.decode, np.random.default_rng(0), L)
    z = q.rsample(np.random.default_rng(1), L)
    samples = bounds.log_likelihood_of_samples(X, z, ORACLE.decode).data
    standard_error = samples.std(axis=0) / np.sqrt(L)
    assert (np.abs(bound.reconstruction.data - exact.reconstruction.data) < 5 * standard_error).all()
    assert np.allclose(bound.kl.data, exact.kl.data)


def test_more_samples_inside_the_logarithm_tighten_the_bound():
    """E ln (1/K) Σ w_k rises with K towards ln p(x): means over 2,000 repetitions are 5 standard errors apart."""
    repetitions = 2000
    x = np.tile(X[:1], (repetitions, 1))
    q = posterior(0.7)
    q = DiagonalGaussian(*(Tensor(np.tile(t.data[:1], (repetitions, 1))) for t in (q.mu, q.logvar)))
    means, errors = [], []
    for K in (1, 5, 50):
        found = iwae_bound(log_weights(x, q, ORACLE.decode, np.random.default_rng(K), K)).data
        means.append(found.mean())
        errors.append(found.std() / np.sqrt(repetitions))
    assert means[0] + 5 * errors[0] < means[1] and means[1] + 5 * errors[1] < means[2]
    assert means[2] < EXACT[0] + 5 * errors[2]
    assert EXACT[0] - means[2] < 0.1 * (EXACT[0] - means[0])


def test_importance_sampling_is_within_its_own_standard_error():
    """The effective sample size gives the standard error of the mean weight w̄ = p(x): σ²(w)/w̄² = K/ESS − 1."""
    K = 20_000
    found = estimate(posterior(0.3), K)
    relative = np.sqrt((K / found.effective_sample_size - 1) / K)
    assert (np.abs(np.exp(found.log_likelihood - EXACT) - 1) < 4.5 * relative).all()     # 1 false alarm in 13,000
    assert (relative < 0.02).all() and (found.effective_sample_size < K).all()


def noise_of(counts, seed=0):
    """The noise of importance sampling, in which every block of samples has its own generator."""
    seeds = np.random.default_rng(seed).integers(2**63, size=len(counts))
    blocks = [np.random.default_rng(s).standard_normal((count, N, LATENT)) for s, count in zip(seeds, counts)]
    return np.concatenate(blocks)


def test_with_the_prior_as_q_importance_sampling_is_naive_monte_carlo(monkeypatch):
    monkeypatch.setattr(bounds, "CODES", 100 * N + 3)
    prior = DiagonalGaussian(np.zeros((N, LATENT)), np.zeros((N, LATENT)))
    found = importance_sampling(X, prior, ORACLE.decode, np.random.default_rng(0), 250)
    z = noise_of([100, 100, 50])
    naive = np.log(np.exp(bounds.log_likelihood_of_samples(X, Tensor(z), ORACLE.decode).data).mean(axis=0))
    assert np.allclose(found.log_likelihood, naive)


def test_memory_does_not_grow_with_the_number_of_samples(monkeypatch, rng):
    """Every share keeps one running sum, however many blocks of samples it adds up."""
    counts = []
    monkeypatch.setattr(bounds, "share_out", lambda f, shares: counts.append(len(shares)) or list(map(f, shares)))
    N = bounds.CODES                                         # so that each block is one sample
    q = DiagonalGaussian(np.zeros((N, 1)), np.zeros((N, 1)))
    bounds.importance_sampling(np.zeros((N, 2)), q, lambda z: DiagonalGaussian(z @ np.ones((1, 2)), 0.0), rng, 50)
    assert counts == [bounds.PARTS]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_blocks_are_put_together_whatever_the_threads(monkeypatch, threads):
    """Blocks of seven samples and all weights at once give the same mean and the same (Σ w)² / Σ w²."""
    monkeypatch.setattr(bounds, "CODES", 7 * N)
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    q = posterior(0.3)
    found = estimate(q, 60)
    z = q.mean + np.exp(q.logvar.data / 2) * noise_of([7] * 8 + [4])
    w = np.exp(bounds.log_weight(X, Tensor(z), ORACLE.decode, q).data)
    assert np.allclose(found.log_likelihood, np.log(w.mean(axis=0)), rtol=1e-12)
    assert np.allclose(found.effective_sample_size, w.sum(axis=0) ** 2 / (w**2).sum(axis=0))


def test_the_gradient_of_the_iwae_bound_weighs_by_the_normalized_weights(rng):
    log_w = Tensor(rng.standard_normal((5, 3)), requires_grad=True)
    iwae_bound(log_w).sum().backward()
    w = np.exp(log_w.data)
    assert np.allclose(log_w.grad, w / w.sum(axis=0))


def test_the_elbo_with_L_samples_is_the_mean_of_L_bounds():
    q, L = posterior(0.3), 5
    bound = elbo(X, q, ORACLE.decode, np.random.default_rng(0), L)
    rng = np.random.default_rng(0)
    singles = [elbo(X, q, ORACLE.decode, rng) for _ in range(L)]
    assert np.allclose(bound.elbo.data, np.mean([single.elbo.data for single in singles], axis=0))
    assert bound.reconstruction.shape == bound.kl.shape == (N,)


def test_importance_sampling_has_few_codes_in_memory_at_once():
    decoded = []
    decode = lambda z: decoded.append(len(z.data)) or ORACLE.decode(z)  # noqa: E731
    importance_sampling(X, posterior(), decode, np.random.default_rng(0), 1000)
    assert max(decoded) <= bounds.CODES and sum(decoded) == 1000 * N
    assert bounds.CODES * 784 * 4 < 10e6                      # bytes for MNIST's logits, in each thread


def test_importance_weights_are_added_in_float64():
    W, b = ORACLE.W.astype(np.float32), ORACLE.b.astype(np.float32)
    decode = lambda z: DiagonalGaussian(z @ W.T + b, ORACLE.logvar)  # noqa: E731
    q, x = posterior(dtype=np.float32), X.astype(np.float32)
    found = importance_sampling(x, q, decode, np.random.default_rng(0), 20_000).log_likelihood
    assert found.dtype == np.float64
    assert np.allclose(found, EXACT, atol=1e-5)             # about 200 partial sums lose no digits


@pytest.mark.parametrize("samples", [0, -1])
def test_without_samples_there_is_no_bound(samples, rng):
    for f in (elbo, log_weights, importance_sampling):
        with pytest.raises(UserError, match=f"the number of samples is {samples}, expected at least 1"):
            f(X, posterior(), ORACLE.decode, rng, samples=samples)


def test_active_units(rng):
    means = rng.standard_normal((1000, 3)) * [1.0, 0.2, 0.05]            # variances 1, 0.04, 0.0025
    assert active_units(means).tolist() == [True, True, False]

"""The evidence lower bound, and estimates of the log-likelihood itself.

For any distribution q(z | x), Jensen's inequality gives

    ln p(x) = ln E_q [p(x | z) p(z) / q(z | x)]  ≥  E_q [ln p(x | z)] − KL(q(z | x) ‖ p(z))  =  ELBO,

and the gap is KL(q(z | x) ‖ p(z | x)). The first term is the reconstruction, estimated with samples of q; for Gaussians
the second is known in closed form. With more samples inside the logarithm the bound is tighter, and tends to ln p(x) as
their number K grows:

    ln p(x) ≥ E ln (1/K) Σ_k w_k,    w_k = p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x).

As an objective, this is the bound of the importance-weighted autoencoder; as a measurement, it is importance sampling.
With q = p(z) it is the naive Monte Carlo estimate, the mean of p(x | z_k) over the prior.

The arguments: x, an array (N, D); q = q(z | x), a DiagonalGaussian (N, latent_dim); `decode`, a function from z, a
Tensor or array (M, latent_dim), to p(x | z), a distribution (M, D); and rng, the numpy Generator of ε.

Sources: Kingma and Welling (2014), eq. 3 and 10; Burda, Grosse, Salakhutdinov (2016), eq. 8.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..autodiff import Tensor, no_grad, ops
from ..errors import UserError
from ..runtime import parts, share_out
from .gaussian import DiagonalGaussian

CODES = 1600  # that `importance_sampling` decodes at once in each thread
PARTS = 16  # of its samples, each for one thread


class ELBO(NamedTuple):
    """The two terms of the bound, in nats, for each example: Tensors (N,). `elbo` is their difference."""

    reconstruction: Tensor  # E_q ln p(x | z): higher is better
    kl: Tensor  # KL(q(z | x) ‖ p(z)) ≥ 0

    @property
    def elbo(self):
        """reconstruction − KL ≤ ln p(x)."""
        return self.reconstruction - self.kl


def require_samples(samples):
    """Raise UserError unless there is at least one sample."""
    if samples < 1:
        raise UserError(f"the number of samples is {samples}, expected at least 1")


def log_likelihood_of_samples(x, z, decode):
    """Return ln p(x_n | z_kn) for K codes of each example, z (K, N, latent_dim): a Tensor (K, N), in nats.

    x: (N, D); or (K, N, D), already repeated for each of the K codes.
    """
    K, N, latent_dim = z.shape
    repeated = np.broadcast_to(x, (K, N, x.shape[-1])).reshape(K * N, -1)
    return decode(z.reshape(K * N, latent_dim)).log_prob(repeated).reshape(K, N)


def expected_log_likelihood(x, q, decode, rng, samples):
    """Estimate E_q ln p(x | z) by 1/L Σ_l ln p(x | z_l) with L reparameterized samples: a Tensor (N,), in nats.

    Raises UserError for L < 1.
    """
    require_samples(samples)
    z = q.rsample(rng, samples)                                          # (L, N, latent_dim), z_l = μ + σ ⊙ ε_l
    return log_likelihood_of_samples(x, z, decode).mean(axis=0)


def elbo(x, q, decode, rng, samples=1):
    """Return the evidence lower bound of ln p(x), with the KL in closed form and L reparameterized samples.

        ELBO = 1/L Σ_l ln p(x | z_l) − KL(q(z | x) ‖ N(0, I)),    z_l = μ + σ ⊙ ε_l

    samples   L

    Returns an `ELBO`. Raises UserError for L < 1. Source: Kingma and Welling (2014), eq. 7 (their estimator B) and 10.
    """
    return ELBO(expected_log_likelihood(x, q, decode, rng, samples), q.kl_divergence())


def standard_normal_like(q):
    """Return the prior N(0, I), in the shape and dtype of q."""
    return DiagonalGaussian(np.zeros_like(q.mean), 0.0)


def log_weight(x, z, decode, q):
    """Return ln w = ln p(x | z) + ln p(z) − ln q(z | x) for codes z (K, N, latent_dim): a Tensor (K, N), in nats."""
    return log_likelihood_of_samples(x, z, decode) + standard_normal_like(q).log_prob(z) - q.log_prob(z)


def log_weights(x, q, decode, rng, samples):
    """Return ln w_k for K reparameterized samples z_k of q: a Tensor (K, N), in nats. Raises UserError for K < 1."""
    require_samples(samples)
    return log_weight(x, q.rsample(rng, samples), decode, q)


def iwae_bound(log_w):
    """Return ln (1/K) Σ_k w_k from the log weights, a Tensor (K, N): a Tensor (N,), in nats.

    Its derivative with respect to ln w_k is w_k / Σ_j w_j: a sample counts in the gradient as much as in the bound.
    Source: Burda, Grosse, Salakhutdinov (2016), eq. 8, 13 and 14.
    """
    return ops.logsumexp(log_w, axis=0) - float(np.log(len(log_w)))


class ImportanceSampling(NamedTuple):
    """What K importance samples say about each example: two arrays (N,) in float64."""

    log_likelihood: np.ndarray  # ln (1/K) Σ_k w_k, in nats: in expectation a lower bound of ln p(x)
    effective_sample_size: np.ndarray  # (Σ_k w_k)² / Σ_k w_k²: 1 if one weight outweighs all others, K if all are equal


def importance_sampling(x, q, decode, rng, samples):
    """Estimate ln p(x) by importance sampling with K samples: an `ImportanceSampling`.

    Each thread draws a few samples at a time, so that it decodes about 1,600 codes (CODES) at once, and keeps running
    logarithms of Σ w and Σ w²: memory does not grow with K, and no weight overflows. The threads call `decode` at the
    same time. Each block of samples draws its noise from its own seed, so it is the same in any thread.

    Raises UserError for K < 1.
    Source: Burda, Grosse, Salakhutdinov (2016), eq. 8; for the effective sample size, Kong, Liu, Wong (1994).
    """
    require_samples(samples)
    N = len(x)
    few = min(samples, max(1, CODES // max(1, N)))                       # samples decoded at once
    counts = np.diff([*range(0, samples, few), samples])
    seeds = rng.integers(2**63, size=len(counts))
    x = np.repeat(x[None], few, axis=0)                                  # once, and not for each block
    def add_up(blocks):
        log_sum = np.full((2, N), -np.inf)                               # ln Σ w and ln Σ w² so far
        for count, seed in blocks:
            log_w = log_weights(x[:count], q, decode, np.random.default_rng(seed), count).data.astype(np.float64)
            for i, power in enumerate((1, 2)):
                log_sum[i] = np.logaddexp(log_sum[i], ops.logsumexp.raw(power * log_w, axis=0)[0])
        return log_sum
    with no_grad():
        log_sum = functools.reduce(np.logaddexp, share_out(add_up, parts(list(zip(counts, seeds)), PARTS)))
    return ImportanceSampling(log_sum[0] - np.log(samples), np.exp(2 * log_sum[0] - log_sum[1]))


def active_units(posterior_means, threshold=0.01):
    """Return which latent dimensions are used: their posterior mean varies over the data by more than the threshold.

    posterior_means: an array (N, latent_dim). Returns an array (latent_dim,) of bool.
    Source: Burda, Grosse, Salakhutdinov (2016), section 5.2.
    """
    return posterior_means.var(axis=0) > threshold

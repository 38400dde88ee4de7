"""The evidence lower bound, and estimates of the log-likelihood itself.

For any distribution q(z | x), Jensen's inequality gives

    ln p(x) = ln E_q [p(x | z) p(z) / q(z | x)]  ≥  E_q [ln p(x | z)] − KL(q(z | x) ‖ p(z))  =  ELBO,

and the gap is KL(q(z | x) ‖ p(z | x)). The first term is the reconstruction, which is estimated with samples of q; the
second is known in closed form for Gaussians. With more than one sample inside the logarithm the bound is tighter, and
tends to ln p(x) as their number K grows:

    ln p(x) ≥ E ln (1/K) Σ_k w_k,    w_k = p(x | z_k) p(z_k) / q(z_k | x),    z_k ~ q(z | x).

Sources: Kingma and Welling (2014), eq. 3 and 10; Burda, Grosse, Salakhutdinov (2016), eq. 8.
"""

from typing import NamedTuple

import numpy as np

from ..autodiff import Tensor, no_grad, ops
from ..errors import UserError
from .gaussian import DiagonalGaussian


class ELBO(NamedTuple):
    """The two terms of the bound, in nats, one number for each example: Tensors (N,). `elbo` is their difference."""

    reconstruction: Tensor  # E_q ln p(x | z): higher is better
    kl: Tensor  # KL(q(z | x) ‖ p(z)) ≥ 0

    @property
    def elbo(self):
        """reconstruction − KL ≤ ln p(x)."""
        return self.reconstruction - self.kl


def elbo(x, q, decode, rng, samples=1):
    """The evidence lower bound of ln p(x), with the KL in closed form and L reparameterized samples.

        ELBO = 1/L Σ_l ln p(x | z_l) − KL(q(z | x) ‖ N(0, I)),    z_l = μ + σ ⊙ ε_l

    x         an array (N, D)
    q         the posterior q(z | x), a DiagonalGaussian (N, latent_dim)
    decode    a function from z, a Tensor (M, latent_dim), to p(x | z), a distribution (M, D)
    rng       the numpy Generator that ε is drawn from
    samples   L

    Returns an `ELBO`. Raises UserError for L < 1. Source: Kingma and Welling (2014), eq. 7 (their estimator B) and 10.
    """
    _check_samples(samples)
    N, D = x.shape
    latent_dim = q.mean.shape[-1]
    z = q.rsample(rng, samples)                                          # (L, N, latent_dim)
    repeated = np.broadcast_to(x, (samples, N, D)).reshape(samples * N, D)
    log_likelihood = decode(z.reshape(samples * N, latent_dim)).log_prob(repeated)
    return ELBO(log_likelihood.reshape(samples, N).mean(axis=0), q.kl_divergence())


def importance_log_likelihood(x, q, decode, rng, samples, chunk=100):
    """ln p(x) by importance sampling: ln (1/K) Σ_k p(x | z_k) p(z_k) / q(z_k | x), an array (N,) in float64, in nats.

    In expectation this is a lower bound for every K, never looser than the ELBO, and it tends to ln p(x).

    samples   K. They are drawn `chunk` at a time, and ln Σ_k w_k is carried along as a running logsumexp, so that
              memory does not grow with K
    x, q, decode, rng   as for `elbo`

    Raises UserError for K < 1.
    Source: Burda, Grosse, Salakhutdinov (2016), eq. 8.
    """
    _check_samples(samples)
    N, D = x.shape
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    total = np.full(N, -np.inf)                                          # ln Σ_k w_k so far
    with no_grad():
        for start in range(0, samples, chunk):
            K = min(chunk, samples - start)
            z = q.rsample(rng, K)                                        # (K, N, latent_dim)
            repeated = np.broadcast_to(x, (K, N, D)).reshape(K * N, D)
            log_likelihood = decode(z.reshape(K * N, -1)).log_prob(repeated).reshape(K, N)
            log_w = log_likelihood + prior.log_prob(z) - q.log_prob(z)   # (K, N)
            log_sum = ops.logsumexp.raw(log_w.data.astype(np.float64), axis=0)[0]
            total = np.logaddexp(total, log_sum)
    return total - np.log(samples)


def _check_samples(samples):
    if samples < 1:
        raise UserError(f"the number of samples is {samples}, expected at least 1")


def active_units(posterior_means, threshold=0.01):
    """Which latent dimensions are used: those whose posterior mean varies over the data by more than the threshold.

    posterior_means: an array (N, latent_dim). Returns an array (latent_dim,) of bool.
    Source: Burda, Grosse, Salakhutdinov (2016), section 5.2.
    """
    return posterior_means.var(axis=0) > threshold

"""Estimators of the ELBO's gradient with respect to the parameters φ of q(z | x), side by side.

The bound is an expectation under q, and q moves with φ:

    ELBO = E_q [f(z)],    f(z) = ln p(x | z) + ln p(z) − ln q(z | x).

How does the gradient get past the expectation? Each estimator is a *surrogate*: a function of the parameters whose
gradient, by ordinary differentiation, is the estimate. They differ in what they hold fixed. `hold_fixed` computes that
first, as plain arrays, so that you can see it, and so that finite differences can check every surrogate.

    naive                   E_q ∇f(z): move the gradient inside, and hold the samples fixed. Biased: with z fixed, φ
                            acts only through −ln q, and E_q ∇ ln q = ∫ ∇q = 0, so the encoder learns nothing
    score-function          ∇E_q f = ∫ f ∇q = E_q [f ∇ ln q], since ∇q = q ∇ ln q. Unbiased, and needs no derivative
                            of f; but f is some hundred nats, most of it the same for every z, which adds only noise
    score-function-baseline E_q [(f − b) ∇ ln q] has the same expectation for every b that does not depend on this z,
                            because E_q ∇ ln q = 0: here, b is the mean of f over the other samples
    monte-carlo-kl          ∇f(z(φ)), where z = μ + σ ⊙ ε with ε held fixed: the expectation no longer depends on φ
    sticking-the-landing    the same without the term −∇ ln q(z; φ) at fixed z, whose expectation is zero. Only the path
                            through z is left, and if q is the true posterior, the estimate has no noise at all
    analytic-kl             the KL in closed form, and samples for ln p(x | z) only

Sources: Kingma and Welling (2014), sections 2.2 and 2.3: their estimators A and B are monte-carlo-kl and analytic-kl,
and their naïve Monte Carlo gradient estimator is the score function, not the one called naive here.
Williams (1992) and Mnih and Gregor (2014) for the score function; Kool, van Hoof, Welling (2019) for the baseline;
Roeder, Wu, Duvenaud (2017), Sticking the landing, eq. 7.
"""

from typing import NamedTuple

import numpy as np

from ..autodiff import no_grad
from ..errors import UserError
from .bounds import log_likelihood_of_samples, log_weight, require_samples, standard_normal_like
from .gaussian import DiagonalGaussian, reparameterize


class Fixed(NamedTuple):
    """What an estimator holds fixed: plain arrays, from the present parameters, for L samples of each of N examples."""

    eps: np.ndarray  # (L, N, latent_dim)
    z: np.ndarray  # (L, N, latent_dim), μ + σ ⊙ ε
    q: DiagonalGaussian  # of arrays (N, latent_dim)
    log_likelihood: np.ndarray  # (L, N), ln p(x | z)
    f: np.ndarray  # (L, N), ln p(x | z) + ln p(z) − ln q(z | x)


def hold_fixed(x, q, decode, rng, samples):
    """Draw L samples and return a `Fixed`. The arguments are those of `elbo`; raises UserError for L < 1."""
    require_samples(samples)
    q = q.detach()
    eps = rng.standard_normal((samples, *q.mean.shape), dtype=q.mean.dtype)
    with no_grad():
        z = reparameterize(q.mu, q.logvar, eps)
        log_likelihood = log_likelihood_of_samples(x, z, decode)
        f = log_likelihood + standard_normal_like(q).log_prob(z) - q.log_prob(z)
    return Fixed(eps, z.data, q, log_likelihood.data, f.data)


def naive(x, q, decode, fixed):
    """Return f(z) at the fixed z."""
    return log_weight(x, fixed.z, decode, q)


def score_function(x, q, decode, fixed):
    """Return ln p(x | z), which trains the decoder, plus f · ln q(z) with f and z fixed, which trains the encoder."""
    return log_likelihood_of_samples(x, fixed.z, decode) + fixed.f * q.log_prob(fixed.z)


def score_function_baseline(x, q, decode, fixed):
    """As `score_function`, with f minus its mean over the other L − 1 samples. Raises UserError for L < 2."""
    L = len(fixed.f)
    if L < 2:
        raise UserError(f"the baseline is the mean over the other samples: found {L} in all, expected at least 2")
    others = (fixed.f.sum(axis=0) - fixed.f) / (L - 1)
    return log_likelihood_of_samples(x, fixed.z, decode) + (fixed.f - others) * q.log_prob(fixed.z)


def monte_carlo_kl(x, q, decode, fixed):
    """Return f(z) with z = μ + σ ⊙ ε."""
    return log_weight(x, reparameterize(q.mu, q.logvar, fixed.eps), decode, q)


def sticking_the_landing(x, q, decode, fixed):
    """Return f(z) with z = μ + σ ⊙ ε, and with the fixed q in ln q(z)."""
    return log_weight(x, reparameterize(q.mu, q.logvar, fixed.eps), decode, fixed.q)


def analytic_kl(x, q, decode, fixed):
    """Return ln p(x | z) with z = μ + σ ⊙ ε, minus the KL in closed form."""
    z = reparameterize(q.mu, q.logvar, fixed.eps)
    return log_likelihood_of_samples(x, z, decode) - q.kl_divergence()


# Each takes x, q and decode as `elbo` does, and a `Fixed`, and returns a Tensor (L, N): the mean of its gradient over
# the L samples is the estimate. The values of the two score functions do not estimate anything.
ESTIMATORS = {
    "analytic-kl": analytic_kl,
    "monte-carlo-kl": monte_carlo_kl,
    "sticking-the-landing": sticking_the_landing,
    "score-function": score_function,
    "score-function-baseline": score_function_baseline,
    "naive": naive,
}

"""The Gaussian with a diagonal covariance, by its mean and the logarithm of its variance.

`logvar` is always ln σ²: any real number is a valid logvar, so a network can output it without constraint. The standard
deviation is σ = exp(logvar / 2). A sampler with exp(logvar) would use the variance as the standard deviation, and no
gradient check can see that: the wrong sampler has a right derivative. A test of the moments sees it.
"""

import numpy as np

from ..autodiff import Tensor, op, ops
from ..autodiff.ops import sum_to

LOG_2PI = float(np.log(2 * np.pi))


@op
def reparameterize(mu, logvar, eps):         # mu (N, D)   logvar (N, D)   eps (N, D) or (L, N, D)   ->   z like eps
    """z = μ + σ ⊙ ε: for ε ~ N(0, I) a sample of N(μ, σ²) with derivatives ∂z/∂μ and ∂z/∂logvar.

    Source: Kingma and Welling (2014), section 2.4 and eq. 10.
    """
    sigma = np.exp(np.asarray(0.5 * logvar, dtype=mu.dtype))             # logvar = ln σ², hence σ = exp(logvar / 2)
    noise = sigma * eps
    shape_mu, shape_logvar = np.shape(mu), np.shape(logvar)              # with L samples, both are broadcast
    def dmu(dy): return sum_to(dy, shape_mu)
    def dlogvar(dy): return sum_to(dy * noise * 0.5, shape_logvar)       # ∂z/∂logvar = ε ∂σ/∂logvar = ε σ/2
    return mu + noise, dmu, dlogvar, None    # the noise ε has no derivative


@op
def gaussian_log_likelihood(x, mu, logvar):  # x, mu, logvar (N, D), or anything that broadcasts to it   ->   y (N,)
    """ln N(x_n; μ_n, σ_n²) = −½ Σ_d [ln 2π + logvar + (x − μ)² / σ²], in nats.

    If logvar is a number, the variance is fixed; if it is a Tensor, it is learned: one for all, one for each dimension,
    or one for each element. There may be any number of leading axes; the sum runs over the last.
    Source: Kingma and Welling (2014), appendix C.2, eq. 12.
    """
    r = x - mu
    precision = np.exp(-np.asarray(logvar, dtype=r.dtype))               # 1/σ²
    quadratic = r * r * precision
    y = -0.5 * (LOG_2PI + logvar + quadratic).sum(axis=-1)
    shape_x, shape_mu, shape_logvar = np.shape(x), np.shape(mu), np.shape(logvar)
    def dx(dy): return sum_to(-dy[..., None] * r * precision, shape_x)                   # −(x − μ) / σ²
    def dmu(dy): return sum_to(dy[..., None] * r * precision, shape_mu)                  # (x − μ) / σ²
    def dlogvar(dy): return sum_to(0.5 * dy[..., None] * (quadratic - 1), shape_logvar)  # ½ [(x − μ)² / σ² − 1]
    return y, dx, dmu, dlogvar


@op
def kl_to_standard_normal(mu, logvar):       # mu, logvar (N, D)   ->   y (N,)
    """KL(N(μ_n, σ_n²) ‖ N(0, I)) = ½ Σ_d [μ² + σ² − 1 − logvar], in nats.

    σ² − 1 is expm1(logvar), which keeps its digits when σ is near 1.
    Source: Kingma and Welling (2014), appendix B.
    """
    shape_mu, shape_logvar = np.shape(mu), np.shape(logvar)
    logvar = np.broadcast_to(np.asarray(logvar, dtype=mu.dtype), shape_mu)
    excess = np.expm1(logvar)                # σ² − 1
    y = 0.5 * (mu * mu + excess - logvar).sum(axis=-1)
    def dmu(dy): return sum_to(dy[..., None] * mu, shape_mu)             # ∂/∂μ ½ μ² = μ
    def dlogvar(dy): return sum_to(dy[..., None] * (0.5 * excess), shape_logvar)         # ½ (σ² − 1)
    return y, dmu, dlogvar


@op
def gaussian_kl_divergence(mu_q, logvar_q, mu_p, logvar_p):              # all (N, D)   ->   y (N,)
    """KL(q_n ‖ p_n) = ½ Σ_d [logvar_p − logvar_q + (σ_q² + (μ_q − μ_p)²) / σ_p² − 1], in nats.

    The expectation under q of ln q − ln p: E[(z − μ_q)²] = σ_q² gives the −1, E[(z − μ_p)²] = σ_q² + (μ_q − μ_p)².
    """
    d = mu_q - mu_p
    precision = np.exp(-np.asarray(logvar_p, dtype=d.dtype))             # 1/σ_p²
    ratio = np.exp(np.asarray(logvar_q, dtype=d.dtype)) * precision      # σ_q² / σ_p²
    distance = d * d * precision
    y = 0.5 * (logvar_p - logvar_q + ratio + distance - 1).sum(axis=-1)
    shapes = [np.shape(a) for a in (mu_q, logvar_q, mu_p, logvar_p)]
    ratio = np.broadcast_to(ratio, d.shape)  # where the variances have fewer dimensions, each counts several times
    def dmu_q(dy): return sum_to(dy[..., None] * d * precision, shapes[0])               # (μ_q − μ_p) / σ_p²
    def dlogvar_q(dy): return sum_to(0.5 * dy[..., None] * (ratio - 1), shapes[1])       # ½ [σ_q² / σ_p² − 1]
    def dmu_p(dy): return sum_to(-dy[..., None] * d * precision, shapes[2])              # −(μ_q − μ_p) / σ_p²
    def dlogvar_p(dy): return sum_to(0.5 * dy[..., None] * (1 - ratio - distance), shapes[3])  # ½ [1 − (σ_q²+d²)/σ_p²]
    return y, dmu_q, dlogvar_q, dmu_p, dlogvar_p


class DiagonalGaussian:
    """N(μ, diag σ²) over vectors of D numbers.

    mu       Tensor or array (N, D)
    logvar   ln σ²: Tensor or array (N, D), or one that broadcasts to it, or a number
    """

    def __init__(self, mu, logvar):
        self.mu, self.logvar = mu, logvar

    @property
    def mean(self):
        """μ as an array (N, D)."""
        return self.mu.data if isinstance(self.mu, Tensor) else self.mu

    def detach(self):
        """Return the same distribution, of arrays: gradients stop here."""
        return DiagonalGaussian(*(p.data if isinstance(p, Tensor) else p for p in (self.mu, self.logvar)))

    def reshape(self, *shape):
        """Return the same variables in another shape, whose last axis holds the D numbers of one vector."""
        return DiagonalGaussian(ops.reshape(self.mu, shape=shape), ops.reshape(self.logvar, shape=shape))

    def rsample(self, rng, samples=None):
        """Draw z = μ + σ ⊙ ε, a Tensor (N, D); or (samples, N, D) if `samples` is given."""
        shape = self.mean.shape if samples is None else (samples, *self.mean.shape)
        return reparameterize(self.mu, self.logvar, rng.standard_normal(shape, dtype=self.mean.dtype))

    def log_prob(self, x):
        """Return ln N(x; μ, σ²), a Tensor (N,) in nats, summed over the last axis."""
        return gaussian_log_likelihood(x, self.mu, self.logvar)

    def kl_divergence(self, other=None):
        """Return KL(self ‖ other), a Tensor (N,) in nats; KL(self ‖ N(0, I)) if no other is given."""
        if other is None:
            return kl_to_standard_normal(self.mu, self.logvar)
        return gaussian_kl_divergence(self.mu, self.logvar, other.mu, other.logvar)

    def entropy(self):
        """Return −E ln q(z) = ½ Σ_d [1 + ln 2π + logvar], a Tensor (N,) in nats."""
        logvar = ops.add(ops.mul(self.mu, 0.0), self.logvar)  # a single variance counts once for every dimension
        return (logvar * 0.5 + 0.5 * (1 + LOG_2PI)).sum(axis=-1)

"""The continuous Bernoulli distribution of grey pixels in [0, 1], by logits.

The Bernoulli formula on grey pixels is not a density, because it does not integrate to one. But it can become one. With
the logit l it says eˣˡ up to a factor that does not contain x, and

    ∫₀¹ eˣˡ dx = (eˡ − 1) / l,    hence    ln p(x | l) = x l − A(l),    A(l) = ln [(eˡ − 1) / l].

That is all: the only difference from the Bernoulli log-likelihood is A(l) in place of ζ(l) = ln(1 + eˡ). This is an
exponential family, so A' is the mean of x, which is not σ(l):

    A'(l) = 1 / (1 − e⁻ˡ) − 1/l.

At l = 0, where λ = σ(l) = ½ and the distribution is uniform, both formulas are 0/0. By symmetry A(l) − l/2 is even:

    A(l)  = l/2 + ln [sinh(l/2) / (l/2)] = l/2 + l²/24 − l⁴/2880 + l⁶/181440 − l⁸/9676800 + …
    A'(l) = ½ + l/12 − l³/720 + l⁵/30240 − l⁷/1209600 + …

Source: Loaiza-Ganem and Cunningham (2019), The continuous Bernoulli: fixing a pervasive error in variational
autoencoders, whose ln C(λ) is ζ(l) − A(l).
"""

import numpy as np

from ..autodiff import Tensor, op

# |l| below which the series up to l⁶ and l⁵ replaces the formula. The series leaves out at most 2·10⁻⁸ and 2·10⁻¹⁷ of
# A'; the formula loses at most 2·10⁻⁷ and 7·10⁻¹⁵ in the difference of two numbers of about 1/l.
NEAR = {np.dtype(np.float32): 0.6, np.dtype(np.float64): 0.03}


def log_normalizer(logits):
    """Return A(l) and A'(l) for every logit l: two arrays of the shape and dtype of the logits.

    Away from 0, with m = |l|: A = max(l, 0) + ln(1 − e⁻ᵐ) − ln m, whose exponential cannot overflow, and the mean
    A' = 1 / (1 − e⁻ᵐ) − 1/m for l > 0; for l < 0 it is 1 minus that.
    """
    near = np.abs(logits) < NEAR[logits.dtype]
    m = np.where(near, 1, np.abs(logits)).astype(logits.dtype)          # anything but 0 where the series counts
    tail = -np.expm1(-m)                                                # 1 − e⁻ᵐ
    A = np.maximum(logits, 0) + np.log(tail / m)
    mean = 1 / tail - 1 / m
    mean = np.where(logits > 0, mean, 1 - mean)
    l2 = np.where(near, logits * logits, 0)
    A_near = logits / 2 + l2 / 24 - l2 * l2 / 2880 + l2 * l2 * l2 / 181440
    mean_near = 0.5 + logits / 12 - l2 * logits / 720 + l2 * l2 * logits / 30240
    return np.where(near, A_near, A), np.where(near, mean_near, mean)


@op
def continuous_bernoulli_log_likelihood(logits, x):          # logits (N, D)   x (N, D) in [0, 1]   ->   y (N,)
    """ln p(x_n | logits_n) = Σ_d [x_nd l_nd − A(l_nd)], in nats. The data x has no derivative.

    There may be any number of leading axes; the sum runs over the last. Raises ValueError where the shapes differ.
    Source: Loaiza-Ganem and Cunningham (2019).
    """
    if x.shape != logits.shape:
        raise ValueError("expected the same shape for both")
    A, mean = log_normalizer(logits)
    y = (x * logits - A).sum(axis=-1)
    def dlogits(dy): return dy[..., None] * (x - mean)                  # ∂/∂l [x l − A(l)] = x − A'(l)
    return y, dlogits, None


class ContinuousBernoulli:
    """Independent continuous Bernoulli variables.

    logits   a Tensor or array (..., D): ln λ / (1 − λ)
    """

    def __init__(self, logits):
        self.logits = logits

    @property
    def mean(self):
        """A'(logits), an array (..., D)."""
        return log_normalizer(self.logits.data if isinstance(self.logits, Tensor) else self.logits)[1]

    def log_prob(self, x):
        """Return ln p(x), a Tensor (...,), in nats, summed over the last axis. x: an array (..., D) in [0, 1]."""
        return continuous_bernoulli_log_likelihood(self.logits, x)

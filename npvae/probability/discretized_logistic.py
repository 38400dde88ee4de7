"""A logistic distribution cut into 256 levels: a true probability for images that are stored as bytes.

A density says nothing about a byte: a Gaussian can make its density as large as it likes by narrowing on the 256 values
that occur. So cut the real line halfway between neighbouring levels x = 0, 1/255, …, 1, and give each level the
probability of its interval; the first and the last reach to infinity, so all add up to one. The logistic distribution
with mean μ and scale s is convenient because its distribution function is σ((x − μ) / s). With half a level h = 1/510,

    P(x) = σ(a) − σ(b),    a = (x + h − μ) / s,    b = (x − h − μ) / s,    and a = ∞ at x = 1, b = −∞ at x = 0.

Both terms may be close to 1, and their difference pure rounding. But σ(a) = eᵃ / (1 + eᵃ), so that

    σ(a) − σ(b) = (eᵃ − eᵇ) / ((1 + eᵃ) (1 + eᵇ)) = σ(a) σ(−b) (1 − e^−δ),    δ = a − b = 2h/s,
    ln P(x) = −ζ(−a) − ζ(b) + ln(1 − e^−δ),    ζ(t) = ln(1 + eᵗ),

where nothing is lost. At x = 0 only −ζ(−a) is left, and at x = 1 only −ζ(b).

Source: Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling (2016), Improved variational inference with inverse
autoregressive flow; the infinite ends are those of Salimans, Karpathy, Chen, Kingma (2017), PixelCNN++,
section 2.1.
"""

import numpy as np

from ..autodiff import Tensor, op, ops
from ..autodiff.ops import sum_to

LEVELS = 256
HALF = 0.5 / (LEVELS - 1)


@op
def discretized_logistic_log_likelihood(x, mu, log_scale):
    # x (N, D) levels in [0, 1]   mu (N, D)   log_scale (), or anything that broadcasts to x   ->   y (N,)
    """ln P(x_n) = Σ_d ln P(x_nd), in nats; log_scale is ln s. The data x has no derivative.

    There may be any number of leading axes; the sum runs over the last.
    """
    dtype, shape_mu, shape_scale = x.dtype.type, np.shape(mu), np.shape(log_scale)
    r = np.exp(-np.asarray(log_scale, dtype=x.dtype))                   # 1/s
    a, b = (x + dtype(HALF) - mu) * r, (x - dtype(HALF) - mu) * r
    delta = np.broadcast_to(dtype(2 * HALF) * r, a.shape)
    has_a, has_b = x < 1, x > 0                                         # where the interval ends above, and below
    inside = has_a & has_b
    log_width = np.where(inside, np.log(-np.expm1(-delta)), 0)          # ln(1 − e^−δ)
    y = (log_width - has_a * ops.softplus.raw(-a)[0] - has_b * ops.softplus.raw(b)[0]).sum(axis=-1)
    def backward(dy):
        dy = dy[..., None]
        da = dy * has_a * ops.sigmoid.raw(-a)[0]                        # ∂/∂a −ζ(−a) = σ(−a)
        db = -dy * has_b * ops.sigmoid.raw(b)[0]                        # ∂/∂b −ζ(b) = −σ(b)
        with np.errstate(over="ignore"):                                # where δ is large, its derivative is 1/∞ = 0
            ddelta = dy * inside / np.expm1(delta)                      # ∂/∂δ ln(1 − e^−δ) = 1 / (eᵟ − 1)
        dmu = -(da + db) * r                                            # ∂a/∂μ = ∂b/∂μ = −1/s
        dlog_scale = -(da * a + db * b + ddelta * delta)                # a, b and δ are proportional to e^−log_scale
        return None, sum_to(dmu, shape_mu), sum_to(dlog_scale, shape_scale)
    return y, backward


class DiscretizedLogistic:
    """Independent variables with the 256 levels 0, 1/255, …, 1.

    mu          the mean of the logistic before it is cut, a Tensor or array (..., D)
    log_scale   ln s: a Tensor, array or number that broadcasts to it
    """

    def __init__(self, mu, log_scale):
        self.mu, self.log_scale = mu, log_scale

    @property
    def mean(self):
        """μ as an array (..., D), moved into [0, 1]: the mean of x, but for what is cut off at the ends."""
        return np.clip(self.mu.data if isinstance(self.mu, Tensor) else self.mu, 0, 1)

    def log_prob(self, x):
        """Return ln P(x), a Tensor (...,), in nats, summed over the last axis. x (..., D): levels in [0, 1]."""
        return discretized_logistic_log_likelihood(x, self.mu, self.log_scale)

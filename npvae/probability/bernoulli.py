"""The Bernoulli distribution of black and white pixels, by logits.

A decoder that ended in probabilities y = σ(l) would need ln σ(l), and σ(l) rounds to 0 or 1 long before the logit l is
unreasonable. In terms of the logit nothing is lost. With ln σ(l) = l − ζ(l) and ln(1 − σ(l)) = −ζ(l), where
ζ(l) = ln(1 + eˡ) is the softplus,

    ln p(x | l) = x ln σ(l) + (1 − x) ln(1 − σ(l)) = x l − ζ(l).

For grey pixels, 0 < x < 1, this is a convention and not a log-likelihood: the Bernoulli distribution gives them no
probability. It is the negative cross entropy, whose best value is not 0 but minus the entropy of x.
"""

import numpy as np

from ..autodiff import Tensor, op, ops
from ..runtime import blockwise


def _softplus(l):
    """ζ(l) = ln(1 + eˡ), as exact as a sum over pixels needs, and faster than `ops.softplus`."""
    with np.errstate(over="ignore"):         # e¹⁰⁰ is ∞ in float32
        zeta = np.log(1 + np.exp(l))
    is_exact = l.max(initial=0) <= 40        # ζ(40) = 40 + 4·10⁻¹⁸: from there on, ζ(l) = l to the last digit
    return zeta if is_exact else np.minimum(zeta, np.maximum(l, 40))


@op
def bernoulli_log_likelihood(logits, x):     # logits (N, D)   x (N, D) in [0, 1]   ->   y (N,)
    """ln p(x_n | logits_n) = Σ_d [x_nd l_nd − ζ(l_nd)], in nats. The data x has no derivative.

    There may be any number of leading axes; the sum runs over the last. In float32, the absolute error is at most about
    6·10⁻⁸ Σ_d max(1, |l_nd|) nats. Raises ValueError where the shapes of logits and x differ.
    Source: Kingma and Welling (2014), appendix C.1, eq. 11, in terms of logits.
    """
    if x.shape != logits.shape:
        raise ValueError("expected the same shape for both")
    l, x = np.atleast_2d(logits, x)
    def forward(l, x): return np.vecdot(x, l) - _softplus(l).sum(axis=-1)                 # Σ_d [x l − ζ(l)]
    def dlogits(dy):
        def backward(l, x, dy): return (x - ops.sigmoid.raw(l)[0]) * dy[..., None]       # ∂/∂l [x l − ζ(l)] = x − σ(l)
        return blockwise(backward, l, x, np.atleast_1d(dy)).reshape(logits.shape)
    return blockwise(forward, l, x).reshape(logits.shape[:-1]), dlogits, None


class Bernoulli:
    """Independent Bernoulli variables.

    logits   a Tensor or array (..., D): the log-odds of x = 1
    """

    def __init__(self, logits):
        self.logits = logits

    @property
    def mean(self):
        """The probabilities σ(logits), an array (..., D)."""
        return ops.sigmoid.raw(self.logits.data if isinstance(self.logits, Tensor) else self.logits)[0]

    def log_prob(self, x):
        """Return ln p(x), a Tensor (...,), in nats, summed over the last axis. x: an array (..., D) in [0, 1]."""
        return bernoulli_log_likelihood(self.logits, x)

    def sample(self, rng):
        """Draw zeros and ones: an array of the shape and dtype of the logits."""
        probabilities = self.mean
        return (rng.random(probabilities.shape) < probabilities).astype(probabilities.dtype)

"""What the KL term is for, and what is done to it.

−ELBO = rec + KL. The KL is the price, in nats, of telling the decoder about x. If it costs nothing, q(z | x) shrinks to
a point wherever it likes, and a sample from the prior meets no code; if it costs too much, or the decoder does well
without it, q(z | x) becomes the prior, and z says nothing about x. Both ends have a name: an autoencoder, and posterior
collapse. What is minimised instead of −ELBO, in order to move between them:

    beta        rec + β KL (Higgins et al. 2017, β-VAE, eq. 4)
    warm-up     β rises from 0 linearly during the first steps, so that the decoder learns to listen before it has
                to pay (Sønderby et al. 2016, section 2.3; Bowman et al. 2016, section 3.1, along a sigmoid)
    free bits   rec + β Σ_j max(λ, KL_j), KL_j of each latent dimension averaged over the minibatch: the first λ nats
                of each are free (Kingma et al. 2016, eq. 15, where β is 1); β may have a warm-up here too
    capacity    rec + β |KL − C|, where C rises from 0 linearly during the warm-up: the KL is held at a price of
                one's own choice (Burgess et al. 2018, eq. 8, with γ for β)

What is reported is always the ELBO itself.
"""

import dataclasses
import math

import numpy as np

from ..autodiff import ops
from ..errors import UserError


@dataclasses.dataclass(frozen=True)
class KLTerm:
    """What stands in the objective in place of the KL; as it is by default, the KL.

    beta        its weight
    warm_up     steps during which the weight (or the capacity) rises from 0 to its full value
    free_bits   λ, in nats, for each latent dimension
    capacity    C, in nats, or None

    Raises UserError for negative numbers, and for free bits and a capacity at once.
    """

    beta: float = 1.0
    warm_up: int = 0
    free_bits: float = 0.0
    capacity: float | None = None

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if name == "capacity" and value is None:
                continue
            if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise UserError(f"{name} is {value!r}, expected a number from 0 on")
        if self.free_bits and self.capacity is not None:
            raise UserError("free bits and a capacity are two ways to pay for the KL: choose one of them")

    def __call__(self, q, kl, step=math.inf):
        """The term, a Tensor (), in nats.

        q      the posterior, a DiagonalGaussian (N, latent_dim)
        kl     KL(q ‖ p) of every example, a Tensor (N,)
        step   counted from 0; by default, after all warm-up
        """
        risen = min(1.0, step / self.warm_up) if self.warm_up else 1.0
        if self.capacity is not None:
            excess = kl.mean() - risen * self.capacity
            return self.beta * (ops.relu(excess) + ops.relu(-excess))    # |KL − C|
        if self.free_bits:
            return risen * self.beta * self._with_free_bits(q)
        return risen * self.beta * kl.mean()

    def _with_free_bits(self, q):
        N, latent_dim = q.mean.shape
        by_dimension = q.reshape(N, latent_dim, 1).kl_divergence().mean(axis=0)      # (latent_dim,)
        return (ops.relu(by_dimension - self.free_bits) + self.free_bits).sum()      # Σ_j max(λ, KL_j)

    @property
    def is_plain(self):
        """Whether the objective is −ELBO, in every step."""
        return self == KLTerm()


COLLAPSED = 0.1  # nats: what is told about an example
SPREAD = 4.0  # the second moment of the codes, where the prior has 1


def remarks(q):
    """What is wrong with the posteriors of many examples, a DiagonalGaussian (N, latent_dim), in words.

    Averaged over the data, a good q(z | x) is close to the prior: in every dimension E[μ² + σ²] is about 1. Returns a
    dict with the word "collapsed" or "no prior" and a sentence, or an empty one.
    """
    q = q.detach()
    kl = float(q.kl_divergence().data.mean())
    sigma = np.exp(0.5 * np.broadcast_to(q.logvar, q.mean.shape))
    second_moment = float((q.mean**2 + sigma**2).mean())
    if kl < COLLAPSED:
        return {
            "collapsed": f"the posterior has collapsed: q(z | x) is the prior for every x (KL {kl:.3f} nats), so z "
            "says nothing about x, and all samples look alike; give the KL a warm-up, free bits, or a smaller beta"
        }
    if second_moment > SPREAD:
        return {
            "no prior": f"the codes have left the prior: their mean square is {second_moment:.3g} where the prior has "
            f"1, with a median width σ of {np.median(sigma):.2g}, so samples from the prior meet no code, and will not "
            "look like data; the KL term is missing or too weak: raise beta"
        }
    return {}

"""What the KL term is for, and how to change it.

−ELBO = rec + KL. The KL is the price, in nats, of telling the decoder about x. If it costs nothing, the encoder shrinks
q(z | x) to a point anywhere, and a sample from the prior meets no code: the VAE is an autoencoder. If it costs too
much, or if the decoder does well without z, q(z | x) becomes the prior, and z says nothing about x: the posterior has
collapsed. To move between these ends, training minimises instead of −ELBO

    beta        rec + β KL (Higgins et al. 2017, β-VAE, eq. 4)
    warm-up     β rises linearly from 0 during the first steps, so that the decoder learns to use z before z costs
                anything (Sønderby et al. 2016, section 2.3; Bowman et al. 2016, section 3.1, along a sigmoid)
    free bits   rec + β Σ_j max(λ, KL_j), with KL_j of latent dimension j averaged over the minibatch: the first λ nats
                of each are free (Kingma et al. 2016, eq. 15, where β is 1); β may have a warm-up here too
    capacity    rec + β |KL − C|, where C rises linearly from 0 during the warm-up: the KL stays near the C that you
                choose (Burgess et al. 2018, eq. 8, with γ for β)

Reports always show the ELBO itself.
"""

import dataclasses
import math

from ..autodiff import ops
from ..errors import UserError


@dataclasses.dataclass(frozen=True)
class KLTerm:
    """What replaces the KL in the objective; by default the KL itself.

    beta        the weight of the KL
    warm_up     steps during which the weight (or the capacity) rises from 0 to its full value
    free_bits   λ, in nats, for each latent dimension
    capacity    C, in nats, or None

    Raises UserError for negative numbers, and for free bits together with a capacity.
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
        """Return the term, a Tensor (), in nats.

        q      the posterior, a DiagonalGaussian (N, latent_dim)
        kl     KL(q ‖ p) of each example, a Tensor (N,)
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
        """Whether the objective is −ELBO in every step."""
        return self == KLTerm()

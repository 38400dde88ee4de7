"""The true posterior by brute force: on a grid over a latent space of two dimensions.

p(z | x) = p(x | z) p(z) / p(x), and in two dimensions p(x) = ∫ p(x | z) p(z) dz is a sum over 200 × 200 squares. In D
dimensions it would run over 200ᴰ cells, which is why variational methods exist.
"""

from typing import NamedTuple

import numpy as np

from ..autodiff import no_grad, ops
from .gaussian import DiagonalGaussian


class GridPosterior(NamedTuple):
    """p(z | x) of one example at the centres of side × side squares."""

    z: np.ndarray  # (side, side, 2); z₁ grows along the second axis, z₂ along the first
    log_density: np.ndarray  # (side, side): ln p(z | x), in nats
    log_likelihood: float  # ln p(x), in nats


def grid_posterior(x, decode, extent=4.0, side=200):
    """Return the posterior of x, an array (D,), under p(z) = N(0, I₂): a `GridPosterior` over [−extent, extent]².

    decode    from an array (M, 2), of the dtype of x, to p(x | z), a distribution (M, D)
    """
    edges = np.linspace(-extent, extent, side + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    z2, z1 = np.meshgrid(centres, centres, indexing="ij")
    z = np.stack([z1.ravel(), z2.ravel()], axis=1)
    with no_grad():
        log_likelihood = decode(z.astype(x.dtype)).log_prob(np.broadcast_to(x, (len(z), len(x))))
    log_joint = log_likelihood.data.astype(np.float64) + DiagonalGaussian(z * 0, 0.0).log_prob(z).data
    log_area = 2 * np.log(edges[1] - edges[0])
    log_p = float(ops.logsumexp.raw(log_joint)[0] + log_area)
    return GridPosterior(z.reshape(side, side, 2), (log_joint - log_p).reshape(side, side), log_p)

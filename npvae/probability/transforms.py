"""Distributions pushed through maps: simple noise becomes complicated data.

If ε has the density p(ε) and f is one-to-one, z = f(ε) has the density

    ln q(z) = ln p(ε) − ln |det ∂z/∂ε|:

where f stretches space, it thins the density. The reparameterization z = μ + σ ⊙ ε is such a map, with ∂z/∂ε = diag σ,
so ln q(z | x) = ln N(ε; 0, I) − Σ_d ln σ_d, which is the Gaussian's own log-density. Another is the ring,
z ↦ z/10 + z/‖z‖, which turns a round Gaussian into a ring about the origin: one layer of a network is enough for a
distribution that no Gaussian resembles. A decoder is such a map too, into a space of more dimensions.

Sources: Kingma and Welling (2014), section 2.4; for the ring, Doersch (2016), Tutorial on variational autoencoders,
figure 2.
"""

import numpy as np

from ..autodiff import Tensor, ops
from ..autodiff.tensor import leaf_gradients
from .gaussian import DiagonalGaussian


def ring(z):
    """Return z/10 + z/‖z‖ for every row of z, a Tensor or array (N, D): a Tensor (N, D). Undefined at z = 0."""
    z = z if isinstance(z, Tensor) else Tensor(z)
    length = ops.sqrt(ops.square(z).sum(axis=-1)).reshape(-1, 1)
    return z / 10.0 + z / length


def jacobian(f, x):
    """Return ∂f_i/∂x_j for every example, an array (N, E, D), where f maps a Tensor x (N, D) to a Tensor (N, E).

    f must treat every example separately. Each of the E outputs takes one walk back along the same tape.
    """
    leaf = Tensor(x, requires_grad=True)
    y = f(leaf)
    rows = []
    for i in range(y.shape[1]):
        dy = np.zeros_like(y.data)
        dy[:, i] = 1
        rows.append(leaf_gradients(y, dy).get(leaf, np.zeros_like(leaf.data)))
    return np.stack(rows, axis=1)


def pushed_log_prob(f, eps):
    """Return (z, ln q(z)) for z = f(ε), where ε, an array (N, D), is from N(0, I): arrays (N, D) and (N,), in nats.

    f   a one-to-one map from a Tensor (N, D) to a Tensor (N, D)
    """
    log_p = DiagonalGaussian(np.zeros_like(eps), 0.0).log_prob(eps).data
    _, log_det = np.linalg.slogdet(jacobian(f, eps))
    return f(Tensor(eps)).data, log_p - log_det

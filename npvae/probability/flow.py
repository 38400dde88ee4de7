"""A distribution that bends: a Gaussian, pushed through layers that are easy to invert.

A coupling layer leaves half of the coordinates, a, as they are, and lets them decide how the other half, b, is
stretched and moved:

    a' = a,    b' = b ⊙ exp(s(a)) + t(a).

Whatever networks s and t are, the layer can be inverted, because a is still there: b = (b' − t(a)) ⊙ exp(−s(a)). Its
Jacobian is triangular, since a' depends on a alone, so its determinant is the product of the diagonal:

    ln |det ∂(a', b')/∂(a, b)| = Σ_d s_d(a).

By the change of variables (see transforms.py), each layer subtracts this number from ln q. The next layer exchanges the
halves, so that every coordinate is moved.

Sources: Rezende and Mohamed (2015), Variational inference with normalizing flows, eq. 7; Dinh, Sohl-Dickstein, Bengio
(2017), Density estimation using Real NVP, eq. 7 and 8.
"""

import numpy as np

from ..arguments import check_sizes
from ..autodiff import Tensor, ops
from ..errors import UserError
from ..nn import Dense, Module, Sequential, Tanh
from .gaussian import DiagonalGaussian


class Coupling(Module):
    """One layer: the coordinates where `keeps` is 1 decide what happens to those where it is 0.

    keeps    an array (D,) of zeros and ones
    hidden   the units of its network
    """

    def __init__(self, keeps, hidden, rng):
        D = len(keeps)
        self.keeps, self.moves = keeps, 1.0 - keeps
        self.network = Sequential(Dense(D, hidden, rng), Tanh(), Dense(hidden, 2 * D, rng))
        self.network.layers[-1].W.data[...] = 0              # s = t = 0: the layer begins as the identity

    def forward(self, z):                    # z (N, D)   ->   z' (N, D), ln |det ∂z'/∂z| (N,)
        s, t = self._scale_and_shift(z)
        return z * ops.exp(s) + t, s.sum(axis=-1)

    def inverse(self, z):                    # z' (N, D)   ->   z (N, D), ln |det ∂z'/∂z| (N,)
        s, t = self._scale_and_shift(z)      # the kept coordinates of z' are those of z
        return (z - t) * ops.exp(-s), s.sum(axis=-1)

    def _scale_and_shift(self, z):
        """s and t, 0 for the coordinates that are kept. tanh keeps exp(s) between 1/e and e."""
        D, output = len(self.keeps), self.network(z * self.keeps)
        return ops.tanh(output[:, :D]) * self.moves, output[:, D:] * self.moves


class Flow(Module):
    """q(z), a Gaussian N(mu, exp(logvar)) that coupling layers bend. Without layers it is that Gaussian.

    dim      D, at least 2
    layers   how many
    hidden   the units in the network of each
    rng      a numpy Generator, for the weights

    Raises UserError for one dimension: then there is nothing that could decide.
    """

    def __init__(self, dim, layers, hidden, rng):
        check_sizes(dim=dim, hidden=hidden)
        if dim < 2:
            raise UserError(f"a flow of coupling layers needs at least 2 dimensions, found {dim}")
        self.mu, self.logvar = (Tensor(np.zeros(dim), requires_grad=True) for _ in range(2))
        self.layers = [Coupling((np.arange(dim) + i) % 2.0, hidden, rng) for i in range(layers)]
        self.astype(np.float64)

    def rsample(self, rng, samples):
        """Return samples and their log-densities, differentiable: Tensors (samples, D) and (samples,), in nats."""
        z = self._gaussian().rsample(rng, samples).reshape(samples, -1)
        log_q = self._gaussian().log_prob(z)
        for layer in self.layers:
            z, log_det = layer(z)
            log_q = log_q - log_det
        return z, log_q

    def log_prob(self, z):
        """Return ln q(z) for an array or Tensor (N, D): a Tensor (N,), in nats."""
        z, total = z if isinstance(z, Tensor) else Tensor(z), 0.0
        for layer in reversed(self.layers):
            z, log_det = layer.inverse(z)
            total = log_det + total
        return self._gaussian().log_prob(z) - total

    def _gaussian(self):
        """The Gaussian that the layers bend, as a single row (1, D)."""
        return DiagonalGaussian(self.mu.reshape(1, -1), self.logvar.reshape(1, -1))

"""Which codes a student's function draws, and with which examples it compares them.

Codes are random, so there is no right value to compare them with; but they must be samples of q, as many as were asked
for, and each must meet the example whose q it comes from.
"""

import numpy as np

from ..autodiff import Tensor
from .exercise import Unfit


class Recorder:
    """A decoder that records which codes were compared with which examples, in whatever order.

    decode, q   the decoder, and the posterior of which the codes should be samples
    samples     how many codes each example should be compared with
    """

    def __init__(self, decode, q, samples):
        self.decode, self.q, self.samples, self.pairs = decode, q, samples, []

    def __call__(self, z):
        z = z.data if isinstance(z, Tensor) else z
        return _Recorded(self, z, self.decode(z))

    def codes(self, x):
        """The codes of each example, in the order of the rows of x: an array (samples, N, latent_dim)."""
        pairs = self.pairs or [(np.empty((0, 1)), np.empty((0, 1)))]
        z, compared = map(np.concatenate, zip(*pairs))
        codes = [z[(compared == x_n).all(axis=-1)] if len(z) else z for x_n in x]
        for found in codes:
            if len(found) != self.samples:
                compared = f"your function compared an example with {len(found)} codes"
                raise Unfit("log_likelihood", f"{compared}, expected samples = {self.samples}")
        return np.stack(codes, axis=1)

    def check_proposal(self, z):
        """Raise `Unfit` unless the codes z (K, N, latent_dim) of each example are samples of its q."""
        if not (found := _unlike_samples(z, self.q)):
            return
        shape, drawn = z.shape, np.concatenate([z for z, _ in self.pairs])
        by_order = {
            "np.tile(x, (K, 1))": drawn.reshape(shape),
            "np.repeat(x, K, axis=0)": drawn.reshape(shape[1], shape[0], -1).swapaxes(0, 1),
        }
        for rows, in_order in by_order.items():
            if not _unlike_samples(in_order, self.q):
                wrong = "the codes are samples of q, but they are paired with the wrong examples"
                fits = f"the examples in the order of {rows} fit these codes"
                raise Unfit("log_likelihood", f"{wrong}: compared with another example than its own. {fits}")
        raise Unfit("log_likelihood", f"the codes are not samples of q: {found}")


class _Recorded:
    def __init__(self, recorder, z, distribution):
        self.recorder, self.z, self.distribution = recorder, z, distribution

    def log_prob(self, x):
        log_prob = self.distribution.log_prob(x)
        compared = np.broadcast_to(x, (*log_prob.shape, x.shape[-1]))
        self.recorder.pairs.append((self.z.reshape(-1, self.z.shape[-1]), compared.reshape(-1, x.shape[-1])))
        return log_prob


def _unlike_samples(z, q):
    """Say why z are not samples of q, or nothing: (z − μ)/σ must have mean 0 and mean square 1, within six errors."""
    eps = (z - q.mu) * np.exp(-0.5 * q.logvar)
    mean, square, n = eps.mean(), (eps * eps).mean(), eps.size
    if abs(mean) > 6 / np.sqrt(n) or abs(square - 1) > 6 * np.sqrt(2 / n):
        return f"(z − μ)/σ has the mean {mean:.2f} and the mean square {square:.2f}, expected 0 and 1"
    return ""

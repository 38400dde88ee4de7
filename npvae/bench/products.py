"""The lower bound: the matrix products of a workload, and nothing else.

The tape of our own step lists them, so they are the same ones: the forward products, and one for each input that needs
a gradient. On an idle machine, no step in NumPy can be faster than its products, and the rest of its time shows what
the engine costs.
"""

import numpy as np

from .. import probability
from ..autodiff.tensor import records
from ..probability.bounds import CODES


def sizes(record):
    """Return (M, I, O) for a record whose forward pass is a product (M, I) (I, O); None for any other operation."""
    x, W = record.shapes[:2] if len(record.shapes) > 1 else (None, None)
    if record.operation == "dense":
        return *x, W[1]
    if record.operation == "conv2d":
        return int(np.prod(record.shape[:3])), int(np.prod(W[:3])), W[3]
    if record.operation == "conv_transpose2d":
        return int(np.prod(x[:3])), W[3], int(np.prod(W[:3]))
    return None


class Products:
    """The products of one step, each into its own array."""

    def __init__(self, workload, model, minibatches):
        x, rng = minibatches[0], np.random.default_rng(0)
        if workload.trains:
            last, self.times = model.loss(x, rng)[0], 1
        else:                                                # a few samples at a time; x is encoded only once
            samples = min(max(1, CODES // len(x)), workload.samples)
            last = probability.bounds.log_weights(x, model.encode(x).detach(), model.decode, rng, samples)
            self.times = -(-workload.samples // samples)
        self.products = []
        for record in records(last):
            if sizes(record) is not None:
                M, I, O = sizes(record)
                x, W, dy = (rng.standard_normal(shape, dtype=np.float32) for shape in ((M, I), (I, O), (M, O)))
                factors = [(x, W)]
                if workload.trains:
                    factors += [(x.T, dy), (dy, W.T)] if record.inputs[0] is not None else [(x.T, dy)]
                self.products += [(a, b, np.empty((len(a), b.shape[1]), np.float32)) for a, b in factors]

    def step(self):
        """Compute all products of a step."""
        for _ in range(self.times):
            for a, b, out in self.products:
                np.matmul(a, b, out=out)

    def gigaflops(self):
        """Return the floating-point operations in a step, in 10⁹: a multiplication and an addition are two."""
        return self.times * sum(2 * out.size * a.shape[1] for a, _, out in self.products) / 1e9

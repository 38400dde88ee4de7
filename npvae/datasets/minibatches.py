"""Minibatches: the training set in a new random order in every epoch."""

import numpy as np

from ..arguments import check_sizes, check_state, generator
from ..errors import UserError


class Minibatches:
    """An endless iterator over index arrays: `x[next(batches)]` is a minibatch.

    N            the number of examples
    batch_size   the number of examples in a minibatch; the last one of an epoch may have fewer
    rng          shuffles the examples at the start of every epoch: a numpy Generator or a seed

    Raises UserError for no examples, and for a batch size below 1.
    """

    def __init__(self, N, batch_size, rng):
        check_sizes(N=N, batch_size=batch_size)
        self.N, self.batch_size, self.rng = N, batch_size, generator(rng)
        self.order = self.rng.permutation(N)
        self.position = 0  # of the next example, in this order

    def __iter__(self):
        return self

    def __next__(self):
        if self.position >= self.N:
            self.order = self.rng.permutation(self.N)
            self.position = 0
        batch = self.order[self.position : self.position + self.batch_size]
        self.position += len(batch)
        return batch

    def state_dict(self):
        """Return the order and the position in it, as arrays. The owner of the generator saves its state separately."""
        return {"order": self.order.astype(np.int32), "position": np.array(self.position)}

    def load_state_dict(self, state):
        """Continue from where `state_dict` was called. Raises UserError for the state of another number of examples."""
        check_state(state)
        shapes = {name: a.shape for name, a in state.items()}
        if shapes != {"order": (self.N,), "position": ()}:
            raise UserError(f"the state of minibatches has arrays {shapes}, expected an order of {self.N} examples")
        self.order, self.position = state["order"].astype(np.int64), int(state["position"])

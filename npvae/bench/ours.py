"""npvae itself, as the training loop uses it."""

import numpy as np

from ..nn.optim import Adam
from ..probability.bounds import iwae_bound, log_weights
from .steps import Steps
from .workloads import LEARNING_RATE


class GivenNoise(np.random.Generator):
    """A numpy Generator that hands out given noise, so that all contenders use the same."""

    def __init__(self, eps):
        super().__init__(np.random.PCG64())
        self.left = eps.reshape(-1)

    def standard_normal(self, shape, dtype):
        """Return the next numbers, in this shape."""
        taken, self.left = np.split(self.left, [int(np.prod(shape))])
        return taken.reshape(shape)


class Ours(Steps):
    """npvae's own engine."""

    def __init__(self, workload, model, minibatches):
        super().__init__(workload, minibatches)
        self.model = model
        self.optimizer = Adam(model.parameters(), LEARNING_RATE)
        self.rng = np.random.default_rng(0)

    def loss_and_gradients(self, x, eps):
        """Return the objective, a number, and its derivatives in the order of the parameters."""
        if not self.workload.trains:
            with self.model.evaluating():
                log_w = log_weights(x, self.model.encode(x), self.model.decode, GivenNoise(eps), len(eps))
                return float(iwae_bound(log_w).mean()), []
        objective, _ = self.model.loss(x, GivenNoise(eps))
        self.optimizer.zero_grad()
        objective.backward()
        return float(objective), [p.grad for p in self.model.parameters()]

    def step(self):
        """Take one step on the next minibatch."""
        x = self.next_minibatch()
        if not self.workload.trains:
            return self.model.importance_sampling(x, self.rng, self.workload.samples).log_likelihood.mean()
        objective, _ = self.model.loss(x, self.rng)
        self.optimizer.zero_grad()
        objective.backward()
        self.optimizer.step()
        return float(objective)

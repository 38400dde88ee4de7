"""HIPS autograd: NumPy with a tape, as its own examples use it."""

import functools

import autograd
import autograd.numpy as anp
import numpy as np

from . import functional
from .steps import Steps
from .workloads import LEARNING_RATE

CHUNK = 4  # samples of z for each image to decode at once


class Autograd(Steps):
    """The eager tape, and Adam in plain NumPy."""

    def __init__(self, workload, parameters, minibatches):
        super().__init__(workload, minibatches)
        self.parameters = [p.copy() for p in parameters]
        self.m, self.v = ([np.zeros_like(p) for p in parameters] for _ in range(2))
        self.rng = np.random.default_rng(0)
        self.value_and_grad = autograd.value_and_grad(functools.partial(functional.objective, anp, workload))
        self.t = 0

    def loss_and_gradients(self, x, eps):
        """Return the objective, a number, and its derivatives in the order of the parameters."""
        if not self.workload.trains:
            q, decoder = functional.encode(anp, self.workload, self.parameters, x)
            log_w = functional.log_weights(anp, self.workload, decoder, x, q, eps)
            return float(functional.logsumexp(anp, log_w).mean() - np.log(len(eps))), []
        return self.value_and_grad(self.parameters, x, eps)

    def step(self):
        """Take one step on the next minibatch."""
        x = self.next_minibatch()
        if not self.workload.trains:
            return self._log_likelihood(x)
        eps = self._noise(self.workload.samples, x)
        loss, gradients = self.value_and_grad(self.parameters, x, eps)
        self.t += 1
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= LEARNING_RATE * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
        return float(loss)

    def _noise(self, samples, x):
        return self.rng.standard_normal((samples, len(x), self.workload.latent_dim), dtype=np.float32)

    def _log_likelihood(self, x):
        total = np.full(len(x), -np.inf)
        count, chunk = self.chunks(CHUNK)
        q, decoder = functional.encode(anp, self.workload, self.parameters, x)
        for _ in range(count):
            log_w = functional.log_weights(anp, self.workload, decoder, x, q, self._noise(chunk, x))
            total = np.logaddexp(total, functional.logsumexp(np, log_w))
        return float(total.mean() - np.log(self.workload.samples))

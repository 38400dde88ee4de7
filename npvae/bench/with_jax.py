"""JAX: XLA compiles the whole step, with donated buffers, so that it updates the parameters in place."""

import functools

import jax
import jax.numpy as jnp

from . import functional
from .steps import Steps
from .workloads import LEARNING_RATE

CHUNK = 50  # samples of z for each image to decode at once: 50 is the fastest of 4, 10, 20, 50 and 100


class Jax(Steps):
    """A jitted step; `block_until_ready` ends it."""

    def __init__(self, workload, parameters, minibatches):
        jax.config.update("jax_enable_x64", parameters[0].dtype == "float64")
        super().__init__(workload, minibatches)
        parameters = [jnp.array(p) for p in parameters]
        m, v = ([jnp.zeros_like(p) for p in parameters] for _ in range(2))   # separate buffers: they are donated
        self.state = (parameters, m, v, jnp.array(0.0))
        self.key = jax.random.key(0, impl="rbg")
        self.objective = functools.partial(functional.objective, jnp, workload)
        self.jitted_step = jax.jit(self._step, donate_argnums=(0, 1))
        self.jitted_log_likelihood = jax.jit(self._log_likelihood, donate_argnums=(1,))

    def convert(self, x):
        """Return the array x on JAX's device."""
        return jnp.asarray(x)

    def loss_and_gradients(self, x, eps):
        """Return the objective, a number, and its derivatives in the order of the parameters."""
        if not self.workload.trains:
            x, eps = jnp.asarray(x), jnp.asarray(eps)
            q, decoder = functional.encode(jnp, self.workload, self.state[0], x)
            log_w = functional.log_weights(jnp, self.workload, decoder, x, q, eps)
            return float(functional.logsumexp(jnp, log_w).mean() - jnp.log(len(eps))), []
        return jax.jit(jax.value_and_grad(self.objective))(self.state[0], jnp.asarray(x), jnp.asarray(eps))

    def _step(self, state, key, x):
        parameters, m, v, t = state
        key, noise = jax.random.split(key)
        eps = jax.random.normal(noise, (self.workload.samples, len(x), self.workload.latent_dim))
        loss, gradients = jax.value_and_grad(self.objective)(parameters, x, eps)
        t = t + 1
        m = [0.9 * m + 0.1 * g for m, g in zip(m, gradients)]
        v = [0.999 * v + 0.001 * g * g for v, g in zip(v, gradients)]
        rate, root = LEARNING_RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        parameters = [p - rate * m / (jnp.sqrt(v) / root + 1e-8) for p, m, v in zip(parameters, m, v)]
        return (parameters, m, v, t), key, loss

    def _log_likelihood(self, parameters, key, x):
        count, chunk = self.chunks(CHUNK)
        q, decoder = functional.encode(jnp, self.workload, parameters, x)

        def more(_, carry):
            total, key = carry
            key, noise = jax.random.split(key)
            eps = jax.random.normal(noise, (chunk, len(x), self.workload.latent_dim))
            log_w = functional.log_weights(jnp, self.workload, decoder, x, q, eps)
            return jnp.logaddexp(total, functional.logsumexp(jnp, log_w)), key

        start = jnp.full(len(x), -jnp.inf)
        total, key = jax.lax.fori_loop(0, count, more, (start, key))
        return total.mean() - jnp.log(self.workload.samples), key

    def step(self):
        """Take one step on the next minibatch."""
        x = self.next_minibatch()
        if self.workload.trains:
            self.state, self.key, loss = self.jitted_step(self.state, self.key, x)
            jax.block_until_ready(self.state)
        else:
            loss, self.key = self.jitted_log_likelihood(self.state[0], self.key, x)
        return float(loss)

"""Variational EM: the same bound without an encoder.

Every example n of the training set has its own q(z | x_n) = N(mu_n, diag exp(logvar_n)), kept in a table. Each step
takes a minibatch and

    E-step   moves its mu_n and logvar_n up the ELBO, under the decoder as it is, by a few stochastic gradients;
    M-step   moves the decoder up the ELBO, under these q, by one.

The minibatch represents the whole training set: the sum over its M examples, times N/M, estimates the bound of all N.
(Plain SGD needs a learning rate that allows for this factor; Adam divides it out again.) The noise of both steps dies
out because their learning rates decay. A new example has no row in the table, so its q must be found step by step from
the prior, where an encoder needs one forward pass. That is what *amortization* buys, and the difference in the ELBO is
what it costs.

Sources: Neal and Hinton (1998), A view of the EM algorithm; Kingma and Welling (2014), eq. 8 for the minibatch;
Hoffman, Blei, Wang, Paisley (2013), Stochastic variational inference, section 2.
"""

import math

import numpy as np

from .. import probability
from ..arguments import check_sizes, check_widths, generator
from ..nn import ReLU, schedules
from ..nn.init import xavier_uniform
from ..probability import DiagonalGaussian
from .networks import dense_decoder
from .vae import PLAIN, VAE


class VariationalEM(VAE):
    """A decoder like that of the `VAE`, and a q for each of the N examples of the training set.

    N            the number of examples
    data_dim, latent_dim, hidden, rng, likelihood, init, activation   as for `VAE`
    samples      reparameterized samples of each q, in both steps
    e_steps      gradient steps in an E-step; each E-step starts a new Adam
    e_lr         their initial learning rate; it decays with the steps of training
    new_steps    gradient steps for an example that is not in the table

    mu_table, logvar_table   buffers (N, latent_dim): mu and logvar of each example, initially those of the prior
    """

    buffers = ("mu_table", "logvar_table")

    def __init__(
        self, N, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU,
        samples=1, e_steps=10, e_lr=0.3, new_steps=200,
    ):  # fmt: skip
        self._set_bound(latent_dim, likelihood, samples, "analytic-kl", PLAIN)
        check_sizes(N=N, data_dim=data_dim), check_widths("hidden", hidden)
        self.data_dim, rng = data_dim, generator(rng)
        self.e_steps, self.new_steps, self.e_lr = e_steps, new_steps, e_lr
        self.decoder = dense_decoder(latent_dim, hidden, data_dim, rng, init, activation)
        self.mu_table, self.logvar_table = np.zeros((2, N, latent_dim), dtype=np.float32)

    def encode(self, x, rng=None):
        """Return q(z | x) of the examples x (N, D), found from the prior: a DiagonalGaussian of arrays (N, latent_dim).

        rng   the numpy Generator of ε; by default one with a fixed seed, so that the same batch has the same q
        """
        rng = generator(0 if rng is None else rng)
        prior = DiagonalGaussian(*np.zeros((2, len(x), self.latent_dim), dtype=self.mu_table.dtype))
        return self.refine(x, prior, rng, self.new_steps, self.e_lr)

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return the M-step's objective, N times the mean of −ELBO over the minibatch, and the parts of `VAE.loss`.

        With `rows`, the E-step of these rows comes first, and its result goes into the table. Without, the examples are
        new, and `encode` finds their q.
        """
        x, rng = self.examples(x), generator(rng)
        if rows is None:
            q = self.encode(x, rng)
        else:
            q = self._expectation_step(x, rng, step, rows)
        bound = probability.elbo(x, q, self.decode, rng, self.samples)
        objective = -bound.elbo.mean() * float(len(self.mu_table))
        return objective, self._parts(bound.reconstruction.data, bound.kl.data, objective)

    def _expectation_step(self, x, rng, step, rows):
        """Move the q of these rows of the table by an E-step: return a DiagonalGaussian of arrays."""
        rate = schedules.polynomial_decay(self.e_lr)(step)               # after infinitely many steps, zero
        with self.frozen():
            q = DiagonalGaussian(self.mu_table[rows], self.logvar_table[rows])
            q = probability.refine(x, q, self.decode, rng, self.e_steps, schedules.constant(rate), self.samples)
        self.mu_table[rows], self.logvar_table[rows] = q.mu, q.logvar
        return q

    def posteriors(self, x):
        """Return the whole table, whatever x is: finding the q of a new x would take many steps."""
        return DiagonalGaussian(self.mu_table, self.logvar_table)

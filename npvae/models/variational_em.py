"""Variational EM: the same bound without an encoder.

Every example n of the training set has its own q(z | x_n) = N(mu_n, diag exp(logvar_n)), kept in a table. Each step
takes a minibatch and

    E-step   moves its mu_n and logvar_n up the ELBO, under the decoder as it is, by a few stochastic gradients;
    M-step   moves the decoder up the ELBO, under these q, by one.

The minibatch stands for the whole training set: the sum over its M examples, times N/M, estimates the bound of all N.
The noise of both steps dies out because their rates decay (Robbins and Monro). A new example has no entry in the table,
and its q has to be found from the prior on; an encoder would know at once. That is what *amortization* buys, and the
difference in the ELBO is what it costs.

Sources: Neal and Hinton (1998), A view of the EM algorithm; Kingma and Welling (2014), eq. 8 for the minibatch;
Hoffman, Blei, Wang, Paisley (2013), Stochastic variational inference, section 2.
"""

import math

import numpy as np

from .. import probability
from ..errors import UserError
from ..nn import Dense, ReLU, Sequential, schedules
from ..nn.init import xavier_uniform
from ..probability import DiagonalGaussian
from .networks import mlp
from .vae import VAE


class VariationalEM(VAE):
    """A decoder as that of the `VAE`, and a q for each of the N examples of the training set.

    N            the number of examples
    data_dim, latent_dim, hidden, rng, likelihood, init, activation   as for `VAE`
    samples      M reparameterized samples of each q, in both steps
    e_steps      gradient steps in an E-step
    e_lr         their rate in the beginning; it decays with the steps of training
    new_steps    gradient steps for an example that is not in the table

    mu, logvar   buffers (N, latent_dim): the table, in the beginning the prior
    """

    buffers = ("mu", "logvar")

    def __init__(
        self, N, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU,
        samples=1, e_steps=10, e_lr=0.3, new_steps=200,
    ):  # fmt: skip
        if not hidden:
            raise UserError("a VAE needs at least one hidden layer, found none")
        self._set_training(latent_dim, likelihood, samples)
        self.e_steps, self.new_steps, self.e_lr = e_steps, new_steps, e_lr
        self.decoder = Sequential(
            mlp([latent_dim, *reversed(hidden)], rng, init, activation),
            Dense(hidden[0], data_dim, rng, init),
        )
        self.mu, self.logvar = np.zeros((2, N, latent_dim), dtype=np.float32)

    def encode(self, x, rng=None):
        """q(z | x) of the examples x (N, D), found from the prior on: a DiagonalGaussian of arrays (N, latent_dim).

        rng   the numpy Generator of ε; by default one with a fixed seed, so that the same x has the same q
        """
        rng = np.random.default_rng(0) if rng is None else rng
        prior = DiagonalGaussian(*np.zeros((2, len(x), self.latent_dim), dtype=self.mu.dtype))
        return self.refine(x, prior, rng, self.new_steps, self.e_lr)

    def loss(self, x, rng, step=math.inf, rows=None):
        """The M-step's objective, N times the mean of −ELBO over the minibatch: a Tensor (); and the parts of
        `VAE.loss`.

        Where `rows` says which examples of the training set these are, their E-step is taken first, and its result goes
        into the table. Elsewhere the examples are new ones.
        """
        if rows is None:
            q = self.encode(x, rng)
        else:
            lr = schedules.polynomial_decay(self.e_lr)(step)
            with self.frozen():
                q = DiagonalGaussian(self.mu[rows], self.logvar[rows])
                q = probability.refine(x, q, self.decode, rng, self.e_steps, lr, self.samples)
            self.mu[rows], self.logvar[rows] = q.mu, q.logvar
        bound = probability.elbo(x, q, self.decode, rng, self.samples)
        return -bound.elbo.mean() * float(len(self.mu)), self._parts(bound.reconstruction.data, bound.kl.data)

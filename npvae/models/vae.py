"""The variational autoencoder: a Gaussian encoder, a decoder, and the evidence lower bound that trains both.

    prior     p(z)     = N(0, I)
    decoder   p(x | z) = likelihood(decoder(z))
    encoder   q(z | x) = N(mu(x), diag exp(logvar(x)))

Source: Kingma and Welling (2014), Auto-encoding variational Bayes; Rezende, Mohamed, Wierstra (2014).
"""

import itertools

from .. import probability
from ..autodiff import no_grad
from ..errors import UserError, choose
from ..nn import Dense, Module, ReLU, Sequential
from ..nn.init import xavier_uniform
from ..probability import LIKELIHOODS, DiagonalGaussian


def mlp(sizes, rng, init):
    """Dense layers of the given sizes, each followed by a ReLU: mlp([784, 512, 256], rng, init) has two."""
    layers = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [Dense(fan_in, fan_out, rng, init), ReLU()]
    return Sequential(*layers)


class VAE(Module):
    """A VAE of dense layers; the decoder mirrors the encoder.

    data_dim     D, the number of pixels
    latent_dim   the dimension of z
    hidden       the widths of the encoder's hidden layers, from the data to the latent space
    likelihood   "bernoulli" or "gaussian" (means by the decoder, one learned variance)
    rng          the numpy Generator that the first weights are drawn from
    init         how they are drawn: a function of nn.init

    Raises UserError for an unknown likelihood, or without a hidden layer.
    """

    def __init__(self, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform):
        if not hidden:
            raise UserError("a VAE needs at least one hidden layer, found none")
        self.latent_dim = latent_dim
        self.encoder = mlp([data_dim, *hidden], rng, init)
        self.mu = Dense(hidden[-1], latent_dim, rng, init)
        self.logvar = Dense(hidden[-1], latent_dim, rng, init)
        self.decoder = Sequential(
            mlp([latent_dim, *reversed(hidden)], rng, init),
            Dense(hidden[0], data_dim, rng, init),
        )
        self.likelihood = choose("likelihood", likelihood, LIKELIHOODS)()

    def encode(self, x):
        """q(z | x) of the examples x, an array (N, D): a DiagonalGaussian (N, latent_dim)."""
        h = self.encoder(x)
        return DiagonalGaussian(self.mu(h), self.logvar(h))

    def decode(self, z):
        """p(x | z) of the codes z, a Tensor or array (N, latent_dim): a distribution (N, D)."""
        return self.likelihood(self.decoder(z))

    def elbo(self, x, rng, samples=1):
        """The evidence lower bound of ln p(x) for every example: an `ELBO` of Tensors (N,), in nats."""
        return probability.elbo(x, self.encode(x), self.decode, rng, samples)

    def loss(self, x, rng):
        """−ELBO, averaged over the batch, a Tensor (), in nats; and its two parts as numbers, both to be minimised.

        {"rec": −E ln p(x | z), "kl": KL(q ‖ p)}: `rec` has the opposite sign of `ELBO.reconstruction`.
        """
        bound = self.elbo(x, rng)
        parts = {"rec": -float(bound.reconstruction.data.mean()), "kl": float(bound.kl.data.mean())}
        return -bound.elbo.mean(), parts

    def reconstruct(self, x):
        """The mean of p(x | z) at the posterior mean z = mu(x): an array (N, D)."""
        with no_grad():
            return self.decode(self.encode(x).mu).mean

    def generate(self, z):
        """The mean of p(x | z) for given codes z (N, latent_dim): an array (N, D)."""
        with no_grad():
            return self.decode(z.astype(self.mu.b.dtype)).mean

    def sample(self, n, rng):
        """n examples decoded from the prior, as the means of p(x | z): an array (n, D)."""
        return self.generate(rng.standard_normal((n, self.latent_dim)))

    def log_likelihood(self, x, rng, samples):
        """ln p(x) by importance sampling with K samples, an array (N,) in nats."""
        with no_grad():
            q = self.encode(x)
        return probability.importance_log_likelihood(x, q, self.decode, rng, samples)

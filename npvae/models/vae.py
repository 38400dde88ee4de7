"""The variational autoencoder: a Gaussian encoder, a decoder, and the evidence lower bound that trains both.

    prior     p(z)     = N(0, I)
    decoder   p(x | z) = likelihood(decoder(z))
    encoder   q(z | x) = N(mu(x), diag exp(logvar(x)))

Source: Kingma and Welling (2014), Auto-encoding variational Bayes; Rezende, Mohamed, Wierstra (2014).
"""

import math

from .. import probability
from ..errors import UserError, choose
from ..nn import Dense, ReLU, schedules
from ..nn.init import xavier_uniform
from ..probability import ESTIMATORS, LIKELIHOODS, DiagonalGaussian, KLTerm, estimators, kl_term
from .base import LatentModel
from .networks import dense_decoder, mlp

PLAIN = KLTerm()  # the KL itself


class VAE(LatentModel):
    """A VAE of dense layers; the decoder mirrors the encoder.

    data_dim     D, the number of pixels
    latent_dim   the dimension of z
    hidden       the widths of the encoder's hidden layers, from the data to the latent space
    rng          the numpy Generator that the first weights are drawn from
    likelihood   a name of probability.LIKELIHOODS
    init         how the weights are drawn: a function of nn.init
    activation   of the hidden layers: a function that makes a layer
    samples      L, how many z are drawn for each example in training
    estimator    of the gradient, a name of probability.ESTIMATORS
    kl_term      what stands in the objective in place of the KL: a `KLTerm`, by default the KL

    Raises UserError for unknown names, without a hidden layer, for less than one sample, and for a changed KL term with
    an estimator that does not have the KL apart.
    """

    def __init__(
        self, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU,
        **training
    ):
        if not hidden:
            raise UserError("a VAE needs at least one hidden layer, found none")
        self._set_training(latent_dim, likelihood, **training)
        self.encoder = mlp([data_dim, *hidden], rng, init, activation)
        self.mu = Dense(hidden[-1], latent_dim, rng, init)
        self.logvar = Dense(hidden[-1], latent_dim, rng, init)
        self.decoder = dense_decoder(latent_dim, hidden, data_dim, rng, init, activation)

    def _set_training(self, latent_dim, likelihood, samples=1, estimator="analytic-kl", kl_term=PLAIN):
        """What does not depend on the networks."""
        self.check_latent_dim(latent_dim)
        self.latent_dim = latent_dim
        self.likelihood = choose("likelihood", likelihood, LIKELIHOODS)()
        self.samples, self.estimator, self.kl_term = samples, estimator, kl_term
        if not isinstance(kl_term, KLTerm):
            raise TypeError(f"kl_term is {kl_term!r}, expected a KLTerm, such as KLTerm(beta=2.0)")
        choose("estimator", estimator, ESTIMATORS)
        probability.bounds.check_samples(samples)
        if estimator == "score-function-baseline" and samples < 2:
            raise UserError("the baseline is the mean over the other samples: take at least 2 samples, found 1")
        if estimator != "analytic-kl" and not kl_term.is_plain:
            raise UserError(f"beta, warm-up, free bits and capacity need the KL apart: {estimator} does not have it")

    def encode(self, x):
        """q(z | x) of the examples x, an array (N, D): a DiagonalGaussian (N, latent_dim)."""
        h = self.encoder(x)
        return DiagonalGaussian(self.mu(h), self.logvar(h))

    def decode(self, z):
        """p(x | z) of the codes z, a Tensor or array (N, latent_dim): a distribution (N, D)."""
        return self.likelihood(self.decoder(z))

    def reparameterize(self, q, rng):
        """A draw z = μ + σ ⊙ ε from q, a Tensor (N, latent_dim)."""
        return q.rsample(rng)

    def forward(self, x, rng):
        """The whole way: q(z | x), and p(x | z) for one draw z from it. x (N, D)."""
        q = self.encode(x)
        return q, self.decode(self.reparameterize(q, rng))

    def elbo(self, x, rng, samples=1):
        """The evidence lower bound of ln p(x) for every example: an `ELBO` of Tensors (N,), in nats."""
        return probability.elbo(x, self.encode(x), self.decode, rng, samples)

    def loss(self, x, rng, step=math.inf, rows=None):
        """What is minimised, a Tensor (), and the report, a dict of numbers, in nats, averaged over the batch.

        The report is {"loss": −ELBO, "rec": −E ln p(x | z), "kl": KL(q ‖ p)}, all to be minimised: `rec` has the
        opposite sign of `ELBO.reconstruction`. Where the objective is not −ELBO, it is added as "objective".
        """
        if self.estimator != "analytic-kl":
            return self._surrogate_loss(x, rng)
        q = self.encode(x)
        bound = probability.elbo(x, q, self.decode, rng, self.samples)
        objective = self.kl_term(q, bound.kl, step) - bound.reconstruction.mean()
        parts = self._parts(bound.reconstruction.data, bound.kl.data, None if self.kl_term.is_plain else objective)
        return objective, parts

    def _surrogate_loss(self, x, rng):
        """For an estimator by name: a Tensor whose gradient is the estimate. Its value says nothing.

        The decoder runs twice, once for the draw: a batch normalization in it sees the minibatch twice.
        """
        q = self.encode(x)
        fixed = estimators.draw(x, q, self.decode, rng, self.samples)
        surrogate = ESTIMATORS[self.estimator](x, q, self.decode, fixed)
        return -surrogate.mean(), self._parts(fixed.log_likelihood, q.detach().kl_divergence().data)

    @staticmethod
    def _parts(log_likelihood, kl, objective=None):
        rec, kl = -float(log_likelihood.mean()), float(kl.mean())
        parts = {"loss": rec + kl, "rec": rec, "kl": kl}
        return parts if objective is None else parts | {"objective": float(objective)}

    def codes(self, x):
        """The posterior means mu(x): an array (N, latent_dim)."""
        with self.evaluating():
            return self.encode(x).mean

    def generate(self, z):
        """The mean of p(x | z) for given codes z (N, latent_dim): an array (N, D)."""
        dtype = self.parameters()[0].dtype
        with self.evaluating():
            return self.decode(z.astype(dtype)).mean

    def from_noise(self, eps):
        """eps itself: the prior is N(0, I)."""
        return eps

    def importance_sampling(self, x, rng, samples):
        """ln p(x) with K samples, for the examples x (N, D): an `ImportanceSampling`."""
        with self.evaluating():
            return probability.importance_sampling(x, self.encode(x), self.decode, rng, samples)

    def refine(self, x, q, rng, steps, lr=0.05):
        """q(z | x) fitted to each of the examples x (N, D) by itself, beginning with q, while the decoder stays fixed.

        `probability.refine`, with rates that decay to zero by a cosine: a DiagonalGaussian of arrays (N, latent_dim).
        """
        with self.frozen():
            return probability.refine(x, q, self.decode, rng, steps, schedules.cosine(lr, steps), self.samples)

    def remarks(self, x):
        """Whether the posterior has collapsed, or the codes have left the prior."""
        with self.evaluating():
            return kl_term.remarks(self.encode(x))

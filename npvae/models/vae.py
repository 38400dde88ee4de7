"""The variational autoencoder: a Gaussian encoder, a decoder, and the evidence lower bound that trains both.

    prior     p(z)     = N(0, I)
    decoder   p(x | z) = likelihood(decoder(z))
    encoder   q(z | x) = N(μ(x), diag σ²(x)),    σ = exp(logvar / 2)

Training samples z from q and minimises −ELBO, averaged over the minibatch:

    z = μ + σ ⊙ ε,    ε ~ N(0, I)
    −ELBO = rec + KL,    rec = −ln p(x | z),    KL = ½ Σ_j [μ_j² + σ_j² − 1 − ln σ_j²]

Here these formulas are in probability/gaussian.py and probability/bernoulli.py, so that other models share them;
tutorials/vae_on_a_page.py has all of them on one page.

Source: Kingma and Welling (2014), Auto-encoding variational Bayes; Rezende, Mohamed, Wierstra (2014).
"""

import math

from .. import probability
from ..arguments import check_sizes, check_widths, generator
from ..errors import UserError, choose
from ..nn import Dense, ReLU, schedules
from ..nn.init import xavier_uniform
from ..probability import ESTIMATORS, LIKELIHOODS, DiagonalGaussian, KLTerm, bounds, estimators
from .base import LatentModel
from .networks import dense_decoder, mlp

PLAIN = KLTerm()  # the KL itself


class VAE(LatentModel):
    """A VAE of dense layers; the decoder mirrors the encoder.

    data_dim     D, the number of pixels
    latent_dim   the dimension of z
    hidden       the widths of the encoder's hidden layers, from the data to the latent space
    rng          the numpy Generator that draws the initial weights
    likelihood   a name of probability.LIKELIHOODS
    init         draws the weights: a function of nn.init
    activation   makes the layer that follows each hidden layer: a class of nn, or a function
    samples      L, the number of z drawn for each example in training
    estimator    the estimator of the gradient, a name of probability.ESTIMATORS
    kl_term      replaces the KL in the objective: a `KLTerm`, by default the KL itself

    Raises UserError for unknown names, no hidden layer, less than one sample, and a changed KL term beside an estimator
    that has no separate KL.
    """

    unit = "nats per example"
    has_bound = True

    def __init__(
        self, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU,
        samples=1, estimator="analytic-kl", kl_term=PLAIN,
    ):  # fmt: skip
        self._set_bound(latent_dim, likelihood, samples, estimator, kl_term)
        check_sizes(data_dim=data_dim), check_widths("hidden", hidden)
        if not hidden:
            raise UserError("a VAE needs at least one hidden layer, found none")
        self.data_dim, rng = data_dim, generator(rng)
        self.encoder = mlp([data_dim, *hidden], rng, init, activation)
        self.mu = Dense(hidden[-1], latent_dim, rng, init)
        self.logvar = Dense(hidden[-1], latent_dim, rng, init)
        self.decoder = dense_decoder(latent_dim, hidden, data_dim, rng, init, activation)

    def _set_bound(self, latent_dim, likelihood, samples, estimator, kl_term):
        """Set and check everything but the networks."""
        check_sizes(latent_dim=latent_dim, samples=samples)
        self.latent_dim = latent_dim
        self.likelihood = choose("likelihood", likelihood, LIKELIHOODS)()
        self.data_range = self.likelihood.data_range
        self.samples, self.estimator, self.kl_term = samples, estimator, kl_term
        if not isinstance(kl_term, KLTerm):
            raise TypeError(f"kl_term is {kl_term!r}, expected a KLTerm, such as KLTerm(beta=2.0)")
        choose("estimator", estimator, ESTIMATORS)
        if estimator == "score-function-baseline" and samples < 2:
            raise UserError("the baseline is the mean over the other samples: take at least 2 samples, found 1")
        if estimator != "analytic-kl" and not kl_term.is_plain:
            raise UserError(
                f"beta, warm-up, free bits and capacity need the KL apart, which {estimator} does not have: choose "
                "analytic-kl, or leave them out"
            )

    def encode(self, x):
        """Return q(z | x) of the examples x, an array (N, D): a DiagonalGaussian (N, latent_dim)."""
        h = self.encoder(x)
        return DiagonalGaussian(self.mu(h), self.logvar(h))

    def decode(self, z):
        """Return p(x | z) of the codes z, a Tensor or array (N, latent_dim): a distribution (N, D)."""
        return self.likelihood(self.decoder(z))

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return what training minimises, a Tensor (), and its parts, a dict of numbers, in nats per example.

        The parts are {"loss": −ELBO, "rec": −E ln p(x | z), "kl": KL(q ‖ p)}. Lower is better for all of them, so `rec`
        has the opposite sign of `ELBO.reconstruction`. If the objective is not −ELBO, "objective" is added.
        """
        x, rng = self.examples(x), generator(rng)
        if self.estimator != "analytic-kl":
            return self._surrogate_loss(x, rng)
        q = self.encode(x)
        reconstruction = bounds.expected_log_likelihood(x, q, self.decode, rng, self.samples)    # E_q ln p(x | z)
        kl = q.kl_divergence()                                                                   # KL(q(z | x) ‖ p(z))
        objective = self.kl_term(q, kl, step) - reconstruction.mean()
        return objective, self._parts(reconstruction.data, kl.data, None if self.kl_term.is_plain else objective)

    def _surrogate_loss(self, x, rng):
        """Return a Tensor whose gradient is the estimate of `self.estimator`, and the parts. Its value is no estimate.

        The decoder runs twice, the first time for what is held fixed: its batch normalization sees the minibatch twice.
        """
        q = self.encode(x)
        fixed = estimators.hold_fixed(x, q, self.decode, rng, self.samples)
        surrogate = ESTIMATORS[self.estimator](x, q, self.decode, fixed)
        return -surrogate.mean(), self._parts(fixed.log_likelihood, q.detach().kl_divergence().data)

    @staticmethod
    def _parts(log_likelihood, kl, objective=None):
        rec, kl = -float(log_likelihood.mean()), float(kl.mean())
        parts = {"loss": rec + kl, "rec": rec, "kl": kl}
        return parts if objective is None else parts | {"objective": float(objective)}

    def codes(self, x):
        """Return the posterior means mu(x): an array (N, latent_dim)."""
        with self.evaluating():
            return self.encode(self.examples(x)).mean

    def generate(self, z):
        """Return the mean of p(x | z) for the codes z (N, latent_dim): an array (N, D)."""
        with self.evaluating():
            return self.decode(self.points(z)).mean

    def from_noise(self, eps):
        """Return eps itself: the prior is N(0, I)."""
        return eps

    def require(self, x):
        super().require(x)
        self.likelihood.require(x)

    def posteriors(self, x):
        with self.evaluating():
            return self.encode(self.examples(x)).detach()

    def importance_sampling(self, x, rng, samples):
        """Estimate ln p(x) with K samples, for the examples x (N, D): an `ImportanceSampling`."""
        check_sizes(samples=samples)
        x, rng = self.examples(x), generator(rng)
        with self.evaluating():
            return probability.importance_sampling(x, self.encode(x), self.decode, rng, samples)

    def refine(self, x, q, rng, steps, lr=0.05):
        """Return q(z | x) fitted to each of the examples x (N, D) separately, starting from q, with the decoder fixed.

        This is `probability.refine` with a learning rate that falls from lr to zero along a cosine. The result is a
        DiagonalGaussian of arrays (N, latent_dim).
        """
        x, rng = self.examples(x), generator(rng)
        if q.mean.shape != (len(x), self.latent_dim):
            raise UserError(f"q has shape {q.mean.shape}, expected {(len(x), self.latent_dim)}: one for each example")
        with self.frozen():
            return probability.refine(x, q, self.decode, rng, steps, schedules.cosine(lr, steps), self.samples)

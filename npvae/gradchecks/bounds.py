"""Every model with every likelihood and estimator: the gradient of the whole objective, for every parameter.

The gradient of a surrogate is not the derivative of the ELBO, but it is the derivative of the surrogate itself. So draw
once what the surrogate holds fixed, and let finite differences move only the rest.
"""

import numpy as np

from .. import models
from .. import probability as p
from ..probability import estimators
from .check import LATENT, SAMPLES, Check, check_of_function, normal, with_random_parameters
from .operations import levels

IMAGE = (2, 6, 1)  # for the convolutional models: small, because finite differences move each weight twice
CHANNELS = [3]
SIGMA = 0.3  # the standard deviation of the parameters
KL_TERMS = {  # with these parameters the KL is about 1, and the KLs of single dimensions lie on both sides of 0.1
    "beta": p.KLTerm(beta=0.3),
    "warm-up": p.KLTerm(beta=0.3, warm_up=7),
    "free bits": p.KLTerm(free_bits=0.1),
    "capacity above": p.KLTerm(beta=5.0, capacity=2.0),
    "capacity below": p.KLTerm(beta=5.0, capacity=0.5),
}


def vae(rng, N, D, K, likelihood, **options):
    """Return a VAE K-D-LATENT, and its data."""
    return models.VAE(K, LATENT, [D], rng, likelihood, **options), levels(rng, N, K)


def iwae(rng, N, D, K, likelihood):
    """Return an IWAE K-D-LATENT with SAMPLES samples, and its data."""
    return models.IWAE(K, LATENT, [D], rng, likelihood, samples=SAMPLES), levels(rng, N, K)


def convolutional_vae(rng, N, D, K, likelihood, **options):
    """Return a convolutional VAE for small images, and its data."""
    return models.ConvolutionalVAE(IMAGE, 2, CHANNELS, rng, likelihood, **options), levels(rng, N, int(np.prod(IMAGE)))


def vanilla_vae(rng, N, D, K, likelihood, **options):
    """Return a VAE of the layout VanillaVAE for small images, and its data."""
    return models.VanillaVAE(IMAGE, 2, CHANNELS, rng, likelihood, **options), levels(rng, N, int(np.prod(IMAGE)))


def conditional_vae(rng, N, D, K, likelihood, **options):
    """Return a conditional VAE given the labels of N examples, and the examples."""
    labels = 17
    model = models.ConditionalVAE(K, LATENT, [D], range(labels), rng, likelihood, **options)
    return model.given(rng.integers(labels, size=N)), levels(rng, N, K)


def bound(name, make, likelihood, step=3, **options):
    """Return a check of the gradient of model.loss, for all parameters."""

    def build(rng, N, D, K):
        model, x = make(rng, N, D, K, likelihood, **options)
        with_random_parameters(model, rng, SIGMA)
        loss = lambda: model.loss(x, np.random.default_rng(1), step)[0]  # noqa: E731
        return (loss,), {"parameters": model.named_parameters()}

    return Check(f"{name}({likelihood})", "bound", build)


def surrogate(name, make, likelihood, estimator):
    """Return a check of the gradient of one estimator's surrogate, for all parameters of a model."""

    def build(rng, N, D, K):
        model, x = make(rng, N, D, K, likelihood)
        with_random_parameters(model, rng, SIGMA)
        fixed = estimators.hold_fixed(x, model.encode(x), model.decode, rng, 2)
        value = lambda: p.ESTIMATORS[estimator](x, model.encode(x), model.decode, fixed)  # noqa: E731
        return (value,), {"parameters": model.named_parameters()}

    return Check(f"{name}({likelihood}, {estimator})", "bound", build)


def m_step(likelihood):
    """Return a check of variational EM's M-step: q comes from the table, and no E-step moves it."""

    def build(rng, N, D, K):
        model = models.VariationalEM(N, K, LATENT, [D], rng, likelihood, samples=SAMPLES, e_steps=0)
        with_random_parameters(model, rng, SIGMA)
        model.mu_table[...], model.logvar_table[...] = normal(rng, 2, N, LATENT)
        x, rows = levels(rng, N, K), np.arange(N)
        loss = lambda: model.loss(x, np.random.default_rng(1), 3, rows)[0]  # noqa: E731
        return (loss,), {"parameters": model.named_parameters()}

    return Check(f"VariationalEM.m_step({likelihood})", "bound", build)


def e_step(likelihood):
    """Return a check of variational EM's E-step: the gradient of the ELBO, for mu and logvar of each example."""

    def build(rng, N, D, K):
        model = models.VariationalEM(N, K, LATENT, [D], rng, likelihood)
        with_random_parameters(model, rng, SIGMA)
        x = levels(rng, N, K)

        def elbo(mu, logvar):
            return p.elbo(x, p.DiagonalGaussian(mu, logvar), model.decode, np.random.default_rng(1), SAMPLES).elbo

        return elbo, *normal(rng, 2, N, LATENT)

    return check_of_function(f"VariationalEM.e_step({likelihood})", "bound", build)


def autoencoder(case, make):
    """Return a check of the gradient of an autoencoder's loss; make(rng, D, K) returns the model and D of its data."""

    def build(rng, N, D, K):
        model, width = make(rng, D, K)
        with_random_parameters(model, rng, SIGMA)
        x = levels(rng, N, width)
        loss = lambda: model.loss(x, np.random.default_rng(1))[0]  # noqa: E731
        return (loss,), {"parameters": model.named_parameters()}

    return Check(f"Autoencoder({case})", "bound", build)


def diffusion(steps):
    """Return a check of the gradient of a diffusion model's bound, with this number of steps."""

    def build(rng, N, D, K):
        model = with_random_parameters(models.Diffusion(K, steps, [D], rng), rng, SIGMA)
        x = normal(rng, N, K)
        loss = lambda: model.loss(x, np.random.default_rng(1))  # noqa: E731
        return (loss,), {"parameters": model.named_parameters()}

    return Check(f"Diffusion({steps} steps)", "bound", build)


BOUND_CHECKS = [
    autoencoder("linear", lambda rng, D, K: (models.Autoencoder(K, D, [], rng), K)),
    autoencoder("dense", lambda rng, D, K: (models.Autoencoder(K, LATENT, [D], rng), K)),
    autoencoder("gaussian noise", lambda rng, D, K: (models.Autoencoder(K, LATENT, [D], rng, "gaussian"), K)),
    autoencoder("masking noise", lambda rng, D, K: (models.Autoencoder(K, LATENT, [D], rng, "masking"), K)),
    autoencoder(
        "convolutional", lambda rng, D, K: (models.ConvolutionalAutoencoder(IMAGE, 2, CHANNELS, rng), np.prod(IMAGE))
    ),
    *(bound("VAE", vae, likelihood) for likelihood in p.LIKELIHOODS),
    bound("VAE.13_samples", vae, "bernoulli", samples=SAMPLES),
    *(bound(f"VAE.{name.replace(' ', '_')}", vae, "bernoulli", kl_term=term) for name, term in KL_TERMS.items()),
    *(surrogate("VAE", vae, likelihood, estimator) for likelihood in p.LIKELIHOODS for estimator in p.ESTIMATORS),
    *(bound("IWAE", iwae, likelihood) for likelihood in p.LIKELIHOODS),
    *(step(likelihood) for likelihood in p.LIKELIHOODS for step in (e_step, m_step)),
    *(bound("ConditionalVAE", conditional_vae, likelihood) for likelihood in p.LIKELIHOODS),
    bound("ConditionalVAE.13_samples", conditional_vae, "bernoulli", samples=SAMPLES),
    *(surrogate("ConditionalVAE", conditional_vae, "bernoulli", estimator) for estimator in p.ESTIMATORS),
    *(bound("ConvVAE", convolutional_vae, likelihood) for likelihood in p.LIKELIHOODS),
    *(
        surrogate("ConvVAE", convolutional_vae, likelihood, estimator)
        for likelihood in p.LIKELIHOODS
        for estimator in p.ESTIMATORS
    ),
    bound("VanillaVAE", vanilla_vae, "squared-error", kl_term=p.KLTerm(beta=0.3)),
    bound("VanillaVAE", vanilla_vae, "gaussian"),
    diffusion(1),
    diffusion(13),
]

"""Distributions, each beside the fused operations that it is computed with, and the bounds made of them."""

from .bernoulli import Bernoulli, bernoulli_log_likelihood
from .bounds import ELBO, active_units, elbo, importance_log_likelihood
from .gaussian import (
    DiagonalGaussian,
    gaussian_kl_divergence,
    gaussian_log_likelihood,
    kl_to_standard_normal,
    reparameterize,
)
from .likelihoods import LIKELIHOODS, BernoulliLikelihood, GaussianLikelihood

__all__ = [
    "ELBO", "LIKELIHOODS", "Bernoulli", "BernoulliLikelihood", "DiagonalGaussian", "GaussianLikelihood", "active_units",
    "bernoulli_log_likelihood", "elbo", "gaussian_kl_divergence", "gaussian_log_likelihood",
    "importance_log_likelihood", "kl_to_standard_normal", "reparameterize",
]

"""Distributions, each beside its fused operations, and the bounds built from them."""

from .amortization import refine
from .bernoulli import Bernoulli, bernoulli_log_likelihood
from .bounds import ELBO, ImportanceSampling, active_units, elbo, importance_sampling, iwae_bound, log_weights
from .continuous_bernoulli import ContinuousBernoulli, continuous_bernoulli_log_likelihood
from .discretized_logistic import DiscretizedLogistic, discretized_logistic_log_likelihood
from .estimators import ESTIMATORS
from .flow import Flow
from .gaussian import DiagonalGaussian, gaussian_kl_divergence, gaussian_log_likelihood
from .gaussian import kl_to_standard_normal, reparameterize
from .grid import GridPosterior, grid_posterior
from .kl_term import KLTerm
from .likelihoods import LIKELIHOODS, GaussianLikelihood
from .transforms import jacobian, pushed_log_prob, ring

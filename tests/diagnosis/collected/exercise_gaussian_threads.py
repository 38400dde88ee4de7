"""Gaussian and Bernoulli log-likelihoods: threads in the trackers of blitz, darts, GPJax, GPyTorch, stable-baselines,
pints, PyTorch, Keras, mlpack and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def fit(g, a):
    """Sum a gradient g down to the shape of a, which was broadcast."""
    g = g.sum(axis=tuple(range(g.ndim - np.ndim(a))))
    axes = tuple(i for i, n in enumerate(np.shape(a)) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


@mistake("carried over from https://github.com/piEsposito/blitz-bayesian-deep-learning/pull/15: the logarithm of "
         "σ is not taken: here σ² stands for ln σ²",
         says=[("other function", "log"), ("other array", "var", "logvar"), ("other array", "var")],
         exercise="gaussian")
def gaussian_with_the_variance_for_its_logarithm(x, mu, logvar):
    var = np.exp(logvar)
    y = -0.5 * (float(np.log(2 * np.pi)) + var + (x - mu)**2 / var).sum(-1)
    def dx(dy):
        return fit(-dy[:, None] * (x - mu) / var, x)
    def dmu(dy):
        return fit(dy[:, None] * (x - mu) / var, mu)
    def dlogvar(dy):
        return fit(dy[:, None] * 0.5 * ((x - mu)**2 / var - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/cornellius-gp/gpytorch/issues/2174: ½ before the parentheses and 1/(2σ²) inside of "
         "them",
         says=[("extra factor", "2"), ("constant", "2"), ("missing factor", "2"), ("extra factor", "0.5")],
         exercise="gaussian")
def gaussian_with_two_halves(x, mu, logvar):
    var = np.exp(logvar)
    y = -0.5 * (np.log(2 * np.pi * var) + (x - mu)**2 / (2 * var)).sum(axis=-1)
    def dx(dy):
        return fit(dy[:, None] * (mu - x) / var, x)
    def dmu(dy):
        return fit(dy[:, None] * (x - mu) / var, mu)
    def dlogvar(dy):
        return fit(0.5 * dy[:, None] * ((x - mu)**2 / var - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/pints-team/pints/issues/1179: the constant is not multiplied by the number of "
         "outputs",
         says=[("missing factor", "D"), ("missing factor", "shape"), ("missing sum", "pi"), ("moved",),
               ("missing factor",)],
         exercise="gaussian")
def gaussian_with_the_constant_once(x, mu, logvar):
    var = np.exp(logvar)
    y = -0.5 * (logvar + (x - mu)**2 / var).sum(axis=-1) - 0.5 * float(np.log(2 * np.pi))
    def dx(dy):
        return fit(dy[:, None] * (mu - x) / var, x)
    def dmu(dy):
        return fit(dy[:, None] * (x - mu) / var, mu)
    def dlogvar(dy):
        return fit(0.5 * dy[:, None] * ((x - mu)**2 / var - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/peterroelants/peterroelants.github.io/issues/14: a missing minus; "
         "here in the gradient of x",
         says=[("wrong sign", "x"), ("order", "x - mu"), ("wrong sign",)],
         exercise="gaussian")
def gaussian_that_pulls_x_away_from_the_mean(x, mu, logvar):
    inv = np.exp(-logvar)
    y = -0.5 * np.sum(float(np.log(2 * np.pi)) + logvar + inv * (x - mu)**2, axis=-1)
    def pull(dy):
        return dy[:, None] * inv * (x - mu)
    def dx(dy):
        return fit(pull(dy), x)
    def dmu(dy):
        return fit(pull(dy), mu)
    def dlogvar(dy):
        return fit(0.5 * dy[:, None] * (inv * (x - mu)**2 - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/keras-team/keras/issues/9664: the probabilities are clipped, so that far logits "
         "have another likelihood",
         says=[("constant", "1e-7"), ("epsilon",), ("other function", "clip"), ("part",), ("fault",)],
         exercise="bernoulli")
def bernoulli_with_clipped_probabilities(logits, x):
    p = 0.5 + 0.5 * np.tanh(0.5 * logits)
    q = np.clip(p, 1e-7, 1 - 1e-7)
    y = np.sum(x * np.log(q) + (1 - x) * np.log(1 - q), axis=1)
    def dlogits(dy):
        return (x - p) * dy[:, None]
    return y, dlogits, None


@mistake("https://github.com/mlpack/mlpack/pull/2873: the prediction, a logit, stands in the place of its sigmoid",
         says=[("other array", "logits"), ("other function", "sigmoid")],
         exercise="bernoulli")
def bernoulli_with_a_logit_for_a_probability(logits, x):
    y = np.sum(x * logits - np.logaddexp(0, logits), axis=-1)
    def dlogits(dy):
        return dy[:, np.newaxis] * (x - logits)
    return y, dlogits, None


@mistake("carried over from https://github.com/pytorch/pytorch/pull/1792: l − l x + ln(…) with an l too many for "
         "a maximum: the derivative has the sign of a loss",
         says=[("wrong sign",), ("order", "p - x"), ("order",)],
         exercise="bernoulli")
def bernoulli_with_the_gradient_of_a_loss(logits, x):
    p = 0.5 * (1 + np.tanh(logits / 2))
    y = -(np.maximum(logits, 0) - logits * x + np.log1p(np.exp(-abs(logits)))).sum(axis=1)
    def dlogits(dy):
        return dy[:, None] * (p - x)
    return y, dlogits, None

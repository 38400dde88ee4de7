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


@mistake("https://github.com/unit8co/darts/pull/1162: the standard deviation stands where the variance belongs",
         says=[("constant", "0.5"), ("power",), ("extra factor", "0.5"), ("other array", "std")],
         exercise="gaussian")
def gaussian_divided_by_the_standard_deviation(x, mu, logvar):
    std = np.exp(0.5 * logvar)
    r = x - mu
    y = -0.5 * np.sum(float(np.log(2 * np.pi)) + logvar + r * r / std, axis=-1)
    def dx(dy):
        return fit(-dy[:, None] * r / std**2, x)
    def dmu(dy):
        return fit(dy[:, None] * r / std**2, mu)
    def dlogvar(dy):
        return fit(dy[:, None] * 0.5 * (r**2 / std**2 - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/thomaspinder/GPJax/issues/413: the square of the standard "
         "deviation is forgotten, here in the gradient of the mean",
         says=[("power", "std"), ("power",), ("missing factor", "std"), ("other array", "std")],
         exercise="gaussian")
def gaussian_whose_mean_is_pulled_by_one_over_sigma(x, mu, logvar):
    std = np.sqrt(np.exp(logvar))
    z = (x - mu) / std
    y = (-0.5 * float(np.log(2 * np.pi)) - 0.5 * logvar - 0.5 * z**2).sum(axis=1)
    def dx(dy):
        return fit(-dy[:, None] * z / std, x)
    def dmu(dy):
        return fit(dy[:, None] * z, mu)
    def dlogvar(dy):
        return fit(dy[:, None] * 0.5 * (z**2 - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/hill-a/stable-baselines/pull/1060: log σ is taken for log σ², "
         "with the derivative of the other",
         says=[("extra factor", "2"), ("constant", "2"), ("missing factor", "0.5"), ("power",)],
         exercise="gaussian")
def gaussian_whose_gradient_takes_logvar_for_log_sigma(x, mu, logvar):
    inv = np.exp(-logvar)
    y = -0.5 * (float(np.log(2 * np.pi)) + logvar + inv * (x - mu)**2).sum(axis=-1)
    def dx(dy):
        return fit(dy[:, None] * inv * (mu - x), x)
    def dmu(dy):
        return fit(dy[:, None] * inv * (x - mu), mu)
    def dlogvar(dy):
        return fit(dy[:, None] * (inv * (x - mu)**2 - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/pytorch/pytorch/pull/2221: the clamp has the wrong sign: max(l, 0) where max(−l, 0) "
         "belongs; it overflows",
         says=[("wrong sign",), ("fault", "overflow"), ("fault", "inf"), ("fault", "nan")],
         exercise="bernoulli")
def bernoulli_with_the_wrong_maximum(logits, x):
    m = np.maximum(logits, 0)
    loss = logits - logits * x + m + np.log(np.exp(-m) + np.exp(-logits - m))
    y = -loss.sum(axis=1)
    def dlogits(dy):
        return dy[:, None] * (x - 0.5 - 0.5 * np.tanh(0.5 * logits))
    return y, dlogits, None


@mistake("https://github.com/pytorch/pytorch/issues/2298: the slope of |l| is 0 at l = 0, where the gradient is "
         "wrong therefore",
         says=[("part", "0"), ("fault", "kink"), ("other function", "sign"), ("part",)],
         exercise="bernoulli")
def bernoulli_with_the_gradient_of_an_absolute_value(logits, x):
    y = (x * logits - np.maximum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))).sum(axis=1)
    def dlogits(dy):
        e = np.exp(-np.abs(logits))
        d = x - (logits > 0) + np.sign(logits) * e / (1 + e)
        return d * dy[:, None]
    return y, dlogits, None


@mistake("https://github.com/pytorch/pytorch/pull/163975: the logits are clamped to [−100, 100]",
         says=[("constant", "100"), ("other function", "clip"), ("part",), ("fault",)],
         exercise="bernoulli")
def bernoulli_with_clamped_logits(logits, x):
    logit = np.clip(logits, -100, 100)
    y = np.sum(x * logit - np.logaddexp(0, logit), axis=-1)
    def dlogits(dy):
        return dy[:, None] * (x - 0.5 * (1 + np.tanh(logits / 2)))
    return y, dlogits, None


@mistake("carried over from https://github.com/pytorch/pytorch/pull/44950: a target that is no constant: its "
         "factor is taken once more, as in a chain of σ and a cross entropy",
         says=[("extra factor", "p"), ("extra factor",), ("extra factor", "1 - p")],
         exercise="bernoulli")
def bernoulli_with_the_slope_of_the_sigmoid_twice(logits, x):
    p = 0.5 * (1 + np.tanh(logits / 2))
    y = (x * logits - np.logaddexp(0, logits)).sum(axis=-1)
    def dlogits(dy):
        delta = (x - p) * dy[:, None]
        return delta * p * (1 - p)
    return y, dlogits, None

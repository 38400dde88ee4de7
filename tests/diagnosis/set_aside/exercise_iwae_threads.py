"""Importance weights: threads in the trackers of PyTorch-VAE, generative-tf, scVI, TensorFlow Probability,
Likelihood-Regret, perses, axon, pyprob, sbi, a course on deep-learning systems.
"""

import numpy as np

from npvae.autodiff.ops import _restore_axes
from npvae.probability import DiagonalGaussian, ImportanceSampling
from tests.diagnosis.mistakes import mistake


def log_weights(x, q, decode, rng, samples):
    z = q.rsample(rng, samples).data
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    log_px = np.stack([decode(z[k]).log_prob(x).data for k in range(samples)])
    return log_px, prior.log_prob(z).data, q.log_prob(z).data


def log_sum(a):
    m = a.max(axis=0)
    return m + np.log(np.exp(a - m).sum(axis=0))


def kish(a):
    w = np.exp(a - a.max(axis=0))
    return w.sum(axis=0) ** 2 / (w ** 2).sum(axis=0)


def forward(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        y = np.log(total) + m
    return m, e, total, y


@mistake("https://github.com/arahuja/generative-tf/issues/1: the mean of the logarithms for the logarithm of the "
         "mean",
         says=[("order", "log"), ("order",), ("moved",), ("sum or mean",), ("other function", "mean")],
         exercise="importance_sampling")
def importance_sampling_with_a_mean_of_logarithms(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    estimate = a.mean(axis=0)
    return ImportanceSampling(estimate, kish(a))


@mistake("https://github.com/scverse/scvi-tools/issues/13: logsumexp of the losses, which are −ln w",
         says=[("wrong sign",), ("order", "log_qz"), ("power",)],
         exercise="importance_sampling")
def importance_sampling_of_inverse_weights(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    losses = -(log_px + log_pz - log_qz)
    gains = -(log_sum(losses) - np.log(samples))
    return ImportanceSampling(gains, kish(-losses))


@mistake("carried over from https://github.com/tensorflow/probability/issues/189: the ratio p(x, z)/q(z) is "
         "thought to be flipped, here in its sign of ln q",
         says=[("wrong sign", "log_qz"), ("other function", "+"), ("other function", "-"),
               ("wrong sign", "q")],
         exercise="importance_sampling")
def importance_sampling_with_q_multiplied(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz + log_qz
    return ImportanceSampling(log_sum(a) - np.log(samples), kish(a))


@mistake("https://github.com/XavierXiao/Likelihood-Regret/issues/1: the maximum runs over everything, and not "
         "only over the samples",
         says=[("axis", "max"), ("fault", "underflow"), ("fault", "inf"), ("axis",), ("fault",)],
         exercise="importance_sampling")
def importance_sampling_with_one_maximum_for_all(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    top = a.max()
    w = np.exp(a - top)
    return ImportanceSampling(top + np.log(w.mean(axis=0)), w.sum(axis=0) ** 2 / (w * w).sum(axis=0))


@mistake("https://github.com/choderalab/perses/pull/1239: the maximum is not added back",
         says=[("missing term", "top"), ("missing term",), ("missing term", "max")],
         exercise="importance_sampling")
def importance_sampling_without_its_maximum(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    top = np.amax(a, axis=0)
    w = np.exp(a - top)
    return ImportanceSampling(np.log(w.mean(axis=0)), kish(a))


@mistake("https://github.com/pyprob/pyprob/issues/36: 1/Σ w² for weights that are not normalized",
         says=[("missing factor", "sum"), ("power",), ("missing factor",), ("missing factor", "w")],
         exercise="importance_sampling")
def importance_sampling_with_unnormalized_effective_size(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    w = np.exp(a - a.max(axis=0))
    return ImportanceSampling(log_sum(a) - np.log(samples), 1 / (w**2).sum(axis=0))


@mistake("https://github.com/AntixK/PyTorch-VAE/issues/34: weights that are not detached: the gradient has an "
         "extra term, w ∂ of the weight times ln w",
         says=[("extra term",), ("extra term", "x"), ("extra factor",)],
         exercise="iwae_weights")
def iwae_weights_that_are_not_detached(x, *, axis=None):
    _m, e, total, y = forward(x, axis)
    def dx(dy):
        w = e / total
        g = _restore_axes(dy, x.shape, axis)
        mean = (w * x).sum(axis=axis, keepdims=True)
        return g * w * (1 + x - mean)
    return np.squeeze(y, axis=axis), dx


@mistake("carried over from https://github.com/YosefLab/scVI-dev/issues/8: (x − log_softmax).mean(): the "
         "derivative of the mean, 1/K more",
         says=[("extra factor", "K"), ("sum or mean",), ("extra factor",), ("missing factor",)],
         exercise="iwae_weights")
def iwae_weights_divided_by_the_mean(x, *, axis=None):
    _m, e, _total, y = forward(x, axis)
    def dx(dy):
        mean = e.mean(axis=axis, keepdims=True)
        return _restore_axes(dy, x.shape, axis) * (e / mean)
    return np.squeeze(y, axis=axis), dx


@mistake("carried over from https://github.com/sbi-dev/sbi/issues/71: a logarithm of a weight is used like a "
         "weight",
         says=[("other function", "exp"), ("missing path",), ("other array", "x"), ("other function",)],
         exercise="iwae_weights")
def iwae_weights_that_are_logarithms(x, *, axis=None):
    m, _e, total, y = forward(x, axis)
    def dx(dy):
        return _restore_axes(dy, x.shape, axis) * (x - m - np.log(total))
    return np.squeeze(y, axis=axis), dx

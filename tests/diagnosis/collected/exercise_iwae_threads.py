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


@mistake("https://github.com/YosefLab/scVI-dev/issues/8: the first draft: without ln K",
         says=[("missing term", "log(samples)"), ("missing term", "K"), ("missing factor", "K"),
               ("sum or mean",), ("extra factor", "K"), ("missing term",)],
         exercise="importance_sampling")
def importance_sampling_without_ln_k(x, q, decode, rng, samples):
    log_px, log_pz, log_qz = log_weights(x, q, decode, rng, samples)
    a = log_px + log_pz - log_qz
    return ImportanceSampling(log_sum(a), kish(a))


@mistake("https://github.com/kcxain/dlsys/issues/4: 'f − max(z)': the maximum is subtracted once more in the "
         "derivative",
         says=[("extra term", "m"), ("extra term",), ("missing term", "m"), ("other array",)],
         exercise="iwae_weights")
def iwae_weights_with_the_maximum_subtracted_from_the_output(x, *, axis=None):
    _m, _e, total, y = forward(x, axis)
    def dx(dy):
        return _restore_axes(dy, x.shape, axis) * np.exp(x - np.log(total))
    return np.squeeze(y, axis=axis), dx


@mistake("carried over from https://github.com/xqding/Importance_Weighted_Autoencoders/issues/2: 'we can "
         "directly do exp': overflow",
         says=[("fault", "overflow"), ("fault", "nan"), ("fault", "NaN"), ("fault", "inf")],
         exercise="iwae_weights")
def iwae_weights_without_a_maximum(x, *, axis=None):
    _m, _e, _total, y = forward(x, axis)
    def dx(dy):
        w = np.exp(x)
        return _restore_axes(dy, x.shape, axis) * w / w.sum(axis=axis, keepdims=True)
    return np.squeeze(y, axis=axis), dx


@mistake("carried over from https://github.com/XavierXiao/Likelihood-Regret/issues/1: over which axis? here the "
         "total is over everything",
         says=[("axis",), ("axis", "sum")],
         exercise="iwae_weights")
def iwae_weights_normalized_over_everything(x, *, axis=None):
    _m, e, _total, y = forward(x, axis)
    def dx(dy):
        return _restore_axes(dy, x.shape, axis) * e / e.sum()
    return np.squeeze(y, axis=axis), dx

"""Right solutions of the exercise importance_sampling, written in unusual ways."""

import math

import numpy as np

from npvae.autodiff import ops
from npvae.probability import DiagonalGaussian, ImportanceSampling


def importance_sampling_by_a_loop(x, q, decode, rng, samples):
    """One sample of every example at a time."""
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    log_w = []
    for _ in range(samples):
        z = q.rsample(rng)
        log_w.append((decode(z).log_prob(x) + prior.log_prob(z) - q.log_prob(z)).data)
    log_w = np.array(log_w)
    m = log_w.max(axis=0)
    w = np.exp(log_w - m)
    return ImportanceSampling(m + np.log(w.mean(axis=0)), w.sum(axis=0) ** 2 / (w**2).sum(axis=0))


def importance_sampling_by_logaddexp(x, q, decode, rng, samples):
    """Running logarithms of Σ w and of Σ w²."""
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    first = second = np.full(len(x), -np.inf)
    for _ in range(samples):
        z = q.rsample(rng)
        a = decode(z).log_prob(x).data + prior.log_prob(z).data - q.log_prob(z).data
        first, second = np.logaddexp(first, a), np.logaddexp(second, 2 * a)
    return ImportanceSampling(first - math.log(samples), np.exp(2 * first - second))


def importance_sampling_of_tensors(x, q, decode, rng, samples):
    z = q.rsample(rng, samples)
    flat = z.reshape(samples * len(x), -1)
    likelihood = decode(flat).log_prob(np.tile(x, (samples, 1))).reshape(samples, len(x))
    log_w = likelihood + DiagonalGaussian(np.zeros_like(q.mean), 0.0).log_prob(z) - q.log_prob(z)
    total = ops.logsumexp(log_w, axis=0)
    size = ops.exp(2.0 * total - ops.logsumexp(2.0 * log_w, axis=0))
    return ImportanceSampling(total.data - np.log(samples), size.data)


def importance_sampling_by_normalised_weights(x, q, decode, rng, samples):
    """With weights that sum to 1, the effective sample size is 1 / Σ w²."""
    z = q.rsample(rng, samples).data
    N = len(x)
    likelihood = decode(z.swapaxes(0, 1).reshape(N * samples, -1)).log_prob(np.repeat(x, samples, axis=0))
    likelihood = likelihood.data.reshape(N, samples).T
    prior = -0.5 * (np.log(2 * np.pi) + z * z).sum(axis=-1)
    log_w = likelihood + prior - q.log_prob(z).data
    log_sum = np.logaddexp.reduce(log_w, axis=0)
    w = np.exp(log_w - log_sum)
    return ImportanceSampling(log_sum - np.log(samples), 1 / np.einsum("kn,kn->n", w, w))


def importance_sampling_with_its_own_noise(x, q, decode, rng, samples):
    """In ln q, what remains of (z − μ)/σ is the noise itself."""
    eps = rng.standard_normal((samples, *q.mean.shape))
    sigma = np.exp(q.logvar / 2)
    z = q.mean + sigma * eps
    each = np.empty((samples, len(x)))
    for k in range(samples):
        each[k] = decode(z[k]).log_prob(x).data
    each += 0.5 * (eps**2 - z**2 + q.logvar).sum(axis=-1)
    m = each.max(axis=0, keepdims=True)
    w = np.exp(each - m)
    first, second = w.sum(axis=0), (w * w).sum(axis=0)
    return ImportanceSampling(m[0] + np.log(first / samples), first * first / second)


def importance_sampling_example_by_example(x, q, decode, rng, samples):
    z = q.rsample(rng, samples).data
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0).log_prob(z).data
    log_q = q.log_prob(z).data
    estimates, sizes = [], []
    for n in range(len(x)):
        a = decode(z[:, n]).log_prob(np.stack([x[n]] * samples)).data + prior[:, n] - log_q[:, n]
        w = np.exp(a - np.max(a))
        estimates.append(np.max(a) + np.log(w.sum()) - np.log(samples))
        sizes.append(w.sum() ** 2 / (w @ w))
    return ImportanceSampling(np.array(estimates), np.array(sizes))

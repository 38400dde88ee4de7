"""Right solutions of the exercise elbo, written in unusual ways."""

import numpy as np

from npvae.autodiff import ops
from npvae.probability import ELBO, DiagonalGaussian


def elbo_by_a_loop_over_the_samples(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    total = decode(z[0]).log_prob(x)
    for l in range(1, samples):
        total = total + decode(z[l]).log_prob(x)
    return ELBO(total * (1 / samples), q.kl_divergence())


def elbo_by_repeated_examples(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples).reshape(samples * len(x), -1)
    log_p = decode(z).log_prob(np.tile(x, (samples, 1))).reshape(samples, len(x))
    return ELBO(reconstruction=log_p.sum(axis=0) / samples, kl=q.kl_divergence())


def elbo_by_a_list(x, q, decode, rng, samples=1):
    each = [decode(z).log_prob(x).reshape(1, -1) for z in q.rsample(rng, samples)]
    return ELBO(ops.concatenate(*each, axis=0).mean(axis=0), q.kl_divergence())


def elbo_with_its_own_noise(x, q, decode, rng, samples=1):
    """z and the KL are written as formulas of Tensors."""
    eps = rng.standard_normal((samples, *q.mean.shape))
    sigma = ops.exp(q.logvar * 0.5)
    z = (sigma * eps + q.mu).reshape(-1, q.mean.shape[1])
    log_p = decode(z).log_prob(np.concatenate([x] * samples)).reshape(samples, -1)
    kl = (q.mu * q.mu + ops.exp(q.logvar) - 1.0 - q.logvar).sum(axis=-1) * 0.5
    return ELBO(log_p.mean(axis=0), kl)


def elbo_by_a_product_with_weights(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples).reshape(-1, q.mean.shape[-1])
    log_p = decode(z).log_prob(np.broadcast_to(x, (samples, *x.shape)).reshape(-1, x.shape[-1]))
    weights = np.full((1, samples), 1 / samples)
    mean = (weights @ log_p.reshape(samples, len(x))).reshape(len(x))
    return ELBO(mean, q.kl_divergence(DiagonalGaussian(np.zeros(q.mean.shape), np.zeros(q.mean.shape))))


def elbo_by_recursion(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)

    def total(first, last):
        if last - first == 1:
            return decode(z[first]).log_prob(x)
        middle = (first + last) // 2
        return total(first, middle) + total(middle, last)

    return ELBO(total(0, samples) / float(samples), q.kl_divergence())

"""Right solutions of the exercise gaussian, written in unusual ways."""

import math

import numpy as np


def gaussian_log_likelihood_by_standard_scores(x, mu, logvar):
    sigma = np.exp(logvar / 2)
    score = (x - mu) / sigma
    y = np.sum(-np.log(sigma) - score**2 / 2, axis=-1) - x.shape[-1] * math.log(2 * math.pi) / 2

    def dx(dy):
        return -dy[:, None] * score / sigma

    def dmu(dy):
        return dy[:, None] * score / sigma

    def dlogvar(dy):
        return dy[:, None] / 2 * (score - 1) * (score + 1)

    return y, dx, dmu, dlogvar


def gaussian_log_likelihood_from_one_slope(x, mu, logvar):
    """dx is minus dmu, and dlogvar follows from it: −½ − ½ (x − μ) · ∂y/∂x."""
    r, precision = x - mu, np.exp(-logvar)
    slope = -r * precision
    y = -0.5 * (math.log(2 * math.pi) + logvar + r * r * precision).sum(axis=1)
    return (
        y,
        lambda dy: slope * dy[:, None],
        lambda dy: -slope * dy[:, None],
        lambda dy: (-0.5 - 0.5 * r * slope) * dy[:, None],
    )


def gaussian_log_likelihood_by_einsum(x, mu, logvar):
    precision = 1 / np.exp(logvar)
    r = mu - x
    y = -0.5 * np.einsum("nd,nd,nd->n", r, precision, r) - 0.5 * np.einsum("nd->n", logvar + math.log(math.tau))

    def dx(dy):
        return np.einsum("n,nd,nd->nd", dy, precision, r)

    def dmu(dy):
        return -np.einsum("n,nd,nd->nd", dy, precision, r)

    def dlogvar(dy):
        return np.einsum("n,nd->nd", 0.5 * dy, r * r * precision - 1)

    return y, dx, dmu, dlogvar


def gaussian_log_likelihood_by_loops(x, mu, logvar):
    N, D = x.shape
    y = np.zeros(N, x.dtype)
    for n in range(N):
        for d in range(D):
            variance = np.exp(logvar[n, d])
            y[n] -= 0.5 * (math.log(2 * math.pi) + logvar[n, d] + (x[n, d] - mu[n, d]) ** 2 / variance)

    def dx(dy):
        return np.array([dy[n] * (mu[n] - x[n]) / np.exp(logvar[n]) for n in range(N)])

    def dmu(dy):
        return np.array([dy[n] * (x[n] - mu[n]) / np.exp(logvar[n]) for n in range(N)])

    def dlogvar(dy):
        out = np.empty_like(logvar)
        for n in range(N):
            out[n] = 0.5 * dy[n] * ((x[n] - mu[n]) ** 2 / np.exp(logvar[n]) - 1)
        return out

    return y, dx, dmu, dlogvar


def gaussian_log_likelihood_in_place(x, mu, logvar):
    r = x - mu
    scaled = np.exp(-logvar)
    scaled *= r
    terms = scaled * r
    ratio = terms.copy()
    terms += logvar
    terms += float(np.log(2 * np.pi))
    terms *= -0.5

    def dmu(dy):
        g = scaled.copy()
        g *= dy[:, None]
        return g

    def dx(dy):
        g = dmu(dy)
        return np.negative(g, out=g)

    def dlogvar(dy):
        g = ratio - 1
        g *= 0.5 * dy[:, None]
        return g

    return terms.sum(axis=1), dx, dmu, dlogvar


def gaussian_log_likelihood_by_density(x, mu, logvar):
    """The logarithm of each density, as a sum of two logarithms, and dy as a column made by reshape."""
    precision = np.exp(-logvar)
    log_density = 0.5 * np.log(precision / (2 * math.pi)) - (x - mu) ** 2 * precision / 2

    def column(dy):
        return np.reshape(dy, (dy.size, 1))

    return (
        np.add.reduce(log_density, axis=1),
        lambda dy: column(dy) * (mu - x) * precision,
        lambda dy: column(dy) * (x - mu) * precision,
        lambda dy: column(dy) * ((x - mu) ** 2 * precision / 2 - 0.5),
    )

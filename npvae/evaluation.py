"""Measuring a trained model on a data set, in minibatches, so that memory does not grow with the data."""

import numpy as np
from tqdm import tqdm

from .autodiff import no_grad
from .probability import active_units


def mean_loss(model, x, rng, batch_size=1000):
    """The loss of a model and its parts, averaged over the examples x (N, D): a dict of numbers."""
    total = {}
    with no_grad():
        for start in range(0, len(x), batch_size):
            batch = x[start : start + batch_size]
            loss, parts = model.loss(batch, rng)
            for name, value in {"loss": float(loss), **parts}.items():
                total[name] = total.get(name, 0) + value * len(batch)
    return {name: value / len(x) for name, value in total.items()}


def posterior_means(model, x, batch_size=1000):
    """mu(x) for every example: an array (N, latent_dim)."""
    with no_grad():
        return np.concatenate([model.encode(x[i : i + batch_size]).mean for i in range(0, len(x), batch_size)])


def evaluate(model, x, rng, importance_samples=0, batch_size=50):
    """What is reported of a VAE: a dict of numbers, in nats per example.

    elbo, reconstruction, kl   with one sample of z for each example
    log_likelihood             ln p(x) by importance sampling with K = importance_samples; left out where K is 0
    standard_error             of log_likelihood, as the mean over the examples
    active_units               the number of latent dimensions that are used
    """
    bound = mean_loss(model, x, rng)
    result = {"elbo": -bound["loss"], "reconstruction": -bound["rec"], "kl": bound["kl"]}
    if importance_samples:
        starts = tqdm(range(0, len(x), batch_size), unit="batch", desc="importance sampling", disable=None)
        log_p = np.concatenate([model.log_likelihood(x[i : i + batch_size], rng, importance_samples) for i in starts])
        result["log_likelihood"] = log_p.mean()
        result["standard_error"] = log_p.std(ddof=1) / np.sqrt(len(log_p)) if len(log_p) > 1 else np.nan
    result["active_units"] = int(active_units(posterior_means(model, x)).sum())
    return result

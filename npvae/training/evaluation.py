"""Measuring a trained model on a data set, in minibatches, so that memory does not grow with the data.

The model says what can be measured: see models/base.py.
"""

import numpy as np
from tqdm import tqdm

from .. import probability
from ..arguments import generator
from ..errors import UserError
from ..probability import active_units
from .warnings import cure_for_infinity

MEASURED_AT_ONCE = 200  # examples: few enough that convolutions of large images fit into memory
GAP_SAMPLES = 20  # of z, for both bounds of the amortization gap


def in_batches(x, batch_size=MEASURED_AT_ONCE):
    """Split the examples x (N, D) into batches."""
    return [x[i : i + batch_size] for i in range(0, len(x), batch_size)]


def given_batches(model, x, y):
    """Split examples x (N, D) into batches: a list of pairs of the model, given the labels of a batch, and the batch.

    y   the labels (N,), or None
    """
    if y is None:
        return [(model, batch) for batch in in_batches(x)]
    if len(y) != len(x):
        raise UserError(f"{len(y)} labels for {len(x)} examples: expected as many")
    return [(model.given(labels), batch) for labels, batch in zip(in_batches(y), in_batches(x), strict=True)]


def mean_loss(model, x, rng, y=None):
    """Return the parts of a model's `loss`, averaged over the examples x (N, D) with labels y: a dict of numbers."""
    total, rng = {}, generator(rng)
    with model.evaluating():
        for given, batch in given_batches(model, x, y):
            for name, value in given.loss(batch, rng)[1].items():
                total[name] = total.get(name, 0) + value * len(batch)
    return {name: value / len(x) for name, value in total.items()}


def codes_of(model, x, y=None):
    """Return a point in the latent space for each of the examples x (N, D) with labels y: (N, latent_dim)."""
    batches = tqdm(given_batches(model, x, y), unit="batch", desc="encoding", disable=None, leave=False)
    return np.concatenate([given.codes(batch) for given, batch in batches])


def encoded(model, x, y=None):
    """Return the codes of the examples x (N, D) with labels y, and logvar of their q(z | x); None if it has no q.

    Raises UserError if one of them is NaN or infinite.
    """
    with np.errstate(all="ignore"):  # the last lines check the results instead
        if not model.has_bound:
            found = [codes_of(model, x, y)]
        else:
            parts = []
            batches = given_batches(model, x, y)
            for given, batch in tqdm(batches, unit="batch", desc="encoding", disable=None, leave=False):
                with model.evaluating():
                    q = given.encode(batch).detach()
                parts.append((q.mean, np.broadcast_to(q.logvar, q.mean.shape)))
            found = [*map(np.concatenate, zip(*parts))]
    if not all(np.isfinite(a).all() for a in found):
        raise UserError("the encoder returns NaN or infinity for some examples: rescale the data, or train again")
    return found[0], found[1] if model.has_bound else None


def nearest(a, b):
    """Return, for each row of a (N, D), the index of the nearest row of b (M, D), and its distance: two arrays (N,)."""
    found = []
    for some in in_batches(a):
        squares = np.square(some).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * some @ b.T
        found.append((squares.argmin(axis=1), np.sqrt(np.maximum(squares.min(axis=1), 0))))
    return tuple(map(np.concatenate, zip(*found)))


def share_outside(drawn, tests, codes):
    """Return the share of random codes that lie outside the data: farther from all codes than 95 % of the test codes.

    drawn   random codes, an array (N, latent_dim)
    tests   codes of test examples (M, latent_dim)
    codes   codes of training examples (P, latent_dim)

    If random codes are distributed like those of the data, the share is about 0.05.
    """
    usual = np.quantile(nearest(tests, codes)[1], 0.95)
    return float(np.mean(nearest(drawn, codes)[1] > usual))


def explained_by(factor, codes, bins=20):
    """Return how much of each latent dimension's variance a known factor explains, from 0 to 1: an array (latent_dim,).

    factor   an array (N,) of labels; if it has more than `bins` values, they are sorted into bins of equal counts
    codes    an array (N, latent_dim)

    This is the correlation ratio η²: the variance of the means of the bins, divided by the total variance. Unlike a
    correlation, it sees every relation, linear or not. Without any relation, it is about (bins − 1) / N.
    """
    if np.unique(factor).size > bins:
        factor = np.argsort(np.argsort(factor)) * bins // len(factor)
    between = 0
    for value in np.unique(factor):
        members = codes[factor == value]
        between += len(members) * np.square(members.mean(axis=0) - codes.mean(axis=0))
    return between / np.maximum(len(codes) * codes.var(axis=0), 1e-30)


def evaluate(model, x, rng, importance_samples=0, refine_steps=0, y=None):
    """Measure a model on the examples x (N, D): return a dict of numbers, averages over the examples.

    y   the labels (N,), for a model that needs them: then everything below is given y

    squared_error           ‖x − x̂‖² of the reconstructions, for every model

    and for a model that has a bound, in nats:

    loss, rec, kl           −ELBO, −E ln p(x | z) and KL(q ‖ p), with one sample of z for each example
    log_likelihood          ln p(x) by importance sampling with K = importance_samples; left out if K is 0
    standard_error          the standard error of log_likelihood as a mean over the examples
    effective_sample_size   of the K samples, the median over the examples
    amortization_gap        how much the ELBO rises when each q(z | x) is fitted separately, in refine_steps steps;
                            left out if refine_steps is 0
    active_units            the number of latent dimensions that the model uses

    Raises UserError for examples that the model does not take, and if a measure is not a finite number.
    """
    x = model.examples(x)
    with np.errstate(all="ignore"):  # the loop below checks the results instead
        result = _evaluate(model, x, y, rng, importance_samples, refine_steps)
    for name, value in result.items():
        if not np.isfinite(value) and name != "standard_error":
            raise UserError(
                f"the {name.replace('_', ' ')} of the test set is {value}: the model cannot handle this data; "
                f"{cure_for_infinity(x)}"
            )
    return result


def _evaluate(model, x, y, rng, importance_samples, refine_steps):
    batches = given_batches(model, x, y)
    if not model.has_bound:
        errors = np.concatenate([np.square(given.reconstruct(batch) - batch).sum(axis=1) for given, batch in batches])
        return {"squared_error": float(errors.mean())}
    rngs = generator(rng).spawn(3)  # one for each measure, so that none depends on which others are requested
    measured = {}
    for given, batch in tqdm(batches, unit="batch", desc="evaluating", disable=None, leave=False):
        for name, values in _measure(given, batch, rngs, importance_samples, refine_steps).items():
            measured.setdefault(name, []).append(values)
    measured = {name: np.concatenate(values) for name, values in measured.items()}
    codes = measured.pop("codes")
    result = {name: float(values.mean()) for name, values in measured.items()}
    if importance_samples:
        log_p = measured["log_likelihood"]
        result["standard_error"] = log_p.std(ddof=1) / np.sqrt(len(log_p)) if len(log_p) > 1 else np.nan
        result["effective_sample_size"] = float(np.median(measured["effective_sample_size"]))
    result["active_units"] = int(active_units(codes).sum())
    return result


def _mean_elbo(model, x, q):
    """Return the ELBO of each example for a given q, from GAP_SAMPLES samples: an array (N,), in nats.

    The noise is always the same, so that most of it cancels in the difference of two bounds.
    """
    rng = np.random.default_rng(0)
    with model.evaluating():
        return np.mean([probability.elbo(x, q, model.decode, rng).elbo.data for _ in range(GAP_SAMPLES)], axis=0)


def _measure(model, x, rngs, importance_samples, refine_steps):
    """Return the measures of each example in a minibatch, all from the same q(z | x): a dict of arrays (N, ...)."""
    rng, sampling_rng, gap_rng = rngs
    with model.evaluating():
        q = model.encode(x)
        bound = probability.elbo(x, q, model.decode, rng)
        found = {
            "loss": -bound.elbo.data, "rec": -bound.reconstruction.data, "kl": bound.kl.data, "codes": q.mean,
            "squared_error": np.square(model.generate(q.mean) - x).sum(axis=1),
        }  # fmt: skip
        if importance_samples:
            sampled = probability.importance_sampling(x, q, model.decode, sampling_rng, importance_samples)
            found |= sampled._asdict()
    if refine_steps:
        refined = model.refine(x, q, gap_rng, refine_steps)
        found["amortization_gap"] = _mean_elbo(model, x, refined) - _mean_elbo(model, x, q)
    return found

"""Warnings about a model, each with the cause that the numbers show: codes that say nothing, or have left the prior.

Averaged over the data, a good q(z | x) is close to the prior: in every dimension E[μ² + σ²] is about 1. If instead the
KL is near zero, z says nothing about x. That has several causes, and the advice for one is wrong for another: the data
may hold nothing worth encoding, the KL may weigh too much, or the training may have only begun.

When is z worth its price? Near the point where the decoder ignores z, a code for a direction of the data raises the
bound if the variance along it, in units of the likelihood's noise, exceeds the weight of the KL. For a linear decoder
with Gaussian noise this is exact: the variance is an eigenvalue of the covariance, and the noise is σ².

Source: Lucas, Tucker, Grosse, Norouzi (2019), Don't blame the ELBO! A linear VAE perspective on posterior collapse.
"""

import inspect
import math

import numpy as np

from ..autodiff import Tensor
from ..probability import KLTerm

COLLAPSED = 0.1  # nats of information about x
SPREAD = 4.0  # the second moment of the codes, where the prior has 1
FEW_EXAMPLES = 50  # fewer do not show what a code is worth
FEW_STEPS = 500  # fewer do not show what a model will learn
WORTHLESS = 1.3  # independent pixels have a worth of 1, and by chance a little more
OUTLIERS = 0.1  # a smaller share of the examples counts as exceptions
EXTREME = 100.0  # larger than networks can handle, or larger than the usual number by this factor
ROWS_AT_ONCE = 1000


def warnings_about(model, x, step=math.inf):
    """Return what is wrong with a model's posteriors of the examples x (N, D): a dict from a name to a sentence.

    step   the number of steps taken; by default, training has ended

    The names are "nothing to say", "collapsed", "untrained", "no prior" and "outliers". The sentence says the cause and
    what to do. The dict is empty if the numbers do not show the cause.
    """
    q = model.posteriors(x)
    if q is None:
        return {}
    with np.errstate(over="ignore"):
        kl = float(q.kl_divergence().data.mean())
        squares = (q.mean**2 + np.exp(np.broadcast_to(q.logvar, q.mean.shape))).mean(axis=1)
        spread = float(squares.mean())
    if kl < COLLAPSED:
        return _about_no_information(model, x[:], step, kl)
    if SPREAD < spread < math.inf:  # the loop explains what is infinite
        return _about_wide_codes(model, x, step, q, squares)
    return {}


def _about_no_information(model, x, step, kl):
    term = getattr(model, "kl_term", KLTerm())
    risen = min(1.0, step / term.warm_up) if term.warm_up else 1.0
    if term.capacity is not None and risen * term.capacity < 2 * COLLAPSED:
        return {}  # as you wish
    if len(x) < FEW_EXAMPLES:
        return {}
    price = risen * term.beta if term.capacity is None else 0.0  # below the capacity, the KL costs nothing
    worth, variance = _worth(model, x)
    silent = f"z says nothing about x (KL {kl:.3f} nats)"
    if worth < WORTHLESS:
        if variance == 0:
            cause = ", and rightly: all examples are the same"
        elif worth < WORTHLESS * variance:
            cause = ", and rightly: the numbers of an example vary independently of one another"
        else:
            scale = "it fills [0, 1]" if model.data_range else "its standard deviation is 1"
            cause = (
                f": the data, from {x.min():.3g} to {x.max():.3g}, varies less than the noise that this likelihood "
                f"expects; rescale it so that {scale}"
            )
        return {"nothing to say": f"{silent}{cause}"}
    collapsed = f"the posterior has collapsed: q(z | x) is the prior for every x (KL {kl:.3f} nats), so z says nothing"
    collapsed += " about x, and all samples look alike"
    if worth < price:
        cure = f"the KL weighs too much: take a beta well below {worth:.2g} instead of {price:g}"
        return {"collapsed": f"{collapsed}; {cure}"}
    if step < FEW_STEPS:
        return {"untrained": f"{silent} yet: {step} steps are few, train longer"}
    has_term = "kl_term" in inspect.signature(type(model)).parameters
    smaller = f", or a smaller beta than {price:g}" if price > 1 else ""
    cure = f"give the KL a warm-up or free bits{smaller}" if has_term else "train longer, or with another seed"
    if term.capacity is not None:
        cure = "raise beta, which moves the KL to the capacity"
    return {"collapsed": f"{collapsed}; {cure}"}


def _worth(model, x):
    """Return `worth_of_a_code` for the examples x (N, D): beyond their labels, if the model is given those."""
    mean = model.generate(np.zeros((len(x), model.latent_dim), dtype=np.float32))   # the same for all, or for a label
    mean = mean + (x - mean).mean(axis=0)
    return worth_of_a_code(model.likelihood, *((2 * x, 2 * mean) if model.rescales else (x, mean)))


def worth_of_a_code(likelihood, x, mean):
    """Return the variance of the examples x (N, D) along their main direction, and their mean variance per pixel.

    mean   what the decoder can do without a code: (N, D) or (D,)

    Both are in units of the likelihood's noise. One half of the examples finds the direction and the other measures it,
    so that chance does not count: if all pixels vary independently, both are about equal.
    """
    centred = (x - mean).astype(np.float64)
    noise = _noise(likelihood, mean, centred)
    varies = noise > 1e-12
    if not varies.any():
        return 0.0, 0.0
    scaled = centred[:, varies] / np.sqrt(noise[varies])
    found, measured = scaled[::2], scaled[1::2]
    weights = np.linalg.eigh(found @ found.T)[1][:, -1]         # (N/2,): of the examples in the direction
    direction = weights @ found
    direction /= max(np.linalg.norm(direction), 1e-30)
    return float(np.square(measured @ direction).mean()), float(np.square(scaled).sum() / (len(x) * x.shape[1]))


def _noise(likelihood, mean, centred):
    """Return the variance of each pixel that the likelihood treats as noise while z says nothing, an array (D,).

    A learned width starts at 1. It grows quickly but shrinks slowly: on narrow data, the model gives up z first.
    """
    if hasattr(likelihood, "logvar"):
        is_learned = isinstance(likelihood.logvar, Tensor)
        width = max(1.0, np.square(centred).mean()) if is_learned else math.exp(likelihood.logvar)
        return np.full(centred.shape[1], width)
    if likelihood.parameters():                                 # of the discretized logistic
        return np.full(centred.shape[1], np.square(centred).mean())
    logits = np.linspace(-30, 30, 6001)[:, None]
    means = np.asarray(likelihood(logits).mean)[:, 0]
    variances = np.gradient(means, logits[:, 0])                # dm/dl is the variance
    return np.interp(np.atleast_2d(mean), means, variances).mean(axis=0)


def _about_wide_codes(model, x, step, q, squares):
    term = getattr(model, "kl_term", KLTerm())
    far = squares > SPREAD
    if len(x) == len(far) and far.mean() < OUTLIERS:
        n, worst = far.sum(), int(squares.argmax())
        return {
            "outliers": f"the codes of {n} of {len(x)} examples are far outside the prior, that of number {worst} the "
            "farthest: check whether these examples resemble the others"
        }
    sigma = np.exp(0.5 * np.broadcast_to(q.logvar, q.mean.shape))
    left = (
        f"the codes have left the prior: their mean square is {squares.mean():.3g} where the prior has 1, with a "
        f"median width of {np.median(sigma):.2g}, so samples from the prior meet no code, and will not look like data"
    )
    if term.warm_up and step < term.warm_up:
        return {}  # the weight of the KL is still rising
    if term.capacity is not None:
        return {"no prior": f"{left}; the KL is held at {term.capacity:g} nats: lower the capacity"}
    if term.free_bits:
        return {"no prior": f"{left}; {term.free_bits:g} nats in each dimension cost nothing: take fewer free bits"}
    if term.beta < 1:
        return {"no prior": f"{left}; the KL term is missing or too weak: raise beta, which is {term.beta:g}"}
    if len(x) < FEW_EXAMPLES:
        return {}
    if step < FEW_STEPS:
        return {"untrained": f"the codes have not found the prior yet: {step} steps are few, train longer"}
    return {
        "no prior": f"{left}; the KL has its full weight, so rescale the data, which runs from {x.min():.3g} to "
        f"{x.max():.3g}, or train longer"
    }


def cure_for_infinity(x, step=math.inf):
    """Return what to do if a measure of the examples x (N, D) became NaN or infinite.

    step   the step of training in which it happened, counted from 1: in the first, the learning rate is not the cause
    """
    parts = (x[i : i + ROWS_AT_ONCE] for i in range(0, len(x), ROWS_AT_ONCE))
    largest = np.concatenate([np.abs(part).max(axis=1) for part in parts])      # of each example
    usual, most = float(np.median(largest)), float(largest.max())
    if most > EXTREME * max(usual, 1):
        return f"correct or remove the example that holds {most:.3g}, where the largest of most others is {usual:.3g}"
    if step == 1 or usual > EXTREME:
        return f"rescale the data, which runs from {x.min():g} to {x.max():g}"
    return "start a new run with a smaller learning rate"

"""The tests of the bug museum. They are of several kinds: one kind catches what another misses.

A test has two halves. `ask` runs the program, a module, and returns arrays. `judge` returns a sentence that says what
is wrong with these arrays, or "" if nothing is. Only `ask` runs the program, so a grader can judge arrays that another
process computed. Both halves draw the inputs from the same seed.
"""

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ... import probability as p
from ...autodiff import Tensor, gradcheck, no_grad
from ...autodiff.differences import numeric_gradient
from ...autodiff.gradcheck import LIMIT, errors
from ...datasets import load_bars
from ...gradchecks.check import with_random_parameters
from ..exercise import in_words


class Test(NamedTuple):
    """A test of a program.

    ask     ask(program, seed) returns a dict of arrays; it raises `Unusable` for anything that cannot be tested
    judge   judge(found, seed) returns a sentence about these arrays, or ""
    exact   the names of the arrays that are the same for every right program
    """

    ask: Callable
    judge: Callable
    exact: tuple = ()

    def __call__(self, program, seed=0):
        """Return a sentence that says what is wrong with the program; "" if nothing is."""
        return self.judge(self.ask(program, seed), seed)


class Unusable(Exception):
    """A program returned something that cannot be tested; the message is a sentence."""


def returned(value, shape, what, kind=np.ndarray):
    """Return a function's value as an array; `Unusable` unless it has this shape and is of this kind."""
    if not isinstance(value, (kind, np.generic)) or (isinstance(value, np.ndarray) and type(value) is not np.ndarray):
        expected = "a plain np.ndarray" if kind is np.ndarray else "a Tensor"
        raise Unusable(f"{what} is {in_words(value)}, expected {expected} of shape {shape}")
    if np.shape(value) != shape:
        raise Unusable(f"{what} has the shape {np.shape(value)}, expected {shape}")
    return np.asarray(value.data if kind is Tensor else value)


def number(value, what):
    """Return a number that a function returned, as a float; `Unusable` for anything else."""
    if isinstance(value, np.ma.MaskedArray) or not isinstance(value, (int, float, np.generic, np.ndarray, Tensor)):
        raise Unusable(f"{what} is {in_words(value)}, expected a number")
    if np.shape(value) != ():
        raise Unusable(f"{what} has the shape {np.shape(value)}, expected a single number")
    return float(value)


def _judge_gradients(found, seed):
    """Compare each gradient "dW" with the finite differences, "numeric dW"."""
    names = [name for name in found if f"numeric {name}" in found]
    wrong = [name for name in names if not (errors(found[name], found[f"numeric {name}"]) <= LIMIT).all()]
    return f"wrong: {', '.join(wrong)}" if wrong else ""


# --- the program by hand ----------------------------------------------------------------------------------------------

NAMES = ("W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4")
SHAPES = ((7, 5), (5,), (5, 6), (6,), (3, 5), (5,), (5, 7), (7,))
KINK = 1e-3  # the smallest |input| of a ReLU: finite differences are wrong across its kink


def _by_hand_setting(seed):
    """Return eight parameters, a batch x (11, 7), and the engine's −ELBO, whose noise is `_noise(seed)`."""
    rng, nearest = np.random.default_rng(seed), 0.0  # small parameters: with large ones exp(logvar / 2) bends too much
    while nearest < KINK:
        params, x = [0.5 * rng.standard_normal(shape) for shape in SHAPES], rng.random((11, 7))
        loss, nearest = _engine_loss(params, x, seed)
    return params, x, loss


def _engine_loss(params, x, seed):
    """Return the engine's −ELBO, and the smallest absolute input of a ReLU."""
    W1, b1, W2, b2, W3, b3, W4, b4 = params
    inputs = [x @ W1 + b1]

    def decode(z):
        inputs.append(z.data @ W3 + b3)
        return p.Bernoulli(np.maximum(inputs[-1], 0) @ W4 + b4)

    q = p.DiagonalGaussian(*np.split(np.maximum(inputs[0], 0) @ W2 + b2, 2, axis=1))
    loss = -float(p.elbo(x, q, decode, _noise(seed)).elbo.mean())
    return loss, min(np.abs(a).min() for a in inputs)


def _noise(seed):
    return np.random.default_rng([seed, 1])


def _loss_and_gradients(program, params, x, seed):
    """Return the loss and the list of gradients of a program without autodiff, after checking their form."""
    both = program.loss_and_gradients(params, x, _noise(seed))
    if not isinstance(both, tuple) or len(both) != 2:
        raise Unusable(f"loss_and_gradients returns {in_words(both)}, expected a tuple: the loss and the gradients")
    loss, found = both
    if not isinstance(found, (list, tuple)) or len(found) != len(params):
        raise Unusable(f"the gradients are {in_words(found)}, expected a list of {len(params)} arrays")
    names = [f"d{name}" for name in NAMES]
    return number(loss, "the loss"), [returned(a, p.shape, name) for a, p, name in zip(found, params, names)]


def _ask_gradients_by_hand(program, seed):
    params, x, _ = _by_hand_setting(seed)
    found = dict(zip([f"d{name}" for name in NAMES], _loss_and_gradients(program, params, x, seed)[1]))
    loss = lambda: program.loss_and_gradients(params, x, _noise(seed))[0]  # noqa: E731
    return found | {f"numeric d{name}": numeric_gradient(loss, a, 1.0) for name, a in zip(NAMES, params)}


# Compares the hand-written gradients with finite differences, for all parameters.
gradients_by_hand = Test(_ask_gradients_by_hand, _judge_gradients, exact=tuple(f"d{name}" for name in NAMES))


def _ask_loss_by_hand(program, seed):
    params, x, _ = _by_hand_setting(seed)
    return {"loss": np.array(_loss_and_gradients(program, params, x, seed)[0])}


def _judge_loss_by_hand(found, seed):
    right, loss = _by_hand_setting(seed)[2], float(found["loss"])
    return "" if abs(loss - right) < 1e-9 * abs(right) else f"the loss is {loss:.2f}, but −ELBO is {right:.2f}"


# Compares the loss with the engine's −ELBO for the same noise.
loss_by_hand = Test(_ask_loss_by_hand, _judge_loss_by_hand)


# --- the program with automatic differentiation -----------------------------------------------------------------------


def _small(program, seed):
    """Return a small model of the program in float64, with random parameters, and a batch."""
    rng = np.random.default_rng(seed)
    return with_random_parameters(program.VAE(7, 5, 3, rng), rng), rng.random((11, 7))


def _ask_gradients(program, seed):
    model, x = _small(program, seed)
    loss = lambda: program.loss(model, x, _noise(seed))  # noqa: E731
    returned(loss(), (), "the value of loss", Tensor)
    report = gradcheck(loss, parameters=model.named_parameters(), name="loss")
    return {"largest error": np.array(report.largest_error if report.rows else np.inf)}


def _judge_largest_error(found, seed):
    error = float(found["largest error"])
    return "" if error <= LIMIT else f"they differ by {error:.1e}"


# Compares the program's gradient of its own loss with finite differences of that loss.
gradients = Test(_ask_gradients, _judge_largest_error)


def _ask_samples(program, seed):
    mu, logvar = np.full((1_000_000, 1), 1.0), np.full((1_000_000, 1), np.log(4.0))
    with no_grad():
        z = program.sample(Tensor(mu), Tensor(logvar), np.random.default_rng(seed))
    return {"z": returned(z, mu.shape, "the value of sample", Tensor)}


def _judge_moments(found, seed):
    z = found["z"]
    if abs(z.mean() - 1) < 0.02 and abs(z.std() - 2) < 0.02:
        return ""
    return f"for N(1, 2²): found mean {z.mean():.2f}, standard deviation {z.std():.2f}"


# Checks the mean and the standard deviation of a million samples of N(1, 2²).
moments = Test(_ask_samples, _judge_moments)

MU, LOGVAR = np.array([[0.5, -1.0, 0.2]]), np.array([[0.3, -0.7, 1.1]])


def _ask_kl(program, seed):
    kl = program.kl_divergence(Tensor(MU), Tensor(LOGVAR))
    return {"kl": returned(kl, (1,), "for one example, the value of kl_divergence", Tensor)}


def _judge_kl(found, seed):
    mean, error = _sampled_kl(seed)
    kl = float(found["kl"][0])
    return "" if abs(kl - mean) < error else f"found {kl:.3f}, but sampling gives {mean:.3f} ± {error:.3f}"


@functools.cache
def _sampled_kl(seed):
    """Return the mean of ln q(z) − ln p(z) over samples of q, drawn by NumPy, and five standard errors."""
    z = MU + np.exp(0.5 * LOGVAR) * np.random.default_rng(seed).standard_normal((400_000, 3))
    q, prior = p.DiagonalGaussian(MU, LOGVAR), p.DiagonalGaussian(np.zeros((1, 3)), 0.0)
    ratios = (q.log_prob(z) - prior.log_prob(z)).data
    return ratios.mean(), 5 * ratios.std() / np.sqrt(len(ratios))


# Compares the KL in closed form with its Monte Carlo estimate.
monte_carlo_kl = Test(_ask_kl, _judge_kl, exact=("kl",))


def _ask_likelihoods(program, seed):
    images = np.array(list(itertools.product((0.0, 1.0), repeat=7)))
    logits = np.broadcast_to(np.random.default_rng(seed).standard_normal(7), images.shape)
    log_likelihood = program.log_likelihood(images, Tensor(np.array(logits)))
    return {"log p": returned(log_likelihood, (len(images),), "the value of log_likelihood", Tensor)}


def _judge_sum(found, seed):
    total = np.exp(found["log p"]).sum()
    return "" if abs(total - 1) < 1e-9 else f"the probabilities of all images add up to {total:.3f}"


# Checks that p(x | z) sums to 1 over all images of seven black-and-white pixels.
sums_to_one = Test(_ask_likelihoods, _judge_sum, exact=("log p",))


def _ask_certain(program, seed):
    model, _ = _small(program, seed)
    model.logits.W.data[...] = 0
    image = np.array([[1.0, 0, 0, 1, 1, 0, 1]])
    model.logits.b.data[...] = 60 * image[0] - 30
    logits = model.decode(Tensor(np.zeros((1, 3))))
    returned(logits, image.shape, "the value of decode", Tensor)
    log_likelihood = program.log_likelihood(image, logits)
    return {"log p": returned(log_likelihood, (1,), "for one image, the value of log_likelihood", Tensor)}


def _judge_certain(found, seed):
    log_p = float(found["log p"][0])
    return "" if log_p > -0.001 else f"a decoder that is sure of all pixels gets {log_p:.2f} nats instead of 0"


# Checks that a decoder can be sure of every pixel: with biases of ±30, ln p(x | z) of its image is nearly 0.
certainty = Test(_ask_certain, _judge_certain, exact=("log p",))


def _ask_trained(program, seed):
    data, found = load_bars(), {}
    for name, x_test in (("one", data.x_test[:40]), ("another", 1 - data.x_test[:40])):
        rng = np.random.default_rng(seed)
        model = program.VAE(data.x_train.shape[1], 8, 2, rng)
        program.train(model, data.x_train[:100], x_test, 2, rng)
        found[name] = np.concatenate([a.data.reshape(-1) for a in model.parameters()])
    return found


def _judge_trained(found, seed):
    moved = float(np.abs(found["one"] - found["another"]).max())
    return "" if moved == 0 else f"with another test set, the parameters differ by up to {moved:.2g} after training"


# Trains twice, with different test sets: the parameters must be the same.
unseen_test_set = Test(_ask_trained, _judge_trained)


# --- the importance-weighted bound ------------------------------------------------------------------------------------


def _importance_setting(seed):
    rng = np.random.default_rng(seed)
    x, W, b = rng.random((5, 7)), rng.standard_normal((3, 7)), rng.standard_normal(7)
    return x, *(rng.standard_normal((5, 3)) for _ in range(2)), W, b, rng.standard_normal((11, 5, 3))


def _ask_own_gradient(program, seed):
    x, *parameters, eps = _importance_setting(seed)
    returned(program.surrogate(x, *map(Tensor, parameters), eps), (), "the value of surrogate", Tensor)
    report = gradcheck(lambda *ps: program.surrogate(x, *ps, eps), *map(Tensor, parameters), name="surrogate")
    return {"largest error": np.array(report.largest_error if report.rows else np.inf)}


# Compares the gradient of the surrogate with finite differences of the surrogate itself.
own_gradient = Test(_ask_own_gradient, _judge_largest_error)

OF_THE_BOUND = ("dmu", "dlogvar", "dW", "db")


def _ask_gradient_of_the_bound(program, seed):
    x, *parameters, eps = _importance_setting(seed)
    tensors = [Tensor(a.copy(), requires_grad=True) for a in parameters]
    surrogate = program.surrogate(x, *tensors, eps)
    returned(surrogate, (), "the value of surrogate", Tensor)
    surrogate.backward()
    bound = lambda: number(program.bound(x, *map(Tensor, parameters), eps), "the bound")  # noqa: E731
    found = {}
    for name, a, tensor in zip(OF_THE_BOUND, parameters, tensors):
        found[name] = np.full(a.shape, np.nan) if tensor.grad is None else tensor.grad
        found[f"numeric {name}"] = numeric_gradient(bound, a, 1.0)
    return found


# Compares the gradient of the surrogate with finite differences of the bound, for mu, logvar, W and b.
gradient_of_the_bound = Test(_ask_gradient_of_the_bound, _judge_gradients, exact=OF_THE_BOUND)


def _ask_bound(program, seed):
    x, mu, logvar, W, b, eps = _importance_setting(seed)
    return {"bound": np.array(number(program.bound(x, *map(Tensor, (mu, logvar, W, b)), eps), "the bound"))}


def _judge_bound(found, seed):
    x, mu, logvar, W, b, eps = _importance_setting(seed)
    q, z, bound = p.DiagonalGaussian(mu, logvar), mu + np.exp(0.5 * logvar) * eps, float(found["bound"])
    right = float(p.iwae_bound(p.bounds.log_weight(x, z, lambda z: p.Bernoulli(z @ W + b), q)).mean())
    return "" if abs(bound - right) < 1e-9 * abs(right) else f"found {bound:.3f}, but the engine has {right:.3f}"


# Compares the value of the bound with the engine's.
bound_value = Test(_ask_bound, _judge_bound)

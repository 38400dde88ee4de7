"""The tests of the bug museum, of several kinds: what one kind misses, another sees.

A test takes the program, a module, and returns a sentence that says what is wrong; empty if nothing is.
"""

import itertools

import numpy as np

from ... import probability as p
from ...autodiff import Tensor, gradcheck, no_grad
from ...autodiff.differences import numeric_gradient
from ...autodiff.gradcheck import LIMIT
from ...datasets import load_bars
from ...gradchecks.check import with_random_parameters
from ..exercise import in_words


class Unusable(Exception):
    """Something that a program returned cannot be tested: args are a sentence."""


def returned(value, shape, what, kind=np.ndarray):
    """Return the array of what a function returned, a Tensor or an array of this shape; `Unusable` otherwise."""
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


def _loss_and_gradients(program, params, x):
    """Return the loss and the list of gradients of a program by hand, after checking both."""
    both = program.loss_and_gradients(params, x, np.random.default_rng(1))
    if not isinstance(both, tuple) or len(both) != 2:
        raise Unusable(f"loss_and_gradients returns {in_words(both)}, expected a tuple: the loss and the gradients")
    loss, found = both
    if not isinstance(found, (list, tuple)) or len(found) != len(params):
        raise Unusable(f"the gradients are {in_words(found)}, expected a list of {len(params)} arrays")
    names = [f"d{name}" for name in NAMES]
    return number(loss, "the loss"), [returned(a, p.shape, name) for a, p, name in zip(found, params, names)]


NAMES = ("W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4")


def _small(rng, program):
    """Return a small model of the program in float64, with random parameters, and a batch."""
    return with_random_parameters(program.VAE(7, 5, 3, rng), rng), rng.random((11, 7))


def gradients_by_hand(program):
    """Compare the gradient computed by hand with finite differences, for all parameters."""
    rng = np.random.default_rng(0)
    params = [rng.standard_normal(a.shape) for a in program.parameters(7, 5, 3, rng)]
    x = rng.random((11, 7))
    gradients = _loss_and_gradients(program, params, x)[1]
    loss = lambda: program.loss_and_gradients(params, x, np.random.default_rng(1))[0]  # noqa: E731
    wrong = [
        f"d{name}"
        for name, a, da in zip(NAMES, params, gradients)
        if not _error(da, numeric_gradient(loss, a, 1.0)) <= LIMIT
    ]
    return f"wrong: {', '.join(wrong)}" if wrong else ""


def _error(found, numeric):
    """Return the largest error, as `gradcheck` defines it."""
    return float(np.max(np.abs(found - numeric) / np.maximum(1, np.abs(numeric))))


def loss_by_hand(program):
    """Compare the value of the loss with the engine's bound, with the same noise."""
    rng = np.random.default_rng(0)
    params = [rng.standard_normal(a.shape) for a in program.parameters(7, 5, 3, rng)]
    x = rng.random((11, 7))
    found = _loss_and_gradients(program, params, x)[0]
    W1, b1, W2, b2, W3, b3, W4, b4 = params
    q = p.DiagonalGaussian(*np.split(np.maximum(x @ W1 + b1, 0) @ W2 + b2, 2, axis=1))
    decode = lambda z: p.Bernoulli(np.maximum(z.data @ W3 + b3, 0) @ W4 + b4)  # noqa: E731
    right = -float(p.elbo(x, q, decode, np.random.default_rng(1)).elbo.mean())
    return "" if abs(found - right) < 1e-9 * abs(right) else f"the loss is {found:.2f}, but −ELBO is {right:.2f}"


def gradients(program):
    """Compare the program's gradient of its own loss with finite differences of that loss."""
    rng = np.random.default_rng(0)
    model, x = _small(rng, program)
    loss = program.loss(model, x, np.random.default_rng(1))
    returned(loss, (), "the value of loss", Tensor)
    report = gradcheck(
        lambda: program.loss(model, x, np.random.default_rng(1)), parameters=model.named_parameters(), name="loss"
    )
    return "" if report.ok else f"they differ by {report.largest_error:.1e}"


def moments(program):
    """Check the mean and the standard deviation of a million samples of N(1, 2²)."""
    mu, logvar = np.full((1_000_000, 1), 1.0), np.full((1_000_000, 1), np.log(4.0))
    with no_grad():
        z = program.sample(Tensor(mu), Tensor(logvar), np.random.default_rng(0))
    z = returned(z, mu.shape, "the value of sample", Tensor)
    if abs(z.mean() - 1) < 0.02 and abs(z.std() - 2) < 0.02:
        return ""
    return f"for N(1, 2²): found mean {z.mean():.2f}, standard deviation {z.std():.2f}"


def monte_carlo_kl(program):
    """Compare the KL in closed form with the mean of ln q(z) − ln p(z) over samples of q, drawn by NumPy."""
    mu, logvar = np.array([[0.5, -1.0, 0.2]]), np.array([[0.3, -0.7, 1.1]])
    z = mu + np.exp(0.5 * logvar) * np.random.default_rng(0).standard_normal((400_000, 3))
    q, prior = p.DiagonalGaussian(mu, logvar), p.DiagonalGaussian(np.zeros((1, 3)), 0.0)
    ratios = (q.log_prob(z) - prior.log_prob(z)).data
    error = 5 * ratios.std() / np.sqrt(len(ratios))
    kl = program.kl_divergence(Tensor(mu), Tensor(logvar))
    found = float(returned(kl, (1,), "for one example, the value of kl_divergence", Tensor)[0])
    sampled = f"{ratios.mean():.3f} ± {error:.3f}"
    return "" if abs(found - ratios.mean()) < error else f"found {found:.3f}, but sampling gives {sampled}"


def sums_to_one(program):
    """Check that p(x | z) sums to 1 over all images of seven black-and-white pixels."""
    images = np.array(list(itertools.product((0.0, 1.0), repeat=7)))
    logits = np.broadcast_to(np.random.default_rng(0).standard_normal(7), images.shape)
    log_likelihood = program.log_likelihood(images, Tensor(np.array(logits)))
    total = np.exp(returned(log_likelihood, (len(images),), "the value of log_likelihood", Tensor)).sum()
    return "" if abs(total - 1) < 1e-9 else f"the probabilities of all images add up to {total:.3f}"


def certainty(program):
    """Check that a decoder can be sure of every pixel: with biases of ±30, ln p(x | z) of its image is nearly 0."""
    model, _ = _small(np.random.default_rng(0), program)
    model.logits.W.data[...] = 0
    image = np.array([[1.0, 0, 0, 1, 1, 0, 1]])
    model.logits.b.data[...] = 60 * image[0] - 30
    logits = model.decode(Tensor(np.zeros((1, 3))))
    returned(logits, image.shape, "the value of decode", Tensor)
    log_likelihood = program.log_likelihood(image, logits)
    found = float(returned(log_likelihood, (1,), "for one image, the value of log_likelihood", Tensor)[0])
    return "" if found > -0.001 else f"a decoder that is sure of all pixels gets {found:.2f} nats instead of 0"


def unseen_test_set(program):
    """Train twice, with different test sets: the parameters must be the same."""
    data = load_bars()
    models = []
    for x_test in (data.x_test[:40], 1 - data.x_test[:40]):
        rng = np.random.default_rng(0)
        model = program.VAE(data.x_train.shape[1], 8, 2, rng)
        program.train(model, data.x_train[:100], x_test, 2, rng)
        models.append(model.parameters())
    moved = max(float(np.abs(a.data - b.data).max()) for a, b in zip(*models))
    return "" if moved == 0 else f"with another test set, the parameters differ by up to {moved:.2g} after training"


def _importance_setting():
    rng = np.random.default_rng(0)
    x, W, b = rng.random((5, 7)), rng.standard_normal((3, 7)), rng.standard_normal(7)
    return x, *(rng.standard_normal((5, 3)) for _ in range(2)), W, b, rng.standard_normal((11, 5, 3))


def own_gradient(program):
    """Compare the gradient of the surrogate with finite differences of the surrogate itself."""
    x, *parameters, eps = _importance_setting()
    returned(program.surrogate(x, *map(Tensor, parameters), eps), (), "the value of surrogate", Tensor)
    report = gradcheck(lambda *ps: program.surrogate(x, *ps, eps), *map(Tensor, parameters), name="surrogate")
    return "" if report.ok else f"they differ by {report.largest_error:.1e}"


def gradient_of_the_bound(program):
    """Compare the gradient of the surrogate with finite differences of the bound, for mu, logvar, W and b."""
    x, *parameters, eps = _importance_setting()
    tensors = [Tensor(a.copy(), requires_grad=True) for a in parameters]
    surrogate = program.surrogate(x, *tensors, eps)
    returned(surrogate, (), "the value of surrogate", Tensor)
    surrogate.backward()
    bound = lambda: number(program.bound(x, *map(Tensor, parameters), eps), "the bound")  # noqa: E731
    wrong = [
        name
        for name, a, tensor in zip(("dmu", "dlogvar", "dW", "db"), parameters, tensors)
        if tensor.grad is None or not _error(tensor.grad, numeric_gradient(bound, a, 1.0)) <= LIMIT
    ]
    return f"wrong: {', '.join(wrong)}" if wrong else ""


def bound_value(program):
    """Compare the value of the bound with the engine's."""
    x, mu, logvar, W, b, eps = _importance_setting()
    found = number(program.bound(x, *map(Tensor, (mu, logvar, W, b)), eps), "the bound")
    q, z = p.DiagonalGaussian(mu, logvar), mu + np.exp(0.5 * logvar) * eps
    right = float(p.iwae_bound(p.bounds.log_weight(x, z, lambda z: p.Bernoulli(z @ W + b), q)).mean())
    return "" if abs(found - right) < 1e-9 * abs(right) else f"found {found:.3f}, but the engine has {right:.3f}"

"""What `npvae gradcheck` checks: every operation, layer, distribution and bound, with inputs that can show a mistake.

The sizes are distinct odd primes: with a batch of 2, a missing ½ and a missing division by the batch look
the same, and with equal sizes a transposed derivative has the right shape. Where a function has a kink (ReLU at 0),
inputs are drawn away from it, because there finite differences measure something else than a derivative. What is random
inside a bound is frozen: its generator is made anew, from the same seed, at each call.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from . import nn
from . import probability as p
from .autodiff import Tensor, gradcheck, ops
from .errors import choose
from .models import VAE

SIZES = (3, 5, 7)  # N, D, K
LATENT, SAMPLES = 11, 13


@dataclasses.dataclass
class Check:
    """One thing to check.

    name      what is checked, and in parentheses in which case
    kind      "operation", "layer", "distribution" or "bound"
    build     from a numpy Generator and the sizes N, D, K to the positional and the keyword arguments of `gradcheck`
    """

    name: str
    kind: str
    build: Callable

    def arguments(self, seed=0, sizes=SIZES):
        """The arguments of `gradcheck`, drawn with this seed: a tuple and a dict."""
        return self.build(np.random.default_rng(seed), *sizes)

    def run(self, seed=0, sizes=SIZES):
        """The `gradcheck` report; the seed is that of the inputs and of the upstream gradient."""
        args, keywords = self.arguments(seed, sizes)
        return gradcheck(*args, rng=np.random.default_rng([seed, 1]), name=self.name, **keywords)


def normal(rng, *shape):
    """Numbers from N(0, 1)."""
    return rng.standard_normal(shape)


def positive(rng, *shape):
    """Numbers between ½ and 2, for logarithms, roots and denominators."""
    return rng.uniform(0.5, 2, shape)


def off_zero(rng, *shape):
    """Numbers between ½ and 2 of either sign, away from a kink at 0."""
    return positive(rng, *shape) * rng.choice([-1, 1], shape)


def operation(f, inputs, case="", **options):
    """A check of the bare operation f.raw; inputs(rng, N, D, K) draws the arrays that it takes."""
    return Check(f.__name__ + case, "operation", lambda *draw: ((f.raw, *inputs(*draw)), options))


def function(name, kind, build):
    """A check of a function or Module that takes Tensors: build(rng, N, D, K) returns it and the arrays it takes."""

    def arguments(*draw):
        f, *inputs = build(*draw)
        return (f, *map(Tensor, inputs)), {}

    return Check(name, kind, arguments)


def one(draw):
    """Inputs for an operation of one array (N, D)."""
    return lambda rng, N, D, K: (draw(rng, N, D),)


def broadcast(draw):
    """Inputs for an operation of two arrays that are broadcast against each other, (N, D) and (D,)."""
    return lambda rng, N, D, K: (draw(rng, N, D), draw(rng, D))


def gaussians(count, rng, N, D):
    """`count` pairs of mu and logvar, all (N, D)."""
    return [normal(rng, N, D) for _ in range(2 * count)]


OPERATIONS = [
    operation(ops.dense, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, D, K), normal(rng, K))),
    operation(ops.matmul, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, D, K))),
    operation(ops.add, broadcast(normal)),
    operation(ops.add, lambda rng, N, D, K: (normal(rng, N, 1, K), normal(rng, D, 1)), "(stretched)"),
    operation(ops.sub, broadcast(normal)),
    operation(ops.mul, broadcast(normal)),
    operation(ops.div, broadcast(positive)),
    operation(ops.neg, one(normal)),
    operation(ops.square, one(normal)),
    operation(ops.exp, one(normal)),
    operation(ops.log, one(positive)),
    operation(ops.sqrt, one(positive)),
    operation(ops.sum, one(normal)),
    operation(ops.sum, one(normal), "(axis=1)", axis=1),
    operation(ops.mean, one(normal)),
    operation(ops.mean, lambda rng, N, D, K: (normal(rng, N, D, K),), "(axis=(0, -1))", axis=(0, -1)),
    operation(ops.logsumexp, one(normal)),
    operation(ops.logsumexp, one(normal), "(axis=0)", axis=0),
    operation(ops.reshape, one(normal), shape=(-1, 1)),
    operation(ops.transpose, one(normal)),
    operation(ops.transpose, lambda rng, N, D, K: (normal(rng, N, D, K),), "(axes=(1, -1, 0))", axes=(1, -1, 0)),
    operation(ops.concatenate, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, N, K)), axis=1),
    operation(ops.getitem, one(normal), "(slice)", index=(slice(None, None, 2), 0)),
    operation(ops.getitem, one(normal), "(repeated rows)", index=np.array([0, 2, 2, 1, 2, 0, 1])),
    operation(ops.relu, one(off_zero)),
    operation(ops.leaky_relu, one(off_zero), slope=0.2),
    operation(ops.sigmoid, one(normal)),
    operation(ops.tanh, one(normal)),
    operation(ops.softplus, one(normal)),
    operation(p.bernoulli_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), rng.random((N, D)))),
    operation(p.reparameterize, lambda rng, N, D, K: (*gaussians(1, rng, N, D), normal(rng, N, D))),
    operation(p.reparameterize, lambda rng, N, D, K: (*gaussians(1, rng, N, D), normal(rng, K, N, D)), "(K samples)"),
    operation(p.gaussian_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), *gaussians(1, rng, N, D))),
    operation(
        p.gaussian_log_likelihood,
        lambda rng, N, D, K: (normal(rng, K, N, D), normal(rng, D), np.array(0.3)),
        "(one variance)",
    ),
    operation(
        p.gaussian_log_likelihood, lambda rng, N, D, K: (normal(rng, N, D), normal(rng, N, D), 0.3), "(fixed variance)"
    ),
    operation(
        p.reparameterize,
        lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3), normal(rng, N, D)),
        "(one variance)",
    ),
    operation(p.kl_to_standard_normal, lambda rng, N, D, K: gaussians(1, rng, N, D)),
    operation(p.kl_to_standard_normal, lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3)), "(one variance)"),
    operation(p.gaussian_kl_divergence, lambda rng, N, D, K: gaussians(2, rng, N, D)),
    operation(
        p.gaussian_kl_divergence,
        lambda rng, N, D, K: (normal(rng, N, D), np.array(0.3), normal(rng, D), normal(rng, D)),
        "(broadcast)",
    ),
]


def with_random_parameters(module, rng):
    """The module in float64, with every parameter drawn from N(0, 1): a bias of zero would hide mistakes."""
    module.astype(np.float64)
    for parameter in module.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return module


def parametric_layer(make):
    """A check of the layer make(rng, N, D, K), which takes (N, D), by its input and its parameters."""

    def build(rng, N, D, K):
        return with_random_parameters(make(rng, N, D, K), rng), normal(rng, N, D)

    return build


def activation(make):
    """A check of an activation, away from its kink."""
    return lambda rng, N, D, K: (make(), off_zero(rng, N, D))


def three_layers(rng, N, D, K):
    """A Sequential inside a Sequential."""
    return nn.Sequential(nn.Dense(D, K, rng), nn.Tanh(), nn.Sequential(nn.Dense(K, LATENT, rng), nn.Sigmoid()))


LAYERS = [
    function("Dense", "layer", parametric_layer(lambda rng, N, D, K: nn.Dense(D, K, rng))),
    function("Sequential", "layer", parametric_layer(three_layers)),
    function("ReLU", "layer", activation(nn.ReLU)),
    function("LeakyReLU", "layer", activation(nn.LeakyReLU)),
    function("Sigmoid", "layer", activation(nn.Sigmoid)),
    function("Tanh", "layer", activation(nn.Tanh)),
    function("Softplus", "layer", activation(nn.Softplus)),
]


def of_gaussians(name, f, count, with_x=False):
    """A check of a method of DiagonalGaussian: f takes x, if there is one, and mu and logvar of `count` Gaussians."""

    def build(rng, N, D, K):
        return f, *([normal(rng, N, D)] if with_x else []), *gaussians(count, rng, N, D)

    return function(f"DiagonalGaussian.{name}", "distribution", build)


def bernoulli_log_prob(rng, N, D, K):
    """Bernoulli.log_prob as a function of the logits."""
    x = rng.random((N, D))
    return lambda logits: p.Bernoulli(logits).log_prob(x), normal(rng, N, D)


Gaussian = p.DiagonalGaussian
DISTRIBUTIONS = [
    of_gaussians("rsample", lambda mu, logvar: Gaussian(mu, logvar).rsample(np.random.default_rng(1), SAMPLES), 1),
    of_gaussians("log_prob", lambda x, mu, logvar: Gaussian(mu, logvar).log_prob(x), 1, with_x=True),
    of_gaussians("kl_divergence", lambda m, v, mu, logvar: Gaussian(m, v).kl_divergence(Gaussian(mu, logvar)), 2),
    of_gaussians("kl_divergence(standard)", lambda mu, logvar: Gaussian(mu, logvar).kl_divergence(), 1),
    of_gaussians("entropy", lambda mu, logvar: Gaussian(mu, logvar).entropy(), 1),
    function("Bernoulli.log_prob", "distribution", bernoulli_log_prob),
]


def vae_bound(likelihood, samples):
    """The ELBO of a small VAE, by every one of its parameters."""

    def build(rng, N, D, K):
        model = with_random_parameters(VAE(K, LATENT, [D], rng, likelihood), rng)
        x = rng.random((N, K))
        elbo = lambda: model.elbo(x, np.random.default_rng(1), samples).elbo  # noqa: E731
        return (elbo,), {"parameters": model.named_parameters()}

    return Check(f"VAE.elbo({likelihood}, {samples} sample{'s' if samples > 1 else ''})", "bound", build)


BOUNDS = [vae_bound(likelihood, samples) for likelihood in p.LIKELIHOODS for samples in (1, SAMPLES)]

ALL = OPERATIONS + LAYERS + DISTRIBUTIONS + BOUNDS


def find(name):
    """The checks of this name, in all its cases, or of all methods of this class.

    Raises UserError for an unknown name, with the nearest one as a suggestion.
    """
    table = {}
    for check in ALL:
        function = check.name.split("(")[0]
        for key in {check.name, function, function.split(".")[0]}:
            table.setdefault(key, []).append(check)
    return choose("operation", name, table)

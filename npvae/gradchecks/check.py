"""What a check is, and the inputs that can show a mistake.

The sizes are distinct odd primes. With a batch of 2, a missing ½ looks like a missing division by the batch size;
with equal sizes, a transposed derivative has the right shape. If a function has a kink (ReLU at 0), inputs are drawn
away from it, because finite differences do not measure a derivative there. The noise inside a bound is frozen: every
call rebuilds the generator from the same seed.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..autodiff import Tensor, gradcheck

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
        """Draw the arguments of `gradcheck` with this seed: return a tuple and a dict."""
        return self.build(np.random.default_rng(seed), *sizes)

    def run(self, seed=0, sizes=SIZES):
        """Return the report of `gradcheck`, with inputs and an upstream gradient drawn with this seed."""
        args, keywords = self.arguments(seed, sizes)
        return gradcheck(*args, rng=np.random.default_rng([seed, 1]), name=self.name, **keywords)


def normal(rng, *shape):
    """Draw numbers from N(0, 1)."""
    return rng.standard_normal(shape)


def positive(rng, *shape):
    """Draw numbers between ½ and 2, for logarithms, roots and denominators."""
    return rng.uniform(0.5, 2, shape)


def off_zero(rng, *shape):
    """Draw numbers between ½ and 2 of either sign, away from a kink at 0."""
    return positive(rng, *shape) * rng.choice([-1, 1], shape)


def check_of_operation(f, inputs, case="", **options):
    """Return a check of the bare operation f.raw; inputs(rng, N, D, K) draws the arrays that it takes."""
    return Check(f.__name__ + case, "operation", lambda *draw: ((f.raw, *inputs(*draw)), options))


def check_of_function(name, kind, build):
    """Return a check of a function or Module of Tensors: build(rng, N, D, K) returns it and the arrays it takes."""

    def arguments(*draw):
        f, *inputs = build(*draw)
        return (f, *map(Tensor, inputs)), {}

    return Check(name, kind, arguments)


def with_random_parameters(module, rng, sigma=1.0):
    """Return the module in float64, with every parameter drawn from N(0, σ²): a bias of zero would hide mistakes.

    With σ = 1, a bound that sums exponentials may reach thousands, and rounding spoils its finite differences. For
    bounds, take a smaller σ.
    """
    module.astype(np.float64)
    for parameter in module.parameters():
        parameter.data[...] = sigma * rng.standard_normal(parameter.shape)
    return module

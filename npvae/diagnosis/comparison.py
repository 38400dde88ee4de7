"""The evidence: one array that somebody computed, beside what it should be, and all that took part in it.

A derivative that is wrong in many elements holds much information: it is not "off by 0.5", it is *some* function of the
numbers that went in. So everything that could have gone in is kept by name. The formula of the right answer is kept
too, as functions of those names, one for each of its terms,

    {"½ σ²": lambda dy, sigma: 0.5 * dy[:, None] * sigma**2,    "−½": lambda dy, sigma: …}

so that a diagnosis can ask what would have come out if σ² had stood where σ belongs, or a term had been forgotten.

The sizes are distinct odd primes, and other ones in each draw: a factor of 1/3 that comes from the batch is 1/7 in the
draw whose batch is 7.
"""

import dataclasses
import inspect
from collections.abc import Callable

import numpy as np

from ..autodiff.gradcheck import LIMIT

SYMBOLS = {  # how the names in formulas are written
    "mu": "μ",
    "sigma": "σ",
    "variance": "σ²",
    "precision": "1/σ²",
    "eps": "ε",
    "one_minus_y": "1 − y",
    "positive": "(x > 0)",
    "sigmoid": "σ(x)",
    "probability": "σ(l)",
    "softmax": "w/Σw",
    "y_slope": "y (1 − y)",
    "x_slope": "x (1 − x)",
    "probability_slope": "σ(l) (1 − σ(l))",
    "residual": "(x − μ)",
    "tanh_slope": "1 − y²",
    "uniform": "1/K",
    "other_softmax": "w divided by the sum over the wrong axis",
    "exponential": "exp x",
    "decay": "e⁻ˣ",
}


def symbol(name):
    """A name of the code as it is written in mathematics."""
    return SYMBOLS.get(name, name)


@dataclasses.dataclass
class Comparison:
    """One array in one draw of the inputs.

    name       of the array, for example "dlogvar"
    found      what was computed
    expected   what is right: by finite differences, or by the engine
    known      a dict of the arrays that took part, and others that may be taken for them
    formula    a dict from the name of a term to a function of known arrays, by their names: the sum is `expected`
    numbers    a dict of numbers that a factor may be made of, with their meaning: {"N, the batch": 3}
    suspects   a dict from a mistake, in words, to the array that it would give
    by_dy      `expected` as a function of another upstream gradient, if there is no formula
    """

    name: str
    found: np.ndarray
    expected: np.ndarray
    known: dict = dataclasses.field(default_factory=dict)
    formula: dict = dataclasses.field(default_factory=dict)
    numbers: dict = dataclasses.field(default_factory=dict)
    suspects: dict = dataclasses.field(default_factory=dict)
    by_dy: Callable | None = None

    def __post_init__(self):
        self.found, self.expected = np.asarray(self.found), np.asarray(self.expected)
        needed = {"y", "dy"} | {name for f in self.formula.values() for name in names_in(f)}
        known = {}
        for name, value in self.known.items():  # two names for the same numbers would be offered as two causes
            if name in needed or not any(same(value, other) for other in known.values()):
                known[name] = value
        self.known = known

    @property
    def error(self):
        """|found − expected| / max(1, |expected|) of every element; infinity for NaN. The shapes must be equal."""
        with np.errstate(all="ignore"):
            error = np.abs(self.found - self.expected) / np.maximum(1, np.abs(self.expected))
        return np.where(np.isnan(error), np.inf, error)

    @property
    def ok(self):
        """Whether the shape is right and no error is above the limit of `gradcheck`."""
        return self.found.shape == self.expected.shape and bool((self.error <= LIMIT).all())

    @property
    def wrong(self):
        """Which elements are wrong, an array of bool; all, where the shape is."""
        if self.found.shape != self.expected.shape:
            return np.ones(self.expected.shape, bool)
        return self.error > LIMIT

    def evaluate(self, **changed):
        """The terms of the formula, a dict of arrays, where some of the known arrays have been changed."""
        known = self.known | changed
        return {term: np.asarray(f(*(known[name] for name in names_in(f)))) for term, f in self.formula.items()}


def names_in(f):
    """The names of the arguments of a term's function that have no default: the known arrays that it takes."""
    return [name for name, p in inspect.signature(f).parameters.items() if p.default is p.empty]


def same(a, b):
    """Whether two arrays have the same shape and the same numbers, within what rounding and finite differences leave.

    That is 10⁻⁶ of each number, and 10⁻⁹ of the largest (or of 1): in a sum with a large number, a small one loses its
    digits.
    """
    if np.shape(a) != np.shape(b):
        return False
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(a), initial=0)
        return bool(np.isfinite(scale) and (np.abs(a - b) <= 1e-6 * np.abs(a) + 1e-9 * max(1, scale)).all())

"""The evidence: one array that somebody computed, beside what it should be, and everything that took part in it.

A derivative that is wrong in many elements tells a lot: it is not "off by 0.5", it is *some* function of the numbers
that went in. So keep everything that could have gone in, by name. Keep the formula of the right answer too, as a
function of those names for each of its terms,

    {"½ σ²": lambda dy, sigma: 0.5 * dy[:, None] * sigma**2,    "−½": lambda dy, sigma: …}

so that a diagnosis can ask what would have come out if σ² had stood where σ belongs, or a term had been forgotten.

The sizes are distinct odd primes, and they change from draw to draw: a factor of 1/3 that comes from the batch is 1/7
in the draw whose batch is 7.
"""

import dataclasses
import inspect
from collections.abc import Callable

import numpy as np

from ..autodiff.gradcheck import LIMIT, errors

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
    """Return a name of the code as mathematics writes it."""
    return SYMBOLS.get(name, name)


def in_brackets(name):
    """Return a name as mathematics writes it in a quotient: in parentheses if it has several parts."""
    written = symbol(name)
    return f"({written})" if " " in written and not written.startswith("(") else written


@dataclasses.dataclass
class Comparison:
    """One array in one draw of the inputs.

    name       of the array, for example "dlogvar"
    found      what was computed
    expected   what is right: by finite differences, or by the engine
    known      a dict of the arrays that took part, and of others that may be mistaken for them
    formula    a dict from the name of a term to a function of known arrays, by their names: the sum is `expected`
    numbers    a dict of the numbers from which a factor may be made, by their meaning: {"N, the batch": 3}
    suspects   a dict from the description of a mistake to the array that it would give
    by_dy      `expected` as a function of another upstream gradient, if there is no formula
    draws      traces of the computation for the search: a list of `Draw`, or a function that returns one
    """

    name: str
    found: np.ndarray
    expected: np.ndarray
    known: dict = dataclasses.field(default_factory=dict)
    formula: dict = dataclasses.field(default_factory=dict)
    numbers: dict = dataclasses.field(default_factory=dict)
    suspects: dict = dataclasses.field(default_factory=dict)
    by_dy: Callable | None = None
    draws: list | Callable = ()

    def __post_init__(self):
        self.found, self.expected = np.asarray(self.found), np.asarray(self.expected)
        needed = {"y", "dy"} | {name for f in self.formula.values() for name in names_in(f)}
        known = {}
        for name, value in self.known.items():  # two names for the same numbers would be offered as two causes
            if name in needed or not any(same(value, other) for other in known.values()):
                known[name] = value
        self.known = known

    def traced(self):
        """Return the traces of the computation."""
        return self.draws() if callable(self.draws) else self.draws

    @property
    def error(self):
        """Return the error of every element, for equal shapes: see `gradcheck.errors`."""
        return errors(self.found, self.expected)

    @property
    def ok(self):
        """Return whether the shape is right and no error is above the limit of `gradcheck`."""
        return self.found.shape == self.expected.shape and bool((self.error <= LIMIT).all())

    @property
    def wrong(self):
        """Return which elements are wrong, an array of bool; all of them, if the shape is wrong."""
        if self.found.shape != self.expected.shape:
            return np.ones(self.expected.shape, bool)
        return self.error > LIMIT

    def evaluate(self, **changed):
        """Return the terms of the formula, a dict of arrays, after replacing some of the known arrays."""
        known = self.known | changed
        return {term: np.asarray(f(*(known[name] for name in names_in(f)))) for term, f in self.formula.items()}


def names_in(f):
    """Return the arguments of a term's function that have no default: the known arrays that it takes."""
    return [name for name, p in inspect.signature(f).parameters.items() if p.default is p.empty]


def same(a, b):
    """Return whether two arrays agree in shape and numbers, up to rounding and the error of finite differences.

    The tolerance is 10⁻⁶ of each number, plus 10⁻⁹ of the largest (or of 0.01): added to a large number, a small one
    loses digits.
    """
    if np.shape(a) != np.shape(b):
        return False
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(a), initial=0)
        return bool(np.isfinite(scale) and (np.abs(a - b) <= 1e-6 * np.abs(a) + 1e-9 * max(0.01, scale)).all())

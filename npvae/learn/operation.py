"""How the exercises about operations are checked.

First, the value is compared with the engine's. If it is right, the derivatives are compared with finite differences of
the student's own value. Last come float32, and inputs at which a careless formula overflows.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..autodiff import gradcheck
from ..autodiff.report import Fault
from ..diagnosis.comparison import Comparison, names_in, same
from ..diagnosis.diagnose import comparison
from ..diagnosis.faults import ValueFault
from .exercise import DRAWS, PRIMES, Exercise, Unfit, array, in_words


@dataclasses.dataclass
class OperationExercise(Exercise):
    """An exercise about an operation: its value is compared with the engine's, its derivatives with finite differences.

    blanks     what is left to write: "y" for the forward pass, and names of derivatives, such as "dW"
    inputs     inputs(rng, N, D, K) draws the inputs, a dict in the order of the arguments
    also       also(**inputs, y=y) returns a dict of arrays that may be mistaken for others
    formulas   the formula of a `Comparison`, for "y" and every derivative
    sizes      the meaning of N, D and K, for the diagnosis
    counts     counts(**known) returns a dict of other numbers that a factor may be made of
    primes     the numbers from which N, D and K are drawn
    suspects   for "y" or a derivative, suspects(**known) returns a dict from mistakes to the arrays that they give
    options    keywords of the operation
    extremes   extremes() returns inputs so large that a careless formula overflows
    """

    blanks: tuple = ()
    inputs: Callable = None
    also: Callable = lambda **known: {}
    formulas: dict = dataclasses.field(default_factory=dict)
    sizes: tuple = ("N, the batch",)
    counts: Callable = lambda: {}
    primes: tuple = PRIMES
    suspects: dict = dataclasses.field(default_factory=dict)
    options: dict = dataclasses.field(default_factory=dict)
    extremes: Callable | None = None

    @property
    def engine(self):
        """The engine's function of arrays."""
        return getattr(self.solution, "raw", self.solution)

    def draws(self, seed):
        """Yield for each draw: the inputs, everything known by name, the numbers, and a generator for dy."""
        for i in range(DRAWS):
            rng = np.random.default_rng([seed, i])
            sizes = [int(n) for n in rng.permutation(self.primes)[:3]]
            inputs = self.inputs(rng, *sizes)
            known = self.known(inputs)
            yield inputs, known, dict(zip(self.sizes, sizes)) | self.counts(**_of(self.counts, known)), rng

    def known(self, inputs):
        """Return the inputs, the value, and other arrays that may be mistaken for them."""
        y = self.engine(*map(np.copy, inputs.values()), **self.options)[0]
        known = {**inputs, "y": y}
        return known | self.also(**known)

    def _comparisons(self, f, seed):
        draws = list(self.draws(seed))
        values = [self._value(f, *draw) for draw in draws]
        if any(not c.ok for c in values):
            return values
        comparisons = values
        if self._derivatives():
            comparisons = values + [c for draw in draws for c in self._gradients(f, *draw)]
        if all(c.ok for c in comparisons):
            self._check_float32(f, draws[0][0])
            if self.extremes is not None:
                self._check_extremes(f, self.extremes())
        return comparisons

    def _derivatives(self):
        return [name for name in self.blanks if name != "y"]

    def _value(self, f, inputs, known, numbers, rng):
        given = {name: x.copy() for name, x in inputs.items()}
        y = self._value_of(f(*given.values(), **self.options))
        again = self._value_of(f(*given.values(), **self.options))
        if not np.array_equal(y, again, equal_nan=True) and not self._changed(inputs, given):
            raise Unfit("y", "two calls with the same inputs gave different values", Fault.RANDOM_VALUE)
        if name := self._changed(inputs, given):
            raise Unfit("y", f"the operation changed this input in place: {name}", Fault.CHANGED_INPUT)
        if any(np.shares_memory(y, x) for x in given.values()):
            raise Unfit("y", "the value shares its memory with an input: return a copy", Fault.SHARED_MEMORY)
        suspects = self.suspects["y"](**_of(self.suspects["y"], known)) if "y" in self.suspects else {}
        known = {name: value for name, value in known.items() if name != "y"}
        return Comparison("y", y, self.known(inputs)["y"], known, self.formulas.get("y", {}), numbers, suspects)

    def _both(self, result):
        """Return value and derivatives from what a student's function returned; a forward pass returns no tuple."""
        return result if self._derivatives() else (result,)

    def _value_of(self, result):
        """Return the array y from what the student's function returned."""
        if self._derivatives():
            some = self.inputs(np.random.default_rng(0), *PRIMES[:3]).values()
            wanted = len(self.engine(*some, **self.options))
            if not isinstance(result, tuple) or len(result) != wanted:
                expected = f"expected the value and {wanted - 1} derivatives, as in the stub"
                raise Unfit("y", f"the function returns {in_words(result)}, {expected}")
            result = result[0]
        return array(result, "y")

    @staticmethod
    def _changed(inputs, given):
        return next((name for name, x in inputs.items() if not np.array_equal(x, given[name])), "")

    def _check_derivatives(self, f, inputs):
        """Raise `Unfit` for a derivative that is no function, and for one that returns nothing."""
        y, *derivatives = f(*map(np.copy, inputs.values()), **self.options)
        for name, d in zip([f"d{name}" for name in inputs], derivatives):
            if name in self.blanks and not callable(d):
                raise Unfit(name, f"this is {in_words(d)}, expected a function of dy, as in the stub")
            if name in self.blanks and d(np.ones_like(y)) is None:
                raise Unfit(name, "this derivative returns None: is its return missing?")

    def _gradients(self, f, inputs, known, numbers, rng):
        self._check_derivatives(f, inputs)
        report = gradcheck(f, *inputs.values(), rng=rng, name=self.name, **self.options)
        if len(report.rows) < len(inputs):
            raise Unfit(report.rows[0].name, report.rows[0].sentence, report.rows[0].fault)
        for name, row in zip([f"d{name}" for name in inputs], report.rows):  # whatever the student calls them
            if name not in self.blanks:
                continue
            if row.fault not in (None, Fault.SHAPE):
                raise Unfit(name, row.sentence, row.fault)
            all_known = known | {"dy": report.known["dy"]}
            suspects = self.suspects[name](**_of(self.suspects[name], all_known)) if name in self.suspects else {}
            suspects |= {
                f"this is d{other.name}: are the derivatives in the order of the inputs?": other.numeric_gradient
                for other in report.rows
                if other is not row and other.numeric_gradient is not None
            }
            formula = self.formulas.get(name, {})
            yield comparison(name, row, all_known, formula=formula, numbers=numbers, suspects=suspects)

    def _check_float32(self, f, inputs):
        """Networks are trained in float32: neither the value nor a gradient may become float64."""
        y, *derivatives = self._both(f(*(x.astype(np.float32) for x in inputs.values()), **self.options))
        made = {"y": y} | {
            f"d{name}": d(np.ones_like(y)) for name, d in zip(inputs, derivatives) if f"d{name}" in self.blanks
        }
        for name, found in made.items():
            if found.dtype != np.float32:
                sentence = f"the numbers are right, but from float32 inputs the function makes {found.dtype}"
                raise Unfit(name, sentence, ValueFault.MADE_FLOAT64)

    def _check_extremes(self, f, inputs):
        """Compare value and derivatives with the engine's at large inputs, where a careless formula overflows."""
        y, *ds = self._both(f(*map(np.copy, inputs.values()), **self.options))
        right, *right_ds = self.engine(*map(np.copy, inputs.values()), **self.options)
        pairs = {"y": (y, right)} | {
            f"d{name}": (d(np.ones_like(right)), right_d(np.ones_like(right)))
            for name, d, right_d in zip(inputs, ds, right_ds)
            if f"d{name}" in self.blanks
        }
        at = ", ".join(f"{name} = {x.reshape(-1).tolist()}" for name, x in inputs.items())
        for name, (found, expected) in pairs.items():
            if not np.isfinite(found).all():
                sentence = f"is not finite at {at}: found {np.asarray(found).reshape(-1).tolist()}"
                raise Unfit(name, sentence, ValueFault.NOT_FINITE)
            if not same(found, expected):
                raise Unfit(name, f"is wrong at {at}: found {found.tolist()}, right is {expected.tolist()}")

    def wrong_version(self, name):
        wrong = self.wrong[name]
        return wrong.function or self.spoiled(wrong.changes)

    def spoiled(self, changes):
        """Return the solution with some of its arrays replaced by other functions of the known arrays: see `Wrong`."""
        names = list(self.inputs(np.random.default_rng(0), *PRIMES[:3]))

        def f(*arrays, **options):
            known = self.known(dict(zip(names, arrays))) if changes else {}
            y, *derivatives = self.engine(*arrays, **options)
            if "y" in changes:
                y = changes["y"](**_of(changes["y"], known))
            new = [
                d and (lambda dy, d=d, name=name: self._spoil(changes, name, known, dy, d(dy)))
                for name, d in zip(names, derivatives)
            ]
            return (y, *new) if self._derivatives() else y

        return f

    @staticmethod
    def _spoil(changes, name, known, dy, right):
        change = changes.get(f"d{name}")
        return right if change is None else change(**_of(change, known | {"dy": dy, "right": right}))

    def reference(self):
        """Return the solution, in the form that the student's function has."""
        return self.spoiled({})


def _of(f, known):
    """Return those of the known arrays that the function f takes."""
    return {name: known[name] for name in names_in(f)}

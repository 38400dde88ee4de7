"""Finite differences against the derivatives: how we know that a gradient is right.

A derivative is a claim that can be tested. Move one element x_i of an input a little to each side, and see how much the
value moves:

    ∂ℓ/∂x_i  ≈  Σ_j dy_j · (y_j(x + h e_i) − y_j(x − h e_i)) / 2h,        ℓ = Σ_j dy_j y_j.

The error of this *central* difference is h²/6 times the third derivative (the second cancels), plus rounding of about
10⁻¹⁶ |y|/h. In float64, with inputs and values of order 1, h = 10⁻⁵ makes both about 10⁻¹¹; a wrong derivative is
wrong by much more. The upstream gradient dy is random: with dy = 1, any derivative of a softmax that sums to zero would
pass, because a softmax sums to 1 whatever its input is. The differences are taken element by element before they are
weighted and added, which keeps the rounding small.

The table shows |analytic − numeric| / max(1, |numeric|): absolute for small derivatives, relative for large ones.
"""

import dataclasses
import enum
import functools
import textwrap
from collections.abc import Callable

import numpy as np

from ..plain import printable
from . import guards
from .tensor import Tensor, input_gradients, input_names, leaf_gradients, no_grad

STEP = 1e-5
LIMIT = 1e-7
SEED = 2_718_281_828  # of the upstream gradient: one that nobody draws inputs with. With the inputs' own seed, dy would
# be x again, dW = xᵀ dy would be symmetric, and a transposed dW would pass.


class Fault(enum.Enum):
    """What can be wrong with an operation besides its numbers; the value is the sentence that the table shows."""

    CHANGED_DY = "a derivative changed dy in place: other operations read it too"
    CHANGED_VALUE = "a derivative changed the operation's value in place"
    CHANGED_INPUT = "the operation changed this input in place"
    SHARED_MEMORY = "the value shares its memory with this input: return a copy"
    RANDOM_VALUE = "two calls with the same input gave different values: freeze the noise"
    RANDOM_GRADIENT = "two calls of this derivative with the same dy gave different arrays"
    OVERWRITTEN = "this array was changed after it was returned: another derivative uses its memory"
    NO_ARRAY = "the derivative is a {}, expected an array"
    DTYPE = "the derivative made {} of float64"
    SHAPE = "the derivative has shape {}, the input {}"
    EMPTY = "is empty: there is nothing to compare"


@dataclasses.dataclass
class Row:
    """What the check found for one input.

    name, shape   of the input
    error         the largest |analytic − numeric| / max(1, |numeric|); infinity if the two could not be compared
    where         the index of the element with the largest error
    analytic      what the derivative says there
    numeric       what finite differences say there
    fault         a `Fault`, or None
    sentence      what the table shows in place of the numbers, or empty

    A diagnosis also needs whole arrays, where they exist: `gradient`, what the derivative says; `numeric_gradient`,
    what finite differences say; for a wrong one, `kinks`, where there is no derivative; and to take differences again,
    the input x, and `value()`, which reads it.
    """

    name: str
    shape: tuple
    error: float = float("inf")
    where: tuple = ()
    analytic: float = float("nan")
    numeric: float = float("nan")
    fault: Fault | None = None
    sentence: str = ""
    gradient: np.ndarray | None = None
    numeric_gradient: np.ndarray | None = None
    kinks: np.ndarray | None = None
    x: np.ndarray | None = None
    value: Callable | None = None

    def blame(self, fault, *details):
        """Mark the row as wrong for this reason. Returns self."""
        self.fault, self.sentence, self.error = fault, fault.value.format(*details), float("inf")
        return self


class Report:
    """The result of a check: `print` it to read it, `assert_ok()` to make a test of it.

    name    what was checked
    rows    one `Row` for each input
    known   a dict of the arrays that took part: the inputs by name, the value "y" and the upstream gradient "dy",
            unless inputs have these names
    limit   the largest error that passes

    A report is neither true nor false: `assert gradcheck(...)` would look like a test and always pass, so it raises
    TypeError.
    """

    def __init__(self, name, rows, known, limit):
        self.name, self.rows, self.known, self.limit = name, rows, known, limit

    @property
    def ok(self):
        """Whether every input was compared and every error is at most the limit. NaN is not."""
        return bool(self.rows) and all(row.error <= self.limit for row in self.rows)

    @property
    def largest_error(self):
        """Over all inputs; infinity where an input could not be compared."""
        return max((row.error for row in self.rows), default=float("inf"))

    def __bool__(self):
        raise TypeError("a gradcheck report is neither true nor false: call its assert_ok(), or read its ok")

    def __str__(self):
        width = max([len(row.name) for row in self.rows] + [5])
        verdict = f"ok, largest error {self.largest_error:.1e}" if self.ok else "FAILED"
        lines = [
            f"gradcheck {self.name}: {verdict} (limit {self.limit:.0e})",
            f"  {'input':<{width}}  {'error':>8}  {'at':<12} {'analytic':>13} {'numeric':>13}",
        ]
        for row in self.rows:
            where = "(" + ", ".join(map(str, row.where)) + ")"
            numbers = f"{row.error:8.1e}  {where:<12} {row.analytic:13.6g} {row.numeric:13.6g}"
            mark = "" if row.error <= self.limit else "  <- wrong"
            line = f"  {row.name:<{width}}  {row.sentence or numbers}{mark}"
            lines.append(textwrap.fill(line, 80, subsequent_indent=" " * (width + 4)) if row.sentence else line)
        return printable("\n".join(lines))

    def assert_ok(self):
        """Raise AssertionError with the whole table if the check failed."""
        if not self.ok:
            raise AssertionError("\n" + str(self))


def gradcheck(f, *inputs, parameters=None, rng=None, name=None, limit=LIMIT, **options):
    """Compare every derivative of f, element by element, with finite differences.

    f receives what you pass:

        gradcheck(dense.raw, x, W, b)                arrays: f is a bare operation and returns its value and its
                                                     derivatives, in the form of `op`; no tape is involved
        gradcheck(f, Tensor(x), Tensor(y))           Tensors: f returns a Tensor, of any shape; an array among them
                                                     is a constant
        gradcheck(layer, Tensor(x))                  a Module: its parameters are checked too
        gradcheck(loss, parameters=model.named_parameters())       a whole bound: `loss()` needs no input, and the
                                                     parameters, pairs of name and Tensor, are moved instead

    rng       a numpy Generator for the upstream gradient; by default one with a fixed seed
    limit     the largest error that passes
    options   passed on to f as keywords

    Returns a `Report`. f must give the same value at every call: draw a noise ε outside of it. Raises TypeError for an
    input that is not float64 (in float32, rounding hides every mistake below 1 %), for an f that returns something
    else, for two parameters of one name or one with two names, and when there is nothing to check.
    """
    rng = np.random.default_rng(SEED) if rng is None else rng
    name = name or getattr(f, "__name__", type(f).__name__)
    if parameters is None and hasattr(f, "named_parameters"):
        parameters = f.named_parameters()
    if parameters is None and inputs and not any(isinstance(x, Tensor) for x in inputs):
        f = getattr(f, "raw", f)
        operation, arrays = functools.partial(f, **options), dict(zip(input_names(f, len(inputs)), inputs))
    else:
        operation, arrays = _as_operation(f, inputs, parameters or (), options)
    return Report(name, *_check(name, operation, arrays, rng), limit)


def _as_operation(f, inputs, parameters, options):
    """Return a function of Tensors as a bare operation, whose derivatives the tape gives, and its inputs by name.

    Its inputs are the arrays of all Tensors: those among the inputs of f, and the parameters. After each call, the
    parameters hold again what they held before.
    """
    inputs = [Tensor(x.data, requires_grad=True) if isinstance(x, Tensor) else x for x in inputs]  # as leaves
    pairs = [(f"input {i}", x) for i, x in enumerate(inputs) if isinstance(x, Tensor)]
    pairs += guards.named_tensors("gradcheck", parameters)
    if not pairs:
        raise TypeError("gradcheck found nothing to check: pass Tensors (or arrays for a bare operation) or parameters")
    names, tensors = zip(*pairs)
    for i, (name, x) in enumerate(pairs):
        if name in names[:i] or any(x is other for other in tensors[:i]):
            raise TypeError(f"gradcheck found the parameter {name!r} twice: give every parameter a name, and only one")

    def operation(*arrays):
        before = [(x.data, x.requires_grad) for x in tensors]
        try:
            for x, a in zip(tensors, arrays):
                x.data, x.requires_grad = a, True
            y = f(*inputs, **options)
        finally:
            for x, (data, requires_grad) in zip(tensors, before):
                x.data, x.requires_grad = data, requires_grad
        if not isinstance(y, Tensor):
            raise TypeError(f"gradcheck expects a function that returns a Tensor, found {type(y).__name__}")
        def backward(dy):
            gradients = leaf_gradients(y, guards.upstream_gradient(y, dy))
            return tuple(gradients.get(x, np.zeros(x.shape)) for x in tensors)
        return np.array(y.data), backward

    return operation, {name: x.data for name, x in pairs}


def _check(name, operation, arrays, rng):
    """Return the rows for y, *derivatives = operation(*arrays.values()), and every array that took part, by name."""
    inputs = [np.array(x) if isinstance(x, (np.ndarray, np.floating, float)) else x for x in arrays.values()]  # to move
    before = [np.array(x) for x in inputs]
    for input_name, x in zip(arrays, inputs):
        if isinstance(x, np.ndarray) and x.dtype != np.float64:
            raise _unfit(input_name, x.dtype)
    y, *derivatives = guards.value_and_derivatives(name, operation(*inputs))
    y_before, dy = np.array(y), rng.standard_normal(np.shape(y))
    given, known = dy.copy(), {"y": y_before, "dy": dy} | dict(zip(arrays, before))
    gradients = input_gradients(name, arrays, derivatives, given, [True] * len(inputs))
    if all(dx is None for dx in gradients):
        raise TypeError("gradcheck found nothing to check: none of the derivatives exists")
    if not np.array_equal(given, dy):
        return [Row("dy", dy.shape).blame(Fault.CHANGED_DY)], known
    if not np.array_equal(y, y_before, equal_nan=True):
        return [Row("y", dy.shape).blame(Fault.CHANGED_VALUE)], known
    if dy.size == 0:
        return [Row("y", dy.shape).blame(Fault.EMPTY)], known

    def value():
        with no_grad():
            return operation(*inputs)[0]

    def row_of(i, name, x, dx):
        row = Row(name, np.shape(x), x=x, value=value)
        if not np.array_equal(x, before[i], equal_nan=True):
            return row.blame(Fault.CHANGED_INPUT)
        if isinstance(x, np.ndarray) and np.shares_memory(x, y):
            return row.blame(Fault.SHARED_MEMORY)
        if dx is None:
            row.error, row.sentence = 0.0, "has no derivative: not checked"
            return row
        _compare(row, dx, dy)
        alone = [j == i for j in range(len(inputs))]
        once, again = (np.array(input_gradients(name, arrays, derivatives, dy.copy(), alone)[i]) for _ in range(2))
        if row.fault is None and not np.array_equal(once, again, equal_nan=True):
            row.blame(Fault.RANDOM_GRADIENT)
        elif row.fault is None and not np.array_equal(once, row.gradient, equal_nan=True):
            row.blame(Fault.OVERWRITTEN)
        return row

    return [row_of(i, *each) for i, each in enumerate(zip(arrays, inputs, gradients))], known


def _unfit(name, found):
    """Return the TypeError for an input that cannot be moved by finite differences."""
    what = f"gradcheck needs float64 arrays, found {name} of type {found}"
    return TypeError(f"{what}: convert it with np.asarray(…, np.float64)")


def _compare(row, analytic, dy):
    """Fill in a row: the derivative for its array x against central differences of its value."""
    x, value = row.x, row.value
    if not isinstance(x, np.ndarray):
        raise _unfit(row.name, type(x).__name__)
    if not isinstance(analytic, (np.ndarray, np.generic)):
        return row.blame(Fault.NO_ARRAY, type(analytic).__name__)
    if analytic.dtype != np.float64:
        return row.blame(Fault.DTYPE, analytic.dtype)
    row.gradient = np.array(analytic)
    if not np.array_equal(value(), value(), equal_nan=True):
        return row.blame(Fault.RANDOM_VALUE)
    row.numeric_gradient = numeric = numeric_gradient(value, x, dy)
    if analytic.shape != x.shape:
        return row.blame(Fault.SHAPE, analytic.shape, x.shape)
    if x.size == 0:
        return row.blame(Fault.EMPTY)
    error = np.abs(analytic - numeric) / np.maximum(1, np.abs(numeric))
    error = np.where(np.isnan(error), np.inf, error)
    row.where = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    row.error, row.analytic, row.numeric = (float(a[row.where]) for a in (error, analytic, numeric))
    if row.error > LIMIT:
        row.kinks = _kinks(value, x)
    return row


def numeric_gradient(value, x, dy, h=STEP):
    """Return Σ_j dy_j ∂y_j/∂x_i for every element x_i of the array x, by central differences.

    `value()` returns y, and reads x, which is moved in place and put back.
    """
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        below, above = _beside(value, x, i, h)
        gradient[i] = np.sum(dy * (above - below)) / (2 * h)
    return gradient


def _beside(value, x, i, h):
    """Return y at x_i − h and at x_i + h."""
    kept, ys = x[i], []
    for moved in (kept - h, kept + h):
        x[i] = moved
        ys.append(np.array(value()))
    x[i] = kept
    return ys


def _kinks(value, x):
    """Return for which elements of x the slopes to the left and to the right differ, an array of bool.

    They differ for a strongly curved function too, but then by less and less the smaller the step is.
    """
    y, kinks = np.array(value()), np.zeros(x.shape, bool)
    for i in np.ndindex(x.shape):
        jumps = []
        for h in (STEP, STEP / 10):
            below, above = _beside(value, x, i, h)
            right, left = (above - y) / h, (y - below) / h
            jumps.append(np.abs(right - left).max(initial=0))
        kinks[i] = jumps[0] > 0.01 * np.abs(right).max(initial=0) + 1e-6 and jumps[1] > jumps[0] / 2
    return kinks

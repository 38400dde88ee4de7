"""Finite differences against the derivatives: how we know that a gradient is right.

A derivative is a claim that can be tested. Move one element x_i of an input a little to each side and see how much the
value moves:

    ∂ℓ/∂x_i  ≈  Σ_j dy_j · (y_j(x + h e_i) − y_j(x − h e_i)) / 2h,        ℓ = Σ_j dy_j y_j.

The error of this *central* difference is h²/6 times the third derivative (the second cancels), plus rounding of about
10⁻¹⁶ |y|/h; in float64, with inputs and values of order 1, h = 10⁻⁵ makes both about 10⁻¹¹, and a wrong derivative is
wrong by much more. The upstream gradient dy is random:
with dy = 1 the derivative of a softmax could be anything that sums to zero, because a softmax sums to 1 whatever its
input is, and the check would pass. The differences are taken element by element before they are weighted and added,
which keeps the rounding small.

The error that is reported is |analytic − numeric| / max(1, |numeric|): absolute for small derivatives, relative for
large ones.
"""

import dataclasses
import inspect
import textwrap
from collections.abc import Callable

import numpy as np

from .tensor import Tensor, input_gradients, no_grad

STEP = 1e-5
LIMIT = 1e-7
SEED = 2_718_281_828  # of the upstream gradient: one that nobody draws inputs with. With the inputs' own seed, dy would
# be x again, dW = xᵀ dy would be symmetric, and a transposed dW would pass.


@dataclasses.dataclass
class Row:
    """What the check found for one input.

    name       of the input
    shape      of the input
    error      the largest |analytic − numeric| / max(1, |numeric|); infinity if the two could not be compared
    where      the index of the element with the largest error
    analytic   what the derivative says there
    numeric    what finite differences say there
    remark     in words, why there was nothing to compare; otherwise empty

    For a diagnosis there are also the whole arrays, where there are any: `gradient`, what the derivative says;
    `numeric_gradient`, what finite differences say; if they differ, `kinks`, where there is no derivative; and, of a
    bare operation, `x` and `value()`, with which differences can be taken anew.
    """

    name: str
    shape: tuple
    error: float = float("inf")
    where: tuple = ()
    analytic: float = float("nan")
    numeric: float = float("nan")
    remark: str = ""
    gradient: np.ndarray | None = None
    numeric_gradient: np.ndarray | None = None
    kinks: np.ndarray | None = None
    x: np.ndarray | None = None
    value: Callable | None = None


class Report:
    """The result of a check: `print` it to read it, `assert_ok()` to make a test of it.

    name    what was checked
    rows    one `Row` for each input
    limit   the largest error that passes
    known   a dict of the arrays that took part: the inputs by name, the value "y" and the upstream gradient "dy",
            unless inputs have these names

    A report is neither true nor false: `assert gradcheck(...)` would look like a test and always pass, so it raises
    TypeError.
    """

    def __init__(self, name, rows, limit, known):
        self.name, self.rows, self.limit, self.known = name, rows, limit, known

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
            mark = "" if row.error <= self.limit else "  <- wrong"
            if row.remark:
                remark = f"  {row.name:<{width}}  {row.remark}{mark}"
                lines.append(textwrap.fill(remark, 80, subsequent_indent=" " * (width + 4)))
                continue
            where = "(" + ", ".join(map(str, row.where)) + ")"
            lines.append(
                f"  {row.name:<{width}}  {row.error:8.1e}  {where:<12} {row.analytic:13.6g} {row.numeric:13.6g}{mark}"
            )
        return "\n".join(lines)

    def assert_ok(self):
        """Raise AssertionError with the whole table if the check failed."""
        if not self.ok:
            raise AssertionError("\n" + str(self))


def gradcheck(f, *inputs, parameters=None, rng=None, name=None, limit=LIMIT, **options):
    """Compare every derivative of f, element by element, with finite differences.

    f gets what is given here:

        gradcheck(dense.raw, x, W, b)                arrays: f is a bare operation and returns its value and its
                                                     derivatives, in the form of `op`; no tape is involved
        gradcheck(f, Tensor(x), Tensor(y))           Tensors: f returns a Tensor, of any shape; an array among them
                                                     is a constant
        gradcheck(layer, Tensor(x))                  a Module: its parameters are checked too
        gradcheck(loss, parameters=model.named_parameters())       a whole bound: `loss()` needs no input, and the
                                                     parameters, pairs of name and Tensor, are moved instead

    rng       a numpy Generator for the upstream gradient; by default one with a fixed seed of its own
    limit     the largest error that passes
    options   passed on to f as keywords

    Returns a `Report`. f must give the same value at every call: a noise ε must be drawn outside and frozen. Raises
    TypeError where an input is not float64 (in float32, rounding hides every mistake below 1 %), where f does not
    return what is said above, or where there is nothing to check.
    """
    rng = np.random.default_rng(SEED) if rng is None else rng
    name = name or getattr(f, "__name__", type(f).__name__)
    is_function = any(isinstance(x, Tensor) for x in inputs) or hasattr(f, "named_parameters") or parameters is not None
    if inputs and not is_function:
        rows, known = _check_operation(f, inputs, options, rng)
    else:
        rows, known = _check_function(f, inputs, parameters, options, rng)
    return Report(name, rows, limit, known)


def _check_operation(f, inputs, options, rng):
    """Rows for a bare operation, y, *derivatives = f(*arrays); and the arrays by name."""
    f = getattr(f, "raw", f)
    inputs = [np.array(x) if isinstance(x, (np.ndarray, np.floating, float)) else x for x in inputs]  # copies, to move
    _require_float64(inputs)
    before = [np.array(x) for x in inputs]
    result = f(*inputs, **options)
    if not isinstance(result, tuple) or not all(d is None or callable(d) for d in result[1:]):
        raise TypeError(
            f"an operation returns its value and one derivative for each input, found {type(result).__name__}: to "
            "check a function of Tensors, pass Tensors"
        )
    y, *derivatives = result
    y_before, dy = np.array(y), rng.standard_normal(np.shape(y))
    names, given = _names(f, inputs), dy.copy()
    known = {"y": y_before, "dy": dy} | dict(zip(names, before))
    gradients = input_gradients(derivatives, given, [True] * len(inputs))
    if all(dx is None for dx in gradients):
        raise TypeError("gradcheck found nothing to check: none of the derivatives exists")
    if not np.array_equal(given, dy):
        return [Row("dy", dy.shape, remark="a derivative changed dy in place: other operations read it too")], known
    if not np.array_equal(y, y_before, equal_nan=True):
        return [Row("y", dy.shape, remark="a derivative changed the operation's value in place")], known
    rows = []
    for i, (name, x, x_before, dx) in enumerate(zip(names, inputs, before, gradients)):
        if not np.array_equal(x, x_before, equal_nan=True):
            rows.append(Row(name, x.shape, remark="the operation changed this input in place"))
        elif isinstance(x, np.ndarray) and np.shares_memory(x, y):
            rows.append(Row(name, x.shape, remark="the value shares its memory with this input: return a copy"))
        elif dx is None:
            rows.append(Row(name, np.shape(x), error=0.0, remark="has no derivative: not checked"))
        else:
            value = lambda: f(*inputs, **options)[0]  # noqa: E731
            row = _compare(name, x, dx, value, dy)
            row.x, row.value = x, value
            row.remark = row.remark or _called_again(derivatives, i, np.array(dx), dy)
            row.error = np.inf if row.remark else row.error
            rows.append(row)
    return rows, known


def _called_again(derivatives, i, dx, dy):
    """In words, what is wrong if the gradient for input i is not dx when its derivative is called alone, and again."""

    def again():
        gradient = derivatives[i if len(derivatives) > 1 else 0](dy.copy())
        return np.array(gradient[i] if isinstance(gradient, tuple) else gradient)

    once = again()
    if not np.array_equal(once, again(), equal_nan=True):
        return "two calls of this derivative with the same dy gave different arrays"
    if not np.array_equal(once, dx, equal_nan=True):
        return "this array was changed after it was returned: another derivative uses its memory"
    return ""


def _names(f, inputs):
    """The names of an operation's inputs; numbers where it takes any number of them."""
    parameters = inspect.signature(f).parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names if len(names) == len(inputs) else [f"input {i}" for i in range(len(inputs))]


def _check_function(f, inputs, parameters, options, rng):
    """Rows for a function that returns a Tensor: its Tensor inputs and the parameters; and the arrays by name."""
    if parameters is None:
        parameters = f.named_parameters() if hasattr(f, "named_parameters") else ()
    inputs = [x.detach() if isinstance(x, Tensor) else x for x in inputs]  # leaves, whatever they were made from
    tensors = {f"input {i}": x for i, x in enumerate(inputs) if isinstance(x, Tensor)}
    try:
        tensors |= dict(parameters)
    except (TypeError, ValueError):
        raise TypeError("gradcheck takes parameters by name: pass model.named_parameters()") from None
    if not tensors:
        raise TypeError("gradcheck found nothing to check: pass Tensors (or arrays for a bare operation) or parameters")
    _require_float64([x.data for x in tensors.values()])
    before = [(x, x.data, x.requires_grad, x.grad) for x in tensors.values()]
    for x in tensors.values():
        x.data, x.requires_grad, x.grad = np.array(x.data), True, None  # a copy, to move

    def value():
        with no_grad():
            return f(*inputs, **options).data

    try:
        y = f(*inputs, **options)
        if not isinstance(y, Tensor):
            raise TypeError(f"gradcheck expects a function that returns a Tensor, found {type(y).__name__}")
        dy = rng.standard_normal(y.shape)
        y.backward(dy)
        gradients = {name: np.zeros(x.shape) if x.grad is None else x.grad for name, x in tensors.items()}
        known = {name: x.data for name, x in tensors.items()} | {"y": y.data, "dy": dy}
        return [_compare(name, x.data, gradients[name], value, dy) for name, x in tensors.items()], known
    finally:
        for x, data, requires_grad, grad in before:
            x.data, x.requires_grad, x.grad = data, requires_grad, grad


def _require_float64(arrays):
    for x in arrays:
        if isinstance(x, np.ndarray) and x.dtype != np.float64:
            raise TypeError(f"gradcheck needs float64 inputs, found {x.dtype}: convert them with .astype(np.float64)")


def _compare(name, x, analytic, value, dy):
    """One row: the derivative for the array x, which `value()` depends on, against central differences."""
    row = Row(name, x.shape)
    if not isinstance(analytic, (np.ndarray, np.generic)):
        row.remark = f"the derivative is a {type(analytic).__name__}, expected an array"
        return row
    if analytic.dtype != np.float64:
        row.remark = f"the derivative made {analytic.dtype} of float64"
        return row
    row.gradient = np.array(analytic)
    if not np.array_equal(value(), value(), equal_nan=True):
        row.remark = "two calls with the same input gave different values: freeze the noise"
        return row
    row.numeric_gradient = numeric_gradient(value, x, dy)
    if analytic.shape != x.shape:
        row.remark = f"the derivative has shape {analytic.shape}, the input {x.shape}"
        return row
    if x.size == 0:
        row.remark = "is empty: there is nothing to compare"
        return row
    numeric = row.numeric_gradient
    error = np.abs(analytic - numeric) / np.maximum(1, np.abs(numeric))
    error = np.where(np.isnan(error), np.inf, error)
    row.where = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    row.error = float(error[row.where])
    row.analytic, row.numeric = float(analytic[row.where]), float(numeric[row.where])
    if row.error > LIMIT:
        row.kinks = _kinks(value, x)
    return row


def numeric_gradient(value, x, dy, h=STEP):
    """Σ_j dy_j ∂y_j/∂x_i for every element x_i of the array x, by central differences.

    `value()` returns y, and reads x, which is moved in place and put back.
    """
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = np.array(value())
        x[i] = kept - h
        below = np.array(value())
        x[i] = kept
        gradient[i] = np.sum(dy * (above - below)) / (2 * h)
    return gradient


def _kinks(value, x):
    """For which elements of x the slopes to the left and to the right differ, an array of bool of the shape of x.

    Where a function is only strongly curved they differ too, but by less and less the smaller the step is.
    """
    y, kinks = np.array(value()), np.zeros(x.shape, bool)
    for i in np.ndindex(x.shape):
        kept, jumps = x[i], []
        for h in (STEP, STEP / 10):
            x[i] = kept + h
            right = (np.array(value()) - y) / h
            x[i] = kept - h
            left = (y - np.array(value())) / h
            jumps.append(np.abs(right - left).max(initial=0))
        x[i] = kept
        kinks[i] = jumps[0] > 0.01 * np.abs(right).max(initial=0) + 1e-6 and jumps[1] > jumps[0] / 2
    return kinks

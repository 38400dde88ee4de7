"""Finite differences against the derivatives: how we know that a gradient is right.

A derivative is a claim that can be tested. Move one element x_i of an input a little to each side and see how much the
value moves:

    ∂ℓ/∂x_i  ≈  Σ_j dy_j · (y_j(x + h e_i) − y_j(x − h e_i)) / 2h,        ℓ = Σ_j dy_j y_j.

The error of this *central* difference is of order h² from the curvature, plus rounding of order 10⁻¹⁶/h; in float64,
h = 10⁻⁵ makes both about 10⁻¹¹, and a wrong derivative is wrong by much more. The upstream gradient dy is random:
with dy = 1 the derivative of a softmax could be anything that sums to zero, because a softmax sums to 1 whatever its
input is, and the check would pass. The differences are taken element by element before they are weighted and added,
which keeps the rounding small.

The error that is reported is |analytic − numeric| / max(1, |numeric|): absolute for small derivatives, relative for
large ones.
"""

import dataclasses

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
    error      the largest |analytic − numeric| / max(1, |numeric|); infinity if `problem` is not empty
    where      the index of the element with the largest error
    analytic   what the derivative says there
    numeric    what finite differences say there
    problem    in words, when the two could not even be compared; otherwise empty
    """

    name: str
    shape: tuple
    error: float = float("inf")
    where: tuple = ()
    analytic: float = float("nan")
    numeric: float = float("nan")
    problem: str = ""


class Report:
    """The result of a check: `print` it to read it, `assert_ok()` to make a test of it.

    name    what was checked
    rows    one `Row` for each input
    limit   the largest error that passes

    A report is neither true nor false: `assert gradcheck(...)` would look like a test and always pass, so it raises
    TypeError.
    """

    def __init__(self, name, rows, limit):
        self.name, self.rows, self.limit = name, rows, limit

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
            if row.problem:
                lines.append(f"  {row.name:<{width}}  {'':>8}  {row.problem}  <- wrong")
                continue
            mark = "" if row.error <= self.limit else "  <- wrong"
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
        gradcheck(f, Tensor(x), Tensor(y))           Tensors: f returns a Tensor, of any shape
        gradcheck(layer, Tensor(x))                  a Module: its parameters are checked too
        gradcheck(loss, parameters=model.named_parameters())       a whole bound: `loss()` takes no input, and the
                                                     parameters, pairs of name and Tensor, are moved instead

    rng       a numpy Generator for the upstream gradient; by default one with a fixed seed of its own
    limit     the largest error that passes
    options   passed on to f as keywords

    Returns a `Report`. f must give the same value at every call: a noise ε must be drawn outside and frozen. Raises
    TypeError where an input is not float64 (in float32, rounding hides every mistake below 1 %), or where there is
    nothing to check.
    """
    rng = np.random.default_rng(SEED) if rng is None else rng
    name = name or getattr(f, "__name__", type(f).__name__)
    if any(isinstance(x, np.ndarray) for x in inputs):
        checked = _check_operation(f, inputs, options, rng)
    else:
        checked = _check_function(f, inputs, parameters, options, rng)
    return Report(name, checked, limit)


def _check_operation(f, inputs, options, rng):
    """Rows for a bare operation: y, *derivatives = f(*arrays)."""
    _require_float64(inputs)
    inputs = [np.array(x) if isinstance(x, np.ndarray) else x for x in inputs]  # the check moves them in place
    before = [np.array(x) for x in inputs]
    y, *derivatives = f(*inputs, **options)
    dy = rng.standard_normal(np.shape(y))
    given = dy.copy()
    gradients = input_gradients(derivatives, given, [True] * len(inputs))
    names = list(f.__code__.co_varnames[: f.__code__.co_argcount])
    if len(names) != len(inputs):  # f(*arrays)
        names = [f"input {i}" for i in range(len(inputs))]
    if not np.array_equal(given, dy):
        return [Row("dy", np.shape(y), problem="a derivative changed dy in place: other operations read it too")]
    rows = []
    for name, x, x_before, dx in zip(names, inputs, before, gradients):
        if not np.array_equal(x, x_before):
            rows.append(Row(name, x.shape, problem="the operation changed this input in place"))
        elif dx is not None and isinstance(x, np.ndarray):
            rows.append(_compare(name, x, dx, lambda: f(*inputs, **options)[0], dy))
    return rows


def _check_function(f, inputs, parameters, options, rng):
    """Rows for a function that returns a Tensor: its Tensor inputs and the parameters, with gradients off the tape."""
    if parameters is None:
        parameters = f.named_parameters() if hasattr(f, "named_parameters") else ()
    tensors = {f"input {i}": x for i, x in enumerate(inputs) if isinstance(x, Tensor)} | dict(parameters)
    if not tensors:
        raise TypeError("gradcheck found nothing to check: pass Tensors (or arrays for a bare operation) or parameters")
    _require_float64([x.data for x in tensors.values()])
    before = {name: (x.requires_grad, x.grad) for name, x in tensors.items()}
    for x in tensors.values():
        x.requires_grad, x.grad = True, None
    try:
        y = f(*inputs, **options)
        dy = rng.standard_normal(y.shape)
        y.backward(dy)
        gradients = {n: np.zeros(x.shape) if x.grad is None else x.grad for n, x in tensors.items()}
    finally:
        for name, x in tensors.items():
            x.requires_grad, x.grad = before[name]

    def value():
        with no_grad():
            return f(*inputs, **options).data

    return [_compare(name, x.data, gradients[name], value, dy) for name, x in tensors.items()]


def _require_float64(arrays):
    for x in arrays:
        if isinstance(x, np.ndarray) and x.dtype != np.float64:
            raise TypeError(f"gradcheck needs float64 inputs, found {x.dtype}: convert them with .astype(np.float64)")


def _compare(name, x, analytic, value, dy):
    """One row: the derivative for the array x, which `value()` depends on, against central differences."""
    row = Row(name, x.shape)
    analytic = np.asarray(analytic)
    if analytic.shape != x.shape:
        row.problem = f"the derivative has shape {analytic.shape}, the input {x.shape}"
        return row
    if not np.array_equal(value(), value(), equal_nan=True):
        row.problem = "two calls with the same input gave different values: freeze the noise"
        return row
    numeric = numeric_gradient(value, x, dy)
    error = np.abs(analytic - numeric) / np.maximum(1, np.abs(numeric))
    error = np.where(np.isnan(error), np.inf, error)
    if error.size:
        row.where = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
        row.error = float(error[row.where])
        row.analytic, row.numeric = float(analytic[row.where]), float(numeric[row.where])
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

"""Derivatives against finite differences: how we know that a gradient is right.

A derivative is a claim that can be tested: move one element of an input a little to each side, see how much the value
moves (differences.py says how, and how exactly), and compare. The upstream gradient dy is random: with dy = 1, any
derivative of a softmax that sums to zero would pass, because a softmax sums to 1 whatever its input is.

The table shows |analytic − numeric| / max(1, |numeric|): absolute for small derivatives, relative for large ones. A
gradient that vanishes, behind a dozen sigmoids, would pass whatever it is. So an array must also agree to a thousandth
of its own largest element.
"""

import functools
import sys
import textwrap
import time

import numpy as np

from ..arguments import check_sizes, generator
from . import guards
from .differences import STEP, beside, extrapolated, kinks, numeric_gradient
from .report import Fault, Report, Row
from .tensor import Tensor, input_gradients, input_names, leaf_gradients, no_grad

LIMIT = 1e-7
OWN_SIZE = 1e-3  # the largest error that passes, as a part of the array's largest element
MOST_EXTRAPOLATED = 1000  # elements of an array: each takes twenty calls of f
STALE = (
    "  note: after another call of f, the derivatives of this call return something else, probably because an object "
    "stores its input: call backward right after forward"
)
LOST = (
    "  note: of {0}, some gradients are so small beside the value (at most {1:.0e}) that finite differences cannot "
    "tell them from zero: they are not checked"
)
SLOW = 20  # seconds of a check, from which it says how to check less
SEED = 2_718_281_828  # of the upstream gradient: a seed with which nobody draws inputs. With the inputs' seed, dy could
# equal x: then dW = xᵀ dy would be symmetric, and a transposed dW would pass.


def gradcheck(f, *inputs, parameters=None, rng=None, name=None, limit=LIMIT, elements=None, **options):
    """Compare every derivative of f, element by element, with finite differences.

    f receives what you pass:

        gradcheck(dense.raw, x, W, b)                arrays: f is a bare operation and returns its value and its
                                                     derivatives, in the form of `op`; no tape is involved
        gradcheck(f, Tensor(x), Tensor(y))           Tensors: f returns a Tensor, of any shape; an array among them
                                                     is a constant
        gradcheck(layer, Tensor(x))                  a Module: its parameters are checked too
        gradcheck(loss, parameters=model.named_parameters())       a whole bound: `loss()` needs no input, and the
                                                     parameters, pairs of name and Tensor, are moved instead

    rng        a numpy Generator for the upstream gradient, or a seed; by default one with a fixed seed
    limit      the largest error that passes
    elements   check only that many elements of each input, chosen at random; the report says so. A check of all
               elements that will take long says on standard error how long, and that this exists.
    options    passed on to f as keywords

    Returns a `Report`. f must give the same value at every call: draw the noise ε outside f. Inputs that are not
    floats, such as integer labels, reach f unchanged and are not checked. Raises TypeError for a float32 input (its
    rounding hides every mistake below 1 %), for an f that returns anything else, for two parameters with one name or
    one with two names, and when there is nothing to check.
    """
    rng = generator(SEED if rng is None else rng)
    if elements is not None:
        check_sizes(elements=elements)
    name = name or getattr(f, "__name__", type(f).__name__)
    if parameters is None and hasattr(f, "named_parameters"):
        parameters = f.named_parameters()
    if parameters is None and inputs and not any(isinstance(x, Tensor) for x in inputs):
        f = getattr(f, "raw", f)
        operation, arrays = functools.partial(f, **options), dict(zip(input_names(f, len(inputs)), inputs))
    else:
        operation, arrays = _as_operation(f, inputs, parameters or (), options)
    rows, known, notes = _check(name, operation, arrays, rng, limit, elements)
    return Report(name, rows, known, limit, notes, operation, arrays)


def _as_operation(f, inputs, parameters, options):
    """Return a function of Tensors as a bare operation, whose derivatives the tape computes, and its inputs by name.

    Its inputs are the arrays of all Tensors: those among the inputs of f, and the parameters. Each call restores the
    parameters' arrays.
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


def _check(name, operation, arrays, rng, limit, elements):
    """Check y, *derivatives = operation(*arrays.values()): return the rows, all arrays that took part, and notes."""
    inputs = [np.array(x) if isinstance(x, (np.ndarray, np.floating, float)) else x for x in arrays.values()]  # to move
    before = [np.array(x) for x in inputs]
    for input_name, x in zip(arrays, inputs):
        _require_float64(input_name, x)
    y, *derivatives = guards.value_and_derivatives(name, operation(*inputs))
    y_before, dy = np.array(y), rng.standard_normal(np.shape(y))
    given, known = dy.copy(), {"y": y_before, "dy": dy} | dict(zip(arrays, before))
    if fault := _fault_of_value(y_before):
        return [fault], known, []
    gradients = input_gradients(name, arrays, derivatives, given, [True] * len(inputs))
    if all(dx is None or not _can_move(x) for x, dx in zip(inputs, gradients)):
        raise TypeError("gradcheck found nothing to check: no float64 array among the inputs has a derivative")
    if not np.array_equal(given, dy):
        return [Row("dy", dy.shape).blame(Fault.CHANGED_DY)], known, []
    if not np.array_equal(y, y_before):
        return [Row("y", dy.shape).blame(Fault.CHANGED_VALUE)], known, []

    def value():
        with no_grad():
            return operation(*inputs)[0]

    def called_again(i, derivatives):
        """Return what the derivative for input i returns now, when called alone."""
        return np.array(input_gradients(name, arrays, derivatives, dy.copy(), [j == i for j in range(len(inputs))])[i])

    if elements is None:
        _say_if_slow(value, sum(x.size for x, dx in zip(inputs, gradients) if dx is not None and _can_move(x)))
    rows, stale = [], False
    for i, (input_name, x, dx) in enumerate(zip(arrays, inputs, gradients)):
        row = Row(input_name, np.shape(x), x=x, value=value)
        rows.append(row)
        if not np.array_equal(x, before[i], equal_nan=_can_move(x)):
            row.blame(Fault.CHANGED_INPUT)
        elif _can_move(x) and np.shares_memory(x, y):
            row.blame(Fault.SHARED_MEMORY)
        elif dx is None or not _can_move(x):
            of_type = getattr(x, "dtype", type(x).__name__)
            why = "has no derivative" if dx is None else f"holds {of_type}, not floats"
            row.error, row.sentence = 0.0, f"{why}: not checked"
        else:
            _compare(row, dx, dy, limit, elements, rng)
            if row.fault is None:
                late = called_again(i, derivatives)          # after many other calls of f
                _, *renewed = operation(*inputs)
                once, again = called_again(i, renewed), called_again(i, renewed)
                if not np.array_equal(once, again, equal_nan=True):
                    row.blame(Fault.RANDOM_GRADIENT)
                elif not np.array_equal(once, row.gradient, equal_nan=True):
                    row.blame(Fault.OVERWRITTEN)
                stale |= not np.array_equal(late, once, equal_nan=True)
    notes = [LOST.format(row.name, np.abs(row.gradient).max()) for row in rows if row.is_lost]
    return rows, known, notes + [STALE] * (stale and all(row.fault is None for row in rows))


def _say_if_slow(value, count):
    """Say how to check less, if differences of this many elements will take long: two calls of f for each."""
    begun = time.perf_counter()
    value()
    seconds = 2 * count * (time.perf_counter() - begun)
    if seconds > SLOW:
        takes = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
        advice = "elements=100 checks 100 of each input, chosen at random"
        said = f"gradcheck: all {count:,} elements take about {takes}; {advice}"
        print(textwrap.fill(said, 80, subsequent_indent="  "), file=sys.stderr)


def _can_move(x):
    """Return whether finite differences can move x. Labels, which `_require_float64` lets through, cannot be moved."""
    return isinstance(x, np.ndarray) and x.dtype == np.float64


def _require_float64(name, x):
    """Raise TypeError for floats outside a float64 array: we would check them badly, or not at all."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fc" and x.dtype != np.float64:
        raise TypeError(f"gradcheck needs float64 arrays, found {name} of type {x.dtype}: convert it with .astype")
    if isinstance(x, (list, tuple)) and np.asarray(x).dtype.kind in "fc":
        raise TypeError(f"gradcheck needs arrays, found {name} of type {type(x).__name__}: make it an np.array")


def _fault_of_value(y):
    """Return a row that says what is wrong with the value y, or None."""
    row = Row("y", y.shape)
    if y.dtype != np.float64:
        return row.blame(Fault.VALUE, y.dtype)
    if y.size == 0:
        return row.blame(Fault.EMPTY)
    if not np.isfinite(y).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(y))[0]))
        return row.blame(Fault.NOT_FINITE, where, y[where])
    return None


def _compare(row, analytic, dy, limit, elements, rng):
    """Fill in a row: the derivative for its array x against central differences of its value."""
    x, value = row.x, row.value
    if not isinstance(analytic, (np.ndarray, np.generic)):
        return row.blame(Fault.NO_ARRAY, type(analytic).__name__)
    if analytic.dtype != np.float64:
        return row.blame(Fault.DTYPE, analytic.dtype)
    row.gradient = np.array(analytic)
    if not np.array_equal(value(), value(), equal_nan=True):
        return row.blame(Fault.RANDOM_VALUE)
    chosen = np.arange(x.size)
    if elements is not None and elements < x.size:
        chosen = np.sort(rng.choice(x.size, elements, replace=False))
    indices = [tuple(map(int, np.unravel_index(i, x.shape))) for i in chosen]
    row.checked, row.numeric_gradient = len(indices), numeric_gradient(value, x, dy, indices, row.name)
    if analytic.shape != x.shape:
        return row.blame(Fault.SHAPE, analytic.shape, x.shape)
    if x.size == 0:
        return row.blame(Fault.EMPTY)
    found, numeric = (np.array([a[i] for i in indices]) for a in (analytic, row.numeric_gradient))
    error, uncertainty = errors(found, numeric), np.zeros(len(indices))
    for k in np.argsort(-error)[:MOST_EXTRAPOLATED]:
        if error[k] > limit:                                 # try again, with the best of many steps
            numeric[k], uncertainty[k] = extrapolated(value, x, dy, indices[k])
            row.numeric_gradient[indices[k]] = numeric[k]
    error, gap = errors(found, numeric), np.abs(found - numeric)
    is_open = (error > limit) & (np.isinf(uncertainty) | (gap <= 10 * uncertainty))   # the differences cannot tell
    is_open &= np.isfinite(found)
    is_small = is_open & (gap <= limit)                      # beside 1, if not beside the array's largest: let it pass
    error[is_small], is_open[is_small] = gap[is_small], False
    is_wrong = (error > limit) & ~is_open
    k = int(np.argmax(np.where(is_wrong, error, -1) if is_wrong.any() else error))
    row.where, row.error, row.analytic, row.numeric = indices[k], float(error[k]), float(found[k]), float(numeric[k])
    if (is_wrong | is_open).any() and _is_rounded(row):
        return row.blame(Fault.ROUNDED)
    if is_wrong.any():
        row.kinks = kinks(value, x, [i for i, yes in zip(indices, is_wrong) if yes])
    elif is_open.any():
        return row.blame(Fault.INACCURATE, row.where, row.numeric, uncertainty[k])
    row.is_lost = bool(is_small.any() or (not numeric.any() and found.any()))
    return row


def errors(found, expected):
    """Return |found − expected| / max(1, |expected|) of every element, infinity for NaN; for equal shapes.

    Where all elements of `expected` are tiny, a difference of 10⁻³ of the largest counts as `LIMIT`.
    """
    size = np.abs(expected)
    scale, largest = np.maximum(1, size), np.nanmax(size, initial=0)
    if largest > 0:
        scale = np.minimum(scale, largest * OWN_SIZE / LIMIT)
    with np.errstate(all="ignore"):
        error = np.abs(found - expected) / scale
    return np.where(np.isnan(error), np.inf, error)


def _is_rounded(row):
    """Return whether the value moves but holds only float32 numbers, although x does not."""
    ys = [np.array(row.value()), *beside(row.value, row.x, row.where, STEP)]
    is_float32 = [np.array_equal(a, a.astype(np.float32)) for a in (*ys, row.x)]
    return is_float32 == [True, True, True, False] and not np.array_equal(ys[1], ys[2])

"""What a diagnosis takes from a report of `gradcheck`: comparisons, more draws of the inputs, and other versions."""

import functools
import time
from typing import NamedTuple

import numpy as np

from ..autodiff.differences import STEP, extrapolated, numeric_gradient
from ..autodiff.tensor import input_gradients
from .comparison import Comparison, same
from .draws import Draw
from .program import is_ours
from .trace import Untraceable, trace
from .versions import Rerun

MOST_EXTRAPOLATED = 100  # elements
MOST_ELEMENTS, CALLS = 3000, 44  # elements of all inputs; calls of the function for each of them
MOST_SECONDS = 2.2  # of processor time, for the finite differences of both draws
TRIALS = 5  # of measuring a call: a function is quick if one of them is, since another program may delay the others
AGREES, VANISHING = 1e-6, 1e-6  # the relative error of a slope, and the part of a gradient that counts as zero


class Setting(NamedTuple):
    """One draw of the inputs of an operation, with what is right there.

    inputs  by name
    dy      the upstream gradient
    y       the value
    truths  the gradients by finite differences, by the name of the input
    """

    inputs: dict
    dy: np.ndarray
    y: np.ndarray
    truths: dict


def settings_of(report):
    """Return two draws of the inputs, a list of `Setting`: those of the report, and others with other numbers.

    The list is empty if the function takes too long, or fails at the other numbers.
    """
    settings, rng = [], np.random.default_rng(0)
    for inputs in ({name: _copy(x) for name, x in report.inputs.items()}, _moved(report, rng)):
        value = lambda inputs=inputs: report.operation(*inputs.values())[0]  # noqa: E731
        try:
            y = np.array(value())
            if not _is_quick(report, value):
                return []
            dy, truths = rng.standard_normal(y.shape), {}
            for row in report.rows:
                if row.numeric_gradient is not None:
                    truths[row.name] = _best_differences(value, inputs[row.name], dy)
        except (Exception, SystemExit):  # a stranger's function may raise anything, and may call exit()
            return []
        settings.append(Setting(inputs, dy, y, {name: dx for name, dx in truths.items() if np.isfinite(dx).all()}))
    return settings


def _is_quick(report, value):
    """Return whether finite differences of all inputs take no more than about two seconds; value() is one call."""
    elements = sum(np.size(row.x) for row in report.rows if row.x is not None)
    return elements <= MOST_ELEMENTS and any(elements * _seconds(value) < MOST_SECONDS / CALLS for _ in range(TRIALS))


def _seconds(value):
    begun = time.perf_counter()  # and not processor time: the function may wait for something
    value()
    return time.perf_counter() - begun


def draws_of(report, settings):
    """Return the traced draws of each derivative: a dict by input, without derivatives that cannot be traced."""
    draws = {}
    for inputs, dy, _, truths in settings:
        try:
            graph = trace(report.operation, inputs, dy)
        except Untraceable:
            return {}
        for name, truth in truths.items():
            if f"d{name}" in graph.outputs:
                draws.setdefault(name, []).append(Draw(graph, f"d{name}", truth, _sizes(inputs)))
    return {name: several for name, several in draws.items() if len(several) == len(settings)}


def rerun_of(report, settings):
    """Return the `Rerun` of a report's operation. The wrong arrays come first, so that a run can stop early."""
    wrong = {row.name for row in report.rows if row.error > report.limit}
    first = lambda item: item[0] not in wrong  # noqa: E731
    settings = [setting._replace(truths=dict(sorted(setting.truths.items(), key=first))) for setting in settings]
    runs = [functools.partial(_arrays_of, setting) for setting in settings]
    is_of_tensors = is_ours(report.operation)  # then the tape derives any value that a version has
    agrees = [] if is_of_tensors else [functools.partial(_agrees, setting) for setting in settings]
    return Rerun(report.operation, runs, agrees)


def _gradients(operation, inputs, dy):
    """Return the value of an operation, and a function that returns the gradient for the input of a name."""
    y, *derivatives = operation(*map(_copy, inputs.values()))
    names = list(inputs)

    def gradient(name):
        wanted = [other == name for other in names]
        return input_gradients("", names, derivatives, dy.copy(), wanted)[names.index(name)]

    return np.array(y), gradient


def _arrays_of(setting, version):
    """Yield triples of the name of an array, what a version of the operation computes, and what is right."""
    y, gradient = _gradients(version, setting.inputs, setting.dy)
    yield "y", y, setting.y
    for name, truth in setting.truths.items():
        yield f"d{name}", gradient(name), truth


def _agrees(setting, version):
    """Return whether the derivatives of a version are those of its own value, along one random direction each."""
    y, gradient = _gradients(version, setting.inputs, setting.dy)
    if y.shape != setting.y.shape or any(same(y, x) for x in setting.inputs.values()):
        return False  # as its own input, the value has nothing left to be wrong
    rng = np.random.default_rng(1)
    for name, truth in setting.truths.items():
        x, v, dx = setting.inputs[name], rng.standard_normal(truth.shape), gradient(name)
        ends = []
        for h in (-STEP, STEP):
            moved = setting.inputs | {name: x + h * v}
            ends.append(np.sum(setting.dy * version(*map(_copy, moved.values()))[0]))  # it may write into its inputs
        slope, sizes = (ends[1] - ends[0]) / (2 * STEP), np.abs(dx * v)
        is_nothing = sizes.max(initial=0) < VANISHING * np.abs(truth * v).max(initial=0)
        error = abs(np.sum(dx * v) - slope)  # of a value that is not finite, it is NaN
        if is_nothing or not np.isfinite(dx).all() or not error <= AGREES * max(sizes.sum(), 1e-3):
            return False
    return True


def _best_differences(value, x, dy):
    """Return the gradient of Σ dy y, extrapolated from many step sizes; from one, if x has many elements."""
    if x.size > MOST_EXTRAPOLATED:
        return numeric_gradient(value, x, dy)
    pairs = [extrapolated(value, x, dy, i) for i in np.ndindex(x.shape)]
    found = np.array([derivative for derivative, _ in pairs]).reshape(x.shape)
    rough = np.array([uncertainty for _, uncertainty in pairs]).reshape(x.shape)
    return np.where(np.isfinite(rough), found, numeric_gradient(value, x, dy))


def _copy(x):
    return np.array(x) if np.asarray(x).dtype.kind == "f" else x


def _is_one_hot(x):
    return np.ndim(x) == 2 and set(np.unique(x)) <= {0, 1} and bool((x.sum(axis=1) == 1).all())


def _moved(report, rng):
    """Return other inputs. Those without a derivative stay, since they may be labels, and so do one-hot rows.

    Every number shrinks a little, so that it stays in the domain of the function; a symmetric matrix stays symmetric,
    and if it is positive definite, it stays so too.
    """
    inputs = {name: _copy(x) for name, x in report.inputs.items()}
    for row in report.rows:
        x = inputs.get(row.name)
        if row.numeric_gradient is None or _is_one_hot(x):
            continue
        factors = rng.uniform(0.7, 1, np.shape(x))
        if np.ndim(x) == 2 and np.array_equal(x, x.T):
            factors = np.outer(factors[0], factors[0])
        inputs[row.name] = np.array(x * factors)
    return inputs


def comparison(name, row, known, **more):
    """Return the `Comparison` of this name for one row of a report; `more` are other arguments of Comparison."""
    can_be_repeated = np.shape(known["dy"]) == np.shape(_tried(row.value))  # unless an input is called dy
    by_dy = (lambda dy: _tried(numeric_gradient, row.value, row.x, dy)) if can_be_repeated else None
    if "formula" not in more:
        more |= _elementwise(known, row)
    more = {"numbers": _sizes(known), "known": known} | more
    return Comparison(name, row.gradient, row.numeric_gradient, by_dy=by_dy, **more)


def _tried(f, *args):
    """Return f(*args); NaN if it fails. A function that ran in the check may fail, or call exit(), in a later run."""
    try:
        return f(*args)
    except (Exception, SystemExit):
        return np.nan


def _sizes(known):
    """Return the lengths of all axes: {"x.shape[1] or W.shape[0]": 5, …}."""
    names = {}
    for name, array in known.items():
        for axis, n in enumerate(np.shape(array)):
            if n > 1 and name not in ("y", "dy"):
                names.setdefault(n, []).append(f"{name}.shape[{axis}]")
    return {" or ".join(several): n for n, several in names.items()}


ELEMENTWISE = [
    lambda dy, y: dy * y,
    lambda dy, x: dy * x,
    lambda dy, y_slope: dy * y_slope,
    lambda dy, tanh_slope: dy * tanh_slope,
    lambda dy, positive: dy * positive,
    lambda dy, sigmoid: dy * sigmoid,
    lambda dy, exponential: dy * exponential,
]


def _elementwise(known, row):
    """Return known arrays for an elementwise operation, and a formula if we know its slope; {} for other operations."""
    inputs = [name for name in known if name not in ("y", "dy")]
    if len(inputs) != 1 or not np.shape(known["y"]) == np.shape(known["dy"]) == row.shape:
        return {}  # the last also where an input is called y
    x, y = known[inputs[0]], known["y"]
    with np.errstate(all="ignore"):
        known = known | {
            "x": x,
            "y_slope": y * (1 - y),
            "x_slope": x * (1 - x),
            "tanh_slope": 1 - y * y,
            "positive": x > 0,
            "sigmoid": 1 / (1 + np.exp(-x)),
            "exponential": np.exp(x),
        }
    for slope in ELEMENTWISE:
        candidate = Comparison("", row.numeric_gradient, row.numeric_gradient, known, {"": slope})
        if (np.abs(candidate.evaluate()[""] - candidate.expected) < 1e-8).all():
            return {"known": known, "formula": {"": slope}}
    return {"known": known}

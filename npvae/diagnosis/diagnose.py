"""A diagnosis: what a check found, what explains it, and a question that leads to the mistake.

    >>> print(diagnose(gradcheck(f, x, W, b)))

The report of `gradcheck` says that a derivative is wrong. `diagnose` looks for the mistake in two ways. `explain` asks
what the numbers alone tell, and `search` runs the author's function again with one change at a time. If no simple
mistake explains the numbers, `diagnose` says where they are wrong, and does not guess.
"""

import dataclasses
import re
import time

import numpy as np

from ..autodiff.differences import extrapolated, numeric_gradient
from ..autodiff.report import Fault, told_apart
from ..plain import printable
from . import source
from .comparison import Comparison
from .draws import Draw
from .explain import QUESTIONS, explain, true_minus
from .faults import finding_of
from .finding import Finding
from .search import SECONDS, SHOWN, search, search_value
from .silence import silent
from .trace import Untraceable, trace, trace_run

MOST_EXTRAPOLATED = 100  # elements
MOST_ELEMENTS, CALLS = 3000, 44  # elements of all inputs; calls of the function for each of them
FAR_FETCHED = 2.7  # the cost from which a change of the derivative is so unusual that the value may be wrong instead


class Diagnosis:
    """Everything that is wrong in one check: `print` it to read it.

    name       of what was checked
    findings   one `Finding` for each array that is wrong; none if everything is right
    """

    def __init__(self, name, findings):
        self.name, self.findings = name, findings

    def __str__(self):
        if not self.findings:
            return printable(f"{self.name}: nothing is wrong")
        findings = "\n\n".join("\n".join(finding.lines()) for finding in self.findings)
        return printable(f"{self.name}:\n{findings}")


@silent()
def diagnose(report):
    """Return the `Diagnosis` of a `gradcheck` report."""
    findings, comparisons = [], []
    is_searched = any(row.error > report.limit and row.fault in (None, Fault.SHAPE) for row in report.rows)
    draws = draws_of(report) if is_searched else {}
    for row in report.rows:
        if row.error <= report.limit:
            continue
        if row.fault is None and row.checked < np.prod(row.shape):
            wrong = f"is wrong, at {row.where} for instance; check all elements for a diagnosis"
            findings.append(Finding(wrong, [], QUESTIONS["part"], f"d{row.name}"))
        elif row.fault not in (None, Fault.SHAPE):
            name = row.name if row.name in ("y", "dy") else f"d{row.name}"
            findings.append(finding_of(name, row.sentence, row.fault))
        else:
            c = comparison(f"d{row.name}", row, report.known, draws=draws.get(row.name, ()))
            comparisons.append(([c], row.kinks))
    found = find_all(comparisons, list(draws.values()))
    if "x" not in report.known:
        found = [_with_its_name(finding, finding.name[1:]) for finding in found]
    order = [f"d{row.name}" for row in report.rows]
    findings = sorted(findings + found, key=lambda finding: order.index(finding.name) if finding.name in order else -1)
    return Diagnosis(report.name, findings)


@silent()
def find_all(comparisons, derivatives=()):
    """Return the findings about several arrays of one function.

    comparisons   pairs of the draws of an array, as for `find`, and of its kinks
    derivatives   the traced draws of every derivative, right or wrong; empty where the value is known to be right
    """
    source.forget()
    begun = time.thread_time()
    findings = []
    for i, (several, kinks) in enumerate(comparisons):
        ends = begun + SECONDS * (i + 1) / len(comparisons)
        findings.append(find(several, kinks, ends))
    numeric = [finding for finding in findings if finding.evidence and not finding.is_certain]
    shared = set.intersection(*({edit.words for edit in finding.edits} for finding in numeric)) if numeric else set()
    is_explained = all(
        finding.edits[0].cost < FAR_FETCHED if finding.edits else finding.causes for finding in numeric
    )
    if derivatives and numeric and (not is_explained or (len(numeric) > 1 and not shared)):
        edits = search_value(derivatives, time.thread_time() + SECONDS / 2)
        if edits:
            for finding in numeric:
                if not finding.edits:
                    finding.question = edits[0].question
                finding.edits = [*finding.edits[: SHOWN - 1], *edits][:SHOWN]
    return findings


def draws_of(report):
    """Return two traced draws of each derivative, by input: at the report's inputs, and at other numbers.

    A derivative has none if its function cannot be traced, or fails at the other numbers.
    """
    rng, draws = np.random.default_rng(0), {}
    if not _is_quick(report):
        return {}
    for inputs in ({name: _copy(x) for name, x in report.inputs.items()}, _moved(report.inputs, rng)):
        try:
            dy = rng.standard_normal(np.shape(report.operation(*inputs.values())[0]))
            graph = trace(report.operation, inputs, dy)
            for row in report.rows:
                name = f"d{row.name}"
                if name in graph.outputs and row.numeric_gradient is not None:
                    value = lambda inputs=inputs: report.operation(*inputs.values())[0]  # noqa: E731
                    truth = _best_differences(value, inputs[row.name], dy)
                    if np.isfinite(truth).all():
                        draws.setdefault(row.name, []).append(Draw(graph, name, truth, _sizes(inputs)))
        except (Exception, SystemExit):  # a stranger's function may raise anything, and may call exit()
            return {}
    return {name: several for name, several in draws.items() if len(several) == 2}


def _is_quick(report):
    """Return whether finite differences of all inputs take no more than a second or two."""
    elements = sum(np.size(row.x) for row in report.rows if row.x is not None)
    begun = time.thread_time()
    if _tried(report.operation, *map(_copy, report.inputs.values())) is np.nan:
        return False
    return elements <= MOST_ELEMENTS and elements * (time.thread_time() - begun) < SECONDS / CALLS


def _best_differences(value, x, dy):
    """Return the gradient of Σ dy y, extrapolated from many step sizes; from one, if x has many elements."""
    if x.size > MOST_EXTRAPOLATED:
        return numeric_gradient(value, x, dy)
    pairs = [extrapolated(value, x, dy, i) for i in np.ndindex(x.shape)]
    found = np.array([derivative for derivative, _ in pairs]).reshape(x.shape)
    rough = np.array([uncertainty for _, uncertainty in pairs]).reshape(x.shape)
    return np.where(np.isfinite(rough), found, numeric_gradient(value, x, dy))


def traced(f, inputs, dy, name, truth, numbers):
    """Return a list with the traced draw of one array; an empty list if f cannot be traced."""
    try:
        graph = trace(f, inputs, dy)
    except Untraceable:
        return []
    return _draw(graph, name, truth, numbers)


def traced_run(author, run, name, truth, numbers):
    """Return a list with the traced draw of one array that a run of the author's function returns: see `trace_run`."""
    try:
        graph = trace_run(author, run)
    except Untraceable:
        return []
    return _draw(graph, name, truth, numbers)


def _draw(graph, name, truth, numbers):
    is_whole = name in graph.outputs and np.isfinite(truth).all()
    return [Draw(graph, name, truth, numbers)] if is_whole else []


def _copy(x):
    return np.array(x) if np.asarray(x).dtype.kind == "f" else x


def _moved(inputs, rng):
    """Return other inputs: shrink every number a little, so that it stays in the domain of the function."""
    return {
        name: np.array(x * rng.uniform(0.7, 1, np.shape(x))) if np.asarray(x).dtype.kind == "f" else _copy(x)
        for name, x in inputs.items()
    }


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


def _with_its_name(finding, name):
    """Return the finding with the name of the input in place of x, its name in the usual formulas."""
    finding.causes = [re.sub(r"\bx\b", name, cause) for cause in finding.causes]
    return finding


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


def find(comparisons, kinks=None, ends=None):
    """Return the `Finding` about one array from its draws, of which at least one is wrong.

    kinks   where there is no derivative, an array of bool, or None
    ends    when the search stops, on the clock of `time.thread_time`
    """
    c = next(c for c in comparisons if not c.ok)
    draws = [draw for c in comparisons for draw in c.traced()]
    edits = search(draws, ends) if len(draws) > 1 else []
    if c.found.shape != c.expected.shape:
        return dataclasses.replace(explain(comparisons), name=c.name, edits=edits)
    error, wrong = c.error, c.wrong
    i = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    where = f"({', '.join(map(str, i))})" if i else "here"
    several = f", in the first of {len(comparisons)} draws" if len(comparisons) > 1 else ""
    evidence = (
        f"is wrong in {_of(wrong)}{several}.",
        "At {}: yours {}, right {}.".format(where, *map(true_minus, told_apart(c.found[i] + 0.0, c.expected[i] + 0.0))),
    )
    if not np.isfinite(c.found).all():
        measured = f"yours is not finite at {where}: {c.found[i]}"
        finding = finding_of(c.name, measured, Fault.NOT_FINITE)
        return dataclasses.replace(finding, evidence=evidence[:1], is_certain=True)
    if kinks is not None and (kinks[wrong]).all():
        measured = "these are kinks: the slopes to the left and to the right differ"
        finding, edits = Finding(measured, ["no mistake: there is no derivative"], QUESTIONS["part"]), []
        finding.is_certain = True
    else:
        finding = explain(comparisons) or Finding()
        if not finding.measured and not any(np.any(each.found) for each in comparisons):
            causes = ["zero: nothing gets there"]
            finding = Finding("yours is zero in every element", causes, QUESTIONS["zero"])
    question = edits[0].question if edits else finding.question
    return dataclasses.replace(finding, name=c.name, evidence=evidence, edits=edits, question=question)


def _of(wrong):
    """Say how many elements are wrong, and if they are few, which."""
    if wrong.size == 1:
        return "its one element"
    if not wrong.all() and wrong.sum() <= 4:
        places = ", ".join(str(tuple(map(int, i))).replace(",)", ")") for i in np.argwhere(wrong))
        return f"{wrong.sum()} of {wrong.size} elements: {places}"
    return f"all {wrong.size} elements" if wrong.all() else f"{wrong.sum()} of {wrong.size} elements"

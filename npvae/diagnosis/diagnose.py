"""A diagnosis: what a check found, what explains it, and a question that points the way.

    >>> print(diagnose(gradcheck(f, x, W, b)))

The report of `gradcheck` says that a derivative is wrong. From its numbers (the derivative, the finite differences, the
inputs, the upstream gradient and the value) `diagnose` infers the mistake, if it is one of the simple ones. If it is
not, `diagnose` says where the numbers are wrong, and does not guess.
"""

import dataclasses
import functools
import re

import numpy as np

from ..autodiff.differences import numeric_gradient
from ..autodiff.report import Fault, told_apart
from ..plain import printable
from .comparison import Comparison
from .explain import QUESTIONS, explain, true_minus
from .faults import finding_of
from .finding import Finding
from .search import Draw, search
from .trace import Untraceable, trace


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


def diagnose(report):
    """Return the `Diagnosis` of a `gradcheck` report."""
    findings = []
    for row in report.rows:
        if row.error <= report.limit:
            continue
        if row.fault is None and row.checked < np.prod(row.shape):
            wrong = f"is wrong, at {row.where} for instance; check all elements for a diagnosis"
            findings.append(finding_of(f"d{row.name}", wrong))
        elif row.fault not in (None, Fault.SHAPE):
            name = row.name if row.name in ("y", "dy") else f"d{row.name}"
            findings.append(finding_of(name, row.sentence, row.fault))
        else:
            draws = functools.partial(draws_of, report, row)
            finding = find([comparison(f"d{row.name}", row, report.known, draws=draws)], row.kinks)
            findings.append(finding if "x" in report.known else _with_its_name(finding, row.name))
    return Diagnosis(report.name, findings)


def draws_of(report, row):
    """Return two traced draws of a row's derivative: of the report's inputs, and of other numbers; [] if none is possible."""
    rng, draws = np.random.default_rng(0), []
    if row.name not in report.inputs:
        return []
    for inputs in ({name: _copy(x) for name, x in report.inputs.items()}, _moved(report.inputs, rng)):
        try:
            dy = rng.standard_normal(np.shape(report.operation(*inputs.values())[0]))
            truth = numeric_gradient(lambda inputs=inputs: report.operation(*inputs.values())[0], inputs[row.name], dy)
        except Exception:  # these numbers are not in the domain of a stranger's function
            return []
        draws += traced(report.operation, inputs, dy, f"d{row.name}", truth, _sizes(inputs))
    return draws if len(draws) == 2 else []


def traced(f, inputs, dy, name, truth, numbers):
    """Return a list of the traced draw of one array, or an empty one where f cannot be traced."""
    try:
        graph = trace(f, inputs, dy)
    except Untraceable:
        return []
    is_whole = name in graph.outputs and np.isfinite(truth).all()
    return [Draw(graph, name, truth, numbers)] if is_whole else []


def _copy(x):
    return np.array(x) if np.asarray(x).dtype.kind == "f" else x


def _moved(inputs, rng):
    """Return other inputs of the same kind: every number a little smaller, so that it stays in the function's domain."""
    return {
        name: np.array(x * rng.uniform(0.7, 1, np.shape(x))) if np.asarray(x).dtype.kind == "f" else _copy(x)
        for name, x in inputs.items()
    }


def comparison(name, row, known, **more):
    """Return the `Comparison` of this name for one row of a report; `more` are other arguments of Comparison."""
    can_be_repeated = np.shape(known["dy"]) == np.shape(row.value())  # unless an input is called dy
    by_dy = (lambda dy: numeric_gradient(row.value, row.x, dy)) if can_be_repeated else None
    if "formula" not in more:
        more |= _elementwise(known, row)
    more = {"numbers": _sizes(known), "known": known} | more
    return Comparison(name, row.gradient, row.numeric_gradient, by_dy=by_dy, **more)


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
    if len(inputs) != 1 or np.shape(known["y"]) != row.shape:
        return {}
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


def find(comparisons, kinks=None):
    """Return the `Finding` about one array from its draws, of which at least one is wrong.

    kinks   where there is no derivative, an array of bool, or None
    """
    c = next(c for c in comparisons if not c.ok)
    draws = [draw for c in comparisons for draw in c.draws()]
    edits = search(draws) if len(draws) > 1 else []
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
        return dataclasses.replace(finding_of(c.name, measured, Fault.NOT_FINITE), evidence=evidence[:1])
    if kinks is not None and (kinks[wrong]).all():
        measured = "these are kinks: the slopes to the left and to the right differ"
        finding = Finding(measured, ["no mistake: there is no derivative"], QUESTIONS["part"])
    else:
        finding = explain(comparisons) or Finding()
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

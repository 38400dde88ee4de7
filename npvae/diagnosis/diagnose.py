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

from ..autodiff.report import Fault, told_apart
from ..plain import printable
from . import source
from .explain import explain, true_minus
from .faults import finding_of
from .finding import Finding
from .hypotheses import NOT_USED
from .questions import QUESTIONS
from .reports import comparison, draws_of, rerun_of, settings_of
from .search import MARGIN, SECONDS, SHOWN, chosen, search, search_value
from .silence import silent
from .versions import search_versions

ALL_SECONDS = 4.0  # of processor time, for the search in the trace and that in the source
CLEARLY = 0.1  # cheaper than what the trace shows, a cause in the source must be to be shown
UNCLEAR = 1.9  # the cost from which an edit of the source may be a better cause
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
    settings = settings_of(report) if is_searched else []
    draws = draws_of(report, settings)
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
    found = find_all(comparisons, rerun_of(report, settings) if settings else None, list(draws.values()))
    if "x" not in report.known:
        found = [_with_its_name(finding, finding.name[1:]) for finding in found]
    order = [f"d{row.name}" for row in report.rows]
    findings = sorted(findings + found, key=lambda finding: order.index(finding.name) if finding.name in order else -1)
    return Diagnosis(report.name, findings)


@silent()
def find_all(comparisons, rerun=None, derivatives=()):
    """Return the findings about several arrays of one function.

    comparisons   pairs of the draws of an array, as for `find`, and of its kinks
    rerun         a `Rerun`, or None if no other version of the function can be run
    derivatives   the traced draws of every derivative, right or wrong; empty where the value is known to be right
    """
    source.forget()
    begun = time.thread_time()
    findings = []
    for i, (several, kinks) in enumerate(comparisons):
        ends = begun + SECONDS * (i + 1) / len(comparisons)
        findings.append(find(several, kinks, ends))
    uncertain = [finding for finding in findings if not finding.is_certain]
    _repair_the_value(uncertain, derivatives)
    named = {cause for several, _ in comparisons for cause in several[0].suspects} | {NOT_USED}
    wrong = {}
    for finding in uncertain:
        if finding.edits and finding.edits[0].cost > UNCLEAR:
            wrong[finding.name] = finding.edits[0].cost - CLEARLY
        elif not finding.edits and named.isdisjoint(finding.causes):
            wrong[finding.name] = np.inf
    if rerun is not None and wrong:
        for name, causes in search_versions(rerun, wrong, begun + ALL_SECONDS, MARGIN).items():
            for finding in uncertain:
                if finding.name == name and causes:
                    finding.edits = chosen([*finding.edits, *causes])
                    finding.question = finding.edits[0].question
    return findings


def _repair_the_value(findings, derivatives):
    """Add changes of the value that make all derivatives right, if there is nothing as plausible for each of them."""
    numeric = [finding for finding in findings if finding.evidence]
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


def _with_its_name(finding, name):
    """Return the finding with the name of the input in place of x, its name in the usual formulas."""
    finding.causes = [re.sub(r"\bx\b", name, cause) for cause in finding.causes]
    return finding

"""A diagnosis: what a check found, what explains it, and a question that leads to the mistake.

    >>> print(diagnose(gradcheck(f, x, W, b)))

The report of `gradcheck` says that a derivative is wrong. `diagnose` looks for the mistake in three ways. `explain`
asks what the numbers alone tell; `search` changes one step at a time in a trace of the author's function; and
`search_versions` edits its source, and runs it again. If no simple mistake explains the numbers, `diagnose` says where
they are wrong, and does not guess.
"""

import dataclasses
import re
import time

import numpy as np

from ..autodiff.report import Fault, told_apart
from ..plain import printable
from . import source
from .causes import SHOWN, chosen
from .explain import explain, true_minus
from .faults import finding_of
from .finding import Finding
from .hypotheses import NOT_USED
from .questions import QUESTIONS
from .reports import comparison, draws_of, rerun_of, settings_of
from .search import SECONDS, search, search_value
from .silence import silent
from .versions import search_versions

ALL_SECONDS = 4.0  # of processor time, for the search in the trace and that in the source
# Costs, on the scale of causes.py.
UNCLEAR = 1.9  # above it, the search in the source looks for a cheaper cause than the one found in the trace
CLEARLY = 0.1  # how much cheaper that must be
FAR_FETCHED = 2.7  # from it on, a change of the derivative is so unusual that the value may be wrong instead


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
        found = [_with_the_name_of_the_input(finding) for finding in found]
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
    findings = _with_edits_of_the_value(findings, derivatives)
    if rerun is not None:
        named = {cause for several, _ in comparisons for cause in several[0].suspects} | {NOT_USED}
        findings = _with_edits_of_the_source(findings, rerun, named, begun + ALL_SECONDS)
    return findings


def _with_edits_of_the_value(findings, derivatives):
    """Return the findings after a search for edits of the value that make all derivatives right.

    If plausible edits of the derivatives explain every finding, there is no such search.
    """
    numeric = [finding for finding in findings if _is_numeric(finding)]
    if not numeric or not derivatives:
        return findings
    shared = set.intersection(*({edit.identity for edit in finding.edits} for finding in numeric))
    is_explained = all(
        finding.edits[0].cost < FAR_FETCHED if finding.edits else finding.causes for finding in numeric
    )
    if is_explained and (shared or len(numeric) == 1):
        return findings
    edits = search_value(derivatives, time.thread_time() + SECONDS / 2)
    if not edits:
        return findings
    return [
        _with_edits(finding, [*finding.edits[: SHOWN - 1], *edits][:SHOWN]) if _is_numeric(finding) else finding
        for finding in findings
    ]


def _is_numeric(finding):
    """Return whether a finding is about wrong numbers of the right shape, so that there is something to search for."""
    return bool(finding.evidence) and not finding.is_certain


def _with_edits_of_the_source(findings, rerun, named, ends):
    """Return the findings after a search for edits of the source, for arrays without a plausible cause.

    named   causes that an author of an exercise, or a formula, names: nothing is more plausible
    """
    wrong = {}
    for finding in findings:
        if finding.edits and finding.edits[0].cost > UNCLEAR:
            wrong[finding.name] = finding.edits[0].cost - CLEARLY
        elif not finding.edits and not finding.is_certain and named.isdisjoint(finding.causes):
            wrong[finding.name] = np.inf
    found = search_versions(rerun, wrong, ends) if wrong else {}
    return [
        _with_edits(finding, chosen([*finding.edits, *found[finding.name]])) if found.get(finding.name) else finding
        for finding in findings
    ]


def _with_edits(finding, edits):
    """Return a finding with these edits, and with the question of the first."""
    return dataclasses.replace(finding, edits=edits, question=edits[0].question)


def find(comparisons, kinks=None, ends=None):
    """Return the `Finding` about one array from its draws, of which at least one is wrong.

    kinks   where there is no derivative, an array of bool, or None
    ends    when the search stops, on the clock of `time.thread_time`
    """
    c = next(c for c in comparisons if not c.ok)
    if c.found.shape != c.expected.shape:
        return dataclasses.replace(explain(comparisons), name=c.name, edits=_searched(comparisons, ends))
    i = tuple(map(int, np.unravel_index(np.argmax(c.error), c.error.shape)))
    place = f" at ({', '.join(map(str, i))})" if i else ""  # a single number has no place
    several = f", in the first of {len(comparisons)} draws" if len(comparisons) > 1 else ""
    evidence = (
        f"is wrong in {_of(c.wrong)}{several}.",
        "{} {}, right {}.".format(
            f"At{place[3:]}: yours" if place else "Yours:",
            *map(true_minus, told_apart(c.found[i] + 0.0, c.expected[i] + 0.0)),
        ),
    )
    if not np.isfinite(c.found).all():
        measured = f"yours is not finite{place}: {c.found[i]}"
        finding = finding_of(c.name, measured, Fault.NOT_FINITE)
        return dataclasses.replace(finding, evidence=evidence[:1], is_certain=True)
    if kinks is not None and kinks[c.wrong].all():
        measured = "these are kinks: the slopes to the left and to the right differ"
        causes = ["no mistake: there is no derivative"]
        return Finding(measured, causes, QUESTIONS["part"], c.name, evidence, is_certain=True)
    edits, finding = _searched(comparisons, ends), explain(comparisons)
    if finding is None and not any(np.any(each.found) for each in comparisons):
        finding = Finding("yours is zero in every element", ["zero: nothing gets there"], QUESTIONS["zero"])
    finding = dataclasses.replace(finding or Finding(), name=c.name, evidence=evidence)
    return _with_edits(finding, edits) if edits else finding


def _searched(comparisons, ends):
    """Return the causes that the search in the trace finds, a list of `Cause`; empty if there is no second draw."""
    draws = [draw for c in comparisons for draw in c.traced()]
    return search(draws, ends) if len(draws) > 1 else []


def _of(wrong):
    """Say how many elements are wrong, and if they are few, which."""
    if wrong.size == 1:
        return "its one element"
    if not wrong.all() and wrong.sum() <= 4:
        places = ", ".join(str(tuple(map(int, i))).replace(",)", ")") for i in np.argwhere(wrong))
        return f"{wrong.sum()} of {wrong.size} elements: {places}"
    return f"all {wrong.size} elements" if wrong.all() else f"{wrong.sum()} of {wrong.size} elements"


def _with_the_name_of_the_input(finding):
    """Return the finding about d… with the name of that input in place of x, its name in the usual formulas."""
    return dataclasses.replace(finding, causes=[re.sub(r"\bx\b", finding.name[1:], c) for c in finding.causes])

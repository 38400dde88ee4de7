"""The search in a trace: which single change of the author's own lines makes every number right?

It asks two questions. Finite differences are the truth for both, and neither needs a formula of the right answer:

    paths   If one intermediate value of the forward pass were constant, would the author's derivative be right? Then
            the path through that value is missing.
    edits   If one thing in the author's lines were different, would they give the right derivative?

A cause must explain every element, and do so again in an independent draw with other sizes, or at least with other
numbers. If several causes explain the numbers, the search returns the cheapest, at most three.
"""

import itertools
import time

import numpy as np

from . import source
from .causes import MARGIN, Cause, chosen
from .changes import Editable, at_result, at_use, is_number
from .comparison import same
from .cuts import path_causes
from .draws import upstream
from .factors import factor_name
from .graph import is_float
from .paths import Paths, slopes_of_elements
from .silence import without_warnings
from .uses import OTHER_FORMS, PLAIN_FORM, edits_of

SECONDS = 2.2  # of processor time, for all arrays of one function; then the search stops. The value gets half as much
MOST_EDITS = 50_000  # the trace of a long function has a million
VANISHING = 1e-6  # a smaller part of the right gradient counts as zero
FITTED = 5.0  # the cost of a factor that has no name
FAILURES = (Exception, SystemExit)  # of a changed step: it may call the author's function, which may raise anything
# The kinds of mistakes that an edit of the value may repair.
OF_VALUES = {"other function", "other array", "constant", "power", "order", "axis", "sum or mean", "wrong sign",
             "transposed", "extra factor", "extra term"}  # fmt: skip


@without_warnings
def search(draws, ends=None):
    """Return the causes that explain an array in all draws, at most three, the most plausible first.

    draws   a list of `Draw`, at least two
    ends    when to stop, on the clock of `time.thread_time`; by default after `SECONDS`

    The list is empty if no single change explains the array.
    """
    ends = time.thread_time() + SECONDS if ends is None else ends
    if all(not np.any(draw.truth) for draw in draws):
        return []  # any edit that gives zero would explain it
    half = (time.thread_time() + ends) / 2  # until then for the paths, so that time is left for edits
    all_paths = _paths_of(draws, half) if draws[0].of else None
    causes = path_causes(draws, all_paths, half) if all_paths else []
    causes += _edits(draws, all_paths, ends, min([cause.cost for cause in causes], default=np.inf))
    return chosen(causes)


def _paths_of(draws, ends):
    """Return the paths of all draws; None unless backpropagation along all of them gives the right gradients."""
    try:
        all_paths = [Paths(draw.graph, draw.graph.inputs[draw.of], ends) for draw in draws]
        right = [paths.gradient(upstream(draw)) for paths, draw in zip(all_paths, draws)]
    except FAILURES:  # TooLarge is one of them
        return None
    return all_paths if all(same(gradient, draw.truth) for gradient, draw in zip(right, draws)) else None


def _edits(draws, all_paths, ends, cheapest):
    """Yield the causes that are edits of the author's lines."""
    editables, half = [], (time.thread_time() + ends) / 2
    for i, draw in enumerate(draws):
        settled = draw.graph.ancestors(draw.graph.outputs["y"]) if draw.of else ()
        slopes = slopes_of_elements(all_paths[i], half) if all_paths else ()
        editables.append(Editable(draw.graph, draw.output, settled, slopes))
    for cause in _scaled(draws, editables, ends):
        cheapest = min(cheapest, cause.cost)
        yield cause
    for forms in (PLAIN_FORM, OTHER_FORMS):
        edits = itertools.islice(edits_of(editables[0], forms), MOST_EDITS)
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if time.thread_time() > ends:
                return
            if edit.cost > cheapest + MARGIN:
                break
            if all(_holds(edit, draw, editable) for draw, editable in zip(draws, editables)):
                cheapest = min(cheapest, edit.cost)
                yield edit.cause()


@without_warnings
def search_value(arrays, ends):
    """Return the causes that are edits of the value, each of which makes all derivatives right.

    arrays   a list of the draws of each derivative, right or wrong; those of one draw share a graph
    ends     when to stop, on the clock of `time.thread_time`

    The numbers cannot tell whether the value or a derivative is wrong. But if one edit of the value makes several wrong
    derivatives right, and keeps the right ones right, it is more plausible than one edit for each derivative.
    """
    together = list(zip(*arrays))  # by draw
    editables = [Editable(draws[0].graph, draws[0].graph.outputs["y"]) for draws in together]
    edits = itertools.islice(edits_of(editables[0]), MOST_EDITS)
    edits = [edit for edit in edits if edit.kind in OF_VALUES and edit.site]
    edits = [edit for edit in edits if "np.sign" not in edit.words]  # a value of slope 0 would hide a wrong derivative
    causes = []
    for edit in sorted(edits, key=lambda edit: edit.cost):
        if time.thread_time() > ends or (causes and edit.cost > causes[0].cost + MARGIN):
            break
        if all(_agree_after(edit, draws, editable, ends) for draws, editable in zip(together, editables)):
            causes.append(edit.cause()._replace(is_of_value=True))
    return chosen(causes)


def _agree_after(edit, draws, editable, ends):
    """Return whether the value and all its derivatives agree after an edit of the value."""
    changes = edit.changes(editable)
    if not changes:
        return False
    try:
        graph = draws[0].graph.edited(changes)
        edited = [graph.nodes[node.index] for node in changes]
        matters = graph.outputs["y"] in edited
        for draw in draws:
            paths, dy = Paths(graph, graph.inputs[draw.of], ends), upstream(draw)
            gradient, size = paths.gradient(dy), np.abs(draw.truth).max(initial=0)
            is_nothing = np.abs(gradient).max(initial=0) <= VANISHING * size
            if is_nothing or not same(graph.outputs[draw.name].value, gradient):
                return False
            without = paths.gradient(dy, {edge: 0.0 for node in edited for edge in paths.out_of(node)})
            matters |= np.abs(gradient - without).max(initial=0) > VANISHING * size
    except FAILURES:  # TooLarge is one of them
        return False
    return bool(matters)  # where the edited step saturates, both sides are zero, and agree


def _holds(edit, draw, editable):
    """Return whether an edit gives the right array."""
    made = _result(edit.changes, draw, editable)
    return made is not None and draw.is_right(made)


def _result(changes, draw, editable):
    """Return the array after a change; None if it cannot be computed."""
    try:
        changed = changes(editable)
        if not changed:
            return None
        return draw.graph.run(changed, draw.output).get(draw.output)
    except FAILURES:
        return None


def _scaled(draws, editables, ends):
    """Yield the causes that are one number: a factor or a sign at one use of a value, or of the result."""
    uses = [use for use in editables[0].uses() if is_number(use.array) or is_float(use.array)]
    candidates = [(use, lambda w, use=use: at_use(use, lambda v, *_: w * v)) for use in uses]
    candidates.append((None, lambda w: at_result(lambda v, *_: w * v)))
    for use, scaled in candidates:
        if time.thread_time() > ends:
            return
        factors = []
        for draw, editable in zip(draws, editables):
            factor = _fitted(scaled, draw, editable)
            if factor is None:
                break
            factors.append(factor)
        else:
            yield from _number_cause(use, factors, draws)


def _fitted(scaled, draw, editable):
    """Return the factor that the use needs; None if there is none, or if the result is not linear in it."""
    zero, two = (_result(scaled(w), draw, editable) for w in (0.0, 2.0))
    found = draw.found
    if zero is None or two is None or not zero.shape == two.shape == found.shape == draw.truth.shape:
        return None
    direction = found - zero
    square = np.sum(direction * direction)
    if not (square > 0 and np.isfinite(square) and same(two - found, direction)):
        return None
    w = float(np.sum((draw.truth - zero) * direction) / square)
    return w if draw.is_right(zero + w * direction) and abs(w - 1) > 1e-7 else None


def _number_cause(use, factors, draws):
    """Yield the cause for a use that needs these factors, one for each draw."""
    site = use.site if use else draws[0].output.site
    called, extra = (use.called, use.extra) if use else (source.name(draws[0].output), 0.05)
    is_term = use is not None and use.node.function in (np.add, np.subtract)
    if np.allclose(factors, 0, atol=1e-7):
        if is_term:
            yield Cause("extra term", f"without the term `{called}`", (site,), 1.4 + extra)
    elif np.allclose(factors, -1, rtol=1e-6):
        cost = (1.3 if is_term else 1.5) + extra
        yield Cause("wrong sign", "with the opposite sign", (site,), cost, f"before `{called}`")
    elif name := factor_name(factors, draws):
        cost = (1.8 if len(name) < 5 else 2.0) + extra
        if name.startswith("1/"):
            kind = "extra factor" if " is " in name else "missing factor"  # the author multiplied by a size
            yield Cause(kind, f"with a division by {name[2:]}", (site,), cost, f"at `{called}`")
        else:
            yield Cause("missing factor", f"with one more factor {name}", (site,), cost, f"at `{called}`")
    elif np.allclose(factors, factors[0], rtol=1e-6) and use is None:
        words = f"with one more factor {factors[0]:.6g}".replace("-", "−")
        yield Cause("constant", words, (site,), FITTED, f"at `{called}`")

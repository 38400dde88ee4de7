"""The search among edited versions of the author's function: which edit of the source makes the numbers right?

The search in search.py edits one run of the function, and knows every array on the way. This one edits the source and
runs it again, so it needs no trace and sees loops, conditions, brackets and the order of lines. It serves functions
that cannot be traced, and it comes second where they can.
"""

import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .comparison import same
from .draws import Cause
from .program import Program, TooLong
from .rewrites import rewrites_of

ROUNDING = 1e-12  # relative
# The limit of a version with a loop that may never end: in seconds of processor time, and in runs of the author's own.
SHORTEST_LIMIT, LONGER = 0.05, 10
COLLAPSED = 1e-6  # of the spread of a variable
# What it costs that a change of the value repairs the derivatives: less if it repairs several.
OF_THE_VALUE, OF_THE_VALUE_FOR_ONE = 0.2, 0.8


class Rerun(NamedTuple):
    """How to check another version of a function.

    author  the function that is wrong
    runs    for each draw, a function: run(version) yields triples of the name of an array, what the version computes,
            and what is right
    agrees  for each draw, a function: agrees(version) returns whether the value and the derivatives of a version
            belong together; none where the value is known to be right
    """

    author: Callable
    runs: list
    agrees: list = ()


def search_versions(rerun, wrong, ends, margin):
    """Return the causes that are edits of the source, by the name of the array that they make right.

    rerun   a `Rerun`
    wrong   the arrays that are wrong: a dict from their names to what a cause may cost at most
    ends    when to stop, on the clock of `time.thread_time`
    margin  how much more than the cheapest a cause may cost

    An edit must make the array right in all draws, and leave the arrays right that were right before.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _search(rerun, wrong, ends, margin)


def _search(rerun, wrong, ends, margin):
    program, found, begun = Program(rerun.author), {name: [] for name in wrong}, time.thread_time()
    with program.watched() as values:
        before = [_arrays(run, rerun.author) for run in rerun.runs]
    longest, seen = SHORTEST_LIMIT + LONGER * (time.thread_time() - begun), set()
    rewrites = [rewrite for definition in program.definitions for rewrite in rewrites_of(definition, values)]
    for rewrite in sorted(rewrites, key=lambda rewrite: rewrite.cost):
        cheapest = [min([cause.cost + margin for cause in found[name]], default=most) for name, most in wrong.items()]
        if time.thread_time() > ends or rewrite.cost > max(cheapest):
            break
        try:
            version = program.version(rewrite.definition, rewrite.replaced)
            with program.limited(longest):
                mended, is_of_value = _mended(version, rerun, wrong, before)
                if is_of_value and (rewrite.is_flat or _collapses(program, version, rerun, values)):
                    continue
        except (Exception, SystemExit, TooLong):  # an edited function may raise anything
            continue
        made = mended and (rewrite.definition, program.source(rewrite.definition, rewrite.replaced))
        if not mended or made in seen:  # the same edit may have come in other words
            continue
        seen.add(made)
        cost = rewrite.cost + is_of_value * (OF_THE_VALUE if len(mended) > 1 else OF_THE_VALUE_FOR_ONE)
        text = rewrite.text + ", in the value: your derivatives are right for that value" * is_of_value
        for name in mended:
            found[name].append(Cause(rewrite.kind, text, rewrite.sites, cost))
    return found


def _arrays(run, function):
    """Return what one draw compares, a dict from names to pairs; what comes after an exception is not there."""
    arrays = {}
    try:
        for name, found, right in run(function):
            arrays[name] = np.array(found), np.array(right)
    except (Exception, SystemExit):
        pass
    return arrays


def _mended(version, rerun, wrong, before):
    """Return the names of the wrong arrays that a version makes right, and whether it has another value."""
    mended = set(wrong)
    for run, pairs in zip(rerun.runs, before):
        seen = set()
        for name, found, right in run(version):
            if name not in pairs:
                continue
            if name in wrong:
                seen.add(name)
                mended -= set() if _is_mended(found, right, pairs[name][0]) else {name}
            elif same(*pairs[name]) and not same(found, right):
                agrees = name == "y" and rerun.agrees and all(agrees(version) for agrees in rerun.agrees)
                return (set(wrong), True) if agrees else (set(), False)
            if not mended:
                return set(), False
        mended &= seen
    return mended, False


def _collapses(program, version, rerun, values):
    """Return whether a variable that varied before is the same everywhere in a version, zero, or not finite.

    Then a wrong derivative of it no longer matters, so that the value and its derivatives agree by accident.
    """
    with program.watched() as now:
        _arrays(rerun.runs[0], version)
    for name, before in values.items():
        is_number = isinstance(before, (float, np.ndarray, np.generic)) and np.size(before)
        if is_number and np.asarray(before).dtype.kind == "f":
            old, new = np.ptp(before) or np.abs(before).max(), np.asarray(now.get(name, np.nan))
            spread = (np.ptp(new) or np.abs(new).max()) if new.size and new.dtype.kind == "f" else np.nan
            if not spread >= COLLAPSED * old or (np.ptp(before) > 0) > (np.ptp(new) > 0):
                return True
    return False


def _is_mended(found, right, before):
    """Return whether an array is right; if the author's was close to it, the new one must be much closer."""
    if not same(found, right):
        return False
    error, old, size = (np.abs(a).max(initial=0) for a in (found - right, before - right, right))
    return not same(before, right) or error <= max(0.1 * old, ROUNDING * size)

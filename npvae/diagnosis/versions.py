"""The search among edited versions of the author's function: which edit of the source makes the numbers right?

The search in search.py edits one run of the function, and knows every array on the way. This one edits the source and
runs it again, so it needs no trace, and it sees loops, conditions, brackets and the order of lines. It runs second, if
the other search cannot trace the function or finds nothing as plausible.
"""

import contextlib
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..autodiff.gradcheck import LIMIT, errors
from .causes import MARGIN, Cause
from .comparison import same
from .confined import Refused, confined
from .program import Program
from .rewrites import rewrites_of
from .silence import without_warnings

MOST_SECONDS = 2.5  # on the clock, for each second of processor time
MOST_LINES, FEW_LINES = 20, 1000  # a version may run that many times the lines of the author's function, and some more
ROUNDING = 1e-12  # relative
COLLAPSED = 1e-6  # of the spread of a variable
FEWEST = 3  # elements that an edit must repair before it can be one of two
TWICE = 0.2  # how much more two edits cost than the dearer one
MOST_PARTS, MOST_PAIRS = 200, 200  # the partial repairs that are paired, and the pairs that are tried
SECONDS_OF_PAIRS = 0.5  # of processor time
# How much more a change of the value costs than one of a derivative; less if it repairs several derivatives.
OF_THE_VALUE, OF_THE_VALUE_FOR_ONE = 0.2, 0.8
MOST_OF_THE_VALUE = 2.9  # a change of the value that costs more is a guess


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


@without_warnings
def search_versions(rerun, wrong, ends):
    """Return the causes that are edits of the source: a dict from the name of each wrong array to a list of `Cause`.

    rerun   a `Rerun`
    wrong   a dict from the name of each wrong array to the most that a cause may cost
    ends    when to stop, on the clock of `time.thread_time`

    An edit must make the array right in all draws, and leave the arrays right that were right before.
    """
    program, found, parts = Program(rerun.author), {name: [] for name in wrong}, []
    most_seconds = MOST_SECONDS * max(0, ends - time.thread_time())
    late = time.perf_counter() + most_seconds
    try:
        seen, (before, usual) = set(), _by_the_author(rerun, program)
        rewrites = [rewrite for definition in program.definitions for rewrite in rewrites_of(definition, usual.values)]
    except Exception:  # whatever the author's objects raise when we copy them or ask for their attributes
        return found
    for rewrite in sorted(rewrites, key=lambda rewrite: rewrite.cost):
        cheapest = [min([cause.cost + MARGIN for cause in found[name]], default=most) for name, most in wrong.items()]
        is_over = time.thread_time() > ends or time.perf_counter() > late
        if is_over or rewrite.cost > max(cheapest):
            break
        try:
            version = program.version(rewrite.definition, rewrite.replaced)
            with confined(program.files, MOST_LINES * usual.lines + FEW_LINES):
                mended, is_of_value, partly = _mended(version, rerun, wrong, before)
            parts += [(rewrite, name, *elements) for name, elements in partly.items()]
            hides_a_step = is_of_value and rewrite.is_flat
            if mended and (hides_a_step or _collapses(program, version, rerun, usual, is_of_value)):
                continue
        except (Exception, SystemExit, Refused):  # an edited function may raise anything
            continue
        made = mended and (rewrite.definition, program.source(rewrite.definition, rewrite.replaced))
        if not mended or made in seen:  # the same edit may have come in other words
            continue
        seen.add(made)
        cost = rewrite.cost + is_of_value * (OF_THE_VALUE if len(mended) > 1 else OF_THE_VALUE_FOR_ONE)
        if is_of_value and cost > MOST_OF_THE_VALUE:
            continue
        cause = Cause(rewrite.kind, rewrite.words, rewrite.sites, cost, rewrite.where, is_of_value)
        for name in mended:
            found[name].append(cause)
    end_of_pairs = time.thread_time() + SECONDS_OF_PAIRS
    for name in [name for name, causes in found.items() if not causes]:
        of_one = [(rewrite, *elements) for rewrite, of, *elements in parts if of == name][:MOST_PARTS]
        for both in itertools.islice(_pairs(of_one, wrong[name]), MOST_PAIRS):
            if found[name] or time.thread_time() > end_of_pairs:
                break
            if _mends_alone(both, name, program, rerun, before, usual):
                found[name].append(Cause(both.kind, both.words, both.sites, both.cost))
    return found


def _mends_alone(rewrite, name, program, rerun, before, usual):
    """Return whether an edit makes one array right, and leaves the value as it is."""
    with contextlib.suppress(Exception, SystemExit, Refused):
        version = program.version(rewrite.definition, rewrite.replaced)
        with confined(program.files, MOST_LINES * usual.lines + FEW_LINES):
            mended, is_of_value, _ = _mended(version, rerun, {name}, before)
        return bool(mended) and not is_of_value
    return False


def _pairs(parts, most):
    """Yield two edits of one kind as one `Rewrite` if they repair all wrong elements, and none of them twice.

    parts  triples of a `Rewrite`, of the elements that it repairs, and of those that were wrong: arrays of bool
    most   that a pair may cost
    """
    pairs = itertools.combinations(parts, 2)
    for (a, of_a, wrong), (b, of_b, _) in sorted(pairs, key=lambda pair: pair[0][0].cost + pair[1][0].cost):
        cost = max(a.cost, b.cost) + TWICE
        if cost >= most or a.kind != b.kind or a.definition is not b.definition or set(a.sites) & set(b.sites):
            continue
        if np.array_equal(of_a ^ of_b, wrong):
            words, replaced = f"{a.text}, and {b.text}", [*a.replaced, *b.replaced]
            yield a._replace(cost=cost, words=words, replaced=replaced, where="")


def _by_the_author(rerun, program):
    """Return what the author's function gives in each draw, and a `Run` of it."""
    with confined(program.files, notes_values=True) as usual:
        before = [_arrays(run, program.version(None, [])) for run in rerun.runs]
    return before, usual


def _arrays(run, function):
    """Return what one draw compares before the first exception: a dict from names to pairs of found and right."""
    arrays = {}
    try:
        for name, found, right in run(function):
            arrays[name] = np.array(found), np.array(right)
    except (Exception, SystemExit, Refused):
        pass
    return arrays


def _mended(version, rerun, wrong, before):
    """Return the names of the wrong arrays that a version makes right, and whether it has another value.

    Last comes, for the other wrong arrays by name, what `_repaired` returns, if that is not None.
    """
    mended, partly = set(wrong), {}
    for run, pairs in zip(rerun.runs, before):
        seen = set()
        for name, found, right in run(version):
            if name not in pairs:
                continue
            if name in wrong:
                seen.add(name)
                if not _is_mended(found, right, pairs[name][0]):
                    mended -= {name}
                    if pairs is before[0] and (elements := _repaired(pairs[name], found)) is not None:
                        partly[name] = elements
            elif same(*pairs[name]) and not same(found, right):
                agrees = name == "y" and rerun.agrees and all(agrees(version) for agrees in rerun.agrees)
                return (set(wrong), True, {}) if agrees else (set(), False, {})
            if not mended:
                return set(), False, partly
        mended &= seen
    return mended, False, partly


def _repaired(pair, found):
    """Return which elements of an array a version makes right, and which were wrong before: arrays of bool.

    None if it repairs only a few, or if it makes others wrong.

    pair   what the author computes, and what is right
    found  what the version computes
    """
    if not np.shape(found) == np.shape(pair[0]) == np.shape(pair[1]):
        return None
    before, now = _is_wrong(*pair), _is_wrong(found, pair[1])
    return (before & ~now, before) if (before & ~now).sum() >= FEWEST and not (now & ~before).any() else None


def _is_wrong(found, right):
    """Return which elements are wrong."""
    return np.asarray(errors(np.asarray(found), right) > LIMIT)


def _collapses(program, version, rerun, usual, is_of_value):
    """Return whether a version makes constant, zero or not finite what varied before, or has a value from fewer lines.

    Then a wrong step no longer matters, and the arrays are right by accident.
    """
    with confined(program.files, MOST_LINES * usual.lines + FEW_LINES, notes_values=True) as now:
        for run in rerun.runs:
            _arrays(run, version)
    if is_of_value and now.lines < usual.lines:
        return True
    for name, before in usual.values.items():
        is_number = isinstance(before, (float, np.ndarray, np.generic)) and np.size(before)
        if is_number and np.asarray(before).dtype.kind == "f":
            old, new = np.ptp(before) or np.abs(before).max(), np.asarray(now.values.get(name, np.nan))
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

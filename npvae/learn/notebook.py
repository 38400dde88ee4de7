"""Checking a function where it was written, in a cell of a notebook: no folder and no separate process."""

from ..errors import choose
from . import catalogue
from .museum.exhibits import Exhibit
from .outcome import PASSED, guarded, judge
from .variants import of_seed


def check(f, own=None):
    """Check a function of yours, and print whether it is right; if it is not, print what is wrong.

    f     a function with the name of an exercise's function, such as `kl_to_standard_normal`, or of the exercise, `kl`
    own   a folder with exercises of your own, or None

    Raises UserError for any other name. Whatever f raises is part of what is printed.
    """
    exercises = {name: e for e in of_seed(own=own) if not isinstance(e, Exhibit) for name in (e.name, e.function_name)}
    exercise = choose("exercise", getattr(f, "__name__", repr(f)), exercises)
    print("\n".join(_judged(exercise, f)[1]))


def require(name, f):
    """Raise AssertionError, with what is wrong, unless a function solves the exercise of this name.

    The notebooks of `npvae learn kit` grade with it.
    """
    has_passed, lines = _judged(catalogue.find(name), f)
    if not has_passed:
        raise AssertionError("\n".join(lines))


def _judged(exercise, f):
    """Return whether a function is right, and the lines that say so."""
    code = getattr(f, "__code__", None)
    outcome = guarded(lambda: judge(exercise, f), "" if code is None else code.co_filename)
    return outcome.status == PASSED, [f"{exercise.name}: {outcome.status}", "", *outcome.lines]

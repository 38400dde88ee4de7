"""Running a check on a student's file, in this process, and saying what is wrong.

Whatever the file does (a syntax error, an exception, a wrong type), the student sees their own line and one sentence,
and never our traceback. Endless loops are left to sandbox.py.
"""

import contextlib
import dataclasses
import linecache
import sys
import traceback
import types
from pathlib import Path

import numpy as np

from ..diagnosis.diagnose import find_all
from ..diagnosis.faults import finding_of
from ..diagnosis.finding import wrap
from ..diagnosis.program import is_ours
from ..diagnosis.versions import Rerun
from .exercise import Unfit
from .museum.exhibits import DEFECTS, Exhibit
from .shapes import shapes_that_met

BLANK, PASSED, WRONG, BROKEN = "not written yet", "passed", "not right yet", "does not run"


@dataclasses.dataclass
class Outcome:
    """The result of a check.

    status     BLANK, PASSED, WRONG or BROKEN
    lines      to show
    mistakes   a few words for each, the same for everybody who makes it
    """

    status: str
    lines: list
    mistakes: list = dataclasses.field(default_factory=list)


def judge_file(exercise, path, folder=None, others=()):
    """Return the `Outcome` of an exercise for a student's file; after a pass, with what the exercise shows.

    folder   where pictures go; by default nothing is shown
    others   pairs of an Exercise and the path of its file, for other exercises that have been solved
    """
    path = Path(path)

    def judge_and_show():
        student = load(exercise, path)
        outcome = judge(exercise, student)
        if outcome.status == PASSED and exercise.after is not None and folder is not None:
            shown = exercise.after(student, Path(folder), _loaded(others))
            outcome.lines += ["", *(wrap(line, "  ") for line in shown)]
        return outcome

    return guarded(judge_and_show, path)


def guarded(judged, path):
    """Return the `Outcome` that judged() returns, or the one of what it raises; path: the file of the student's code.
    """
    path = Path(path)
    try:
        return judged()
    except NotImplementedError as error:
        where = _own_frame(error, path)
        line = f" (line {where.lineno})" if where else ""
        return Outcome(BLANK, [wrap(f"{error or 'a part of it'}{line}", "  ")])
    except Unfit as error:  # the file cannot be read, or the function is missing
        return Outcome(BROKEN, [wrap(error.args[1], "  ")])
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they come from the student's file
        return Outcome(BROKEN, in_own_words(error, path), [type(error).__name__])


def _loaded(others):
    """Return the functions of other exercises that can be loaded, by the exercises' names."""
    functions = {}
    for exercise, path in others:
        with contextlib.suppress(Exception):
            functions[exercise.name] = load(exercise, path)
    return functions


def load(exercise, path):
    """Return what is checked in a student's file: the exercise's function, or for an exhibit the whole module."""
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except SyntaxError as error:
        if error.text is not None:
            raise
        raise Unfit("", f"{path.name} cannot be read as Python: {error.msg}") from None
    except (OSError, ValueError) as error:
        raise Unfit("", f"{path.name} cannot be read as Python: {error}") from None
    exec(code, module.__dict__)
    if isinstance(exercise, Exhibit):
        return module
    f = getattr(module, exercise.function_name, None)
    if not callable(f):
        missing = f"there is no function {exercise.function_name} in {path.name}"
        raise Unfit("", f"{missing}: its name must stay as it is in the stub")
    return f


def judge(exercise, student, seed=0):
    """Return the `Outcome` for a function, or for an exhibit a module; pass on what the student's code raises.

    seed   of the draws
    """
    if isinstance(exercise, Exhibit):
        return _judge_exhibit(exercise, student, seed)
    findings, comparisons = findings_about(exercise, student, seed)
    if findings:
        lines = "\n\n".join("\n".join(finding.lines()) for finding in findings).split("\n")
        return Outcome(WRONG, lines, [finding.label for finding in findings])
    numbers, arrays = sum(c.expected.size for c in comparisons), len({c.name for c in comparisons})
    largest = max(float(c.error.max(initial=0)) for c in comparisons)
    agree = f"{numbers:,} numbers in {arrays} array{'s' if arrays > 1 else ''} agree"
    return Outcome(PASSED, [wrap(f"{agree}; the largest error is {largest:.0e}.", "  ")])


def findings_about(exercise, function, seed=0):
    """Return what is wrong with a function, a list of `Finding`, and the comparisons that were made."""
    try:
        comparisons = exercise.comparisons(function, seed)
    except Unfit as error:
        return [finding_of(*error.args)], []
    draws = {}
    for c in comparisons:
        draws.setdefault(c.name, []).append(c)
    rerun = None if is_ours(function) else Rerun(function, exercise.runs(seed))
    wrong = [(several, None) for several in draws.values() if any(not c.ok for c in several)]
    return find_all(wrong, rerun), comparisons


def _judge_exhibit(exercise, program, seed):
    with np.errstate(all="ignore"):
        sentences = exercise.run_tests(program, seed)
    lines = []
    for name, sentence in sentences.items():
        lines.append(f"  {'FAILS ' if sentence else 'passes'}  {name}")
        if sentence:
            lines.append(wrap(sentence.replace("-", "−"), " " * 10))
    named = str(getattr(program, "DEFECT", "")).strip().upper()
    failed = any(sentences.values())
    if failed and named != exercise.defect:
        question = "What kind of mistake do the failing tests see, and the others miss? Read the program once more."
        lines += ["", wrap(question, "  ? ")]
    if not failed and named not in DEFECTS:
        lines += ["", wrap('It is repaired. Now name it: DEFECT = "…" with a letter from A to I.', "  ")]
    elif named in DEFECTS and named != exercise.defect:
        lines += ["", wrap(f"{named} is not its name: {DEFECTS[named]}. What did you have to change?", "  ")]
    elif failed and named == exercise.defect:
        lines += ["", wrap("That is its name. Now repair it.", "  ")]
    if failed or named != exercise.defect:
        return Outcome(WRONG, lines, ["not repaired" if failed else "repaired, but not named"])
    return Outcome(PASSED, [*lines, "", wrap(exercise.lesson, "  ")])


def in_own_words(error, path):
    """Return lines about an exception from a student's file: their line, and what Python says."""
    summary = traceback.TracebackException.from_exception(error)
    file = "the cell" if path.parent.name.startswith("ipykernel_") else path.name
    if isinstance(error, SyntaxError) and error.filename == str(path):
        text = (error.text or "").rstrip("\n")
        caret = [" " * (4 + error.offset - 1) + "^"] if error.offset and text else []
        return [
            f"  {file}, line {error.lineno}:",
            *([f"    {text}"] if text else []),
            *caret,
            wrap(f"{type(error).__name__}: {error.msg}", "  "),
        ]
    lines = "".join(summary.format_exception_only()).strip().split("\n")
    said = next((line for line in lines if type(error).__name__ in line), lines[-1])
    where = _own_frame(error, path)
    if where is None:
        return [wrap(f"the check cannot call your function, or cannot use what it returns: {said}", "  ")]
    said = shapes_that_met(error, path) or said
    return [f"  {file}, line {where.lineno}, in {where.name}:", f"    {where.line}", wrap(said, "  ")]


def _own_frame(error, path):
    """Return the innermost line of the student's file that an exception came through; None if there is none."""
    frames = traceback.extract_tb(error.__traceback__, limit=-2000 if sys.getrecursionlimit() < 2000 else None)
    return next((frame for frame in reversed(frames) if frame.filename == str(path)), None)

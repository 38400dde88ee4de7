"""Mark one file: the student's process makes a claim, and its answers decide.

The process that runs the student's program reports what is wrong, and the student reads this. If it reports a pass, it
must also send answers, which `mark` compares with the engine's. So a program that replaces NumPy or the
check gains nothing: it would still need right answers for fresh draws. It can take these from the engine, which is
installed beside it; integrity.py looks for traces of that.
"""

import dataclasses

from ...diagnosis.finding import wrap
from .. import sandbox
from ..answers import right_answers
from ..outcome import BLANK, BROKEN, PASSED, WRONG
from . import integrity, process, wire

MISSING = "not handed in"
STATUSES = (PASSED, WRONG, BROKEN, BLANK)  # that a process may claim
MOST_LINES, LONGEST = 150, 300  # of the lines that a process may send, and of each


@dataclasses.dataclass
class Mark:
    """The mark of a file.

    status   PASSED, WRONG, BROKEN, BLANK or MISSING
    lines    for the student
    notes    for the teacher alone: evidence to look at, never a verdict
    mistakes a short label for each, the same for every student who makes it
    prints   the fingerprints of a file that has passed: see integrity.py
    """

    status: str
    lines: list
    notes: list = dataclasses.field(default_factory=list)
    mistakes: list = dataclasses.field(default_factory=list)
    prints: list = dataclasses.field(default_factory=list)

    has_passed = property(lambda self: self.status == PASSED)


def mark(exercise, name, source, seed, limits=process.USUAL):
    """Return the `Mark` of a student's file.

    name, source   the file's name, and its content as bytes
    seed           the seed of the draws
    """
    about = {"exercise": exercise.name, "variant": exercise.seed, "own": exercise.own}
    task = about | {"work": "check", "seed": seed}
    reply = process.run(task, name, source, limits)
    printed = sandbox.lines_printed(reply.printed)
    try:
        header, answers = wire.unpack(reply.data)
        status, lines, notes, mistakes = _claimed(header)
    except wire.Garbled as error:
        return Mark(BROKEN, [*printed, *_without_result(reply, name, source, limits, error)], mistakes=["no result"])
    if status == PASSED and (wrong := _wrong_answers(exercise, answers, seed)):
        said = f"The program claims to have passed, but what it computes is wrong, such as {wrong[0]}"
        note = f"its program claims to have passed, but {len(wrong)} of the arrays that it had to send are wrong"
        return Mark(WRONG, [*printed, wrap(f"{said}.", "  ")], [note], ["a forged pass"])
    marked = Mark(status, [*printed, *lines], notes, mistakes)
    if marked.has_passed:
        if about := integrity.about_digits(exercise, answers, right_answers(exercise, seed)):
            marked.notes.append(about)
        _read(marked, task | {"work": "read"}, name, source, limits)
    return marked


def _read(marked, task, name, source, limits):
    """Add to a mark the notes and fingerprints that come from the text of the file."""
    try:
        header, arrays = wire.unpack(process.run(task, name, source, limits).data)
        marked.notes += texts(header, "notes")
        marked.prints = arrays["prints"].tolist()
    except (wire.Garbled, KeyError):
        marked.notes.append("its text cannot be read as Python")


def _claimed(header):
    """Return the status, lines, notes and mistakes that a process sent; raise `Garbled` for anything else."""
    if header.get("status") not in STATUSES:
        raise wire.Garbled("no result of a check")
    return header["status"], *(texts(header, name) for name in ("lines", "notes", "mistakes"))


def texts(header, name):
    """Return a list of lines that a process sent; raise `Garbled` for anything else."""
    lines = header.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise wire.Garbled(f"no {name}")
    lines = process.plain("\n".join(lines)).split("\n") if lines else []
    return [line[:LONGEST] for line in lines[:MOST_LINES]]


def _wrong_answers(exercise, answers, seed):
    """Return the names of wrong answers. An answer that cannot be judged is wrong: a stranger's program sent it."""
    try:
        return exercise.wrong_answers(answers, seed)
    except Exception as error:
        return [f"answers that cannot be judged ({type(error).__name__})"]


def _without_result(reply, name, source, limits, error):
    """Return lines about a program that sent no readable result."""
    if reply.ended:
        return [wrap(f"{reply.ended}.", "  ")]
    if reply.data and reply.status == 0:
        return [wrap(f"Its result cannot be read ({error}): does the file write where it should not?", "  ")]
    return sandbox.without_result(name, source.decode("utf-8", "replace"), reply.stack, limits.seconds, reply.status)

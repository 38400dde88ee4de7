"""The process in which a grader runs a student's program: it checks the file, and sends the function's answers.

Everything it sends is only a claim. A false report can lose the student points but never win any: see marking.py. The
other task only reads the file. It runs none of the student's code, so its result can be trusted. It still needs a
separate process, because some files crash Python's parser.
"""

import dataclasses
import faulthandler
import json
import os
import pathlib
import sys
import tokenize

import numpy as np

from ..outcome import PASSED, guarded, judge, load
from ..variants import exercise_of_seed
from . import integrity, linux, wire
from .confinement import Limits, confine

FIRST_OWN = 3  # the smaller numbers are standard input, output and error


def main(task):
    """Run a task of process.py, a dict, and end this process.

    work       the name of a function in WORK
    exercise   the exercise's name
    variant    the seed of the exercise: see variants.py
    own        the folder of the file that defines it, for an exercise of the teacher's own; else ""
    seed       the seed of the draws
    path       the path of the student's file, in the home
    home       the folder that the program sees as its home
    result     the file for the bytes from `wire.pack`
    where      the file for the traceback, if the time runs out
    printed    the file for what the program prints
    limits     the `Limits`
    """
    limits = Limits(*task["limits"])
    if sys.platform == "linux":
        linux.die_with_parent()
    _leave_the_grader(task)
    exercise = exercise_of_seed(task["exercise"], task["variant"], task["own"])
    # After the grader's files are closed, and before none outside the home can be opened.
    result, where = open(task["result"], "wb"), open(task["where"], "w", encoding="utf-8")
    confine(task["home"], limits)
    faulthandler.dump_traceback_later(limits.seconds, exit=True, file=where)
    header, arrays = WORK[task["work"]](exercise, pathlib.Path(task["path"]), task["seed"])
    faulthandler.cancel_dump_traceback_later()
    result.write(wire.pack(header, arrays))
    result.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # even if the program has left threads running


def _leave_the_grader(task):
    """Close the grader's files, clear its environment, redirect output to a file, and change to the home."""
    if hasattr(os, "setsid"):
        os.setsid()
    os.closerange(FIRST_OWN, os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 256)
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, task["printed"], os.O_WRONLY | os.O_CREAT)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    os.environ.clear()
    own = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "MPLCONFIGDIR"), task["home"])
    os.environ.update(kept | own | {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"})
    os.chdir(task["home"])


def check(exercise, path, seed):
    """Return what to send: the outcome of a check, notes for the teacher and, for a pass, the answers."""
    answers, notes = {}, []

    def judged():
        student = load(exercise, path)
        outcome = judge(exercise, student, seed)
        if outcome.status == PASSED:
            answers.update(exercise.answers(student, seed))
            notes.extend(integrity.traced_calls(exercise, student, path, seed))
        return outcome

    with np.errstate(all="ignore"):
        outcome = guarded(judged, path)
    return dataclasses.asdict(outcome) | {"notes": notes}, answers


def read(exercise, path, seed):
    """Return what to send about the text of a file: notes for the teacher, and fingerprints."""
    with tokenize.open(path) as file:  # in the encoding that its first lines declare, as Python reads it
        notes, prints = integrity.read(exercise, file.read())
    return {"notes": notes}, {"prints": prints}


WORK = {"check": check, "read": read}


if __name__ == "__main__":  # on systems without a safe fork
    main(json.load(sys.stdin))

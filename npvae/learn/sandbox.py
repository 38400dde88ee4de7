"""A student's file is checked in a separate process, which is stopped when its time is up.

So an endless loop, a crash of the interpreter or an `exit()` in the file harms nothing, and every check begins afresh.
"""

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ..diagnosis.finding import wrap
from ..plain import UTF_8_CHILD
from . import catalogue
from .outcome import BROKEN, Outcome

# The student's folder comes last on the path, so that a file random.py in it hides no module of Python's.
START = "import sys; sys.path.append(sys.path.pop(0)); from npvae.learn import worker; worker.main(sys.argv[1])"
SECONDS = 20  # for a check; one that has something to show afterwards gets SECONDS_TO_SHOW
SECONDS_TO_SHOW = 180
MOST_PRINTED = 1000  # characters of what the student's program prints


def check(exercise, path, folder, others=None, seconds=None):
    """Return the `Outcome` of a check in a separate process.

    others    a dict from the names of other solved exercises to the paths of their files
    seconds   after which the process is stopped; by default SECONDS, or SECONDS_TO_SHOW
    """
    seconds = seconds or (SECONDS if exercise.after is None else SECONDS_TO_SHOW)
    path = Path(path)
    path = path if path.exists() else catalogue.place(path.parent, exercise)  # a folder of before has other numbers
    shows_progress = exercise.after is not None and sys.stderr.isatty()  # a bar on the terminal itself
    with tempfile.TemporaryDirectory() as scratch:
        result, where = Path(scratch, "result"), Path(scratch, "where")
        task = {
            "name": exercise.name,
            "seed": exercise.seed,
            "own": exercise.own,
            "path": str(path),
            "folder": str(folder),
            "result": str(result),
            "where": str(where),
            "seconds": seconds,
            "others": others or {},
        }
        with open(Path(scratch, "printed"), "w+", encoding="utf-8", errors="replace") as printed:
            process = subprocess.Popen(
                [sys.executable, "-c", START, json.dumps(task)],
                cwd=folder,
                env=os.environ | UTF_8_CHILD,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=None if shows_progress else subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(seconds + 20)  # it ends by itself, unless it hangs outside of Python
            except subprocess.TimeoutExpired:
                pass
            finally:
                with contextlib.suppress(OSError):  # and everything that it started
                    os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
                process.wait()
            printed.seek(0)
            said = printed.read(MOST_PRINTED + 1)
        if result.exists():
            outcome = Outcome(**json.loads(result.read_text(encoding="utf-8")))
        else:
            stack = where.read_text(encoding="utf-8", errors="replace") if where.exists() else ""
            source = path.read_text(encoding="utf-8", errors="replace")
            outcome = Outcome(BROKEN, without_result(path.name, source, stack, seconds, process.returncode))
    return dataclasses.replace(outcome, lines=[*lines_printed(said), *outcome.lines])


def without_result(name, source, stack, seconds, status):
    """Return lines about a process that has ended without a result.

    name, source   of the student's file
    stack          the lines that it had reached when its time was up, as Python prints them, or ""
    seconds        the time that it had
    status         of its exit
    """
    if stack:
        found = re.search(rf'File "[^"]*{re.escape(name)}", line (\d+) in (\S+)', stack)
        asked = "is there an endless loop, or a loop where an array would be faster?"
        lines = [wrap(f"It was stopped after {seconds:.0f} s: {asked}", "  ")]
        if found and int(found[1]) <= len(code := source.splitlines()):
            lines = [f"  {name}, line {found[1]}, in {found[2]}:", f"    {code[int(found[1]) - 1].strip()}", *lines]
        return lines
    asked = "does the file call exit, or need more memory than there is?"
    return [wrap(f"Python ended in the middle of the check (status {status}): {asked}", "  ")]


def lines_printed(said):
    """Return what the student's program printed, with a title."""
    if not said.strip():
        return []
    lines = said[:MOST_PRINTED].rstrip("\n").split("\n")
    rest = ["  | …"] if len(said) > MOST_PRINTED else []
    return ["  Your program printed:", *(f"  | {line}" for line in lines), *rest, ""]

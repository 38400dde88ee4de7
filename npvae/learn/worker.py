"""The process in which a student's file is checked, started by sandbox.py.

It receives its task as JSON, and writes the `Outcome` as JSON into a file. When its time is up, it writes down the line
that it has reached, to show an endless loop, and ends.
"""

import dataclasses
import faulthandler
import json
import os
import pathlib
import sys

from .outcome import judge_file
from .variants import of_seed


def main(task):
    """Check the file of an exercise: `task` is what sandbox.py wrote, as JSON. The process ends here."""
    task = json.loads(task)
    with open(task["where"], "w", encoding="utf-8") as where:
        faulthandler.dump_traceback_later(task["seconds"], exit=True, file=where)
        exercises = {exercise.name: exercise for exercise in of_seed(task["seed"], task["own"])}
        others = [(exercises[name], pathlib.Path(path)) for name, path in task["others"].items() if name in exercises]
        outcome = judge_file(exercises[task["name"]], task["path"], task["folder"], others)
        faulthandler.cancel_dump_traceback_later()
    pathlib.Path(task["result"]).write_text(json.dumps(dataclasses.asdict(outcome)), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # even if the student's program has left threads running

"""The grader's helper processes, one for each core: each marks one file after another.

A helper forks itself for every file, which a process with threads or a terminal should not do. So the helpers are
separate from the main process. Tasks travel to them, and marks back, as lines of JSON.
"""

import base64
import contextlib
import dataclasses
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

from ...plain import UTF_8_CHILD
from ...runtime import cores
from .. import catalogue
from ..variants import exercise_of_seed
from . import linux
from .marking import Mark, mark

KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SYSTEMROOT", "HOME", "USERPROFILE")


class Task(dict):
    """A file to mark: "student", "exercise", "variant", "own", "seed" and "source", which is base64."""

    @classmethod
    def of(cls, student, exercise, seed, source):
        """Return a task for an `Exercise`; the source is bytes."""
        source = base64.b64encode(source).decode()
        about = {"student": student, "exercise": exercise.name, "variant": exercise.seed, "own": exercise.own}
        return cls(about, seed=seed, source=source)


def main():
    """Mark the files that arrive on standard input, one task a line, until it ends."""
    if sys.platform == "linux":
        linux.die_with_parent()
    for line in sys.stdin:
        task = json.loads(line)
        exercise = exercise_of_seed(task["exercise"], task["variant"], task["own"])
        marked = mark(exercise, catalogue.file_name(exercise), base64.b64decode(task["source"]), task["seed"])
        print(json.dumps(dataclasses.asdict(marked)), flush=True)


def marks_of(tasks, scratch):
    """Yield pairs of a task and its `Mark` as soon as each is ready; None for a task whose helper ended.

    scratch   a folder for the helpers' temporary files
    """
    waiting, ready = queue.SimpleQueue(), queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    helpers = [_Helper(waiting, ready, scratch) for _ in range(min(cores(), len(tasks)))]
    try:
        for _ in tasks:
            yield ready.get()
    finally:
        for helper in helpers:
            helper.end()


class _Helper:
    """A process that marks files, and a thread that hands it tasks."""

    def __init__(self, waiting, ready, scratch):
        self.waiting, self.ready, self.is_ended = waiting, ready, False
        # Pass on only what Python needs: a program could find a token or a password in the environment.
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.environment = kept | UTF_8_CHILD | {"OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(scratch)}
        self.scratch, self.process = scratch, None
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while not self.is_ended:
            try:
                task = self.waiting.get_nowait()
            except queue.Empty:
                break
            self.ready.put((task, self._marked(task)))
        self.end()

    def _marked(self, task):
        for _ in range(2):  # another process, if the first one ends
            if self.is_ended:
                break
            if self.process is None:
                self._start()
            try:  # the helper answers in time, since it ends every program whose time is up
                self.process.stdin.write(json.dumps(task) + "\n")
                self.process.stdin.flush()
                return Mark(**json.loads(self.process.stdout.readline()))
            except (OSError, ValueError):
                self.process.kill()
                self.process.wait()
                if not self.is_ended:
                    self.process = None
        return None

    def _start(self):
        # Python must not search the current folder or a script's folder for modules.
        package = str(pathlib.Path(__file__).parents[3])
        code = f"import sys; sys.path[0] = {package!r}; from npvae.learn.grading import worker; worker.main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=self.scratch, env=self.environment, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def end(self):
        """End the process, and with it the student's program that it runs."""
        self.is_ended = True
        if self.process is not None:
            with contextlib.suppress(OSError):
                self.process.kill()
            self.process.wait()

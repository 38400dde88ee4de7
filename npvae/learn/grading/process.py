"""A student's program in a separate process, which the grader starts, watches and ends."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from . import child, wire
from .confinement import Limits

# Forking this process is much faster than starting Python. But only on Linux does a fork run reliably: macOS kills a
# forked process that calls some of its libraries.
CAN_FORK = sys.platform == "linux"
USUAL = Limits()
MOST_PRINTED = 1000  # characters
GRACE = 2.0  # seconds for the process to report which line it had reached, once its time is up
LONGEST_PATH = 2000  # characters
FINE, COARSE = 0.002, 0.05  # seconds between two polls, at first and at most


class Reply(NamedTuple):
    """The outcome of running a student's program.

    data      the bytes that it sent
    printed   the first characters that it printed
    stack     the traceback at the moment its time was up, as Python prints it
    status    its exit status; negative for a signal
    ended     why the grader ended it, or ""
    """

    data: bytes
    printed: str
    stack: str
    status: int
    ended: str


def run(task, name, source, limits=USUAL):
    """Run a student's file in a separate process, and return its `Reply`.

    task     the work, the exercise and the seed: see child.py
    name     the file's name
    source   the file's bytes
    """
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="npvae-grade-"))
    try:
        home = scratch / "home"
        home.mkdir()
        (home / name).write_bytes(source)
        files = {kind: str(scratch / kind) for kind in ("result", "where", "printed")}
        task = task | files | {"home": str(home), "path": str(home / name), "limits": limits}
        process = (_Copy if CAN_FORK else _NewPython)(task)
        ended = _watch(process, home, limits)
        data, printed, stack = (_read(files[kind], most) for kind, most in (
            ("result", wire.MOST_BYTES), ("printed", 4 * MOST_PRINTED), ("where", 100_000)))  # fmt: skip
        return Reply(data, plain(printed)[:MOST_PRINTED], plain(stack), process.status, ended)
    finally:
        _remove(scratch)


class _Copy:
    """A fork of this process, which runs a task."""

    def __init__(self, task):
        self.status, self.pid = None, os.fork()
        if self.pid == 0:
            try:
                child.main(task)
            finally:  # whatever happens, the copy must not return into the grader
                os._exit(1)

    def has_ended(self):
        if self.status is None and (status := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.status = os.waitstatus_to_exitcode(status[1])
        return self.status is not None

    def end(self):
        """End the process, and every process that it has started and left in its process group."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.status is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class _NewPython:
    """A new Python interpreter, which runs a task."""

    def __init__(self, task):
        self._process = subprocess.Popen([sys.executable, "-m", child.__name__], stdin=subprocess.PIPE)
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(task).encode())
            self._process.stdin.close()

    status = property(lambda self: self._process.returncode)

    def has_ended(self):
        return self._process.poll() is not None

    def end(self):
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


def _watch(process, home, limits):
    """Wait until the process ends, or end it; return why the grader ended it, or ""."""
    ends, pause, why = time.monotonic() + limits.seconds + GRACE, FINE, ""
    try:
        while not process.has_ended() and not why:
            time.sleep(pause)
            pause = min(1.2 * pause, COARSE)
            if time.monotonic() > ends:
                why = f"It was stopped after {limits.seconds:.0f} s"
            elif _is_too_much(home, limits):
                most = f"{limits.written // 2**20} MB, more than {limits.entries:,} files, or very deep folders"
                why = f"It was stopped because it wrote more than {most}"
    finally:
        process.end()
    return why


def _is_too_much(home, limits):
    """Return whether the home holds too many files, too many bytes, or folders nested too deeply."""
    folders, entries, written = [home], 0, 0
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    written += entry.stat(follow_symlinks=False).st_size
                if entries > limits.entries or written > limits.written or len(entry.path) > LONGEST_PATH:
                    return True
    return False


def _read(path, most):
    """Return the first bytes of a file, at most that many; none if it is missing."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError:
        return b""


def plain(data):
    """Return bytes, or a str, as text without control characters, which could rewrite the terminal's screen."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return re.sub(r"[^\n -~\u00a0-\u202d\u202f-\U0010ffff]", "", text)


def _remove(folder):
    """Remove a folder, however deep it is and whatever permissions the program set."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and shutil.which("rm"):  # too deep for Python's recursion
        subprocess.run(["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, check=False)

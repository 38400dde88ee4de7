"""The folder of a run: one run in a folder, and one process that trains it."""

import functools
import os

from ..datasets.files import shown_path
from ..errors import UserError

CHECKPOINT = "model.npz"


def refuse_a_file(folder):
    """Raise UserError if the path of a folder is that of a file."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UserError(f"{shown_path(folder)} is a file, expected the name of a folder: choose another with --out")


def refuse_a_run_in(folder):
    """Raise UserError if the folder holds anything but unfinished files: see replacing.py."""
    if folder.is_dir() and any(path.suffix != ".partial" for path in folder.iterdir()):
        go_on = "continue with --resume, or " if (folder / CHECKPOINT).exists() else ""
        raise UserError(f"{shown_path(folder)} already exists: {go_on}choose another folder with --out")


def lock(folder):
    """Lock a folder against other processes; return the function that unlocks it. So does the end of the process.

    Raises UserError if another process holds the lock. Where such locks do not exist (Windows, some network disks),
    does nothing.
    """
    try:
        import fcntl
    except ImportError:
        return lambda: None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        busy = f"another process is training in {shown_path(folder)}: wait for it, or choose another folder with --out"
        raise UserError(busy) from None
    except OSError:
        pass
    return functools.partial(os.close, descriptor)

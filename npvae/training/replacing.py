"""How npvae writes a file: first under another name, then by renaming it over the previous file.

Renaming is atomic, so the name always refers to a complete file, even if the process dies or the disk is full. If the
name is a link, the new file takes the place of the link, and what the link points to is untouched.

A process that is killed while it writes leaves its unfinished file behind, called NAME.PROCESS.partial. The next run in
the folder removes it. A lock marks the file of a living process; the system releases the lock when the process dies.
"""

import contextlib
import os
import pathlib
import re

from ..datasets.files import shown, shown_path
from ..errors import UserError

PARTIAL = re.compile(r".+\.\d+\.partial")


@contextlib.contextmanager
def replacing(path):
    """Yield a new file, open for bytes, that takes the place of `path` when the block ends without an exception.

    Raises UserError if it cannot be written, for instance because the disk is full: then the previous file stays.
    """
    path = pathlib.Path(path)
    partial = _partial(path)
    try:
        with _create(partial) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # Windows cannot rename an open file
                file.close()
            os.replace(partial, path)  # while the file is locked
    except OSError as error:
        raise UserError(
            f"{shown_path(path)} could not be written: {shown(error.strerror or error, 80)}; the previous one, if any, "
            "is untouched"
        ) from None
    finally:  # after an error or an interrupt; after success the file has its final name
        with contextlib.suppress(OSError):
            partial.unlink()


def require_writable(path):
    """Raise UserError if `replacing` could not write this file: call it before a long computation, not after."""
    path = pathlib.Path(path)
    if os.path.isdir(path):
        raise UserError(f"{shown_path(path)} is a folder, expected the name of a file: choose another with --out")
    partial = _partial(path)
    try:
        _create(partial).close()
        partial.unlink()
    except OSError as error:
        reason = shown(error.strerror or error, 80)
        raise UserError(f"{shown_path(path)} cannot be written: {reason}; choose another with --out") from None


def remove_abandoned(folder):
    """Remove the unfinished files in a folder whose processes have died."""
    for path in pathlib.Path(folder).iterdir():
        if PARTIAL.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError), open(path, "rb") as file:
                _lock(file, wait=False)
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):  # otherwise it has its final name by now
                    path.unlink()


def _partial(path):
    """Return the name of the unfinished file: see PARTIAL."""
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def _create(partial):
    """Create a file, open and locked: never open one that exists, which could be a link to another."""
    while True:
        partial.unlink(missing_ok=True)  # of a dead process that had the same number
        file = open(partial, "xb+")
        with contextlib.suppress(OSError):  # some network disks have no locks
            _lock(file, wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # before we locked it, another process took it for abandoned and removed it


def _lock(file, wait):
    """Lock a file until it is closed. Raises OSError if another process has locked it; on Windows, does nothing.

    Windows does not need the lock, because it never removes an open file.
    """
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

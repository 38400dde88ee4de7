"""What a student's program may do while it is graded: compute, read Python's own files, and write a little.

What each system promises:

    Linux 5.13 and later, on x86-64 or 64-bit ARM   every limit below. The program can read Python, its packages and
        libraries, but not the submissions or anything else. It writes only in an empty home. It starts no process,
        reaches no network and signals no other process.
    other systems with fork   limits on memory (as far as the system counts it), open files and the size of a file. The
        grader ends the process group afterwards. The program can still reach other files and the network.
    Windows   a limit on time only.

The grader itself watches the time and the total size of the files written. This stops mistakes, and students who try to
get points for nothing. It does not contain malware, which might exploit a flaw of the kernel: if you fear that, grade
on a machine that you can throw away.
"""

import os
import pathlib
import sys
from typing import NamedTuple

from . import linux

LIBRARIES = ("/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/dev/urandom")


class Limits(NamedTuple):
    """What the process of a student's program may use.

    seconds   wall-clock time
    memory    bytes of address space
    files     files open at the same time
    written   bytes in any one file, and in all files of its home together
    entries   files and folders in its home
    """

    seconds: float = 20.0
    memory: int = 3 * 2**30
    files: int = 64
    written: int = 32 * 2**20
    entries: int = 1000


def protections():
    """Return what `confine` can withhold on this system: some of "limits", "files", "processes and the network"."""
    if os.name == "nt":
        return []
    is_linux = sys.platform == "linux"
    found = {
        "limits": True,
        "files": is_linux and linux.landlock_version() > 0,
        "processes and the network": is_linux and linux.can_refuse_calls(),
    }
    return [name for name, is_there in found.items() if is_there]


def confine(home, limits):
    """Confine this process, for the rest of its life: it has no way back.

    home     the only folder in which it may write
    limits   its `Limits`
    """
    available = protections()
    if "limits" in available:
        import resource  # Windows has none

        for kind, most in (
            (resource.RLIMIT_AS, limits.memory),
            (resource.RLIMIT_NOFILE, limits.files),
            (resource.RLIMIT_FSIZE, limits.written),
            (resource.RLIMIT_CORE, 0),
        ):
            _lower(resource, kind, most)
    if sys.platform == "linux":
        linux.drop_capabilities()
    if "files" in available:
        linux.limit_files(_readable(), [home, "/dev/null"])
    if "processes and the network" in available:
        linux.refuse_calls()


def _lower(resource, kind, most):
    """Lower one limit, unless the system already has a lower one."""
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(kind, (most, most))
    except (ValueError, OSError):  # macOS does not limit the address space
        if sys.platform == "linux":
            raise


def _readable():
    """Return the folders of Python, of its packages and of the system's libraries.

    If npvae runs from its source tree, only the package is readable, since a teacher may keep submissions beside it.
    """
    package = pathlib.Path(__file__).parents[2]
    folders = [sys.prefix, sys.base_prefix, str(package), *LIBRARIES, *sys.path]
    return [folder for folder in folders if folder not in ("", ".", "/", str(package.parent))]

"""Files that may be damaged or hostile: how to open them, how large they may become, and how messages name them.

A reader of files trusts nothing that a file says about itself. It opens only regular files, because it could wait for a
pipe forever and a device may never end. Before it takes memory for the content, it compares the size with two limits:

    memory   the content may take a quarter of what is available: the loader converts it, and cuts it into parts
    ratio    a packed file may unpack to 200 times its own size, and to 256 MB in any case. A bomb reaches 1000;
             dSprites, 3 GB of black and white pixels in about 26 MB, has 120. The few honest files that would unpack to
             more can be stored without compression: then only the memory limits them.
"""

import contextlib
import gzip
import os
import stat
import zlib

import numpy as np

from ..errors import UserError

MEMORY_SHARE = 4
LARGEST_RATIO = 200
HARMLESS = 2**28  # bytes
UNKNOWN_MEMORY = 2**32  # bytes, on a system that does not report its memory
CHUNK = 2**20  # bytes read at once


def open_file(path):
    """Open a regular file to read its bytes. Raises UserError for any other, and for one that cannot be read."""
    def without_waiting(path, flags):
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))   # opening a pipe would wait for its other end

    try:
        file = open(path, "rb", opener=without_waiting)
    except FileNotFoundError:
        raise UserError(f"there is no file {shown_path(path)}") from None
    except (OSError, ValueError) as error:  # ValueError for a path with a zero byte
        raise UserError(f"{shown_path(path)} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UserError(f"{shown_path(path)} is a pipe or a device, expected a file: copy its content into one")
    return file


@contextlib.contextmanager
def open_unpacked(path):
    """Open a regular file; yield the stream of its content, unpacked if it is a gzip file, and its size on disk.

    Raises UserError if the file cannot be read, or turns out not to unpack.
    """
    with open_file(path) as file:
        packed = os.fstat(file.fileno()).st_size
        try:
            is_gzip = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield gzip.GzipFile(fileobj=file) if is_gzip else file, packed
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            reason = shown(error, 80)
            raise UserError(
                f"{shown_path(path)} is cut off or damaged and cannot be unpacked ({reason}): get it again"
            ) from None
        except OSError as error:
            raise UserError(f"{shown_path(path)} cannot be read: {error.strerror}") from None


def fill(array, stream):
    """Fill an array, contiguous in memory, with bytes from a stream; return how many there were."""
    content = memoryview(array.reshape(-1).view(np.uint8))
    for start in range(0, len(content), CHUNK):
        part = content[start : start + CHUNK]
        found = stream.readinto(part)
        if found < len(part):
            return start + found
    return len(content)


def require_room(size, packed, called):
    """Raise UserError if the content of a file is too large for the memory, or cannot have been packed honestly.

    size     of the content, in bytes
    packed   the size of the file that it comes from
    called   the name of the file, for the message
    """
    if size > most_unpacked(packed):
        raise UserError(
            f"{called} unpacks to {_megabytes(size)} MB, more than {LARGEST_RATIO} times its own size, like a "
            "file made to fill the memory: if you trust it, store it without compression"
        )
    if size > (most := most_memory()):
        raise UserError(
            f"{called} takes {_megabytes(size)} MB of memory, and data may take at most {_megabytes(most)} MB, a "
            "quarter of what is available: keep fewer examples, or smaller ones"
        )


def most_unpacked(packed):
    """Return how many bytes a file of `packed` bytes may unpack to."""
    return max(HARMLESS, LARGEST_RATIO * packed)


def most_memory():
    """Return how many bytes of memory the content of a file may take."""
    return available_memory() // MEMORY_SHARE


def available_memory():
    """Return how many bytes of memory this process can still take: what is free, or a limit if that is smaller.

    The limits are that of its container, and what is left of its address space (ulimit -v).
    """
    found = [UNKNOWN_MEMORY]
    try:
        with open("/proc/meminfo", encoding="utf-8") as file:
            found = [1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable:")] or found
        found += _left_of_the_address_space()
        with open("/sys/fs/cgroup/memory.max", encoding="utf-8") as file:
            found.append(int(file.read()))
    except (OSError, ValueError):  # another system; or no container, or one without a limit ("max")
        pass
    return min(found)


def _left_of_the_address_space():
    """Return what the limit on the address space leaves, in bytes, in a list; an empty list without a limit."""
    import resource  # exists on Unix only

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return []
    with open("/proc/self/statm", encoding="utf-8") as file:
        return [max(limit - int(file.read().split()[0]) * resource.getpagesize(), 0)]


def shown(text, most=40):
    """Return text as a message shows it: without line breaks and control characters, and cut to `most` characters."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def shown_path(path, most=100):
    """Return a path as a message shows it: the end of one that is too long."""
    text = str(path)
    return shown(text, most) if len(text) <= most else "…" + shown(text[1 - most :], most - 1)


def listed(names, most=5):
    """Return names as a message lists them: the first `most`, and how many more."""
    names = [*names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def _megabytes(size):
    return f"{size / 1e6:,.0f}" if size < 1e15 else f"{size / 1e6:.0e}"

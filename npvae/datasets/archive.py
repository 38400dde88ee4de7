"""A reader of .npz and .npy files that could be damaged or hostile: of data, and of checkpoints.

`numpy.load` believes what a file says. This reader guards against

    programs      arrays of Python objects, which are pickled: to unpickle them can run any program
    bombs         a header that announces terabytes, and a zip member that unpacks to gigabytes from a few bytes:
                  sizes are compared with the limits in files.py before any memory is taken
    lies          a header whose shape and type do not need exactly the bytes that follow
    other files   pipes and devices, which `open` would wait for or read forever
    damage        whatever goes wrong in the zip and npy layers becomes one UserError, of at most 300 characters

It reads only the requested members, and only those that are stored or deflated, as NumPy writes them: other methods of
compression may take memory that no limit covers. Sources: PKWARE's APPNOTE.TXT for zip files, `numpy.lib.format` for
arrays.
"""

import contextlib
import io
import math
import os
import warnings
import zipfile

import numpy as np

from ..errors import UserError
from .files import fill, open_file, require_room, shown, shown_path

ONLY_ARRAY = "arr_0"  # the name of an array without a name, as in numpy.savez(path, x)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def names_in(source, called=None):
    """Return the names of the arrays in a file, as a list; the arguments are those of `read`."""
    with _members(source, called or _name_of(source), METHODS) as (members, _):
        return [*members]


def read(source, names=None, called=None, is_packed=True):
    """Return arrays of an .npz or .npy file: a dict from their names.

    source      the path of the file, or its content as bytes
    names       read only those of these names that exist; None for all; the array of an .npy file is called "arr_0"
    called      what an error message calls the file; by default its path
    is_packed   whether members may be compressed; if not, the arrays take no more memory than the file has bytes

    Raises UserError for a file that is missing, unreadable, damaged or too large, and for arrays of anything but
    numbers and text.
    """
    called = called or _name_of(source)
    with _members(source, called, METHODS if is_packed else METHODS[:1]) as (members, packed):
        chosen = {name: member for name, member in members.items() if names is None or name in names}
        size = sum(size for _, size in chosen.values())
        require_room(size, packed, called)
        if size > packed and not is_packed:
            raise UserError(f"{called} is damaged, its arrays are larger than the file: write it again")
        return {name: _read_array(open_member, size, name, called) for name, (open_member, size) in chosen.items()}


@contextlib.contextmanager
def _members(source, called, methods):
    """Yield a dict from the name of each array to a function that opens it and its size, and the size of the file."""
    with io.BytesIO(source) if isinstance(source, bytes) else open_file(source) as file:
        try:
            packed = file.seek(0, os.SEEK_END)
            file.seek(0)
            begin = file.read(4)
            file.seek(0)
            if begin == b"\x93NUM":
                yield {ONLY_ARRAY: (lambda: contextlib.nullcontext(file), packed)}, packed
            elif begin in (b"PK\x03\x04", b"PK\x05\x06"):   # the first member; or the end of an archive that has none
                with zipfile.ZipFile(file) as archive:
                    infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
                    yield {info.filename[:-4]: _opener(archive, info, methods) for info in infos}, packed
            else:
                raise UserError(f"{called} is not an .npz or .npy file, or is damaged: write it with numpy.savez")
        except UserError:
            raise
        except Exception as error:  # a damaged file makes the zip and npy layers fail in a dozen ways
            reason = shown(f"{type(error).__name__}: {error}", 80)
            raise UserError(f"{called} is damaged ({reason}): write it again") from None


def _name_of(source):
    return "the archive" if isinstance(source, bytes) else shown_path(source)


def _opener(archive, info, methods):
    def open_member():
        if info.compress_type not in methods:
            raise ValueError(f"compressed by method {info.compress_type}")
        if info.flag_bits & 1:
            raise ValueError("encrypted")
        return archive.open(info)

    return open_member, info.file_size


def _read_array(open_member, size, name, called):
    """Return the array in a member of `size` bytes, header included."""
    with open_member() as stream:
        shape, is_fortran, dtype = _read_header(stream)
        if dtype.hasobject:
            raise UserError(
                f"the array {shown(name)!r} in {called} holds pickled Python objects, which could run any program when "
                "they are read: save arrays of numbers"
            )
        if dtype.kind not in "biufcSU" or not dtype.itemsize:
            raise UserError(f"the array {shown(name)!r} in {called} holds {shown(dtype)}, expected numbers or text")
        needed, left = math.prod(shape) * dtype.itemsize, size - stream.tell()
        if needed != left or min(shape, default=0) < 0:
            raise ValueError(f"{shown(name)!r} has {left} bytes, its header announces {needed}")
        array = np.empty(shape[::-1] if is_fortran else shape, dtype)
        if fill(array, stream) < needed:
            raise EOFError(f"{shown(name)!r} ends early")
        if stream.read(1):  # at the end, the zip layer also compares the checksum
            raise ValueError(f"{shown(name)!r} does not end where it should")
        return array.T if is_fortran else array


def _read_header(stream):
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the format")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old headers, which it reads nevertheless
        return readers[version](stream)

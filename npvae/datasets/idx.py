"""The IDX file format, in which MNIST and its relatives are published.

    bytes 0, 1    zero
    byte  2       the type of the numbers, see TYPES; MNIST has unsigned bytes
    byte  3       n, the number of dimensions
    then          n sizes, each a 32-bit integer, most significant byte first
    then          the numbers, most significant byte first, the last dimension running fastest

A file may be compressed with gzip. Source: the page of the MNIST database, section "File formats".
"""

import hashlib
import math
import struct

import numpy as np

from ..errors import UserError
from .files import fill, open_unpacked, require_room, shown_path

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 32  # of a NumPy array


def read_idx(path, sha256=None):
    """Return the array in an IDX file, compressed or not.

    sha256   the checksum that the *unpacked* bytes must have, in hexadecimal; None to accept any

    Raises UserError, with the path, for a file that is missing, unreadable, damaged, too large or in another format,
    whose length does not match its sizes, or whose checksum differs.
    """
    called = shown_path(path)
    with open_unpacked(path) as (stream, packed):
        begin = stream.read(4)
        if len(begin) < 4 or begin[:2] != b"\0\0":
            found = f"begins with {begin.hex(' ')}" if len(begin) == 4 else f"has only {len(begin)} bytes"
            raise UserError(f"{called} is not an IDX file: it {found}, expected 00 00 08 and more")
        kind, dimensions = begin[2:]
        if kind not in TYPES:
            types = ", ".join(f"{known:#04x}" for known in TYPES)
            raise UserError(f"{called} holds IDX numbers of type {kind:#04x}, expected one of {types}")
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise UserError(f"{called} says that it has {dimensions} dimensions, expected 1 to {MOST_DIMENSIONS}")
        sizes = stream.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise UserError(f"{called} ends inside its IDX header: it has {4 + len(sizes)} bytes; get it again")
        shape = struct.unpack(f">{dimensions}I", sizes)
        expected = math.prod(shape) * np.dtype(TYPES[kind]).itemsize
        if expected == 0:
            raise UserError(f"{called} holds no numbers, its sizes are {_product(shape)}: get it again")
        require_room(expected, packed, called)
        array = np.empty(shape, TYPES[kind])
        found = fill(array, stream)
        if found != expected or stream.read(1):
            follow = f"{found} follow" if found < expected else "more follow"
            raise UserError(
                f"{called} says that it holds {_product(shape)} numbers, {expected} bytes, but {follow}: it is cut off "
                "or damaged; get it again"
            )
    if sha256 is not None:
        digest = hashlib.sha256(begin + sizes)
        digest.update(array)
        found = digest.hexdigest()
        if found != sha256:
            raise UserError(
                f"{called} is damaged or not the published file: its checksum is {found[:16]}…, expected "
                f"{sha256[:16]}…; remove it and get it again"
            )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _product(shape):
    """Return "2 × 3 × 5" for (2, 3, 5), without the middle of a long one."""
    sizes = [*map(str, shape)]
    return " × ".join(sizes if len(sizes) <= 4 else [*sizes[:3], "…", sizes[-1]])

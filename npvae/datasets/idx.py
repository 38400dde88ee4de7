"""The IDX file format, in which MNIST and its relatives are published.

    bytes 0, 1    zero
    byte  2       the type of the numbers: 8 is uint8, the only one used for images and labels
    byte  3       n, the number of dimensions
    then          n sizes, each a 32-bit integer, most significant byte first
    then          the numbers, the last dimension running fastest

A file may be compressed with gzip. Source: the page of the MNIST database, section "File formats".
"""

import gzip
import hashlib
import math
import struct
import zlib

import numpy as np

from ..errors import UserError

UINT8 = 8
MOST_DIMENSIONS = 4  # images with channels


def read_idx(path, sha256=None):
    """Return the array of uint8 in an IDX file, compressed or not.

    sha256   the checksum that the *unpacked* bytes must have, in hexadecimal; None to accept any

    Raises UserError, with the path, for a file that is missing, unreadable, damaged or in another format, whose length
    does not match its sizes, or whose checksum differs.
    """
    data = _unpack(path)
    if len(data) < 4 or data[:2] != b"\0\0":
        found = f"begins with {data[:4].hex(' ')}" if len(data) >= 4 else f"has only {len(data)} bytes"
        raise UserError(f"{path} is not an IDX file: it {found}, expected 00 00 08 and more")
    kind, dimensions = data[2], data[3]
    if kind != UINT8:
        raise UserError(f"{path} holds IDX numbers of type {kind:#04x}, expected 0x08, unsigned bytes")
    start = 4 + 4 * dimensions
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise UserError(f"{path} says that it has {dimensions} dimensions, expected 1 to {MOST_DIMENSIONS}")
    if len(data) < start:
        raise UserError(f"{path} ends inside its IDX header: it has {len(data)} bytes; get it again")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    expected, found = math.prod(shape), len(data) - start
    if found != expected or expected == 0:
        raise UserError(
            f"{path} says that it holds {' × '.join(map(str, shape))} = {expected} bytes, but {found} follow: it is "
            "cut off or damaged; get it again"
        )
    if sha256 is not None:
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise UserError(
                f"{path} is damaged or not the published file: its checksum is {found[:16]}…, expected {sha256[:16]}…; "
                "remove it and get it again"
            )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _unpack(path):
    """Return the bytes of a file, decompressed if it begins like a gzip file."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is cut off or damaged, it cannot be unpacked ({error}): get it again") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None

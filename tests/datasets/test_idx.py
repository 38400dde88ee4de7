"""Proves that an IDX file is read as it was written, or refused with one sentence, whatever happened to it.

These tests would catch a truncated file that is read as fewer images, a header that is trusted blindly, and a checksum
that is ignored.
"""

import gzip
import hashlib
import os
import struct
import sys
import tracemalloc

import numpy as np
import pytest

from npvae.datasets import read_idx
from npvae.datasets.idx import TYPES
from npvae.errors import UserError

IMAGES = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)


def idx_bytes(array, magic=None, shape=None):
    shape = array.shape if shape is None else shape
    magic = bytes([0, 0, 8, len(shape)]) if magic is None else magic
    return magic + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


@pytest.fixture
def write(tmp_path):
    def write(data):
        path = tmp_path / "images-idx3-ubyte"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_what_was_written_is_read(write, pack):
    data = idx_bytes(IMAGES)
    assert np.array_equal(read_idx(write(pack(data)), hashlib.sha256(data).hexdigest()), IMAGES)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(30,), (5, 6), (1, 2, 3, 1, 5, 1)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_type_and_rank(write, kind, shape, pack):
    x = (np.arange(30) - 15 * (kind != 8)).reshape(shape).astype(TYPES[kind])
    found = read_idx(write(pack(idx_bytes(x, magic=bytes([0, 0, kind, len(shape)])))))
    assert found.shape == shape and np.array_equal(found, x) and found.dtype.isnative


GOOD = idx_bytes(IMAGES)


@pytest.mark.parametrize(
    "data, message",
    [
        (GOOD[:-1], "says that it holds 2 × 3 × 5 numbers, 30 bytes, but 29 follow"),
        (GOOD + b"x", "but more follow"),
        (GOOD[:10], "ends inside its IDX header"),
        (GOOD[:3], "has only 3 bytes"),
        (b"", "not an IDX file"),
        (b"PK\x03\x04" + GOOD, "not an IDX file: it begins with 50 4b 03 04"),
        (idx_bytes(IMAGES, magic=b"\0\0\x0a\x03"), "type 0x0a, expected one of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e"),
        (idx_bytes(IMAGES, magic=b"\0\0\x0d\x03"), "2 × 3 × 5 numbers, 120 bytes, but 30 follow"),
        (idx_bytes(IMAGES, magic=b"\0\0\x08\x00", shape=()), "says that it has 0 dimensions"),
        (idx_bytes(IMAGES, shape=(1,) * 100), "says that it has 100 dimensions, expected 1 to 32"),
        (idx_bytes(IMAGES[:0], shape=(0, 2**32 - 1, 2**32 - 1)), "holds no numbers, its sizes are 0 × 4294967295"),
        (idx_bytes(IMAGES, shape=(2**31, 2**31, 4)), r"unpacks to 2e\+13 MB, more than 200 times its own size"),
        (idx_bytes(IMAGES, shape=(2**32 - 1,) * 32), r"unpacks to .*, more than 200 times"),
        (idx_bytes(IMAGES, shape=(2, 2, 2, 2, 2, 2)), "2 × 2 × 2 × … × 2 numbers, 64 bytes, but 30 follow"),
        (gzip.compress(GOOD, mtime=0)[:-9], "cannot be unpacked"),
        (gzip.compress(GOOD, mtime=0)[:-8] + bytes(8), "cannot be unpacked"),
        (b"\x1f\x8b" + bytes(40), "cannot be unpacked"),
    ],
)
def test_damage_is_named(write, data, message):
    path = write(data)
    with pytest.raises(UserError, match=message) as raised:
        read_idx(path)
    message = str(raised.value)
    assert str(path) in message and message.isprintable() and len(message) <= 300


def test_a_bomb(write):
    """The first 300 MB of a file that announces them, in 300 kB."""
    header = idx_bytes(IMAGES[:0], magic=b"\0\0\x08\x03", shape=(300, 2**10, 2**10))
    path = write(gzip.compress(header) + gzip.compress(bytes(2**20)) * 300)
    tracemalloc.start()
    with pytest.raises(UserError, match="unpacks to 315 MB, more than 200 times its own size"):
        read_idx(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe")
def test_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a pipe or a device"):
        read_idx(tmp_path / "pipe")


def test_every_single_byte_counts(write):
    """With a checksum, no byte can change unnoticed; without one, a pixel could."""
    checksum = hashlib.sha256(GOOD).hexdigest()
    for i in range(len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[i] ^= 1
        with pytest.raises(UserError):
            read_idx(write(bytes(damaged)), checksum)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        read_idx(tmp_path / "none")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_idx(tmp_path)

"""Proves that an IDX file is read as it was written, or refused with one sentence, whatever happened to it.

These tests would catch a truncated file that is read as fewer images, a header that is trusted blindly, and a checksum
that is ignored.
"""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from npvae.datasets import read_idx
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


GOOD = idx_bytes(IMAGES)


@pytest.mark.parametrize(
    "data, message",
    [
        (GOOD[:-1], "says that it holds 2 × 3 × 5 = 30 bytes, but 29 follow"),
        (GOOD + b"x", "but 31 follow"),
        (GOOD[:10], "ends inside its IDX header"),
        (GOOD[:3], "has only 3 bytes"),
        (b"", "not an IDX file"),
        (b"PK\x03\x04" + GOOD, "not an IDX file: it begins with 50 4b 03 04"),
        (idx_bytes(IMAGES, magic=b"\0\0\x0d\x03"), "type 0x0d, expected 0x08"),
        (idx_bytes(IMAGES, magic=b"\0\0\x08\x00", shape=()), "says that it has 0 dimensions"),
        (idx_bytes(IMAGES, shape=(1,) * 100), "says that it has 100 dimensions, expected 1 to 4"),
        (idx_bytes(IMAGES[:0], shape=(0, 2**32 - 1, 2**32 - 1)), "but 0 follow"),
        (idx_bytes(IMAGES, shape=(2**31, 2**31, 4)), "but 30 follow"),
        (gzip.compress(GOOD)[:-9], "cannot be unpacked"),
        (gzip.compress(GOOD)[:-8] + bytes(8), "cannot be unpacked"),
        (b"\x1f\x8b" + bytes(40), "cannot be unpacked"),
    ],
)
def test_damage_is_named(write, data, message):
    path = write(data)
    with pytest.raises(UserError, match=message) as raised:
        read_idx(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


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

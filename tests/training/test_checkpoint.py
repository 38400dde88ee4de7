"""Proves that a checkpoint is complete or absent, and that no changed bit goes unnoticed.

These tests would catch a file that is written in place, a checksum that does not cover the archive's directory, and a
loader that unpickles.
"""

import hashlib
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.training import checkpoint

ARRAYS = {"model/W": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.array(3), "empty": np.zeros((0, 2))}
SETTINGS = {"lr": 0.1, "hidden": [3, 4], "state": 2**127 + 1, "name": "µ"}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.npz"
    checkpoint.save(path, ARRAYS, SETTINGS)
    return path


def same(found):
    arrays, settings = found
    return settings == SETTINGS and arrays.keys() == ARRAYS.keys() and all(
        np.array_equal(arrays[name], a) and arrays[name].dtype == a.dtype for name, a in ARRAYS.items()
    )


def test_what_was_saved_is_loaded(path):
    assert same(checkpoint.load(path))
    assert [p.name for p in path.parent.iterdir()] == ["model.npz"]


def test_numpy_can_open_it_too(path):
    with np.load(path) as file:
        assert np.array_equal(file["model/W"], ARRAYS["model/W"])
    assert zipfile.ZipFile(path).testzip() is None


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    checkpoint.save(tmp_path / "again.npz", ARRAYS, SETTINGS)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_any_changed_byte_is_noticed(path):
    content = path.read_bytes()
    for i in range(len(content)):
        for bit in (1, 128):
            damaged = bytearray(content)
            damaged[i] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(UserError, match="damaged or cut off"):
                checkpoint.load(path)


def test_any_truncation_or_addition_is_noticed(path):
    content = path.read_bytes()
    for damaged in [*(content[:n] for n in range(0, len(content), 7)), content + b"\0"]:
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="damaged or cut off"):
            checkpoint.load(path)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(UserError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "none.npz")
    with pytest.raises(UserError, match="cannot be read"):
        checkpoint.load(tmp_path)


def test_objects_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        checkpoint.save(tmp_path / "model.npz", {"x": np.array([object()])}, {})


FILLS_UP = """
import resource, sys
import numpy as np
from npvae.training import checkpoint
from npvae.errors import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoint.save(sys.argv[1], {"x": np.zeros(100_000)}, {})
except UserError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_fills_up_leaves_the_previous_checkpoint(path):
    """In a process that may write only 100 kB to a file, the write fails halfway, as on a full disk."""
    found = subprocess.run([sys.executable, "-c", FILLS_UP, str(path)], capture_output=True, text=True, check=True)
    assert "could not be written: File too large; the previous one, if any, is untouched" in found.stdout
    assert same(checkpoint.load(path))
    assert [p.name for p in path.parent.iterdir()] == ["model.npz"]


def test_the_bytes_are_on_the_disk_before_the_renaming(path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        f = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, f=f: (done.append(name), f(*a)))
    checkpoint.save(path, ARRAYS, SETTINGS)
    assert done == ["fsync", "replace"]


def test_a_crash_before_the_renaming_leaves_the_previous_checkpoint(path, monkeypatch):
    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, {"x": np.zeros(3)}, {})
    assert same(checkpoint.load(path))


def test_a_pickle_in_an_archive_with_a_right_checksum_is_not_executed(path):
    """Even someone who knows the format cannot make `load` run a program."""

    class Program:
        def __reduce__(self):
            return print, ("this must not run",)

    buffer = io.BytesIO()
    np.savez(buffer, x=np.array([Program()]), settings=np.array("{}"))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * 64
    content = bytearray(buffer.getvalue())
    content[-64:] = hashlib.sha256(content[:-64]).hexdigest().encode()
    path.write_bytes(content)
    with pytest.raises(UserError, match="pickled Python objects"):
        checkpoint.load(path)

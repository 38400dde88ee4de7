"""Proves that only regular files are opened, that nothing takes more memory than there is, and that messages are clean.

These tests would catch a pipe that hangs the program, and a line break that a file smuggles into a message.
"""

import os
import sys

import pytest

from npvae.datasets import files
from npvae.errors import UserError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices")


def test_a_regular_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with files.open_file(tmp_path / "file") as file:
        assert file.read() == b"content"


@POSIX
def test_pipes_and_devices_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", "/dev/stdin"):
        with pytest.raises(UserError, match=r"is a pipe or a device|cannot be read"):
            files.open_file(path)


def test_what_cannot_be_read(tmp_path):
    for path, message in ((tmp_path / "none", "there is no file"), (tmp_path, "cannot be read"), ("a\0b", "null byte")):
        with pytest.raises(UserError, match=message) as raised:
            files.open_file(path)
        assert "\0" not in str(raised.value)


def test_room(monkeypatch):
    monkeypatch.setattr(files, "available_memory", lambda: 10**10)
    files.require_room(2 * 10**9, 2 * 10**9, "honest")
    files.require_room(3 * 10**8, 3 * 10**6, "well packed")
    files.require_room(2 * 10**8, 10, "small")
    with pytest.raises(UserError, match="bomb unpacks to 2,000 MB, more than 200 times its own size"):
        files.require_room(2 * 10**9, 9 * 10**6, "bomb")
    with pytest.raises(UserError, match="large takes 3,000 MB of memory, and data may take at most 2,500 MB"):
        files.require_room(3 * 10**9, 3 * 10**9, "large")
    with pytest.raises(UserError, match=r"unpacks to 1e\+194 MB"):
        files.require_room(10**200, 10, "bomb")


def test_the_memory_that_is_available():
    assert 2**26 < files.available_memory() < 2**50


def test_what_a_file_says_is_shown_on_one_short_line():
    assert files.shown("x") == "x" and files.shown("größe") == "größe"
    assert files.shown("a\nb\x1b[31m\u202e\udc80") == r"a\nb\x1b[31m\u202e\udc80"
    assert files.shown("x" * 60_066) == "x" * 39 + "…" and len(files.shown("\n" * 40)) == 40
    assert files.shown_path("/" + "d" * 200 + "/mine.npz").endswith("dd/mine.npz")
    assert len(files.shown_path("\n" * 300)) == 100

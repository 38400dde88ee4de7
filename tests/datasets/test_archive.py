"""Proves that an archive of arrays is read as it was written, and that a hostile one costs neither memory nor time.

These tests would catch a pickle that runs, a bomb that unpacks, a header that is believed, and a message of many lines.
"""

import io
import os
import struct
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from npvae.datasets import archive, files
from npvae.errors import UserError

ARRAYS = {
    "x": np.arange(24.0).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(15, dtype=np.float32).reshape(3, 5)),
    "scalar": np.array(7),
    "empty": np.zeros((0, 3)),
    "big": np.arange(5, dtype=">i4"),
    "text": np.array(["a", "größer", ""]),
    "bytes": np.array([b"ab", b"c"]),
    "truth": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "half": np.arange(3, dtype=np.float16),
    "a/b.c": np.arange(300_000),                            # takes more than one read
}


@pytest.fixture
def write(tmp_path):
    def write(content, name="mine.npz"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def npz(save=np.savez, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npy_header(header, version=1):
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode("latin1")


def zipped(compression=zipfile.ZIP_DEFLATED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zip_file:
        for name, content in members.items():
            zip_file.writestr(name, content)
    return file.getvalue()


def refuse(source, names=None):
    """Assert that reading is refused in one short sentence, at once and without taking memory; return it."""
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(UserError) as raised:
        archive.read(source, names)
    assert time.process_time() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    message = str(raised.value)
    assert len(message) <= 300 and message.isprintable()
    return message


def same(found, expected):
    return found.dtype == expected.dtype and found.shape == expected.shape and np.array_equal(found, expected)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_was_written_is_read(write, save):
    content = npz(save, **ARRAYS)
    for source in (write(content), str(write(content)), content):
        found = archive.read(source)
        assert found.keys() == ARRAYS.keys() and all(same(found[name], a) for name, a in ARRAYS.items())
        assert archive.names_in(source) == [*ARRAYS]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_single_array(write, name):
    content = npy(ARRAYS[name])
    for source in (write(content, "mine.npy"), content):
        assert archive.names_in(source) == ["arr_0"]
        assert same(archive.read(source)["arr_0"], ARRAYS[name])
    assert archive.read(content, ["x"]) == {}


def test_only_what_is_requested_is_read(write):
    path = write(npz(x=np.arange(3), objects=np.array([{}, {}]), y=np.arange(4)))
    assert archive.read(path, ["y", "x", "z"]).keys() == {"x", "y"}
    assert "'objects'" in refuse(path, ["objects"])
    assert archive.names_in(path) == ["x", "objects", "y"]
    assert archive.read(npz()) == {} and archive.names_in(npz()) == []
    assert archive.names_in(zipped(**{"picture.png": b"", "x.npy": npy(np.arange(3))})) == ["x"]


class Program:
    def __reduce__(self):
        return print, ("this must not run",)


def test_nothing_is_executed(capsys):
    for content in (npz(x=np.array([Program()])), npy(np.array([Program()]))):
        assert "pickled Python objects, which could run any program" in refuse(content)
    fields = np.zeros(2, [("a", "O"), ("b", "f4")])
    assert "pickled Python objects" in refuse(npz(x=fields))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("dtype", ["datetime64[s]", [("a", "f4")], "V3", "f4, (3,)i4"])
def test_types_that_are_neither_numbers_nor_text(dtype):
    assert "expected numbers or text" in refuse(npz(x=np.zeros(3, dtype)))


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
HEADERS = {
    "terabytes": HEADER.replace("(3,)", "(10000000, 10000000)"),
    "more than an integer": HEADER.replace("(3,)", "(" + "9" * 300 + ",)"),
    "more than a printable integer": HEADER.replace("(3,)", "(" + ("9" * 4000 + ",") * 2 + ")"),
    "negative": HEADER.replace("(3,)", "(-3,)"),
    "two negatives": HEADER.replace("(3,)", "(-3, -1)"),
    "no numbers of endless rows": HEADER.replace("(3,)", "(0, 9223372036854775807, 4)"),
    "a hundred dimensions": HEADER.replace("(3,)", "(" + "1," * 99 + "3)"),
    "too few": HEADER.replace("(3,)", "(2,)"),
    "too many": HEADER.replace("(3,)", "(4,)"),
    "another type": HEADER.replace("<f8", "<f4"),
    "a wide type": HEADER.replace("<f8", "<U999999999"),
    "an empty type": HEADER.replace("<f8", "<U0").replace("3,", "999999999999,"),
    "no type": HEADER.replace("'<f8'", "'rubbish\\n'"),
    "a shape of text": HEADER.replace("(3,)", "'abc'"),
    "no dict": "[1, 2]",
    "a program": "__import__('os').system('echo this must not run')",
    "nested": "(" * 9000,
    "nested minus": "-" * 9000 + "1",
    "nested lists": "[" * 4000 + "]" * 4000,
    "broken text": "{'descr': '",
    "bytes": "\x00\xff\x00",
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_that_lie(write, name, version, capfd):
    content = npy_header(HEADERS[name], version) + np.arange(3.0).tobytes()
    for source in (content, write(content, "mine.npy"), zipped(**{"x.npy": content})):
        assert "damaged" in refuse(source) or name == "an empty type"
    assert capfd.readouterr() == ("", "")


def test_a_header_longer_than_the_file():
    assert "damaged" in refuse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{")


def bomb(megabytes, compression=zipfile.ZIP_DEFLATED):
    """Return an archive whose array of zeros is that large."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=9) as zip_file, zip_file.open("x.npy", "w") as member:
        member.write(npy_header(HEADER.replace("<f8", "|u1").replace("3,", f"{megabytes * 2**20},")))
        for _ in range(megabytes):
            member.write(bytes(2**20))
    return file.getvalue()


def test_bombs(write):
    content = bomb(300)
    assert len(content) < 2**20
    message = refuse(write(content))
    assert "mine.npz unpacks to 315 MB, more than 200 times its own size" in message and "without comp" in message
    assert archive.names_in(content) == ["x"]
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        assert f"compressed by method {method}" in refuse(bomb(1, method))
    assert archive.read(bomb(20))["x"].shape == (20 * 2**20,)


def test_a_bomb_in_many_members():
    member = npy(np.zeros(2**25, np.uint8))
    content = zipped(**{f"x{i}.npy": member for i in range(9)})
    assert "unpacks to 302 MB" in refuse(content)
    assert len(archive.read(content, ["x3"])) == 1


def test_what_is_larger_than_the_memory(write, monkeypatch):
    monkeypatch.setattr(files, "available_memory", lambda: 10**6)
    content = npz(x=np.zeros(100_000), y=np.arange(3))
    assert "takes 1 MB of memory, and data may take at most 0 MB" in refuse(content)
    assert archive.read(content, ["y"])["y"].tolist() == [0, 1, 2]
    with open(write(npy_header(HEADER.replace("3,", f"{2**40},")), "mine.npy"), "ab") as file:
        file.truncate(2**43 + file.tell())
    assert "of memory" in refuse(file.name)


def test_a_member_whose_directory_lies():
    """The directory of the archive says how long a member is; the deflated stream is longer or shorter."""
    content = zipped(**{"x.npy": npy(np.zeros(1000))})
    size = struct.pack("<I", len(npy(np.zeros(1000))))
    for other in (struct.pack("<I", 2**31), struct.pack("<I", 300), struct.pack("<I", 0)):
        assert "damaged" in refuse(content.replace(size, other)) or "unpacks" in refuse(content.replace(size, other))


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and devices")
def test_pipes_and_devices(tmp_path):
    os.mkfifo(tmp_path / "mine.npz")
    assert "mine.npz is a pipe or a device, expected a file" in refuse(tmp_path / "mine.npz")
    assert "is a pipe or a device" in refuse("/dev/zero")


def test_names_are_shown_on_one_short_line(write):
    name = "x\n\x1b[2J" + "y" * 60_000
    for array in (np.array([{}]), np.zeros(2, "V2")):
        refuse(npz(**{name: array}))
    refuse(zipped(**{name + ".npy": b"rubbish"}))
    refuse(write(b"", "y" * 200 + "\n.npz"))


def test_damage(write):
    content = npz(x=np.arange(40.0))
    for damaged in (b"", b"hello" * 20, content[:-30], content[:60], content[1:], b"PK\x05\x06", b"\x93NUMPY"):
        assert "damaged" in refuse(write(damaged))
    encrypted = bytearray(content)
    encrypted[6] |= 1
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refuse(bytes(encrypted))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_changed_bit_does_harm(save):
    """The checksum of the member covers its bytes; what a changed directory still gives is what was written."""
    x = np.arange(40.0)
    content = npz(save, x=x)
    for i in range(len(content)):
        for bit in (1, 16, 128):
            damaged = bytearray(content)
            damaged[i] ^= bit
            try:
                found = archive.read(bytes(damaged))
            except UserError as error:
                assert len(str(error)) <= 300 and str(error).isprintable()
            else:
                assert all(same(array, x) for array in found.values())


def test_a_missing_file_and_a_name_for_the_message(tmp_path):
    assert "there is no file" in refuse(tmp_path / "none.npz")
    with pytest.raises(UserError, match=r"^the checkpoint is damaged"):
        archive.read(npz(x=np.arange(3))[:-5], called="the checkpoint")

"""Proves that a file is replaced whole or not at all, that no link is written through, and that nothing is left.

These tests would catch a picture that overwrites what a link points to, and an unfinished file of a living process that
is taken for abandoned.
"""

import os
import subprocess
import sys
import time

import pytest

from npvae.errors import UserError
from npvae.training.replacing import remove_abandoned, replacing, require_writable

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs links, locks and permissions")


def write(path, content=b"new"):
    with replacing(path) as file:
        file.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced(tmp_path):
    write(tmp_path / "file", b"old")
    write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new" and names(tmp_path) == ["file"]


@POSIX
def test_a_link_is_replaced_and_its_target_is_untouched(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"precious")
    for name, target in (("link", "elsewhere"), ("dangling", "missing")):
        (tmp_path / name).symlink_to(tmp_path / target)
        write(tmp_path / name)
        assert not (tmp_path / name).is_symlink() and (tmp_path / name).read_bytes() == b"new"
    os.link(tmp_path / "elsewhere", tmp_path / "hard")
    write(tmp_path / "hard")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious" and not (tmp_path / "missing").exists()


@POSIX
def test_a_link_in_the_place_of_the_unfinished_file_is_not_written_through_either(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / f"file.{os.getpid()}.partial").symlink_to(tmp_path / "elsewhere")
    write(tmp_path / "file")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious" and names(tmp_path) == ["elsewhere", "file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_after_an_exception_the_previous_file_stays(tmp_path, error):
    write(tmp_path / "file", b"old")
    with pytest.raises(error), replacing(tmp_path / "file") as file:
        file.write(b"half")
        raise error
    assert (tmp_path / "file").read_bytes() == b"old" and names(tmp_path) == ["file"]


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "folder", tmp_path / "none" / "file", tmp_path / "file" / "file", tmp_path / ("x" * 400)):
        with pytest.raises(UserError, match="could not be written") as raised:
            write(path)
        assert len(str(raised.value)) <= 300
        with pytest.raises(UserError, match=r"cannot be written|is a folder"):
            require_writable(path)
    require_writable(tmp_path / "new")
    assert names(tmp_path) == ["file", "folder"]


WRITES = """
import sys, time
from npvae.training.replacing import replacing
with replacing(sys.argv[1]) as file:
    print("open", flush=True)
    time.sleep(60)
"""


@POSIX
def test_only_the_unfinished_files_of_dead_processes_are_removed(tmp_path):
    dead, living = (
        subprocess.Popen([sys.executable, "-c", WRITES, tmp_path / "file"], stdout=subprocess.PIPE) for _ in range(2)
    )
    for process in (dead, living):
        process.stdout.readline()
    dead.kill()
    dead.communicate()
    (tmp_path / "notes.partial").write_text("not written by npvae")
    (tmp_path / "link.1.partial").symlink_to(tmp_path / "notes.partial")
    assert len(names(tmp_path)) == 4
    remove_abandoned(tmp_path)
    left = [f"file.{living.pid}.partial", "link.1.partial", "notes.partial"]
    assert names(tmp_path) == left
    living.kill()
    living.communicate()
    remove_abandoned(tmp_path)
    assert names(tmp_path) == left[1:]


RACES = """
import pathlib, sys
from npvae.training.replacing import replacing
for i in range(300):
    with replacing(sys.argv[1]) as file:
        file.write(b"x" * 1000)
print("done")
"""


@POSIX
def test_a_writer_beside_one_that_cleans_up_loses_no_file(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", RACES, tmp_path / "file"], stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        remove_abandoned(tmp_path)
        time.sleep(0)
    assert process.communicate()[0] == "done\n" and names(tmp_path) == ["file"]

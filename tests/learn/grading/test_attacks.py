"""Proves what a student's program can do to the grader: nothing.

Each file in `attacks` tries something: to be taken for right, to stop the grader, to use up the machine, to change or
read what is not its own. These tests would catch a grader that believes what a program says, one that waits forever,
and one that leaves a process or a file behind.
"""

import os
import pathlib
import subprocess
import sys
import time

import pytest

from npvae.learn import catalogue
from npvae.learn.grading import confinement, process
from npvae.learn.grading.marking import mark
from npvae.learn.outcome import BROKEN, PASSED
from tests.learn.grading.classroom import ATTACKS, attack_files, right_files

LIMITS = process.USUAL._replace(seconds=2, memory=2 * 2**30)
SEED = 2024
confined = pytest.mark.skipif(
    "files" not in confinement.protections(), reason="this kernel cannot withhold files from a process"
)


@pytest.fixture
def victim(tmp_path):
    """A folder of the teacher's, and a check that it has not changed."""
    folder = tmp_path / "victim"
    (folder / "inside").mkdir(parents=True)
    secret = "secret_of_another_student = 1\n"
    for place in (folder, folder / "inside"):
        (place / "05_relu.py").write_text(secret)
    before = state(tmp_path)
    yield folder
    assert state(tmp_path) == before


def state(folder):
    """Return the contents, the permissions and the times of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        s = path.lstat()
        found[str(path)] = s.st_mode, s.st_mtime_ns, path.read_bytes() if path.is_file() else b""
    return found


def children():
    """Return the processes that this one has started and that still exist."""
    status = (path / "status" for path in pathlib.Path("/proc").iterdir() if path.name.isdigit())
    found = []
    for path in status:
        try:
            if f"PPid:\t{os.getpid()}\n" in path.read_text():
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


@confined
@pytest.mark.parametrize("attack", [path.stem for path in sorted(ATTACKS.glob("*.py"))])
@pytest.mark.parametrize("name", ["relu", "bug_2"])
def test_an_attack_gains_nothing_and_harms_nothing(attack, name, victim, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = attack_files(name, str(victim))[attack].encode()
    before, start = children(), time.monotonic()
    marked = mark(catalogue.find(name), "05_relu.py", source, SEED, LIMITS)
    assert marked.status != PASSED, marked
    assert time.monotonic() - start < LIMITS.seconds + process.GRACE + 15
    assert children() == before
    assert not any(words in "".join(marked.lines) for words in ("can be set", "can outlive"))
    assert "secret_of_another_student" not in "\n".join(marked.lines)
    assert not any(c in "\n".join(marked.lines) for c in "\033\a\r\u202e")
    assert all(len(line) <= 300 for line in marked.lines) and len(marked.lines) <= 200
    right = mark(catalogue.find("relu"), "05_relu.py", right_files("relu")[0].encode(), SEED, LIMITS)
    assert right.status == PASSED, right                                               # the grader goes on as before


@confined
def test_what_the_student_reads_about_an_endless_loop():
    source = b"def relu(x):\n    while True:\n        x = x\n"
    marked = mark(catalogue.find("relu"), "05_relu.py", source, SEED, LIMITS)
    assert marked.status == BROKEN
    assert "05_relu.py, line " in marked.lines[0] and "It was stopped after 2 s" in marked.lines[-1]


def test_a_forged_pass_is_a_note_for_the_teacher():
    source = attack_files("relu")["answers_of_another_check"].encode()
    marked = mark(catalogue.find("relu"), "05_relu.py", source, SEED, LIMITS)
    assert marked.status != PASSED and "claims to have passed, but" in marked.notes[0]


def test_what_a_program_prints_is_shown():
    source = b"import sys\nprint('to the output')\nprint('to the errors', file=sys.stderr)\n"
    marked = mark(catalogue.find("relu"), "05_relu.py", source + right_files("relu")[0].encode(), SEED, LIMITS)
    assert marked.has_passed and marked.lines[:3] == [
        "  Your program printed:", "  | to the output", "  | to the errors"
    ]  # fmt: skip


@confined
def test_what_lies_beside_the_package_cannot_be_read():
    """A teacher may keep the submissions in the folder in which npvae was cloned."""
    root = pathlib.Path(process.__file__).parents[3]
    source = f"import os\nprint(os.listdir({str(root / 'npvae')!r})[:1])\nprint(os.listdir({str(root)!r}))\n"
    marked = mark(catalogue.find("relu"), "05_relu.py", source.encode(), SEED, LIMITS)
    if "site-packages" not in str(root):
        assert "PermissionError" in marked.lines[-1] and "line 3" in "\n".join(marked.lines), marked


def test_without_fork(monkeypatch):
    """Other systems start a new Python for each file: the same marks."""
    monkeypatch.setattr(process, "CAN_FORK", False)
    relu = catalogue.find("relu")
    assert mark(relu, "05_relu.py", right_files("relu")[0].encode(), SEED, LIMITS).status == PASSED
    for attack in ("exit_with_success", "endless_loop", "patched_check"):
        assert mark(relu, "05_relu.py", attack_files("relu")[attack].encode(), SEED, LIMITS).status != PASSED


def test_a_program_dies_with_its_grader(tmp_path):
    """If the grader is killed, so is the program that it runs, which nobody else would end."""
    code = (
        "from npvae.learn import catalogue\nfrom npvae.learn.grading.marking import mark\n"
        "mark(catalogue.find('relu'), 'relu.py', b'while True: pass', 1)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    grader = subprocess.Popen([sys.executable, "-c", code], env=environment)
    ends = time.monotonic() + 30
    while not list(tmp_path.glob("*/home/relu.py")) and time.monotonic() < ends:
        time.sleep(0.05)
    time.sleep(0.3)
    grader.kill()
    grader.wait()
    home = str(next(tmp_path.glob("*/home")))
    while time.monotonic() < ends and any(_works_in(path, home) for path in pathlib.Path("/proc").glob("[0-9]*")):
        time.sleep(0.05)
    assert not any(_works_in(path, home) for path in pathlib.Path("/proc").glob("[0-9]*"))


def _works_in(path, folder):
    try:
        return os.readlink(path / "cwd") == folder
    except OSError:
        return False

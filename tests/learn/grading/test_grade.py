"""Proves a teacher's way through `npvae learn grade`: the table, the files, and that an interrupted run goes on.

These tests would catch points that depend on the draws, a student who is lost or stops the others, a mark that is made
twice, a file that is overwritten, and a cell that a spreadsheet executes.
"""

import csv
import datetime
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from npvae.learn import catalogue
from npvae.learn.grading import summary, tables, worker
from npvae.learn.grading.grade import due_at
from npvae.learn.grading.marking import Mark
from npvae.learn.grading.submissions import Submission
from npvae.learn.museum.exhibits import exhibits_of
from npvae.learn.variants import of_seed
from tests.learn.grading.classroom import attack_files, make, right_files, wrong_files

FEW = ["relu", "kl", "bug_1"]


def write(folder, student, **files):
    """Write a student's folder: texts by the names of the exercises."""
    (folder / student).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / student / catalogue.file_name(catalogue.find(name))).write_text(text, encoding="utf-8")


@pytest.fixture
def small_class(tmp_path):
    folder = tmp_path / "class"
    write(folder, "Ada", relu=right_files("relu")[0], kl=right_files("kl")[0], bug_1=right_files("bug_1")[0])
    write(folder, "Emmy", relu=wrong_files("relu")[0], kl="def kl_to_standard_normal(mu, logvar:\n")
    stub = catalogue.text(catalogue.find("kl"))
    write(folder, "=1+1", relu=attack_files("relu")["answers_of_another_check"], kl=stub)
    (folder / "Kurt.zip").write_bytes(b"no archive")
    return folder


def rows(path):
    """Return the table of a CSV file: a dict from students to dicts."""
    return {row["student"]: row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))}


def state(folder):
    """Return the content and the time of everything in a folder."""
    return {path: (path.is_file() and path.read_bytes(), path.lstat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture
def graded(npvae_, small_class):
    """graded(*options) grades the small class and returns the screen, which must fit into 80 columns."""

    def graded(*options, folder=small_class):
        before = state(folder)
        status, out, error = npvae_("learn", "grade", str(folder), *options)
        assert (status, error) == (0, ""), error
        assert state(folder) == before
        assert all(len(line) <= 80 for line in out.splitlines()), out
        return out

    return graded


def test_a_small_class(graded):
    out = graded("--csv", "grades.csv", "--json", "grades.json", "--exercises", *FEW, "--points", "kl=2.5")
    table = rows(pathlib.Path("grades.csv"))
    assert list(table) == ["'=1+1", "Ada", "Emmy", "Kurt"]
    points = {student: [row["points"], *(row[name] for name in FEW)] for student, row in table.items()}
    assert points == {
        "Ada": ["4.5", "1", "2.5", "1"], "Emmy": ["0"] * 4, "'=1+1": ["0"] * 4, "Kurt": ["0"] * 4,
    }  # fmt: skip
    assert "no zip archive" in table["Kurt"]["problems"] and "claims to have passed, but" in table["'=1+1"]["notes"]
    assert "Ada          4.5  ✓✓✓" in out and "Emmy           0  ✗!\n" in out and "see its file" in out
    written = json.loads(pathlib.Path("grades.json").read_text())
    students = {student["student"]: student for student in written["students"]}
    assert students["Emmy"]["exercises"]["kl"]["status"] == "does not run"
    ada, emmy = (pathlib.Path("grades", "feedback", f"{name}.md").read_text() for name in ("Ada", "Emmy"))
    assert ada.startswith("# Ada: 4.5 of 4.5 points") and "## kl: passed (2.5 of 2.5)" in ada
    assert "relu.py, line" in emmy or "wrong in" in emmy
    assert "SyntaxError" in emmy and "09_kl.py, line 1" in emmy
    (forger,) = pathlib.Path("grades", "feedback").glob("1_1*.md")
    assert "what it computes is wrong" in " ".join(forger.read_text().split())
    assert not any(word in forger.read_text() for word in ("note", "its program claims"))  # notes are for the teacher


def test_what_is_marked_is_not_marked_again(graded, small_class, monkeypatch):
    graded("--exercises", *FEW, "--csv", "first.csv")
    marked = []
    original = worker.marks_of
    monkeypatch.setattr(worker, "marks_of", lambda tasks, scratch: (marked.extend(tasks), original(tasks, scratch))[1])
    graded("--exercises", *FEW, "--csv", "second.csv")
    assert marked == [] and rows(pathlib.Path("first.csv")) == rows(pathlib.Path("second.csv"))
    write(small_class, "Emmy", relu=right_files("relu")[1])
    graded("--exercises", *FEW, "--csv", "third.csv")
    assert [(task["student"], task["exercise"]) for task in marked] == [("Emmy", "relu")]
    assert rows(pathlib.Path("third.csv"))["Emmy"]["points"] == "1"
    seed = json.loads(pathlib.Path("grades", "grading.json").read_text())["seed"]
    graded("--exercises", *FEW, "--csv", "fourth.csv", "--again")
    assert json.loads(pathlib.Path("grades", "grading.json").read_text())["seed"] != seed
    assert rows(pathlib.Path("fourth.csv")) == rows(pathlib.Path("third.csv"))


def test_a_file_that_could_not_be_marked_is_marked_the_next_time(graded, monkeypatch):
    original = worker.marks_of
    lost = lambda tasks, scratch: ((t, None if t["student"] == "Ada" else m) for t, m in original(tasks, scratch))  # noqa: E731
    monkeypatch.setattr(worker, "marks_of", lost)
    out = graded("--exercises", *FEW, "--csv", "first.csv")
    assert "Ada: relu could not be graded" in out and rows(pathlib.Path("first.csv"))["Ada"]["points"] == "0"
    monkeypatch.setattr(worker, "marks_of", original)
    graded("--exercises", *FEW, "--csv", "second.csv")
    assert rows(pathlib.Path("second.csv"))["Ada"]["points"] == "3"


def test_a_helper_that_dies_takes_no_marks_along(monkeypatch, tmp_path):
    """The file is marked by another helper, and those behind it wait for that one."""
    started = []
    original = subprocess.Popen

    def dying(*arguments, **options):
        started.append(original(*arguments, **options))
        if len(started) == 1:
            started[0].kill()
            started[0].wait()
        return started[-1]

    monkeypatch.setattr(worker.subprocess, "Popen", dying)
    monkeypatch.setattr(worker, "cores", lambda: 1)
    relu, source = catalogue.find("relu"), right_files("relu")[0].encode()
    tasks = [worker.Task.of(f"Student {i}", relu, 5, source) for i in range(3)]
    assert [mark.status for _, mark in worker.marks_of(tasks, tmp_path)] == ["passed"] * 3 and len(started) == 2


def test_an_interrupted_run_goes_on(tmp_path):
    folder = tmp_path / "class"
    for i in range(6):
        write(folder, f"Student {i}", relu=right_files("relu")[i], kl=right_files("kl")[i])
    write(folder, "Endless", relu="while True: pass\n")
    grade = [sys.executable, "-m", "npvae", "learn", "grade", "class", "--csv", "grades.csv"]
    process = subprocess.Popen(grade, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    marks, ends = tmp_path / "grades" / "marks", time.monotonic() + 60
    while len(list(marks.glob("*.json"))) < 2 and time.monotonic() < ends:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130 and b"Traceback" not in process.stderr.read()
    done = {path: path.stat().st_mtime_ns for path in marks.glob("*.json")}
    shutil.rmtree(folder / "Endless")
    assert subprocess.run(grade, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    table = rows(tmp_path / "grades.csv")
    assert len(table) == 6 and {row["points"] for row in table.values()} == {"2"}
    assert done and not [child for child in pathlib.Path("/proc").glob("[0-9]*") if _is_grader_of(child, tmp_path)]


def _is_grader_of(process, folder):
    try:
        return str(folder) in os.readlink(process / "cwd") and b"grading" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_the_points_do_not_depend_on_the_draws(npvae_, tmp_path):
    expected = make(tmp_path / "class", 2, seed=3)
    for out in ("one", "two"):
        assert npvae_("learn", "grade", str(tmp_path / "class"), "--out", out, "--csv", f"{out}.csv")[0] == 0
        table = rows(pathlib.Path(f"{out}.csv"))
        assert {student: int(row["points"]) for student, row in table.items() if student in expected} == expected


def test_variants(npvae_, tmp_path):
    """Each student's museum is graded by its seed; a letter of another seed's museum is wrong."""
    folder = tmp_path / "class"
    seeds = {"Ada": "4711", "Emmy": "4712", "Kurt": "4711", "Alan": ""}
    for student, seed in seeds.items():
        exhibits = exhibits_of(seed)
        write(folder, student, **{e.name: f'DEFECT = "{e.defect}"\n{e.source(repaired=True)}' for e in exhibits[:2]})
        if seed:
            (folder / student / "seed.txt").write_text(f"{seed}\n")
    other = exhibits_of("4713")[0]
    assert other.defect != exhibits_of("4711")[0].defect
    write(folder, "Copied", bug_1=f'DEFECT = "{other.defect}"\n{other.source(repaired=True)}')
    (folder / "Copied" / "seed.txt").write_text("4711")
    write(folder, "Untouched", bug_1=catalogue.text(of_seed("4714")[15]))
    (folder / "Untouched" / "seed.txt").write_text("4714")
    status, out, error = npvae_("learn", "grade", str(folder), "--csv", "grades.csv", "--exercises", "bug_1", "bug_2")
    assert (status, error) == (0, "")
    points = {student: row["points"] for student, row in rows(pathlib.Path("grades.csv")).items()}
    assert points == {"Ada": "2", "Emmy": "2", "Kurt": "2", "Alan": "2", "Copied": "0", "Untouched": "0"}
    assert "the seed of its exercises is also that of" in rows(pathlib.Path("grades.csv"))["Ada"]["notes"]
    assert "Untouched 0 ·" in " ".join(out.split())
    assert "there is no seed.txt" in rows(pathlib.Path("grades.csv"))["Alan"]["notes"]


def test_the_picture_of_a_class(graded, small_class):
    write(small_class, "Sofia", relu=wrong_files("relu")[0], bug_1=catalogue.text(catalogue.find("bug_1")))
    graded("--exercises", *FEW, "--summary", "class.png", "--json", "grades.json")
    assert pathlib.Path("class.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads(pathlib.Path("grades.json").read_text())["students"]
    mistakes = {student["student"]: student["exercises"]["relu"]["mistakes"] for student in written}
    assert mistakes["Emmy"] == mistakes["Sofia"] != [] and mistakes["Ada"] == []
    students = [(Submission(name, hints={"relu": n}), {"relu": Mark("passed" if n else "does not run", [])})
                for n, name in enumerate(("Ada", "Emmy", "Kurt"))]  # fmt: skip
    for submission, marks in students[:2]:
        marks["relu"].mistakes = ["dx: the sign is wrong", "y: the sign is wrong"][: 1 + bool(submission.hints["relu"])]
    assert summary.statuses(students, FEW)["relu"]["passed"] == 2
    assert summary.statuses(students, FEW)["kl"]["not handed in"] == 3
    assert summary.mistakes(students, FEW) == [(("relu", "dx: the sign is wrong"), 2)]
    assert summary.mean_hints(students, FEW) == {"relu": 1.0, "kl": 0.0, "bug_1": 0.0}


@pytest.mark.parametrize(
    "options, words",
    [
        (["nowhere"], "does not exist"), (["class", "--points", "kl=many"], "expected a number"),
        (["class", "--points", "no=1"], "unknown exercise"), (["class", "--exercises", "no"], "unknown exercise"),
        (["class", "--due", "tomorrow"], "expected a date"), (["class", "--out", "class"], "holds no grades"),
        (["class", "--csv", "class"], "is a folder"),
        (["class", "--summary", "class.text"], "no kind of picture"), (["empty"], "holds no submissions"),
    ],
)  # fmt: skip
def test_what_can_go_wrong_is_one_sentence(npvae_, small_class, options, words):
    os.chdir(small_class.parent)
    pathlib.Path("empty").mkdir()
    before = state(small_class)
    status, out, error = npvae_("learn", "grade", *options)
    assert status == 2 and words in error and error.count("\n") == 1 and "Traceback" not in error + out
    assert state(small_class) == before


def test_when_a_submission_is_due():
    midnight = datetime.datetime(2026, 12, 1)
    assert due_at("2026-11-30") == midnight and due_at("2026-11-30 23:59") == midnight - datetime.timedelta(minutes=1)
    here = midnight.astimezone()
    elsewhere = here.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    assert due_at(elsewhere.isoformat()) == midnight and due_at(None) is None


def test_no_cell_is_a_formula_and_no_line_ends_a_block():
    marks = {"relu": Mark("not right yet", ["```", "# title"], ["=HYPERLINK(1)"])}
    submission = Submission('=cmd|"/C calc"!A0', problems=["+1", "a; b"])
    text = tables.as_csv([(submission, marks)], {"relu": 1})
    assert '"\'+1; a; b"' in text
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in csv.reader(io.StringIO(text)) for cell in row)
    assert "````\n```\n# title\n````" in tables.feedback(submission, marks, {"relu": 1})

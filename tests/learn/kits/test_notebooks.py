"""Proves that the notebooks of nbgrader and otter hold every function, and that their checks tell right from wrong.

These tests would catch a cell without its points, a check of another function, and a notebook that the platform's own
tool refuses (where the tool is installed).
"""

import csv
import glob
import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from npvae.learn import catalogue
from npvae.learn.kits import notebooks
from npvae.learn.kits.kit import Kit
from npvae.learn.museum.exhibits import Exhibit
from tests.learn.grading.classroom import right_files, wrong_files

FUNCTIONS = [exercise.name for exercise in catalogue.ALL if not isinstance(exercise, Exhibit)]
WORTH = {"relu": 1, "kl": 3}
BY_FUNCTION = {"relu": "relu", "kl_to_standard_normal": "kl"}


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def all_cells():
    """The cells of nbgrader's notebook with all exercises, by exercise: pairs of the function's and the check's."""
    made = Kit({name: 1 for name in catalogue.BY_NAME}, b"")
    cells = json.loads(notebooks.nbgrader_files(made)["source/exercises/exercises.ipynb"])["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return dict(zip(FUNCTIONS, zip(code[::2], code[1::2]), strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_check_tells_right_from_wrong(all_cells, name):
    stub, check = all_cells[name]
    for text in (stub, *wrong_files(name)[:1]):
        space = {"np": np}
        exec(text, space)
        with pytest.raises(AssertionError, match=f"^{name}: not"):
            exec(check, space)
    space = {}
    exec(right_files(name)[0], space)
    exec(check, space)


def test_nbgrader_knows_the_points_of_each_check(kit):
    cells = cells_of(kit / "nbgrader" / "source" / "exercises" / "exercises.ipynb")
    graded = [cell["metadata"]["nbgrader"] for cell in cells if cell["metadata"]]
    assert {each["grade_id"]: each["points"] for each in graded} == {"check-relu": 1, "check-kl": 3}


def test_otter_knows_the_points_of_each_question(kit):
    raw = [cell["source"] for cell in cells_of(kit / "otter" / "exercises.ipynb") if cell["cell_type"] == "raw"]
    assert [text for text in raw if text.startswith("# BEGIN QUESTION")] == [
        f"# BEGIN QUESTION\nname: {name}\npoints: {points}" for name, points in WORTH.items()
    ]


@pytest.mark.parametrize("path", ["nbgrader/source/exercises/exercises.ipynb", "otter/exercises.ipynb"])
def test_it_is_a_notebook(kit, path):
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(kit / path, as_version=4))


# --- with the platforms' own tools, where they are installed ----------------------------------------------------------


def tool(name, folder, *arguments):
    """Run a platform's program in a folder."""
    ran = subprocess.run([name, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr[-2000:]


def filled(path, files, written):
    """Write a notebook in which a student has replaced the functions."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        for function, name in BY_FUNCTION.items():
            if cell["cell_type"] == "code" and f"def {function}(" in "".join(cell["source"]):
                cell["source"] = files(name)[0]
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.mark.skipif(shutil.which("nbgrader") is None, reason="nbgrader is not installed")
def test_nbgrader_grades(kit, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(kit / "nbgrader", course)
    tool("nbgrader", course, "generate_assignment", "exercises")
    for student, files in (("right", right_files), ("wrong", wrong_files)):
        released = course / "release" / "exercises" / "exercises.ipynb"
        filled(released, files, course / "submitted" / student / "exercises" / "exercises.ipynb")
    for action in ("autograde", "generate_feedback"):
        tool("nbgrader", course, action, "exercises")
    tool("nbgrader", course, "export")
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert scores == {"right": (4, 4), "wrong": (0, 4)}
    page = (course / "feedback" / "wrong" / "exercises" / "exercises.html").read_text(encoding="utf-8")
    assert "relu: not right yet" in page


@pytest.mark.skipif(shutil.which("otter") is None, reason="otter-grader is not installed")
@pytest.mark.parametrize("files, score", [(right_files, 4), (wrong_files, 0)])
def test_otter_grades(kit, tmp_path, files, score):
    folder = tmp_path / "otter"
    shutil.copytree(kit / "otter", folder)
    tool("otter", folder, "assign", "exercises.ipynb", "dist")
    filled(folder / "dist" / "student" / "exercises.ipynb", files, folder / "student.ipynb")
    (archive,) = glob.glob(os.path.join(folder, "dist", "autograder", "*.zip"))
    tool("otter", folder, "run", "-a", archive, "student.ipynb")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert sum(test.get("score", 0) for test in results["tests"]) == score

"""nbgrader and otter: a notebook with a cell for each exercise, and a graded cell that checks it.

Both platforms run the student's notebook and the checks in one process, so a notebook can cheat. The program of an
exhibit of the bug museum is a file and not a function, so the notebooks leave it out.

Source: nbgrader's "Creating and grading assignments" (the metadata of a cell, schema 3), and otter's "Notebook format"
(version 1: raw cells begin and end a question).
"""

import ast
import json

from ..grading.tables import shown

README = """\
Both platforms run the student's notebook and the checks in the same process. So the protections of `npvae learn grade`
do not apply: a notebook can replace the check and get the points. Use these platforms if you trust the class, and run
`npvae learn grade` on `.py` files for the marks that count. The notebooks hold functions only, and leave out the
exhibits of the bug museum.

nbgrader, in the folder `nbgrader/`, which is a course:

1. `pip install nbgrader npvae-….whl`, then in the folder `nbgrader generate_assignment exercises`.
2. Hand out `release/exercises/exercises.ipynb`; collect into `submitted/STUDENT/exercises/exercises.ipynb`.
3. `nbgrader autograde exercises`, `nbgrader generate_feedback exercises`, `nbgrader export`.

otter, in the folder `otter/`:

1. `pip install otter-grader npvae-….whl`, then in the folder `otter assign exercises.ipynb dist`.
2. Hand out `dist/student/exercises.ipynb`, with the wheel.
3. `otter run -a dist/autograder/exercises-autograder_….zip STUDENT.ipynb` grades a notebook on this machine, and writes
   `results.json`.
"""

INTRODUCTION = """\
# The exercises

Write the functions below. The cell after each one checks it, and says what is wrong."""

CHECK = """\
from npvae.learn.notebook import require

require("{name}", {function})"""

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "npvae"
c.ExecutePreprocessor.timeout = 120
"""

OTTER_CONFIG = """\
# ASSIGNMENT CONFIG
name: exercises
init_cell: false
export_cell: false
check_all_cell: false
run_tests: false
files:
  - {wheel}
requirements: requirements.txt"""


def nbgrader_files(kit):
    """Return the files of nbgrader's folder: a dict from names to bytes."""
    cells = [_cell("markdown", INTRODUCTION)]
    for name, (text, code) in _parts(kit).items():
        points = kit.worth[name]
        cells += [_cell("markdown", text), _cell("code", code)]
        test = {
            "grade": True, "grade_id": f"check-{name}", "locked": True, "points": points, "schema_version": 3,
            "solution": False, "task": False,
        }  # fmt: skip
        cells.append(_cell("code", _check(kit, name), nbgrader=test))
    config = {"nbgrader_config.py": CONFIG.encode(), kit.wheel_name: kit.wheel}
    return {"source/exercises/exercises.ipynb": _notebook(cells), **config}


def otter_files(kit):
    """Return the files of otter's folder: a dict from names to bytes."""
    cells = [_cell("raw", OTTER_CONFIG.format(wheel=kit.wheel_name)), _cell("markdown", INTRODUCTION)]
    for name, (text, code) in _parts(kit).items():
        begin = f"# BEGIN QUESTION\nname: {name}\npoints: {shown(kit.worth[name])}"
        cells += [
            _cell("raw", begin), _cell("markdown", text),
            _cell("raw", "# BEGIN SOLUTION"), _cell("code", code), _cell("raw", "# END SOLUTION"),
            _cell("raw", "# BEGIN TESTS"), _cell("code", _check(kit, name)), _cell("raw", "# END TESTS"),
            _cell("raw", "# END QUESTION"),
        ]  # fmt: skip
    requirements = f"./files/{kit.wheel_name}\n".encode()
    return {"exercises.ipynb": _notebook(cells), "requirements.txt": requirements, kit.wheel_name: kit.wheel}


def _parts(kit):
    """Return the stubs of functions, by name: pairs of the docstring as Markdown, and the code below it."""
    parts = {}
    for name in kit.functions:
        stub = kit.stubs[kit.stub_names[name]]
        docstring = ast.parse(stub).body[0]
        title, _, text = docstring.value.value.partition("\n")
        text = text.partition("\nWhen you have it:")[0].strip()  # what follows are commands, which need files
        code = "\n".join(stub.splitlines()[docstring.end_lineno :]).strip()
        parts[name] = f"## {title.rstrip('.')}\n\n```text\n{text}\n```", code
    return parts


def _check(kit, name):
    return CHECK.format(name=name, function=kit.functions[name])


def _cell(kind, source, **metadata):
    extra = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": metadata, "source": source, **extra}


def _notebook(cells):
    """Return the bytes of a notebook with these cells."""
    cells = [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()

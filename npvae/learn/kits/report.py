"""The marks of one student, as `npvae learn grade --json` writes them, for the converters of the kits.

Every kit grades in the same way. It copies the student's work into a folder that holds nothing else, so the report has
exactly one student, whatever folders and archives the student made.
"""

import dataclasses
import json
import pathlib

from ..grading.marking import MISSING
from ..outcome import PASSED

# The script leaves the student's folder before it grades: Python would import a file json.py from its working folder.
GRADING = """\
work=$(mktemp -d)
mkdir -p "$work/submissions/student"
cp -RP {folder}/. "$work/submissions/student"
rm -rf "$work/submissions/student/.git"
cd "$work"
npvae learn grade submissions --json grades.json {options} > grade.log
"""


@dataclasses.dataclass
class Line:
    """The mark of one exercise.

    name           the name of the exercise
    status         as `npvae learn check` reports it
    points, most   the points earned, and the most possible
    text           for the student
    """

    name: str
    status: str
    points: float
    most: float
    text: str

    has_passed = property(lambda self: self.status == PASSED)


@dataclasses.dataclass
class Report:
    """The marks of one student.

    lines      a `Line` for each exercise
    problems   sentences about what could not be read
    notes      sentences for the teacher alone
    """

    lines: list
    problems: list
    notes: list

    points = property(lambda self: sum(line.points for line in self.lines))
    most = property(lambda self: sum(line.most for line in self.lines))

    @classmethod
    def read(cls, path):
        """Return the report from a file that `npvae learn grade --json` wrote for one student."""
        grades = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        (student,) = grades["students"]
        lines = [
            Line(name, mark["status"], whole(mark["points"]), whole(grades["worth"][name]), _text(mark))
            for name, mark in student["exercises"].items()
        ]
        notes = [f"{name}: {note}" for name, mark in student["exercises"].items() for note in mark["notes"]]
        return cls(lines, student["problems"], student["notes"] + notes)


def _text(mark):
    """Return what a student reads about an exercise: its status and, unless it is missing, what the check says."""
    lines = [] if mark["status"] == MISSING else mark["lines"]
    return "\n".join([mark["status"], "", *lines]).strip()


def whole(points):
    """Return points as an int if they are a whole number, otherwise unchanged."""
    return int(points) if points == int(points) else points


def write(path, text):
    """Write text to a file, as UTF-8."""
    pathlib.Path(path).write_text(text, encoding="utf-8")

"""Show the grades: on the screen, as CSV and JSON, and as a feedback file for each student."""

import csv
import io
import json

import npvae

from .. import catalogue
from ..outcome import BLANK, BROKEN, PASSED, WRONG
from .confinement import protections
from .marking import MISSING

MARKS = {PASSED: "✓", WRONG: "✗", BROKEN: "!", BLANK: "·", MISSING: " "}
LONGEST_NAME = 26


def points_of(marks, worth):
    """Return the points of a student: a dict from the names of the exercises.

    marks   a dict from the names of the exercises to `Mark`s; an exercise without one gets no points
    worth   a dict from the names of the exercises to their points
    """
    return {name: points if name in marks and marks[name].has_passed else 0 for name, points in worth.items()}


def shown(points):
    """Return points as text, without a trailing ".0"."""
    return f"{points:.10g}"


def notes_of(submission, marks):
    """Return the notes about a student, a list of sentences."""
    return submission.notes + [f"{name}: {note}" for name, mark in marks.items() for note in mark.notes]


def screen(graded, worth, numbers=catalogue.NUMBER):
    """Return the lines of the table on the screen.

    graded    a list of pairs of a `Submission` and its marks
    worth     as in `points_of`
    numbers   a dict from the names of the exercises to their numbers
    """
    names = list(worth)
    width = min(LONGEST_NAME, max([len("student"), *(len(submission.student) for submission, _ in graded)]))
    numbers = [f"{numbers.get(name, i):>2}"[-2:] for i, name in enumerate(names, start=1)]
    lines = [f"{'':{width}}  {'':>7}  {''.join(number[0] for number in numbers)}",
             f"{'student':{width}}  {'points':>7}  {''.join(number[1] for number in numbers)}"]  # fmt: skip
    for submission, marks in graded:
        signs = "".join(MARKS[marks[name].status if name in marks else MISSING] for name in names)
        notes = len(notes_of(submission, marks))
        remarks = ["late"] * submission.is_late + [f"{notes} note{'s' if notes > 1 else ''}"] * (notes > 0)
        remarks += ["see its file"] * bool(submission.problems)
        student = submission.student if len(submission.student) <= width else submission.student[: width - 1] + "…"
        total = shown(sum(points_of(marks, worth).values()))
        lines.append(f"{student:{width}}  {total:>7}  {signs}  {', '.join(remarks)}".rstrip())
    legend = "  ".join(f"{sign} {status}" for status, sign in MARKS.items() if sign.strip())
    return [*lines, "", legend]


def as_csv(graded, worth):
    """Return the table as CSV, a row for each student."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)  # some spreadsheets also split at semicolons
    writer.writerow(["student", "seed", "late", "points", *worth, "notes", "problems"])
    for submission, marks in graded:
        points = points_of(marks, worth)
        notes = "; ".join(notes_of(submission, marks))
        late, problems = "late" if submission.is_late else "", "; ".join(submission.problems)
        total = shown(sum(points.values()))
        row = [submission.student, submission.seed, late, total, *map(shown, points.values()), notes, problems]
        writer.writerow(map(_harmless, row))
    return file.getvalue()


def _harmless(cell):
    """Return a cell that no spreadsheet takes for a formula, whatever the student's name is."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_json(graded, worth, seed):
    """Return everything as JSON."""
    students = []
    for submission, marks in graded:
        points = points_of(marks, worth)
        students.append({
            "student": submission.student, "seed": submission.seed, "late": submission.is_late,
            "points": sum(points.values()), "problems": submission.problems, "notes": submission.notes,
            "exercises": {
                name: {
                    "status": marks[name].status if name in marks else MISSING, "points": points[name],
                    "hints": submission.hints.get(name, 0),
                    "lines": marks[name].lines if name in marks else [],
                    "notes": marks[name].notes if name in marks else [],
                    "mistakes": marks[name].mistakes if name in marks else [],
                } for name in worth
            },
        })  # fmt: skip
    about = {"npvae": npvae.__version__, "seed": seed, "withheld": protections(), "worth": worth}
    return json.dumps(about | {"students": students}, indent=1, ensure_ascii=False) + "\n"


def feedback(submission, marks, worth):
    """Return the text for a student: points, and what the check says about each exercise. Notes are left out."""
    points = points_of(marks, worth)
    total, most = shown(sum(points.values())), shown(sum(worth.values()))
    lines = [f"# {submission.student}: {total} of {most} points", ""]
    lines += ["This was handed in late.", ""] * submission.is_late
    lines += [f"- {problem}" for problem in submission.problems] + [""] * bool(submission.problems)
    for name, most in worth.items():
        status = marks[name].status if name in marks else MISSING
        lines += [f"## {name}: {status} ({shown(points[name])} of {shown(most)})", ""]
        if name in marks and status not in (PASSED, MISSING) and any(map(str.strip, marks[name].lines)):
            lines += [*_block(marks[name].lines), ""]
    return "\n".join(lines)


def notes(graded):
    """Return the text of the notes for the teacher, in Markdown."""
    lines = ["# Notes", "", "Evidence to look at, not verdicts.", ""]
    for submission, marks in graded:
        if found := notes_of(submission, marks):
            lines += [f"## {submission.student}", "", *(f"- {note}" for note in found), ""]
    return "\n".join(lines)


def _block(lines):
    """Return lines as a code block in Markdown, with a fence that none of the lines can close."""
    text = "\n".join(lines).split("\n")
    fence = "```"
    while any(fence in line for line in text):
        fence += "`"
    return [fence, *text, fence]

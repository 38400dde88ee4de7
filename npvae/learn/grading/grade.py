"""`npvae learn grade`: mark a class's submissions, and write the files for the teacher and the students."""

import contextlib
import datetime
import os
import pathlib
import tempfile

from tqdm import tqdm

from ...diagnosis.finding import wrap
from ...errors import UserError, choose_name
from ...figures.plots import new_figure
from ...training.replacing import replacing, require_writable
from .. import catalogue
from ..outcome import BLANK
from ..own import checksum
from ..variants import of_seed
from . import confinement, integrity, submissions, tables, worker
from .gradebook import Gradebook
from .marking import Mark
from .summary import figure as class_figure

ALL_PROTECTIONS = ["limits", "files", "processes and the network"]


def grade(folders, out, exercises=None, points=(), due=None, csv=None, json=None, summary=None, again=False, own=None):
    """Mark the submissions in the folders, print a table, and write the files; return the exit status.

    folders     where the submissions are: see `places` of `submissions.collect`
    out         the grader's folder: see gradebook.py
    exercises   the names of the exercises that count; None means all
    points      strings such as "kl=3"; any other exercise is worth 1
    due         a string such as "2026-11-30 23:59", after which a submission is late
    csv, json   paths for the table, or None
    summary     a path for the figure of the class, or None
    again       whether to discard earlier marks, and mark everything with new draws
    own         the teacher's folder of extra exercises, or None; the copy in a submission is never read
    """
    own = own and os.path.abspath(own)
    numbers = {exercise.name: exercise.number for exercise in of_seed(own=own)}
    worth = worth_of(exercises, points, numbers)
    for path in filter(None, (csv, json, summary)):
        require_writable(path)
    if summary:
        require_picture(summary)
    collected = submissions.collect(folders, list(worth), due_at(due), out)
    book = Gradebook(out, is_fresh=again, own=checksum(own))
    lacking = [name for name in ALL_PROTECTIONS if name not in confinement.protections()]
    if lacking:
        print(wrap(f"This system does not withhold {', '.join(lacking)} from the programs that it grades.", ""))
    graded = marked(collected, book, own)
    _note_forms(graded, own)
    for submission, marks in graded:
        book.write_feedback(submission.student, tables.feedback(submission, marks, worth))
    print("\n".join(tables.screen(graded, worth, numbers)))
    for submission, _ in graded:
        for problem in submission.problems:
            print(wrap(f"{submission.student}: {problem}", "  ")[2:])
    noted = sum(len(tables.notes_of(*each)) for each in graded)
    notes = book.write_notes(tables.notes(graded))
    if csv:
        save_text(csv, tables.as_csv(graded, worth), "utf-8-sig")  # its first bytes tell spreadsheets the encoding
    if json:
        save_text(json, tables.as_json(graded, worth, book.seed), "utf-8")
    if summary:
        save_figure(class_figure(graded, list(worth)), summary)
    written = [f"{len(graded)} files for students in {book.folder / 'feedback'}", *filter(None, (csv, json, summary))]
    if noted:
        print("\n" + wrap(f"{noted} {'notes' if noted > 1 else 'note'} to look at, for you alone: {notes}", ""))
    print("\n" + wrap(f"wrote {', '.join(map(str, written))}", ""))
    return 0


def save_text(path, text, encoding):
    """Write a text to a file."""
    with replacing(path) as file:
        file.write(text.encode(encoding, "replace"))


def require_picture(path):
    """Return the format that the ending of a path names, such as "png"; UserError if it is none of a picture."""
    kind = pathlib.Path(path).suffix.lstrip(".").lower()
    if kind not in new_figure(1, 1).canvas.get_supported_filetypes():
        raise UserError(f"{path} names no kind of picture, expected an ending such as .png or .pdf")
    return kind


def save_figure(figure, path):
    """Write a figure to a file whose ending names the format."""
    with replacing(path) as file:
        figure.savefig(file, format=require_picture(path))


def marked(collected, book, own=None):
    """Return pairs of a `Submission` and its marks, a dict. A file whose mark is in the book keeps it."""
    by_student = {submission.student: submission for submission in collected}
    marks, tasks = {}, []
    for submission in collected:
        marks[submission.student] = done = book.marks(submission)
        exercises = {exercise.name: exercise for exercise in of_seed(submission.seed, own)}
        for name, file in submission.files.items():
            if name not in done and is_stub(file.content, exercises[name]):
                done[name] = Mark(BLANK, [])
            elif name not in done:
                tasks.append(worker.Task.of(submission.student, exercises[name], book.seed, file.content))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        ready = worker.marks_of(tasks, scratch)
        with contextlib.closing(ready), tqdm(total=len(tasks), desc="grading", unit="file", disable=None) as bar:
            for task, mark in ready:
                student, name = task["student"], task["exercise"]
                if mark is None:
                    again = "could not be graded, because the process of the grader ended: run the command again"
                    by_student[student].problems.append(f"{task['exercise']} {again}")
                else:
                    marks[student][name] = mark
                    book.save(by_student[student], marks[student])
                bar.update()
    return [(submission, marks[submission.student]) for submission in collected]


def _note_forms(graded, own):
    """Note which files share a form that is rare in the class."""
    prints = {}
    for submission, marks in graded:
        for name, mark in marks.items():
            if mark.prints:
                prints.setdefault(name, {})[submission.student] = mark.prints
    found = integrity.compare(prints, own)
    for submission, _ in graded:
        submission.notes += found.get(submission.student, [])


def is_stub(source, exercise):
    """Return whether a file is the exercise's unchanged stub."""
    return source.decode("utf-8", "replace").split() == catalogue.text(exercise).split()


def worth_of(exercises, points, known=catalogue.BY_NAME):
    """Return what each exercise that counts is worth: a dict, in the order of `known`."""
    chosen = [choose_name("exercise", name, known) for name in exercises or known]
    worth = {name: 1 for name in known if name in chosen}
    for text in points:
        name, _, value = text.partition("=")
        name = choose_name("exercise", name, worth)
        try:
            worth[name] = float(value)
            if not 0 <= worth[name] <= 10_000:
                raise ValueError
        except ValueError:
            raise UserError(f"the points of {name} are {value!r}, expected a number, as in --points kl=3") from None
    return worth


def due_at(text):
    """Return the local datetime that a string names; None for None."""
    try:
        if text is None:
            return None
        due = datetime.datetime.fromisoformat(text)
        if len(text) == len("2026-11-30"):  # a day, which is due at its end
            due += datetime.timedelta(days=1)
        return due.astimezone().replace(tzinfo=None)
    except ValueError:
        raise UserError(f"--due is {text!r}, expected a date and a time, as in 2026-11-30 23:59") from None

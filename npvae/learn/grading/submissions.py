"""Find the exercise files in a learning platform's export: a folder or an archive for each student.

The reader unpacks nothing to disk and follows no links. If a file is too large, damaged or of another kind, it adds a
sentence to that student's problems.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import re
import stat
import zipfile
from typing import NamedTuple

from ...errors import UserError
from ..folder import PROGRESS
from ..own import OWN
from ..variants import SEED, checked
from .process import plain

MOST_BYTES = 2**20  # of a file
SAFE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # they unpack as many bytes as are asked for, and no more
MOST_ENTRIES = 10_000  # of a folder or an archive
COPY = re.compile(r"( ?\(\d+\)|-\d+| - Copy.*)$")  # what browsers and platforms append to the name of a second copy
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_\w+")
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)")
ABOUT = (PROGRESS, SEED)  # files about the folder
BESIDE = ("__MACOSX", "__pycache__")
LEFT_OUT = {*BESIDE, OWN}  # folders to skip in a student's folder; OWN holds copies of the teacher's exercises


class File(NamedTuple):
    """A file of an exercise: its name, its bytes, and when it was changed, a local datetime."""

    name: str
    content: bytes
    changed: datetime.datetime


@dataclasses.dataclass
class Submission:
    """The files that a student handed in.

    student    the name, as the platform writes it
    files      a dict from the names of exercises to `File`s
    problems   sentences about what could not be read
    notes      sentences for the teacher alone
    changed    when the newest file was changed, a local datetime; None if there are no files
    is_late    whether the platform says so, or a file was changed after the due date
    hints      a dict from the names of exercises to the number of hints seen, from the folder's progress file, if any
    seed       the seed of its exercises, from its seed.txt; "" for the standard ones
    """

    student: str
    files: dict = dataclasses.field(default_factory=dict)
    problems: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)
    changed: datetime.datetime | None = None
    is_late: bool = False
    hints: dict = dataclasses.field(default_factory=dict)
    seed: str = ""

    def problem(self, sentence):
        """Add a problem; the names in it are a stranger's."""
        self.problems.append(harmless(sentence))


def harmless(text):
    """Return a text in one line, without signs that change a screen or what stands beside them."""
    return " ".join(plain(text).split())


def collect(places, names, due=None, out=None):
    """Return the `Submission`s in these places, sorted by student.

    places   folders of submissions, or single submissions: a student's folder or archive
    names    the names of the exercises
    due      a local datetime, after which a submission is late; None for no deadline
    out      the grader's own folder, which is no submission

    Raises UserError if a place does not exist, or if there are no submissions at all.
    """
    found = {}
    for place in map(pathlib.Path, places):
        if not place.exists():
            raise UserError(f"{place} does not exist: expected a folder with a folder or zip archive per student")
        for path in _entries(place, names):
            if out is not None and path.resolve() == pathlib.Path(out).resolve():
                continue
            student, number, is_late = _student(path, names)
            student = harmless(student)
            submission = found.setdefault((student, number), Submission(student))
            submission.is_late |= is_late
            _read(path, submission, names)
    if not found:
        where = ", ".join(map(str, places))
        raise UserError(f"{where} holds no submissions: expected a folder or a zip archive for each student")
    counts = [student for student, _ in found]
    for (student, number), submission in found.items():
        if counts.count(student) > 1 and number:  # two students with the same name
            submission.student = f"{student} ({number})"
        if not submission.files and not submission.problems:
            submission.problem("no file of an exercise, such as 05_relu.py")
        submission.is_late |= due is not None and submission.changed is not None and submission.changed > due
    _note_seeds(found.values())
    return sorted(found.values(), key=lambda submission: submission.student)


def _note_seeds(submissions):
    """Note which students share a seed, so that they repair the same programs, and who has none though others have."""
    for one in submissions:
        others = [other.student for other in submissions if other is not one and other.seed == one.seed != ""]
        if others:
            one.notes.append(f"the seed of its exercises is also that of {', '.join(others)}")
        if one.files and not one.seed and any(other.seed for other in submissions):
            one.notes.append(f"there is no {SEED}: the standard programs of the bug museum count")


def exercise_of(name, names):
    """Return the exercise that a file's name stands for: "relu" for "05_relu (1).py"; None if there is none."""
    stem, extension = os.path.splitext(name)
    exercise = re.sub(r"^\d+_", "", COPY.sub("", stem))
    return exercise if extension == ".py" and exercise in names else None


def _entries(place, names):
    """Return the paths of the submissions in a place: only the place itself, if it is one submission."""
    if place.is_file() or any(exercise_of(path.name, names) for path in place.glob("*.py")):
        return [place]
    return [path for path in sorted(place.iterdir()) if _may_be_one(path)]


def _may_be_one(path):
    """Return whether a path may be a submission: a folder, an archive, or a single file that Canvas has renamed."""
    if path.name.startswith(".") or path.name in BESIDE or path.is_symlink():
        return False
    return path.is_dir() or path.suffix == ".zip" or bool(CANVAS.fullmatch(path.name))


def _student(path, names):
    """Return the student of a submission, the platform's number, and whether the platform says that it is late."""
    name = path.name
    if match := MOODLE.fullmatch(name.removesuffix(".zip")):
        return match["name"], match["id"], False
    if match := CANVAS.fullmatch(name):
        return match["name"], match["id"], bool(match["late"])
    return (path.stem if path.is_file() else name or path.resolve().name), "", False


def _read(path, submission, names):
    """Read a folder, an archive or a file into a submission."""
    try:
        if path.is_dir():
            _read_folder(path, submission, names)
        elif zipfile.is_zipfile(path):
            _read_zip(path, submission, names)
        elif path.suffix == ".zip":
            submission.problem(f"{path.name} is no zip archive")
        else:  # a single file, under the name that Canvas gives it
            match = CANVAS.fullmatch(path.name)
            _read_file(path, match["file"] if match else path.name, submission, names)
    except Exception as error:  # a damaged archive can raise nearly anything
        submission.problem(f"{path.name} cannot be read: {str(error) or type(error).__name__}")


def _read_folder(folder, submission, names):
    """Read the files of a folder and its subfolders."""
    entries = 0
    for inside, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(files):
            if (entries := entries + 1) > MOST_ENTRIES:
                submission.problem(f"only its first {MOST_ENTRIES:,} files were read")
                return
            _read_file(pathlib.Path(inside, name), name, submission, names)


def _read_file(path, name, submission, names):
    if not (exercise_of(name, names) or name in ABOUT):
        return
    state = path.lstat()
    if not stat.S_ISREG(state.st_mode):
        submission.problem(f"{name} is no ordinary file: it is not read")
        return
    _add(name, state.st_size, datetime.datetime.fromtimestamp(state.st_mtime), path.read_bytes, submission, names)


def _read_zip(path, submission, names):
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            submission.problem(f"only the first {MOST_ENTRIES:,} files of {path.name} were read")
        for entry in entries[:MOST_ENTRIES]:
            name = pathlib.PurePosixPath(entry.filename).name
            is_ours = exercise_of(name, names) or name in ABOUT
            if is_ours and (entry.flag_bits & 1 or entry.compress_type not in SAFE):
                submission.problem(f"{name} in {path.name} is encrypted, or packed in an unusual way: it is not read")
                continue
            if not entry.is_dir() and not _is_left_out(entry.filename):
                read = lambda entry=entry: archive.open(entry).read(MOST_BYTES + 1)  # noqa: E731
                with contextlib.suppress(ValueError):
                    _add(name, entry.file_size, datetime.datetime(*entry.date_time), read, submission, names)


def _is_left_out(name):
    """Return whether a file in an archive lies in one of the LEFT_OUT folders."""
    return bool(LEFT_OUT & {*pathlib.PurePosixPath(name).parts[:-1]})


def _add(name, size, changed, read, submission, names):
    """Add a file to a submission if it is one of ABOUT or an exercise; of several copies, the newest counts."""
    exercise = exercise_of(name, names)
    if exercise is None and name not in ABOUT:
        return
    if size > MOST_BYTES:
        submission.problem(f"{name} has {size:,} bytes, more than {MOST_BYTES:,}: it is not read")
        return
    content = read()[: MOST_BYTES + 1]
    if name == PROGRESS:
        submission.hints |= _hints(content, names)
    elif name == SEED:
        submission.seed = _seed(content)
    elif exercise not in submission.files or changed >= submission.files[exercise].changed:
        submission.files[exercise] = File(name, content, changed)
        submission.changed = max(changed, submission.changed or changed)


def _seed(content):
    """Return the seed from a folder's seed.txt; "" if `npvae learn init` could not have written it."""
    try:
        return checked(content.decode())
    except ValueError:
        return ""


def _hints(content, names):
    """Return the hints seen in each exercise, from a folder's progress file: a dict, empty if it cannot be read."""
    try:
        progress = json.loads(content)
        seen = {name: progress[name].get("hints", 0) for name in names if name in progress}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: n for name, n in seen.items() if type(n) is int and 0 <= n <= 100}

"""The grader's folder: the marks so far, and the files for the teacher and the students.

    grading.json       the seed of the draws, the version of npvae, and a checksum of the teacher's own exercises
    marks/NAME.json    the marks of a student, saved after each file so that an interrupted run can resume
    feedback/NAME.md   for the student
    notes.md           for the teacher alone

The grader marks a file again when it has changed, and all of a student's files when their seed has changed.
"""

import dataclasses
import hashlib
import json
import pathlib
import re
import secrets

import npvae

from ...errors import UserError
from ...training.folder import refuse_a_file
from ...training.replacing import replacing
from .marking import Mark

GRADING, NOTES = "grading.json", "notes.md"


class Gradebook:
    """The grader's folder.

    folder     the path of the folder
    is_fresh   whether to discard earlier marks, and draw another seed
    own        a checksum of the teacher's own exercises; if it changes, the grader marks everything again

    Raises UserError if the folder holds files but no grades, or if its grading.json cannot be read.
    """

    def __init__(self, folder, is_fresh=False, own=""):
        self.folder = pathlib.Path(folder)
        refuse_a_file(self.folder)
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / GRADING).exists():
            raise UserError(f"{self.folder} is not empty, and holds no grades: choose a new folder with --out")
        for name in ("marks", "feedback"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        begun = None if is_fresh else self._load(self.folder / GRADING)
        if begun is None or begun.get("npvae") != npvae.__version__ or begun.get("own", "") != own:
            begun = {"npvae": npvae.__version__, "own": own, "seed": secrets.randbits(32)}
            self._write(self.folder / GRADING, begun)
        self.seed = begun["seed"]

    def marks(self, submission):
        """Return the saved `Mark`s of a submission's unchanged files: a dict from the names of the exercises."""
        kept = self._load(self._place("marks", submission.student, "json")) or {}
        if (kept.get("seed"), kept.get("variant")) != (self.seed, submission.seed):
            return {}
        marks = {}
        for name, file in submission.files.items():
            if name in kept["marks"] and kept["checksums"][name] == checksum(file.content):
                marks[name] = Mark(**kept["marks"][name])
        return marks

    def save(self, submission, marks):
        """Save the marks of a submission."""
        checksums = {name: checksum(file.content) for name, file in submission.files.items()}
        marks = {name: dataclasses.asdict(mark) for name, mark in marks.items()}
        about = {"student": submission.student, "seed": self.seed, "variant": submission.seed}
        kept = about | {"checksums": checksums, "marks": marks}
        self._write(self._place("marks", submission.student, "json"), kept)

    def write_feedback(self, student, text):
        """Write the file for a student."""
        with replacing(self._place("feedback", student, "md")) as file:
            file.write(text.encode("utf-8", "replace"))

    def write_notes(self, text):
        """Write the file for the teacher, and return its path."""
        with replacing(self.folder / NOTES) as file:
            file.write(text.encode("utf-8", "replace"))
        return self.folder / NOTES

    def _place(self, kind, student, extension):
        return self.folder / kind / f"{file_name(student)}.{extension}"

    @staticmethod
    def _load(path):
        if not path.exists():
            return None
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise UserError(f"{path} cannot be read: delete it, and npvae grades its files again") from None

    @staticmethod
    def _write(path, content):
        with replacing(path) as file:
            file.write((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def checksum(content):
    """Return the checksum of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def file_name(student):
    """Return a file name for a student that every system accepts: another one for every other name, up to case."""
    plain = re.sub(r"[^\w .-]+", "_", student).strip("._ ")[:80]
    return plain if plain == student else f"{plain}-{checksum(student.encode('utf-8', 'replace'))[:6]}"

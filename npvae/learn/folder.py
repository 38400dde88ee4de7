"""A student's folder: the files of the exercises, and the student's progress.

Nothing that a student has written is overwritten: `make` refuses a folder with files in it, and `reset` keeps a copy.
`.progress.json` records the progress: the hints seen, the predictions made, and the checksum of each file when it
passed, so that a file that has changed since counts as unchecked. `seed.txt` keeps the seed, if there is one, and
`own/` the exercises that are not npvae's (see own.py).
"""

import hashlib
import json
import os
from pathlib import Path

from ..errors import UserError
from . import catalogue
from .exercises import BY_CHAPTER
from .own import copies, exercises_of
from .variants import SEED, checked, of_folder, of_seed

PROGRESS = ".progress.json"

TESTS = '''\
"""The same checks as `npvae learn check`, for pytest: `pytest -m relu` checks the file of the exercise relu."""

import pathlib

import pytest

from npvae.learn import catalogue, sandbox
from npvae.learn.variants import of_folder

FOLDER = pathlib.Path(__file__).parent
NAMES = [exercise.name for exercise in of_folder(FOLDER)]


@pytest.mark.exercise
@pytest.mark.parametrize("name", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in NAMES])
def test_exercise(name):
    exercise = catalogue.find(name, FOLDER)
    outcome = sandbox.check(exercise, catalogue.place(FOLDER, exercise), FOLDER)
    assert outcome.status == "passed", "\\n".join(["", f"{name}: {outcome.status}", "", *outcome.lines])
'''

MARKERS = '''\
"""Tell pytest the names of the exercises."""

import pathlib

from npvae.learn.variants import of_folder


def pytest_configure(config):
    config.addinivalue_line("markers", "exercise: an exercise of `npvae learn`")
    for exercise in of_folder(pathlib.Path(__file__).parent):
        config.addinivalue_line("markers", f"{exercise.name}: the exercise of this name")
'''


def contents(seed="", own=None):
    """Return what a new folder holds: a dict from the names of files to their texts.

    own   a folder with exercises of your own, or None
    """
    seed = checked(seed)
    stubs = {catalogue.file_name(exercise): catalogue.text(exercise) for exercise in of_seed(seed, own)}
    kept = {SEED: seed + "\n"} if seed else {}
    return stubs | {"test_exercises.py": TESTS, "conftest.py": MARKERS, "README.md": guide(own)} | kept | copies(own)


def guide(own=None):
    """Return the text of the README of a folder: what is in it, and how to work."""
    chapters = BY_CHAPTER | ({"of your teacher": exercises_of(own)} if own else {})
    names = [
        f"| {chapter} | {', '.join(f'`{exercise.name}`' for exercise in exercises)} |"
        for chapter, exercises in chapters.items()
    ]
    return README.replace("CHAPTERS", "\n".join(names))


README = """\
# The exercises

You write the parts of a variational autoencoder yourself, one function at a time. Each file holds one exercise: its
docstring has the mathematics and a question, and below it stands a function with something left out.
`npvae learn init my-vae` makes a folder of your own. In that folder, begin with

```sh
npvae learn
```

which says what comes next. For each exercise:

1. Read its file, and answer the question: `npvae learn predict NAME`.
2. Replace the lines `raise NotImplementedError(…)` by your code, and save.
3. `npvae learn check NAME` says whether it is right; if not, what is wrong. `npvae learn watch` does so whenever you
   save.
4. `npvae learn hint NAME` gives a hint, and one more with each call.

NAME is the name, the number or the file of an exercise. Without a name, `check`, `watch` and `hint` take the next one
that has not passed.

| | |
| --- | --- |
| `npvae learn` | what to do next |
| `npvae learn list` | all exercises, and how far you are |
| `npvae learn predict NAME` | a question to answer before you write the code; then see what is measured |
| `npvae learn check [NAME]` | is it right, and if not, what is wrong? |
| `npvae learn watch [NAME]` | checks every file when you save it, until Ctrl-C |
| `npvae learn hint [NAME]` | a hint, and one more with each call |
| `npvae learn reset NAME` | the file as it was at the start; yours is kept under another name |
| `pytest -m NAME` | the same check, for a class or continuous integration |

The numbers follow the chapters of the tutorials:

| chapter | exercises |
| --- | --- |
CHAPTERS

An exercise needs nothing but its own file: everything else comes from `npvae`, so that one mistake never spoils the
next exercise. Your file runs in a separate process, which is stopped after 20 seconds. `.progress.json` remembers what
has passed and which hints you have seen; `conftest.py` and `test_exercises.py` are for pytest.

In a class, `npvae learn init my-vae --seed TEXT` makes a variant of your own; TEXT is your student number, say. The
bugs are in other places of other programs, and the choices of every question stand in another order. `seed.txt` keeps
the seed: leave it in the folder.

The exercises are generated from the functions of the engine, so after you have passed, compare yours with the engine's.
"""


class NoExercises(UserError):
    """There are no exercises in this folder."""


class Folder:
    """A student's folder.

    path        where it is
    own         a folder with exercises of your own, or None: then those that the student's folder keeps
    exercises   all exercises, those of its seed

    Raises NoExercises where there are none, and UserError for a progress file that cannot be read.
    """

    def __init__(self, path=".", own=None):
        here = Path(path)
        places = [here, here / "tutorials" / "exercises"]
        self.path = next((place for place in places if self._is_one(place)), None)
        if self.path is None:
            raise NoExercises(
                "there are no exercises in this folder: make some with npvae learn init DIR, then go there with cd DIR"
            )
        self.own, self.exercises = own, of_folder(self.path, own)
        self._progress = self._load()

    @staticmethod
    def _is_one(place):
        return any(catalogue.place(place, exercise).exists() for exercise in catalogue.ALL)

    @classmethod
    def make(cls, path, seed="", own=None):
        """Make a new folder with all stubs, those of the seed. Raises UserError if the folder is not empty.

        It keeps a copy of the exercises of your own, which it needs from then on.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise UserError(f"{path} is a file, expected the name of a new folder")
        if path.exists() and any(path.iterdir()):
            raise UserError(f"{path} is not empty, and nothing in it will be overwritten: choose a new folder")
        files = contents(seed, own)
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (path / name).parent.mkdir(exist_ok=True)
            (path / name).write_text(text, encoding="utf-8")
        return cls(path)

    def file(self, exercise):
        """Return the path of an exercise's file; UserError if it is missing."""
        path = catalogue.place(self.path, exercise)
        if not path.exists():
            raise UserError(f"there is no file {path}: npvae learn reset {exercise.name} restores it")
        return path

    def reset(self, exercise):
        """Replace the file with the stub; keep the old file under another name, and return its path."""
        path, kept = catalogue.place(self.path, exercise), None
        if path.exists() and self._checksum(exercise) != _checksum(catalogue.text(exercise).encode()):
            number = 1
            while (kept := path.with_suffix(f".kept{number}.py")).exists():
                number += 1
            os.rename(path, kept)
        path.write_text(catalogue.text(exercise), encoding="utf-8")
        if self.done(exercise).get("passed"):
            self.note(exercise, passed=None)
        return kept

    # --- progress -----------------------------------------------------------------------------------------------------

    def _load(self):
        path = self.path / PROGRESS
        if not path.exists():
            return {}
        try:
            progress = json.loads(path.read_text(encoding="utf-8"))
            progress = {name: dict(done) for name, done in progress.items()}
            if not all(
                isinstance(done.get("hints", 0), int) and done.get("hints", 0) >= 0 for done in progress.values()
            ):
                raise ValueError
            return progress
        except (ValueError, AttributeError, TypeError):
            raise UserError(
                f"{path} cannot be read: delete it; only ticks and hints are lost, your files are not"
            ) from None

    def _save(self):
        path = self.path / PROGRESS
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(self._progress, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, path)

    def done(self, exercise):
        """Return the progress in an exercise: a dict with those of "hints", "predicted" and "passed" that exist."""
        return self._progress.get(exercise.name, {})

    def note(self, exercise, **what):
        """Remember something about an exercise."""
        self._progress[exercise.name] = self.done(exercise) | what
        self._save()

    def note_outcome(self, exercise, passed):
        """Remember whether the file, as it is now, has passed."""
        self.note(exercise, passed=self._checksum(exercise) if passed else None, begun=True)

    def has_passed(self, exercise):
        """Return whether the file has passed, and has not changed since."""
        kept = self.done(exercise).get("passed")
        return bool(kept) and kept == self._checksum(exercise)

    def status(self, exercise):
        """Return how far the student is with an exercise, in a few words."""
        if not catalogue.place(self.path, exercise).exists():
            return "missing"
        if self.has_passed(exercise):
            return "passed"
        if self.done(exercise).get("passed"):
            return "changed since it passed"
        return "begun" if self._checksum(exercise) != _checksum(catalogue.text(exercise).encode()) else ""

    def next(self):
        """Return the first exercise here that has not passed; None if all have. A class may have only some of them."""
        here = [exercise for exercise in self.exercises if catalogue.place(self.path, exercise).exists()]
        return next((exercise for exercise in here if not self.has_passed(exercise)), None)

    def solved(self, but):
        """Return the files of all exercises that have passed, except one: a dict from name to path."""
        return {
            exercise.name: str(catalogue.place(self.path, exercise))
            for exercise in self.exercises
            if exercise.name != but.name and self.has_passed(exercise)
        }

    def _checksum(self, exercise):
        try:
            return _checksum(catalogue.place(self.path, exercise).read_bytes())
        except OSError:
            return None


def _checksum(content):
    return hashlib.sha256(content).hexdigest()

"""All exercises, by name and by number: the standard ones, those of a folder's seed, and exercises of your own."""

import re
from pathlib import Path

from ..errors import choose
from .exercises import ALL
from .stubs import stub
from .variants import of_folder, of_seed

BY_NAME = {exercise.name: exercise for exercise in ALL}
NUMBER = {exercise.name: exercise.number for exercise in ALL}


def find(name, folder=None, own=None):
    """Return the exercise of this name, number or file; UserError for any other.

    In a student's folder, it is that of the folder's seed, and its number is that of its file. `own` is a folder with
    exercises of your own.
    """
    exercises = of_seed(own=own) if folder is None else of_folder(folder, own)
    name = Path(name).name.removesuffix(".py")
    number, _, rest = name.partition("_")
    if rest and number.isdecimal():
        name = rest
    if name.isdecimal():
        for exercise in exercises:
            if int(name) == (exercise.number if folder is None else number_in(folder, exercise)):
                return exercise
    return choose("exercise", name, {exercise.name: exercise for exercise in exercises})


def file_name(exercise):
    """Return the name of its file: "03_relu.py"."""
    return f"{exercise.number:02}_{exercise.name}.py"


def place(folder, exercise):
    """Return the path of its file in a folder: whatever number it has there, or where a new one belongs.

    An older folder may have other numbers.
    """
    usual = Path(folder, file_name(exercise))
    if usual.exists():
        return usual
    numbered = re.compile(rf"\d+_{exercise.name}\.py")
    return next((path for path in sorted(Path(folder).glob("*.py")) if numbered.fullmatch(path.name)), usual)


def number_in(folder, exercise):
    """Return the number of its file in a folder."""
    return int(place(folder, exercise).name.split("_")[0])


def text(exercise):
    """Return the text with which its file starts."""
    return stub(exercise.number, exercise)

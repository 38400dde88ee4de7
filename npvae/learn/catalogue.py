"""All exercises, by name and by number."""

from pathlib import Path

from ..errors import choose
from .exercises import ALL
from .stubs import stub

BY_NAME = {exercise.name: exercise for exercise in ALL}
NUMBER = {exercise.name: number for number, exercise in enumerate(ALL, start=1)}


def find(name):
    """Return the exercise of this name, number or file; UserError for any other."""
    name = Path(name).name.removesuffix(".py")
    number, _, rest = name.partition("_")
    if rest and number.isdecimal():
        name = rest
    if name.isdecimal() and 1 <= int(name) <= len(ALL):
        return ALL[int(name) - 1]
    return choose("exercise", name, BY_NAME)


def file_name(exercise):
    """Return the name of its file: "03_relu.py"."""
    return f"{NUMBER[exercise.name]:02}_{exercise.name}.py"


def text(exercise):
    """Return the text with which its file starts."""
    return stub(NUMBER[exercise.name], exercise)

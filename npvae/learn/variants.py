"""The exercises of a seed: a student's own programs in the museum, and the choices of every question in another order.

A seed is any text, such as a student's number. Whoever knows the seed knows the exercises, so nothing else must be kept
to grade them. A folder keeps its seed in `seed.txt`, apart from the progress, which a student may delete. Without a
seed, the exercises are the standard ones.
"""

import dataclasses
import functools
from pathlib import Path

from ..errors import UserError
from ..plain import printable
from .exercises import ALL
from .museum.exhibits import exhibits_of
from .shuffle import normalized, shuffled

SEED = "seed.txt"


def of_seed(seed=""):
    """Return all exercises of a seed, in their order: a list of the same names whatever the seed."""
    return _of_normalized(checked(seed))


@functools.lru_cache(maxsize=64)
def _of_normalized(seed):
    if not seed:
        return ALL
    museum = {exhibit.name: exhibit for exhibit in exhibits_of(seed)}
    exercises = [museum.get(exercise.name, exercise) for exercise in ALL]
    return [
        dataclasses.replace(exercise, seed=seed, prediction=in_another_order(exercise.prediction, seed, exercise.name))
        for exercise in exercises
    ]


def in_another_order(prediction, *key):
    """Return the same question with its choices in an order that depends on the key; the right one goes with them."""
    order = shuffled(range(len(prediction.choices)), "choices", *key)
    return dataclasses.replace(
        prediction,
        choices=[prediction.choices[index] for index in order],
        measure=lambda: order.index(prediction.measure()),
    )


def checked(seed):
    """Return a seed in its normal form; UserError if it is no text."""
    try:
        seed.encode()
    except UnicodeEncodeError:
        raise UserError(f"the seed {printable(repr(seed))} is no text, expected letters and digits") from None
    return normalized(seed)


def seed_of(folder):
    """Return the seed that a folder keeps; "" if it keeps none. UserError for a file that is no text."""
    path = Path(folder, SEED)
    try:
        return checked(path.read_text(encoding="utf-8")) if path.exists() else ""
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be read: write the seed into it, with which the folder was made") from None


def of_folder(folder):
    """Return all exercises of the seed that a folder keeps."""
    return of_seed(seed_of(folder))

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
from .own import OWN, exercises_of
from .shuffle import normalized, shuffled

SEED = "seed.txt"
LONGEST_SEED = 200  # characters


def of_seed(seed="", own=None):
    """Return all exercises of a seed, in their order: a list of the same names whatever the seed.

    own   a folder with exercises of your own, which come after npvae's (see own.py); None if there is none
    """
    return _of_normalized(checked(seed), exercises_of(own))


def exercise_of_seed(name, seed, own=None):
    """Return the exercise of this name, of a seed; own: as for `of_seed`."""
    return next(exercise for exercise in of_seed(seed, own) if exercise.name == name)


@functools.lru_cache(maxsize=64)
def _of_normalized(seed, own):
    if not seed:
        return [*ALL, *own] if own else ALL
    museum = {exhibit.name: exhibit for exhibit in exhibits_of(seed)}
    return [_of_exercise(museum.get(exercise.name, exercise), exercise.number, seed) for exercise in [*ALL, *own]]


def _of_exercise(exercise, number, seed):
    prediction = exercise.prediction and in_another_order(exercise.prediction, seed, exercise.name)
    return dataclasses.replace(exercise, seed=seed, number=number, prediction=prediction)


def in_another_order(prediction, *key):
    """Return the same question with its choices in an order that depends on the key; the right one goes with them."""
    order = shuffled(range(len(prediction.choices)), "choices", *key)
    return dataclasses.replace(
        prediction,
        choices=[prediction.choices[index] for index in order],
        measure=lambda: order.index(prediction.measure()),
    )


def checked(seed):
    """Return a seed in its normal form; UserError if it is no text, or too long."""
    try:
        seed.encode()
    except UnicodeEncodeError:
        raise UserError(f"the seed {printable(repr(seed))} is no text, expected letters and digits") from None
    if len(seed) > LONGEST_SEED:
        raise UserError(f"the seed has {len(seed)} characters, expected at most {LONGEST_SEED}")
    return normalized(seed)


def seed_of(folder):
    """Return the seed that a folder keeps; "" if it keeps none. UserError for a file that is no text."""
    path = Path(folder, SEED)
    try:
        return checked(path.read_text(encoding="utf-8")) if path.exists() else ""
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be read: write the seed into it, with which the folder was made") from None


def of_folder(folder, own=None):
    """Return all exercises of the seed that a student's folder keeps, with those of your own that it keeps.

    own   a folder with exercises of your own that takes the place of the student's copy
    """
    kept = Path(folder, OWN)
    return of_seed(seed_of(folder), own or (kept if kept.is_dir() else None))

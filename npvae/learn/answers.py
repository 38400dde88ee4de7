"""A student's answers: the arrays that decide the points, and whether they are right.

A check runs in the same process as the student's function, and says what is wrong. But the student's program could
forge anything which that process says. So a grader requests answers: what the function computes for fresh draws. It
compares them with the engine's in a process that runs none of the student's code.
"""

import functools
from typing import NamedTuple

import numpy as np

from ..autodiff.gradcheck import LIMIT, errors


class Case(NamedTuple):
    """Arguments for an operation.

    name      the name of the case
    inputs    a dict of arrays, in the order of the arguments
    options   keyword arguments of the operation
    is_rough  whether rounding errors are large: the inputs are float32, or huge
    """

    name: str
    inputs: dict
    options: dict
    is_rough: bool = False


@functools.lru_cache(maxsize=40)
def right_answers(exercise, seed):
    """Return the answers of an exercise's solution for the draws of this seed."""
    return exercise.answers(exercise.reference(), seed)


def is_alike(found, expected):
    """Return whether two arrays have the same shape and dtype."""
    return found.shape == expected.shape and found.dtype == expected.dtype


def is_right(found, expected):
    """Return whether an array has the expected shape, dtype and numbers, up to the tolerance of `gradcheck`."""
    with np.errstate(all="ignore"):
        return is_alike(found, expected) and bool((errors(found, expected) <= LIMIT).all())


def about_the_same(found, expected, dtype, rounding=0.0):
    """Return whether an array has the expected shape and numbers, up to the rounding errors of a few steps."""
    limit = np.max(np.abs(expected), initial=1) * max(1e-9 if dtype == np.float64 else 1e-5, rounding)
    return found.shape == expected.shape and bool((np.abs(found - expected) <= limit).all())


def rounding_of(inputs):
    """Return the relative error of exp(x − y) when the inputs x and y are rounded to their dtype."""
    return max(4 * np.finfo(x.dtype).eps * np.abs(x).max() for x in inputs.values())


def of_operation(exercise, f, seed):
    """Return what an operation f computes in every `Case` of its exercise, and its arguments after each call."""
    with np.errstate(all="ignore"):
        return {
            f"{case.name}: {name}": np.array(a)
            for case in exercise.cases(seed)
            for name, a in _of_case(exercise, f, case, seed).items()
        }


def _of_case(exercise, f, case, seed):
    given = {name: x.copy() for name, x in case.inputs.items()}
    y, *ds = exercise.both(f(*given.values(), **case.options))
    answers, dtype = {"y": y}, next(iter(given.values())).dtype
    given["dy"] = np.random.default_rng([seed, 1]).standard_normal(np.shape(y)).astype(dtype)
    for name, d in zip(case.inputs, ds):
        if f"d{name}" in exercise.blanks:
            answers[f"d{name}"] = d(given["dy"])
    return answers | {f"{name} after the call": x for name, x in given.items()}


def wrong_of_operation(exercise, found, seed):
    """Return the names of an operation's answers that are missing or wrong: a list."""
    cases = {case.name: case for case in exercise.cases(seed)}
    wrong = []
    for name, expected in right_answers(exercise, seed).items():
        case = cases[name.partition(": ")[0]]
        if name not in found or not _agrees(found[name], expected, case):
            wrong.append(name)
    return wrong


def _agrees(found, expected, case):
    if not case.is_rough:
        return is_right(found, expected)
    with np.errstate(all="ignore"):
        rounding = rounding_of(case.inputs)
        return is_alike(found, expected) and about_the_same(found, expected, found.dtype, rounding)

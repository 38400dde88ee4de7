"""Proves that a check accepts every right solution, however unusual.

The folder `right` has a file for each exercise, with functions that no hint suggests: loops, einsum, views, work in
place on arrays of their own, other algebra. These tests would catch a check that refuses one of them: for its form, for
a view, for the last digit.
"""

import importlib.util
import pathlib

import pytest

from npvae.learn import catalogue
from npvae.learn.museum import EXHIBITS
from npvae.learn.outcome import PASSED, judge

SEEDS = range(5)
FOLDER = pathlib.Path(__file__).parent / "right"
EXERCISES = [exercise for exercise in catalogue.ALL if exercise not in EXHIBITS]


def _solutions(exercise):
    """Return the functions of the exercise's file by their names: the exercise's function, and what is unusual."""
    spec = importlib.util.spec_from_file_location(f"right_{exercise.name}", FOLDER / f"{exercise.name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: f for name, f in vars(module).items() if name.startswith(f"{exercise.function_name}_")}


RIGHT = [(exercise, name, f) for exercise in EXERCISES for name, f in _solutions(exercise).items()]
IDS = [f"{exercise.name}: {name}" for exercise, name, _ in RIGHT]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise, name, f", RIGHT, ids=IDS)
def test_a_right_solution_passes(exercise, name, f, seed):
    outcome = judge(exercise, f, seed)
    assert outcome.status == PASSED, "\n".join([name, *outcome.lines])
    assert exercise.wrong_answers(exercise.answers(f, seed), seed) == []


def test_there_are_enough_of_them():
    counts = [sum(other is exercise for other, _, _ in RIGHT) for exercise in EXERCISES]
    assert min(counts) >= 3 and sum(counts) >= 64
    assert {path.stem for path in FOLDER.glob("*.py")} == {exercise.name for exercise in EXERCISES}

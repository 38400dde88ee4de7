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
    assert outcome.status == "passed", "\n".join(["", f"{name}: {outcome.status}", "", *outcome.lines])

"""Proves that a grader can tell right from wrong by the answers alone.

These tests would catch a grader that believes a process which says that it has passed: an answer that does not count,
one that may be missing or have another shape, and a wrong version whose answers are right.
"""

import numpy as np
import pytest

from npvae.learn import catalogue
from npvae.learn.answers import right_answers
from npvae.learn.museum.exhibits import EXHIBITS, module_of

SEED = 7
EXERCISES = [exercise for exercise in catalogue.ALL if exercise not in EXHIBITS]
# What they compute is right for the arrays that they leave behind, and the next operation meets these.
every = pytest.mark.parametrize("exercise", catalogue.ALL, ids=lambda exercise: exercise.name)
by_name = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


@every
def test_the_solution_has_right_answers(exercise):
    for seed in (SEED, 12345678901):
        assert exercise.wrong_answers(exercise.answers(exercise.reference(), seed), seed) == []
    assert exercise.wrong_answers(right_answers(exercise, SEED), SEED + 1) != []


@every
def test_every_answer_counts(exercise):
    right = right_answers(exercise, SEED)
    for i, (name, a) in enumerate(right.items()):
        with np.errstate(over="ignore"):
            other = a + 1 if a.dtype.kind == "i" else a * 1.001 + 0.01
        spoiled = {"another number": right | {name: np.asarray(other).astype(a.dtype)}}
        if "samples" in name:  # each sample of a million may be another
            spoiled = {}
        if i % 9 == 0:  # one code reads all of them
            spoiled |= {
                "missing": {key: value for key, value in right.items() if key != name},
                "of another shape": right | {name: a[None]},
                "of another dtype": right | {name: a.astype(complex)},
                "not a number": right | {name: np.full_like(a, np.nan)} if a.dtype.kind == "f" else {},
            }
        for what, answers in spoiled.items():
            assert exercise.wrong_answers(answers, SEED), (name, what)


@by_name
def test_wrong_versions_have_wrong_answers(exercise):
    for name in exercise.wrong:
        try:
            answers = exercise.answers(exercise.wrong_version(name), SEED)
        except Exception:  # the function refuses what it is given, or returns something that is no answer
            continue
        assert exercise.wrong_answers(answers, SEED), name


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_an_exhibit_needs_its_repair_and_its_letter(exhibit):
    broken, repaired = (module_of(exhibit.source(repaired=is_repaired)) for is_repaired in (False, True))
    assert exhibit.wrong_answers(exhibit.answers(repaired, SEED), SEED) == ["DEFECT"]
    broken.DEFECT = repaired.DEFECT = exhibit.defect.lower()
    assert exhibit.wrong_answers(exhibit.answers(repaired, SEED), SEED) == []
    assert exhibit.wrong_answers(exhibit.answers(broken, SEED), SEED) != []

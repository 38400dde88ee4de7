"""Proves that a diagnosis draws other inputs of the same kind, and leaves a function that is slow or that fails.

These tests would catch labels and symmetric matrices that are no longer such, and a search that takes minutes.
"""

import time

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis.reports import rerun_of, settings_of
from npvae.learn.catalogue import ALL
from npvae.learn.exercise import ProcedureExercise
from npvae.learn.operation import OperationExercise

RNG = np.random.default_rng(0)
EXERCISES = {each.name: each for each in ALL if isinstance(each, (OperationExercise, ProcedureExercise))}
X = RNG.standard_normal((3, 5))


def inputs_of(f, *inputs):
    """Return the inputs of the two draws, after a check in which the first derivative is wrong."""
    return [list(setting.inputs.values()) for setting in settings_of(gradcheck(f, *inputs))]


def test_the_first_draw_is_that_of_the_report_and_the_second_another():
    (first,), (second,) = inputs_of(lambda x: (2 * x, lambda dy: dy), X)
    assert np.array_equal(first, X) and not np.shares_memory(first, X)
    ratios = second / X
    assert (0.7 <= ratios).all() and (ratios <= 1).all() and len(np.unique(ratios)) == X.size


def test_symmetric_matrices_stay_symmetric_and_positive_definite():
    A = (root := RNG.standard_normal((4, 4))) @ root.T + 0.1 * np.eye(4)
    A = (A + A.T) / 2
    _, (B,) = inputs_of(lambda A: (np.log(np.linalg.eigvalsh(A).sum()), lambda dy: dy * A), A)
    assert np.array_equal(B, B.T) and not np.allclose(A, B) and np.linalg.eigvalsh(B).min() > 0


def test_labels_stay_and_whole_numbers_do_not():
    labels, counts, kept = np.array([0, 2, 1]), np.array([1.0, 3.0, 2.0]), RNG.standard_normal((3, 5))
    classes = np.eye(3)[labels]

    def f(x, labels, counts, kept, classes):
        y = x[np.arange(3), labels] * counts * kept.sum() * classes.sum(axis=1)
        return y, lambda dy: 0 * x, None, lambda dy: dy * y / counts, None, lambda dy: (dy * y)[:, None] + 0 * classes

    first, second = inputs_of(f, X, labels, counts, kept, classes)
    for draw in (first, second):
        assert np.array_equal(draw[1], labels) and draw[1].dtype.kind == "i"
        assert np.array_equal(draw[3], kept) and np.array_equal(draw[4], classes)
    assert np.array_equal(first[2], counts) and not np.array_equal(second[2], counts)
    assert not np.array_equal(first[0], second[0])


def slow(x):
    begun = time.thread_time()
    while time.thread_time() < begun + 0.02:
        pass
    return 2 * x, lambda dy: dy


def fails_later(x):
    if not np.array_equal(x, np.round(x, 3)):
        raise SystemExit
    return 2 * x, lambda dy: dy


@pytest.mark.parametrize("f, x", [(slow, RNG.standard_normal(8)), (fails_later, np.round(X, 3))])
def test_a_function_that_is_slow_or_fails_has_no_settings(f, x):
    begun = time.thread_time()
    report = gradcheck(lambda x: (2 * x, lambda dy: dy), x)
    report.operation = f
    assert settings_of(report) == [] and time.thread_time() - begun < 1


def test_a_quick_function_that_another_program_delays_once_has_settings():
    calls = []

    def delayed_at_first(x):
        calls.append(time.sleep(0 if calls else 0.1))
        return 2 * x, lambda dy: dy

    report = gradcheck(lambda x: (2 * x, lambda dy: dy), RNG.standard_normal(8))
    report.operation = delayed_at_first
    assert len(settings_of(report)) == 2


def test_many_elements_have_no_settings():
    assert inputs_of(lambda x: (2 * x, lambda dy: dy), RNG.standard_normal(3001)) == []


def test_a_version_is_compared_first_where_the_author_is_wrong():
    report = gradcheck(lambda x, w: (x * w, lambda dy: dy * w, lambda dy: dy * w), X, X + 1)
    (run, _), wrong = rerun_of(report, settings_of(report)).runs, {}
    for name, found, right in run(report.operation):
        wrong[name] = not np.allclose(found, right)
    assert wrong == {"y": False, "dw": True, "dx": False} and list(wrong) == ["y", "dw", "dx"]


def test_the_truth_of_a_setting_is_that_of_the_derivative():
    report = gradcheck(lambda x: (np.exp(x), lambda dy: dy), X)
    for setting in settings_of(report):
        x = setting.inputs["x"]
        assert np.allclose(setting.truths["x"], setting.dy * np.exp(x), rtol=1e-8, atol=1e-9)
        assert np.array_equal(setting.y, np.exp(x))


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_of_an_exercise_is_right_in_every_run(name):
    runs = EXERCISES[name].runs()
    assert len(runs) > 1
    for run in runs:
        arrays = list(run(EXERCISES[name].reference()))
        assert arrays and all(np.allclose(found, right, rtol=1e-6, atol=1e-9) for _, found, right in arrays)


def test_the_runs_of_an_exercise_differ_and_can_be_repeated():
    operations = [each for each in EXERCISES.values() if isinstance(each, OperationExercise)]
    exercise = next(each for each in operations if "y" not in each.blanks)
    f = exercise.reference()
    first, again = ([list(run(f)) for run in exercise.runs()] for _ in range(2))
    for draw, same in zip(first, again):
        assert all(np.array_equal(a, b) for (_, a, _), (_, b, _) in zip(draw, same))
    assert len({draw[0][1].shape for draw in first}) > 1
    assert {name for name, *_ in first[0]} == {"y", *exercise.blanks}


def test_a_version_that_writes_into_its_inputs_spoils_no_setting():
    def f(x, w):
        kept = np.ones(x.shape)
        kept[0] = 0.0
        return np.array((kept * x * w).sum()), lambda dy: dy * kept, lambda dy: dy * kept * x

    def version(x, w):
        x[0] = w[0] = 0.0
        return f(x, w)

    report = gradcheck(f, X, X + 1)
    settings = settings_of(report)
    before = [[np.array(x) for x in setting.inputs.values()] for setting in settings]
    for agrees in rerun_of(report, settings).agrees:
        agrees(version)
    for setting, arrays in zip(settings, before):
        assert all(map(np.array_equal, setting.inputs.values(), arrays))

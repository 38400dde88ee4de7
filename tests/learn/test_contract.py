"""Proves that every promise of the contract can be broken, and that the broken one is named: one planted for each.

These tests would catch a promise that nothing breaks, one that is broken by a right exercise, and a contract that says
yes with exit status 0 to an exercise that cheats its students. tests/learn/test_exercises.py holds npvae's own
exercises to the same promises.
"""

import pathlib

import pytest

from npvae.learn import contract, own
from tests.learn.test_own import EXAMPLES, HUBER, SIMPLE

PREDICTION = """\
    prediction=Prediction("Is it right?", ["no", "yes"], lambda: ANSWER, "It was measured."),
)
"""
PROCEDURE = """\
import numpy as np
from npvae.diagnosis.comparison import Comparison
from npvae.learn import ProcedureExercise

def double(x):
    return 2 * x

def compare(f, rng, N, D, K):
    yield Comparison("twice", np.ones(3), np.ones(3))

DOUBLE = ProcedureExercise("double", "twice x", double, "y = 2 x", hints=["How often do you add x?"], compare=compare)
"""


def edited(*pairs):
    """Return huber.py with each first text replaced by the second."""
    text = HUBER
    for right, wrong in pairs:
        assert right in text
        text = text.replace(right, wrong, 1)
    return text


def asking(answer):
    """Return huber.py with a question whose answer is measured by this expression."""
    import_ = ("OperationExercise, Wrong", "OperationExercise, Prediction, Wrong")
    return edited(import_).removesuffix(")\n") + PREDICTION.replace("ANSWER", answer)


STUB, PASSES, ANSWERS, KINKS, WRONG, FORMULAS, HINTS, LINES, QUESTION, NAME = contract.PROMISES
HELPER = ("def huber", "def size(r): return np.abs(r)\n\n\ndef huber")
BROKEN = {  # a planted defect: the file, the promise that it breaks, words of the sentence
    "a stub without its helper": (
        edited(HELPER, ("np.where(np.abs(r)", "np.where(size(r)"), ('("y", "dx")', '("dx",)')),
        STUB, "the stub does not run: NameError: name 'size' is not defined; list lines that it needs in imports=(…)",
    ),
    "a check that never calls the function": (PROCEDURE, STUB, "nothing is left to write"),
    "a wrong derivative": (edited(("clip(r, -1, 1)", "clip(r, -1, 1.5)")), PASSES, "dx is wrong by"),
    "a value that an input shares": (
        edited(("y = np.where", "x *= 1.0\n    x -= 1\n    y = np.where")), PASSES, "changed this input in place: x"
    ),
    "inputs that differ from call to call": (
        edited(("    r = rng", "    rng = np.random.default_rng()\n    r = rng")),
        ANSWERS, "two runs of the solution differ",
    ),
    "a kink near the inputs": (SIMPLE, KINKS, "there is a kink within 0.01 of x["),
    "a wrong version that is right": (
        edited(("lambda dy, x, t: dy[:, None] * (x - t)", "lambda right: right")),
        WRONG, "'dx not clipped' passes (seed 0)",
    ),
    "words that nobody says": (
        edited(("Wrong(changes=", 'Wrong("it is clipped", ')), WRONG, "'it is clipped' is not in what the check says"
    ),
    "a wrong version that raises": (
        edited(("lambda dy, x, t: dy[:, None] * (x - t)", "lambda right: right / (1 // 0)")),
        WRONG, "huber.py, line 36: ZeroDivisionError",
    ),
    "another formula": (
        edited(("    inputs=draw,", '    inputs=draw, formulas={"y": {"": lambda x: x.sum(axis=1)}},')),
        FORMULAS, "the formula for y gives numbers that differ",
    ),
    "no hints": (edited(("hints=[", "hints=[] and [")), HINTS, "there are none"),
    "a short hint": (edited(("hints=[", 'hints=["Think!", ')), HINTS, "hint 1 is too short to help: 'Think!'"),
    "a hint with the solution": (
        edited(("hints=[", 'hints=["Take dy[:, None] · np.clip(r, −1, 1) for dx.", ')),
        HINTS, "hint 1 holds a line of the solution: dy[:,None]*np.clip(r,-1,1)",
    ),
    "a long title": (
        edited(("forgives outliers", "forgives outliers and hardly anything else")),
        LINES, "expected one line of at most 54",
    ),
    "a long line of the text": (
        edited(("Half the square", "Half the square of a small residual, in a very long line: half the square")),
        LINES, "a line of the text has",
    ),
    "an answer that is no choice": (
        asking("2"), QUESTION, "measure returns 2, expected the index of a choice, from 0 to 1"
    ),
    "an answer that is no number": (asking('"yes"'), QUESTION, "measure returns 'yes'"),
    "an answer that raises": (asking("1 / 0"), QUESTION, "huber.py, line 37: ZeroDivisionError: division by zero"),
    "the name of one of npvae's": (
        edited(('name="huber"', 'name="kl"')), NAME, "'kl' is also the name of an exercise of npvae"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_is_named(what, npvae_):
    text, promise, words = BROKEN[what]
    pathlib.Path("mine").mkdir()
    pathlib.Path("mine/huber.py").write_text(text, encoding="utf-8")
    status, out, error = npvae_("learn", "contract", "mine")
    assert status == 1 and error == "" and all(len(line) <= 80 for line in out.splitlines())
    (exercise,) = contract.exercises_to_examine("mine")
    found = contract.examine(exercise)
    assert words in found[promise], found
    assert f"  BROKEN  {promise}\n" in out and words in " ".join(out.split())
    others = {PASSES: {ANSWERS, KINKS, WRONG, FORMULAS}, ANSWERS: {KINKS}}.get(promise, set())  # what follows from it
    assert {name for name, sentence in found.items() if sentence} <= {promise} | others, found


def test_each_promise_is_broken_once():
    assert {promise for _, promise, _ in BROKEN.values()} == set(contract.PROMISES)


def test_two_exercises_of_one_name_are_named_in_the_contract(npvae_):
    pathlib.Path("mine").mkdir()
    for name in ("huber", "robust"):
        pathlib.Path(f"mine/{name}.py").write_text(HUBER, encoding="utf-8")
    status, out, _ = npvae_("learn", "contract", "mine")
    assert status == 1 and "'huber' is also the name of an exercise of robust.py" in " ".join(out.split())
    assert out.endswith("2 promises are broken.\n")


def test_the_examples_keep_every_promise(npvae_):
    status, out, error = npvae_("learn", "contract", EXAMPLES)
    assert (status, error) == (0, "") and out.endswith("\nEvery promise is kept.\n")
    assert out.count("  kept    ") == len(own.exercises_of(EXAMPLES)) * len(contract.PROMISES)


@pytest.mark.parametrize("x, is_near", [("off_zero(rng, N, D)", False), ("normal(rng, N, D)", True)])
def test_the_kink_of_relu_is_seen(x, is_near, tmp_path):
    (tmp_path / "ramp.py").write_text(f"""\
from npvae.autodiff import ops
from npvae.gradchecks.check import normal, off_zero
from npvae.learn import OperationExercise
inputs = lambda rng, N, D, K: {{"x": {x}}}
RAMP = OperationExercise("ramp", "a ramp", ops.relu, "y = max(x, 0)", blanks=("dx",), inputs=inputs)
""", encoding="utf-8")
    (exercise,) = own.exercises_of(tmp_path)
    assert ("there is a kink within 0.01 of x[" in contract.inputs_near_a_kink(exercise)) == is_near

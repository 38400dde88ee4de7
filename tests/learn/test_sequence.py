"""Proves that the search for the smallest edit of a sequence of calls finds the slip that was made.

These tests would catch a missing call that is named as another one, a right sequence that is blamed, and a search that
says something about a sequence that no small edit mends.
"""

import itertools

import pytest

from npvae.autodiff import Tensor
from npvae.learn import catalogue, outcome
from npvae.learn.exercises.training import in_order
from npvae.learn.sequence import BACKWARD, LOSS, RIGHT, STEP, ZERO_GRAD, Call, explanations, recorded, repeated
from npvae.nn import optim

LETTERS = {"l": LOSS, "z": ZERO_GRAD, "b": BACKWARD, "s": STEP}


def calls(letters):
    return tuple(LETTERS[letter] for letter in letters)


@pytest.mark.parametrize("letters", ["lzbs", "zlbs", "lbsz", "zlzbs", "zlbsz"])
def test_right_sequences(letters):
    assert explanations(calls(letters)) == []
    assert outcome.judge(catalogue.find("training_step"), in_order(letters)).status == outcome.PASSED


@pytest.mark.parametrize(
    "letters, words",
    {
        "lbs": "zero_grad is missing",
        "lzs": "backward is missing: nothing computes the gradient that step uses",
        "lzb": "step is missing",
        "lbzs": "zero_grad comes between backward and step",
        "lbzsz": "zero_grad comes between backward and step",
        "lszb": "step comes before backward",
        "szlb": "step comes before backward",
        "lzbss": "the step is taken twice",
        "llzbs": "the loss is computed twice",
        "lzbbs": "backward is called twice",
        "lz": "backward is missing: nothing computes the gradient that step uses; and step is missing",
        "ls": "backward is missing: nothing computes the gradient that step uses; and zero_grad is missing",
    }.items(),
)
def test_the_smallest_edit_is_named(letters, words):
    causes = explanations(calls(letters))
    assert causes and all(words.split("; and ")[0] in cause for cause in causes) and len(causes) <= 2, causes
    result = outcome.judge(catalogue.find("training_step"), in_order(letters))
    text = " ".join(" ".join(result.lines).split())
    assert result.status == outcome.WRONG and all(part in text for part in words.split("; and ")), text
    assert len(text.split(" or ")) <= 2 or "it loss" not in text


def test_every_deletion_doubling_and_exchange_of_the_right_sequence_is_mended_by_one_edit():
    for i in range(1, 4):
        assert len(explanations(RIGHT[:i] + RIGHT[i + 1 :])) == 1
    for i, j in itertools.combinations(range(1, 4), 2):
        swapped = list(RIGHT)
        swapped[i], swapped[j] = RIGHT[j], RIGHT[i]
        assert len(explanations(tuple(swapped), most=1)) <= 1


def test_arguments_and_factors():
    dropped = Call("loss", frozenset(["rows", "step"]))
    (cause,) = set(explanations((dropped, *RIGHT[1:]))[:1])
    assert "rows is not passed on" in cause and "step is not passed on" in cause
    assert "climb" in explanations((LOSS, ZERO_GRAD, Call("backward", factor=-1.0), STEP))[0]
    assert "0.25 times" in explanations((LOSS, ZERO_GRAD, Call("backward", factor=0.25), STEP))[0]


def test_nothing_is_said_where_two_edits_do_not_suffice():
    assert explanations(calls("sss")) == [] and explanations(calls("")) == []


def test_recording_ends():
    x, noted = Tensor(3.0, requires_grad=True), []
    with recorded(lambda name, *given: noted.append(name)):
        optimizer = optim.Adam([x])
        (x * x).backward()
        optimizer.step()
        optimizer.zero_grad()
    (x * x).backward()
    assert noted == ["backward", "step", "zero_grad"]


def test_blocks():
    assert repeated(calls("lzbs" * 8)) == (calls("lzbs"), 8)
    assert repeated(calls("z" + "lbsz" * 8))[1] == 8
    assert repeated(calls("lzbszzblzss")) is None and repeated(RIGHT) == (RIGHT, 1)


@pytest.mark.parametrize("where", ["by hand", "to zero"])
def test_gradients_that_are_cleared_without_zero_grad(where):
    def training_step(model, optimizer, x, rng, step=0, rows=None):
        objective, parts = model.loss(x, rng, step, rows)
        for p in optimizer.parameters:
            if where == "by hand":
                p.grad = None
            elif p.grad is not None:
                p.grad[...] = 0
        objective.backward()
        optimizer.step()
        return float(objective), parts

    assert outcome.judge(catalogue.find("training_step"), training_step).status == outcome.PASSED

    def forgets_its_step(model, optimizer, *given):
        optimizer.step = lambda: None
        return training_step(model, optimizer, *given)

    text = " ".join(outcome.judge(catalogue.find("training_step"), forgets_its_step).lines)
    assert "step is missing" in " ".join(text.split()) and "zero_grad is missing" not in " ".join(text.split())

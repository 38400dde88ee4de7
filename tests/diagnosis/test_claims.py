"""Proves that the diagnosis does not guess: of numbers that no single change explains, it claims nothing.

Two kinds of wrong gradients have no simple cause: those that are wrong at random, and those with two mistakes at once.
Among the thousands of edits that the search tries, one could happen to fit. These tests would catch it.

`pytest -m slow` draws 500 random gradients and 300 pairs of mistakes; without it, four of each.
"""

import ast
import itertools

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from tests.diagnosis.mutations import Source
from tests.diagnosis.operations import OPERATIONS
from tests.diagnosis.wrong import Wrong, at_random, drawn, gradients, pairs, singles


def claims(wrong):
    """Return what the diagnosis claims about the causes, for the wrong arrays: a list of texts."""
    claimed = []
    for finding in findings(wrong):
        if finding.name.removeprefix("d") in wrong.arrays:
            edits = [edit for edit in finding.edits if not names_all(edit, wrong)]
            texts = [f"{edit.kind}: {edit.text} in {edit.quotes()}" for edit in edits]
            causes = [cause for cause in finding.causes if not cause.startswith("an error ")]  # that says only where
            claimed += [f"{finding.name}: {text}" for text in (*texts, *causes)]
            if finding.measured and not finding.measured.startswith("yours is wrong "):
                claimed.append(f"{finding.name}: {finding.measured}")
    return claimed


def names_all(edit, wrong):
    """Return whether a cause is one change in every line that was changed: then it is no guess about two mistakes."""
    is_several = "both times" in edit.text or "and the same at" in edit.text
    return is_several and set(wrong.lines) <= {quote for _, quote in edit.quotes()}


def findings(wrong):
    with np.errstate(all="ignore"):
        return diagnose(gradcheck(wrong.function, *wrong.inputs, name=wrong.name)).findings


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_operations_are_right(operation, rng):
    assert gradcheck(operation.function, *operation.draw(rng)).ok


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_compiled_again_is_the_same(operation, rng):
    source = Source(operation.function)
    inputs, dy, truth = drawn(operation, rng)
    assert all(map(np.array_equal, gradients(source.compiled(), inputs, dy), truth))
    assert len(source.mutations()) > 30


def operation_called(name):
    return next(operation for operation in OPERATIONS if operation.name == name)


def mutation(source, text):
    (found,) = [m for m in source.mutations() if str(m).startswith(text)]
    return found


@pytest.mark.parametrize(
    "are_apart, a, b",
    [
        (True, "p dropped in `return", "sign before inner"),      # one term of two, and both
        (False, "dp dropped in `inner", "p dropped in `inner"),   # one product
        (False, "sign before inner", "the result negated"),       # together, the sign of the other term
        (True, "axis 0 in `inner", "p squared in `return"),
    ],
)  # fmt: skip
def test_two_mistakes_that_one_change_could_make_up_for_are_not_drawn(are_apart, a, b):
    source = Source(operation_called("softmax").function)
    assert source.apart(mutation(source, a), mutation(source, b)) == are_apart
    assert source.apart(mutation(source, b), mutation(source, a)) == are_apart


def test_the_changed_line_is_quoted(rng):
    wrong = next(wrong for wrong in singles(OPERATIONS[:1], rng) if "s dropped" in wrong.words)
    assert wrong.lines[0] in {quote for finding in findings(wrong) for e in finding.edits for _, quote in e.quotes()}


@pytest.mark.parametrize("count", [4, pytest.param(500, marks=pytest.mark.slow)])
def test_nothing_is_claimed_about_random_gradients(count, rng):
    claimed = {f"{w.name}, {w.words}": claims(w) for w in itertools.islice(at_random(OPERATIONS, rng), count)}
    assert not any(claimed.values()), claimed


@pytest.mark.parametrize("count", [4, pytest.param(300, marks=pytest.mark.slow)])
def test_nothing_is_claimed_about_two_mistakes(count, rng):
    # Without swish: of s, x and y = x s, so many sums and products are equal that two mistakes often are one.
    operations = [operation for operation in OPERATIONS if operation.name != "swish"]
    claimed = {f"{w.name}, {w.words}": claims(w) for w in itertools.islice(pairs(operations, rng), count)}
    assert not any(claimed.values()), claimed


@pytest.mark.parametrize(
    "name, changes",
    [
        # With another value, tanh would be 1 everywhere, so that its wrong derivative would not matter.
        ("gelu", {"0.044715 * x ** 2)": "0.044715 * x)", "(1 + t) +": "(1 + t ** 2) +"}),
        # The mean of d is 0. With d for d³, the value and both derivatives would vanish.
        ("variance_and_skew", {"2 * d / n": "2 * d", "ds = dy": "ds = s"}),
        # With 1/x² for x, the mean would be so large that tanh is −1 everywhere.
        ("standardized_with_numbers", {"dy * scale * (1 - np.tanh(x": "shift * scale * (1 - np.tanh(x ** 2"}),
        # The slope of y in place of the whole formula is no repair.
        ("swish", {"(1 - s)": "(s - 1)", "dy * slope": "dy * slope ** 2"}),
    ],
)  # fmt: skip
def test_what_the_search_once_took_for_a_single_mistake(name, changes, rng):
    operation = operation_called(name)
    source = Source(operation.function)
    text = ast.unparse(source.tree)
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    function = source.compile_tree(ast.parse(text))
    assert not claims(Wrong(name, str(changes), function, operation.draw(rng), ["x"], []))

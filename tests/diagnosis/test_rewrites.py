"""Proves that the edits of a function are many, each of them another, and none harms the function or the search.

These tests would catch the same change at several places that is not tried, an edit that is tried twice, and one that
raises what the search does not expect.
"""

import ast

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs, rewrites
from tests.diagnosis.operations import OPERATIONS

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
X = np.random.default_rng(0).uniform(0.5, 2, (3, 5))


def with_derivatives(f):
    """Return a function that calls an operation and its derivatives."""

    def called(*inputs):
        y, *derivatives = f(*inputs)
        if len(derivatives) == 1 and not isinstance(derivatives[0](np.ones_like(y)), np.ndarray):
            return y, derivatives[0](np.ones_like(y))
        return y, [dx(np.ones_like(y)) for dx in derivatives]

    return called


@pytest.mark.parametrize("operation", OPERATIONS[:24], ids=lambda operation: operation.name)
def test_every_edit_of_an_operation_compiles_or_is_no_python(operation):
    inputs = operation.draw(np.random.default_rng(0))
    f = with_derivatives(operation.function)
    before = str(f(*inputs)).encode()
    program, _, found = rewrites(f, *inputs)
    trees = [ast.dump(definition.tree) for definition in program.definitions]
    assert len(program.definitions) == 2 and len(found) > 300
    failed = 0
    for rewrite in found[:: max(1, len(found) // 300)]:      # about as many of each operation
        try:
            program.version(rewrite.definition, rewrite.replaced)
        except (SyntaxError, ValueError, RecursionError):
            failed += 1
        assert rewrite.text and rewrite.sites
    assert failed < 5 and [ast.dump(definition.tree) for definition in program.definitions] == trees
    assert str(f(*inputs)).encode() == before


def test_the_cheapest_come_first():
    costs = [rewrite.cost for rewrite in rewrites(function("y = 2 * x + np.sin(x)\nreturn y.sum(axis=0)"), X)[2]]
    assert costs == sorted(costs) and costs[0] < 1.3 and costs[-1] > 2.5


def test_no_two_edits_of_one_expression_are_the_same():
    f = function("y = x * 1\nz = np.einsum('ij,ij->i', x, y) + 2 ** 2\nreturn z[1:] + z[:-1]")
    program, _, found = rewrites(f, X)
    made = [(r.replaced[0][0], len(r.replaced), program.source(r.definition, r.replaced)) for r in found]
    assert len(made) == len(set(made)) > 100


@pytest.mark.parametrize(
    "wrong, right, words",
    [
        ("y = np.sin(x) + w * np.sin(x)\nreturn y", "return np.cos(x) + w * np.cos(x)",
         "with cos in place of sin in `np.sin(x)`, both times"),
        ("y = np.sin(x)\nz = w * np.sin(w)\nreturn y + z", "return np.cos(x) + w * np.cos(w)",
         "with cos in place of sin in `np.sin(x)`, and the same at `np.sin(w)`"),
        ("y = x ** 2 + w ** 2 * np.sin(x) ** 2\nreturn y", "return x ** 3 + w ** 3 * np.sin(x) ** 3",
         "with 3 in place of `2` in `x ** 2`, all 3 times"),
        ("y = x / w\nz = np.sin(x) / w\nreturn y - z", "return x - np.sin(x)",
         "without the factor 1/`w`, and the same at `np.sin(x) / w`"),
    ],
)  # fmt: skip
def test_the_same_change_at_several_places_is_one_edit(wrong, right, words):
    w = np.random.default_rng(1).uniform(0.5, 2, (3, 5))
    texts = [text for _, text in repairs(function(wrong, "x, w"), function(right, "x, w"), X, w)]
    assert words in texts, texts


def test_arithmetic_in_a_condition_decides_which_lines_run():
    _, _, found = rewrites(function("a = x\nif (len(x) + 1) % 2 == 0:\n    a = 2 * x\nreturn a"), X)
    costs = {rewrite.text: (rewrite.kind, rewrite.cost) for rewrite in found}
    assert costs["without the factor `2`"] == ("condition", 1.6)
    assert costs["with != in place of == in `(len(x) + 1) % 2 == 0`"][0] == "other function"


def test_a_step_function_that_comes_in_is_flat():
    _, _, found = rewrites(function("y = np.exp(x) * np.sign(x)\nreturn y"), X)
    flat = {rewrite.text for rewrite in found if rewrite.is_flat}
    assert "with np.sign around `np.exp(x)`" in flat and "without the factor `np.sign(x)`" not in flat


def test_an_edit_knows_its_lines():
    _, _, found = rewrites(function("y = np.sin(x)\nz = 2 * np.sin(x)\nreturn y + z"), X)
    (several,) = (rewrite for rewrite in found if rewrite.text == "with cos in place of sin in `np.sin(x)`, both times")
    assert [(site.line, site.span) for site in several.sites] == [(2, (2, 2, 8, 17)), (3, (3, 3, 12, 21))]

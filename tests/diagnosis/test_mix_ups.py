"""Proves that one variable or expression in place of another is an edit, and that nothing comes in that cannot fit.

These tests would catch a mix-up that the search no longer tries, a variable without a value, and an array of a shape
that cannot stand there.
"""

import ast

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs, rewrites

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
X, W, V = RNG.uniform(0.5, 2, (3, 5)), RNG.uniform(0.5, 2, (3, 5)), RNG.uniform(0.5, 2, 5)
BODY = "a = np.exp(x)\nb = a * w\ny = {}\nreturn y + 0 * b.sum()"


def mended(wrong, right):
    f, g = (function(BODY.format(line), "x, w, v") for line in (wrong, right))
    return repairs(f, g, X, W, V)


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("x + w", "a + w", "other array", "with `a` in place of `x`"),
        ("np.log(x)", "np.log(b)", "other array", "with `b` in place of `x`"),
        ("x - x.mean(axis=0)", "x - a", "other array", "with `a` in place of `x.mean(axis=0)`"),
        ("x + w", "x + np.exp(x)", "other array", "with `np.exp(x)` in place of `w`"),
        ("x.mean(axis=1)", "(a * w).mean(axis=1)", "other array", "with `a * w` in place of `x`"),
        ("w + np.sin(x)", "w + np.sin(x) * v", "missing factor", "with one more factor `v` at `np.sin(x)`"),
        ("w + np.sin(x)", "w + np.sin(x) / v", "extra factor", "with `np.sin(x)` divided by `v`"),
        ("w + np.sin(x)", "w + np.sin(x) + v", "missing term", "with `v` added at `np.sin(x)`"),
        ("w * np.sin(x - 1)", "w * np.sin(x - 1 - v)", "missing term", "with `v` subtracted at `x - 1`"),
        ("x.sum(axis=0)", "(x * v).sum(axis=0)", "missing factor", "with one more factor `v` at `x`"),
        ("1 - x", "v - x", "missing factor", "with one more factor `v` at `1`"),
        ("w + np.sin(x)", "w + np.sin(x) * np.exp(x)", "missing factor",
         "with one more factor `np.exp(x)` at `np.sin(x)`"),
    ],
)  # fmt: skip
def test_a_mix_up_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


def test_what_is_no_array_can_be_mixed_up_too():
    body = "def g(u): return u * u\ndef h(u): return u + 1\ndef k(p, u): return p(u)\ny = k({}, x)\nreturn y"
    f, g = (function(body.format(name)) for name in "gh")
    assert ("other array", "with `h` in place of `g`") in repairs(f, g, X)


def test_another_attribute_of_the_same_object():
    body = "class Pair:\n    def __init__(self, a, b): self.a, self.b, self.name = a, b, ''\np = Pair(x, w)\n"
    f, g = (function(f"{body}return p.{name}", "x, w") for name in "ab")
    found = repairs(f, g, X, W)
    assert ("other array", "with `p.b` in place of `p.a`") in found and not any("p.name" in text for _, text in found)


@pytest.mark.parametrize("body", ["return {}, 1", "y = lambda: {}\nreturn y(), 1", "return ({} if x.size else w), 1"])
def test_a_factor_can_be_missing_wherever_a_value_stands(body):
    f, g = (function(body.format(line), "x, w") for line in ("np.sin(x)", "np.sin(x) * w"))
    found = repairs(lambda *inputs: f(*inputs)[0], lambda *inputs: g(*inputs)[0], X, W)
    assert ("missing factor", "with one more factor `w` at `np.sin(x)`") in found


def test_a_divisor_is_not_divided_again():
    texts = [rewrite.text for rewrite in rewrites(function("return np.sin(x) / np.exp(x)", "x, w"), X, W)[2]]
    assert "with one more factor `w` at `np.exp(x)`" in texts and "with `np.exp(x)` divided by `w`" not in texts
    texts = [rewrite.text for rewrite in rewrites(function("return np.exp(x) + w", "x, w"), X, W)[2]]
    assert "with `np.exp(x)` divided by `w`" in texts


def test_nothing_comes_in_that_has_no_value_yet_or_does_not_fit():
    f = function("a = x @ u\nb = np.exp(x)\nc = a.sum(axis=0)\nreturn (b * v).sum(axis=1), c", "x, u, v")
    texts = [rewrite.text for rewrite in rewrites(f, X, RNG.standard_normal((5, 7)), V)[2]]
    assert "with one more factor `v` at `x`" in texts
    assert "with one more factor `b` at `x`" not in texts    # not known in the first line
    assert "with one more factor `a.sum(axis=0)` at `np.exp(x)`" not in texts
    assert "with one more factor `v` at `np.exp(x)`" in texts and "with `np.exp(x)` divided by `a`" not in texts


def test_an_expression_is_not_brought_into_the_function_that_it_calls():
    f = function("def g(u):\n    return 2 * u\ny = g(x)\nreturn y + g(w)", "x, w")
    texts = [rewrite.text for rewrite in rewrites(f, X, W)[2]]
    assert "with `g(w)` in place of `x`" in texts
    assert not any("g(" in text for text in texts if text.endswith("`u`"))


def test_what_comes_in_is_a_copy():
    f = function("y = np.exp(x) + w\nreturn y * np.sin(w)", "x, w")
    program, _, found = rewrites(f, X, W)
    nodes = {id(node) for node in ast.walk(program.definitions[0].tree) if isinstance(node, ast.expr)}
    for rewrite in found:
        new = rewrite.replaced[0][1]
        if rewrite.kind == "other array" and isinstance(new, ast.Call):
            assert not nodes & {id(node) for node in ast.walk(new)}

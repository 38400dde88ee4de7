"""Proves what the search knows of an expression: whether it is a value, what it holds, and whether it counts elements.

These tests would catch an edit of a target or of a while loop, a variable that has no value yet, and a factor by which
an array fills the memory.
"""

import tracemalloc

import numpy as np
import pytest

from npvae.diagnosis.confined import Refused, confined
from npvae.diagnosis.expressions import expressions_of
from npvae.diagnosis.program import Program
from tests.diagnosis.authors import function, module, rewrites

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
X, W = np.random.default_rng(0).standard_normal((2, 7, 3))


def places(f, *inputs):
    """Return the places of a function, a dict by their text."""
    program = Program(f)
    with confined(program.files, notes_values=True) as run:
        f(*inputs)
    return {e.text: e for definition in program.definitions for e in expressions_of(definition, run.values)}


def test_what_is_read_is_a_place():
    f = function(
        """
        "A text."
        a, b = x + 1, np.exp(x)
        b[0] = a.sum()
        while b[0, 1] > 1e9:
            b = b / 3
        print(f"{x + 2}")
        c: "no value" = -b
        def g(v, k=4):
            return v * k
        return (lambda v: g(v) - 5)(c)
        """
    )
    assert {*places(f, X)} - {"x", "a", "b", "c", "v", "k"} == {
        "x + 1", "1", "np.exp(x)", "0", "a.sum()", "-b", "v * k", "g(v) - 5", "g(v)", "5", "(lambda v: g(v) - 5)(c)",
    }  # fmt: skip


def test_targets_functions_modules_and_texts_are_no_places():
    found = places(function("y = np.linalg.norm(x)\nq = [y, y]\nq[0], (v, u) = y, q\ny += 1\nreturn f'{y + v}'"), X)
    assert {*found} == {"np.linalg.norm(x)", "x", "y", "[y, y]", "q", "0", "1"}


def test_a_variable_is_known_after_its_first_line_or_in_a_loop():
    body = "a = 2 * x\nb = 3 * a\nfor i in range(2):\n    c = 4 * b\n    d = 5 * x\nreturn 6 * a"
    f = function(body, "x, /, *, w=1.0")
    found = places(f, X)
    assert {text: [*found[text].arrays] for text in ("2 * x", "3 * a", "4 * b", "6 * a")} == {
        "2 * x": ["x", "w"], "3 * a": ["x", "w", "a"], "4 * b": ["x", "w", "a", "b", "i", "c", "d"],
        "6 * a": ["x", "w", "a", "b", "i", "c", "d"],
    }  # fmt: skip


def test_a_derivative_knows_what_stands_around_it():
    f = module("def of(u):\n    def f(x):\n        def dx(dy):\n            return 2 * dy\n        a = x + u\n"
               "        return dx(a)\n    return f\nf = of(1.0)")["f"]  # fmt: skip
    assert sorted(places(f, X)["2 * dy"].arrays) == ["a", "dy", "u", "x"]


def test_the_shape_of_an_expression():
    f = function(
        "h = lambda v: v\na = x @ x.T\nb = x.sum(axis=0)\nc = np.exp(a) + h(a)\nn = a.shape[0]\n"
        "e = np.random.normal(size=3)\nt = (x, n)\nreturn t[0] * n"
    )
    found = places(f, X)
    shapes = {text: found[text].shape for text in ("x @ x.T", "x.sum(axis=0)", "np.exp(a)", "a.shape[0]", "n", "x.T")}
    assert shapes == {"x @ x.T": (7, 7), "x.sum(axis=0)": (3,), "np.exp(a)": (7, 7), "a.shape[0]": (), "n": (),
                      "x.T": (3, 7)}  # fmt: skip
    assert found["h(a)"].shape is None and found["np.random.normal(size=3)"].shape is None
    assert not found["x.T"].can_meet((7, 2)) and found["x.T"].can_meet((7,)) and found["h(a)"].can_meet((9, 9))


def test_variables_that_nobody_reads_are_known():
    f = function("def g(v): return v\nreturn g(x)", "x, w, s")
    assert places(f, X, W, 1.0)["g(x)"].unused == ["w", "s"]


SIZED = {
    "a shape": "return x * np.ones(x.shape)",
    "a shape with a name": "shape = x.shape\nreturn x * np.ones(shape)",
    "a part of a shape": "n = x.shape[0]\nm = 2 * n\nreturn np.eye(n) @ x + np.ones(m).mean()",
    "several of them": "n, d = x.shape\nk = n + d\nreturn x + np.ones((n, d)) * np.linspace(0, 1, k).mean()",
    "a keyword": "n = x.shape[0]\nreturn x * np.ones(shape=(n, n)).mean()",
    "a size": "n = x.size\nreturn x + np.zeros((n,)).sum() + np.full(len(x), 2.0).sum()",
    "an argument": "def g(n): return np.ones((n, n))\nreturn g(x.shape[0]) @ x",
    "an argument with a name": "n = len(x)\ndef g(m): return np.ones((m, m))\nreturn g(n) @ x",
    "a list": "n = len(x)\na = [0.0] * n\nb = [1.0] * len(x)\nreturn x + np.array(a)[:, None] + np.array(b)[:, None]",
    "a step": "eps = 1e-9\na = np.arange(0, 1, 0.1)\nreturn x + eps + a.sum() + 1e8 * eps",
    "repetitions": "n = 3\nreturn np.repeat(x, n, axis=0).sum() + np.tile(x, (n, n)).sum() + np.pad(x, n).sum()",
    "an exponent": "n = len(x) // 4\nreturn x + np.ones(n**2).sum()",
    "a range": "s = 0.0\nfor i in range(x.shape[0]):\n    s = s + np.ones(len(x))[i]\nreturn x * s",
    "noise": "rng = np.random.default_rng(0)\nreturn x + rng.standard_normal(x.shape) + rng.normal(size=x.shape)",
}


@pytest.mark.parametrize("body", SIZED.values(), ids=SIZED)
def test_no_edit_fills_the_memory(body):
    f, x = function(body), np.random.default_rng(0).standard_normal((30, 2))
    program, _, found = rewrites(f, x)
    tracemalloc.start()
    try:
        with np.errstate(all="ignore"):
            for rewrite in found:
                version = program.version(rewrite.definition, rewrite.replaced)
                begun, _ = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                try:
                    version(x)
                except (Exception, Refused):
                    pass
                assert tracemalloc.get_traced_memory()[1] - begun < 20_000_000, rewrite.text  # 2.5 million numbers
    finally:
        tracemalloc.stop()
    assert len(found) > 10


def test_a_size_can_be_a_factor():
    f = function("n = len(x)\nm = x.shape[1]\nreturn np.ones(m) * (x / n)")
    found = [rewrite.text for rewrite in rewrites(f, X)[2]]
    for words in ("with {} squared", "with np.sqrt around {}", "with `m` in place of {}"):
        assert words.format("`n`") in found

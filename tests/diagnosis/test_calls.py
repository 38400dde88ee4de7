"""Proves that every slip in a call has its edit, and that its words name it.

These tests would catch a function, an axis or an argument that people confuse and that the search no longer exchanges.
"""

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
INPUTS = {"x": RNG.uniform(0.5, 2, (5, 5)), "w": RNG.uniform(0.5, 2, (5, 5)), "v": RNG.uniform(0.5, 2, 5),
          "t": RNG.uniform(0.5, 2, (5, 5, 5))}  # fmt: skip
HELPER = "def h(a, b=1.0, c=0.5):\n    return a * b + c\ny = {}\nreturn y"


def mended(wrong, right, body="y = {}\nreturn y"):
    f, g = (function(body.format(line), ", ".join(INPUTS)) for line in (wrong, right))
    return repairs(f, g, *INPUTS.values())


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("np.sum(x, axis=0)", "np.mean(x, axis=0)", "sum or mean", "with mean in place of sum in `np.sum(x, axis=0)`"),
        ("x.mean()", "x.sum()", "sum or mean", "with sum in place of mean in `x.mean()`"),
        ("np.max(x)", "np.min(x)", "other function", "with min in place of max in `np.max(x)`"),
        ("np.log(x)", "np.log1p(x)", "other function", "with log1p in place of log in `np.log(x)`"),
        ("np.sin(x)", "np.cos(x)", "other function", "with cos in place of sin in `np.sin(x)`"),
        ("np.repeat(v, 3)", "np.tile(v, 3)", "other function", "with tile in place of repeat in `np.repeat(v, 3)`"),
        ("np.triu(x)", "np.tril(x)", "other function", "with tril in place of triu in `np.triu(x)`"),
        ("np.floor(x)", "np.rint(x)", "other function", "with rint in place of floor in `np.floor(x)`"),
        ("np.exp(x)", "x", "other function", "without exp around `x`"),
        ("np.dot(x, w)", "x * w", "other function", "with multiply in place of dot in `np.dot(x, w)`"),
        ("np.max(x, 0)", "np.maximum(x, 0)", "other function", "with maximum in place of max in `np.max(x, 0)`"),
        ("x / x.sum(axis=1)", "x / x.sum(axis=1, keepdims=True)", "argument",
         "with `keepdims=True` in `x.sum(axis=1)`"),
        ("np.var(x, axis=0)", "np.var(x, axis=0, ddof=1)", "argument", "with `ddof=1` in `np.var(x, axis=0)`"),
        ("np.cumsum(v)", "np.cumsum(v[::-1])[::-1]", "order", "with the cumsum beginning at the end in `np.cumsum(v)`"),
        ("np.tanh(x)", "1 - np.tanh(x) ** 2", "other function", "with the slope of tanh in place of `np.tanh(x)`"),
        ("np.sqrt(x)", "x", "power", "without sqrt around `x`"),
        ("x.sum(axis=0)", "x", "extra sum", "without sum around `x`"),
        ("x.sum(axis=0)", "x.sum(axis=1)", "axis", "with the sum over axis 1 in place of `0` in `x.sum(axis=0)`"),
        ("np.sum(x, 0)", "np.sum(x, 1)", "axis", "with the sum over axis 1 in place of `0` in `np.sum(x, 0)`"),
        ("t.sum(axis=0)", "t.sum(axis=-2)", "axis", "with the sum over axis −2 in place of `0` in `t.sum(axis=0)`"),
        ("x.sum()", "x.sum(axis=1)", "extra sum", "with the sum over axis 1 alone in `x.sum()`"),
        ("x.max()", "x.max(axis=1)", "axis", "with the max over axis 1 alone in `x.max()`"),
        ("np.cumsum(x, axis=0)", "np.cumsum(x)", "axis", "with the cumsum over all axes in `np.cumsum(x, axis=0)`"),
        ("np.linalg.norm(x, axis=0)", "np.linalg.norm(x)", "axis",
         "with the norm over all axes in `np.linalg.norm(x, axis=0)`"),
        ("np.arctan2(x, w)", "np.arctan2(w, x)", "order", "with `x` and `w` exchanged in `np.arctan2(x, w)`"),
        ("x.sum(axis=0, keepdims=True)", "x.sum(axis=0)", "argument",
         "without `keepdims=True` in `x.sum(axis=0, keepdims=True)`"),
        ("np.sum(x, 0)", "np.sum(x)", "axis", "with the sum over all axes in `np.sum(x, 0)`"),
        ("np.diag(v, 1)", "np.diag(v)", "argument", "without the argument `1` of `np.diag(v, 1)`"),
        ("v.reshape(1, 5)", "v.reshape(5, 1)", "order", "with `1` and `5` exchanged in `v.reshape(1, 5)`"),
        ("t[:2].reshape(10, 5)", "t[:2].reshape(5, 10).T", "transposed",
         "with `10` and `5` exchanged in `t[:2].reshape(10, 5)`, and the result transposed"),
        ('np.einsum("ij,jk->ik", x, w)', 'np.einsum("ij,kj->ik", x, w)', "transposed",
         'with "ij,kj->ik" in place of "ij,jk->ik"'),
        ('np.einsum("ij,jk->ik", x, w)', 'np.einsum("ij,jk->ki", x, w)', "transposed",
         'with "ij,jk->ki" in place of "ij,jk->ik"'),
        ('np.einsum("ij, ij -> i", x, w)', 'np.einsum("ij,ij->j", x, w)', "transposed",
         'with "ij,ij->j" in place of "ij, ij -> i"'),
        ('np.einsum("ij,ij->i", x, w)', 'np.einsum("ij,ij->", x, w)', "transposed",
         'with "ij,ij->" in place of "ij,ij->i"'),
    ],
)  # fmt: skip
def test_a_slip_in_a_call_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


def test_a_slip_in_the_call_of_the_authors_own_function_has_its_edit():
    assert ("argument", "without the argument `x` of `h(x, v, x)`") in mended("h(x, v, x)", "h(x, v)", HELPER)
    assert ("order", "with `x` and `v` exchanged in `h(x, 1.0, v)`") in mended("h(x, 1.0, v)", "h(v, 1.0, x)", HELPER)
    words = "with `w`, which your code never reads, as one more argument of `h(x)`"
    assert ("argument", words) in mended("h(x)", "h(x, w)", HELPER)


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("range(5)", "reversed(range(5))", "order", "with `range(5)` run backwards"),
        ("reversed(range(5))", "range(5)", "order", "without reversed around `range(5)`"),
        ("range(5)", "range(1, 5)", "moved", "with `range(5)` beginning at 1"),
        ("range(1, 5)", "range(5)", "argument", "without the argument `1` of `range(1, 5)`"),
    ],
)
def test_a_slip_in_a_range_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right, "y = 0.5\nfor i in {}:\n    y = y * v[i] + x[i]\nreturn y")


UNUSUAL = ["np.einsum('ij,jk', x, w)", "np.einsum('...j->...', x)", "sum(a for a in x)", "max(*x[0])", "np.sum(*[x])",
           "np.stack([*x])", "(lambda a: a)(x)", "dict(a=x)['a']"]  # fmt: skip


@pytest.mark.parametrize("line", UNUSUAL)
def test_unusual_calls_are_edited_or_left(line):
    assert mended(line, line)                                # at least with this line twice

"""Proves that every slip within one expression has its edit, and that its words name it.

These tests would catch a kind of slip that the search no longer undoes, or that it describes as another one.
"""

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs, rewrites

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
INPUTS = {"x": RNG.uniform(0.5, 2, (3, 5)), "w": RNG.uniform(0.5, 2, (3, 5)), "v": RNG.uniform(0.5, 2, 5),
          "q": RNG.uniform(0.5, 2, (5, 5)), "k": np.array([1.0, 3.0, 2.0]), "n": 3, "s": 1.5}  # fmt: skip


def mended(wrong, right):
    """Return the kinds and the words of the edits that turn a wrong line into one with the values of the right line."""
    f, g = (function(f"y = {line}\nreturn y", ", ".join(INPUTS)) for line in (wrong, right))
    return repairs(f, g, *INPUTS.values())


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("x + w", "x - w", "wrong sign", "with the opposite sign before `w`"),
        ("x - w", "x + w", "wrong sign", "with the opposite sign before `w`"),
        ("x + w", "-x + w", "wrong sign", "with the opposite sign before `x`"),
        ("-x", "x", "wrong sign", "without the minus before `x`"),
        ("x * np.sin(w)", "x * np.sin(-w)", "wrong sign", "with the opposite sign before `w`"),
        ("x + w", "x", "extra term", "without the term `w`"),
        ("x - w", "-w", "extra term", "without the term `x`"),
        ("x * w", "x", "extra factor", "without the factor `w`"),
        ("x / w", "x", "extra factor", "without the factor 1/`w`"),
        ("x / w", "1 / w", "extra factor", "without the factor `x`"),
        ("q @ v", "v", "extra factor", "without the factor `q`"),
        ("x * w", "x / w", "other function", "with / in place of * in `x * w`"),
        ("x * w", "x + w", "other function", "with + in place of * in `x * w`"),
        ("x + w", "x * w", "other function", "with * in place of + in `x + w`"),
        ("x - w", "x / w", "other function", "with / in place of − in `x - w`"),
        ("x * 3", "x ** 3", "other function", "with ** in place of * in `x * 3`"),
        ("x // s", "x % s", "other function", "with % in place of // in `x // s`"),
        ("q @ q", "q * q", "other function", "with * in place of @ in `q @ q`"),
        ("x ** 3", "x", "power", "without the power `3` of `x`"),
        ("x - w", "w - x", "order", "with the two sides of `x - w` exchanged"),
        ("x / w", "w / x", "order", "with the two sides of `x / w` exchanged"),
        ("q @ np.diag(v)", "np.diag(v) @ q", "order", "with the two sides of `q @ np.diag(v)` exchanged"),
        ("x ** w", "w ** x", "order", "with the two sides of `x ** w` exchanged"),
        ("x + w / s", "(x + w) / s", "order", "with brackets around `x + w`"),
        ("(x + w) / s", "x + w / s", "order", "with brackets around `w / s`"),
        ("x - w - s", "x - (w - s)", "order", "with brackets around `w - s`"),
        ("-x + w", "-(x + w)", "order", "with brackets around `x + w`"),
        ("-x ** 2", "(-x) ** 2", "wrong sign", "without the minus before `x ** 2`"),
        ("np.where(x < w, x, s)", "np.where(x > w, x, s)", "other function", "with > in place of < in `x < w`"),
        ("np.where(k <= 2, 1, 0.3)", "np.where(k < 2, 1, 0.3)", "other function", "with < in place of <= in `k <= 2`"),
        ("x if n > 2 and s > 2 else w", "x", "condition", "with or in place of and in `n > 2 and s > 2`"),
        ("x if n > 2 else w", "w", "order", "with the two choices of `x if n > 2 else w` exchanged"),
        ("x if n > 2 else w", "w", "condition", "with `w` in both cases"),
        ("x if n < 2 else w", "x", "condition", "with `x` in both cases"),
        ("2 * x", "3 * x", "constant", "with 3 in place of `2`"),
        ("x ** 2", "x ** 3", "power", "with 3 in place of `2`"),
        ("x + 2", "x - 2", "wrong sign", "with −2 in place of `2`"),
        ("x / 2 + 7", "x / 7 + 7", "constant", "with 7 in place of `2`"),
        ("x * 2", "x * s", "constant", "with `s` in place of `2`"),
        ("1 - v", "s - v", "missing factor", "with `s` in place of `1`"),
        ("x.sum(axis=0, keepdims=False)", "x.sum(axis=0, keepdims=True)", "other function",
         "with True in place of `False`"),
        ('np.convolve(v, k, "same")', 'np.convolve(v, k, "valid")', "other function",
         'with "valid" in place of "same"'),
        ("np.reshape(x, -1, order='C')", "x.T.ravel()", "other function", 'with "F" in place of "C"'),
        ("q.T @ v", "q @ v", "transposed", "with `q` not transposed"),
        ("q @ v", "q.T @ v", "transposed", "with `q` transposed"),
        ("q + s", "q.T + s", "transposed", "with `q` transposed"),
        ("w + x", "w + 2 * x", "missing factor", "with twice `x` in place of `x`"),
        ("w + x", "w + x / 2", "missing factor", "with half of `x` in place of `x`"),
        ("w + x", "w + x * x", "power", "with `x` squared"),
        ("w + x", "w + 1 / x", "power", "with 1/`x` in place of `x`"),
        ("w * x", "w * (1 - x)", "one minus", "with 1 − `x` in place of `x`"),
        ("w + x", "w + x ** 0.5", "power", "with np.sqrt around `x`"),
        ("w + x", "w + np.exp(x)", "other function", "with np.exp around `x`"),
        ("w + x", "w + np.log(x)", "other function", "with np.log around `x`"),
        ("w * np.sin(4 * x)", "w * abs(np.sin(4 * x))", "other function", "with np.abs around `np.sin(4 * x)`"),
        ("w * np.sin(4 * x)", "w * np.sign(np.sin(4 * x))", "other function", "with np.sign around `np.sin(4 * x)`"),
        ("w + x", "w + x[::-1]", "moved", "with `x` reversed"),
        ("w + x", "w + x[::-1, ::-1]", "moved", "with `x` reversed along both axes"),
        ("q * v", "q * v[:, None]", "axis", "with `v`[:, None] in place of `v`"),
        ("x[k > 2]", "x[k <= 2]", "condition", "with the contrary of `k > 2`"),
        ("np.where(~(k > 2), k, 9)", "np.where(k > 2, k, 9)", "condition", "without the `~` before `k > 2`"),
        ("np.where(np.isclose(k, 3), k, 9)", "np.where(k != 3, k, 9)", "condition",
         "with the contrary of `np.isclose(k, 3)`"),
        ("np.cos(3 * x)", "np.fmax(np.cos(3 * x), 0)", "other function",
         "with only the positive part of `np.cos(3 * x)`"),
        ("w * np.cos(3 * x)", "w * (np.cos(3 * x) > 0)", "other function",
         "with `np.cos(3 * x)` > 0 in place of `np.cos(3 * x)`"),
    ],
)  # fmt: skip
def test_a_slip_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


@pytest.mark.parametrize("line", ["x + w + s", "x * w * s", "s + x * w"])
def test_brackets_that_change_nothing_are_no_edit(line):
    assert not any("brackets" in words for _, words in mended(line, line))


def test_a_place_that_stands_twice_is_named_with_what_surrounds_it():
    assert ("power", "with `x` in `x * w` squared") in mended("x * w + np.exp(x)", "x * x * w + np.exp(x)")


def test_a_whole_number_has_no_contrary():
    texts = [rewrite.text for rewrite in rewrites(function("i = 1\nreturn x[i] + x[len(x) - 1 - i]"), np.ones(3))[2]]
    assert not any("contrary" in text for text in texts)

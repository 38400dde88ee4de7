"""Proves that an edit counts only if the whole function, run again, gives the right numbers and belongs together.

These tests would catch an edit that is right in one draw, one that spoils an array that was right, a value that agrees
with its derivatives by accident, and a search that runs on.
"""

import contextlib
import io
import time

import numpy as np
import pytest

from npvae import gradcheck
from npvae.autodiff import Tensor, ops
from npvae.diagnosis import diagnose
from npvae.diagnosis.reports import rerun_of, settings_of
from npvae.diagnosis.versions import Rerun, search_versions
from tests.diagnosis.authors import function, module

RNG = np.random.default_rng(0)
X, W = RNG.uniform(0.5, 2, (2, 3, 5))
LATE = 0.4  # seconds that one edit and the preparations may take


def search(f, right, draws=(X, -X), wrong=("y",), seconds=5.0, margin=0.9):
    """Return the words of all causes for the arrays of f, which returns a dict, beside those of `right`."""

    def run(version, x):
        y, truth = version(x), right(x)
        for name in truth if isinstance(truth, dict) else ["y"]:
            yield (name, y[name], truth[name]) if isinstance(truth, dict) else ("y", y, truth)

    runs = [lambda version, x=x: run(version, np.array(x)) for x in draws]
    found = search_versions(Rerun(f, runs), dict.fromkeys(wrong, np.inf), time.thread_time() + seconds)
    return {name: [cause.text for cause in causes] for name, causes in found.items()}


def in_the_value(f, *inputs):
    """Return the words of the causes for a gradcheck of f, by the name of the array."""
    report = gradcheck(f, *inputs)
    wrong = {f"d{row.name}": np.inf for row in report.rows if row.error > report.limit}
    found = search_versions(rerun_of(report, settings_of(report)), wrong, time.thread_time() + 5)
    return {name: [cause.text.removesuffix(": your derivatives are right for that value") for cause in causes]
            for name, causes in found.items()}  # fmt: skip


def said(f, *inputs):
    return " ".join(str(diagnose(gradcheck(f, *inputs))).split())


def test_an_edit_must_hold_in_all_draws():
    f, two, five = function("return 3 * x"), np.full(3, 2.0), np.full(3, 5.0)
    one, both = (search(f, np.square, draws=draws, margin=2.0)["y"] for draws in ((two, two), (two, five)))
    assert "with 2 in place of `3`" in one and "with 2 in place of `3`" not in both
    assert "with `x` in place of `3`" in one and "with `x` in place of `3`" in both


def test_the_same_mistake_in_two_places_with_another_array_each():
    f = function("y = np.empty_like(x)\ny[0] = np.sin(x[0])\ny[1] = np.cos(x[1])\ny[2] = x[2]\nreturn y",
                 "x, u=np.arange(5.0), v=np.ones(5) * 3")  # fmt: skip

    def right(x):
        return np.array([np.sin(x[0]) * np.arange(5.0), np.cos(x[1]) * 3, x[2]])

    found = search(f, right)["y"]
    assert found == ["with one more factor `u` at `np.sin(x[0])`, and with one more factor `v` at `np.cos(x[1])`"]


def test_an_infinite_derivative_agrees_with_no_value():
    f = function("""
u = x + 0.04 * x ** 3
t = np.tanh(u)
y = 0.5 * x * (1 + t)
def dx(dy):
    dt = (1 - t ** 2) * u
    return dy * (0.5 / (1 + t) + 0.5 * x * dt)
return y, dx
""")
    x = np.array([-0.06, 0.4, -1.3, 0.9, 1.9])               # with 0.04 / x³ in place of 0.04 x³, t is −1 at the first
    assert in_the_value(f, x) == {"dx": []}


def test_two_mistakes_of_different_kinds_are_no_pair():
    f = function("y = np.empty_like(x)\ny[0] = np.sin(x[0])\ny[1] = np.cos(x[1])\ny[2] = x[2]\nreturn y",
                 "x, u=np.arange(5.0), v=np.ones(5) * 3")  # fmt: skip
    assert search(f, lambda x: np.array([np.sin(x[0]) * np.arange(5.0), np.sin(x[1]), x[2]]))["y"] == []


def test_arrays_that_were_right_stay_right():
    f = function("a = 2 * x\nb = 3 * a\nreturn {'a': a, 'b': b}")
    found = search(f, lambda x: {"a": 2 * x, "b": 8 * x}, wrong=["b"])
    assert found["b"] and not any("`2`" in text for text in found["b"])
    found = search(f, lambda x: {"b": 8 * x}, wrong=["b"], margin=2.0)
    assert "with 4 in place of `3`" in found["b"]
    f = function("a = 2 * x\nb = 3 * a\nreturn {'a': a, 'b': b}")
    assert search(f, lambda x: {"a": 4 * x, "b": 12 * x}, wrong=["a", "b"])["a"][0] == "with 4 in place of `2`"


def test_a_change_of_the_value_must_agree_with_all_derivatives():
    f = function("y = x * w + np.sin(w)\nreturn y, lambda dy: dy * w, lambda dy: dy * x", "x, w")
    assert "without the term `np.sin(w)` in the value" in in_the_value(f, X, W)["dw"]
    f = function("y = x * w + np.sin(w) + x\nreturn y, lambda dy: dy * w, lambda dy: dy * x", "x, w")
    found = in_the_value(f, X, W)
    assert not any("without the term `np.sin(w)` in the value" == text for texts in found.values() for text in texts)


@pytest.mark.parametrize("words, body", {
    "with np.sign around `np.sin(w)`": "y = x * w + np.sin(w)\nreturn y, lambda dy: dy * w, lambda dy: dy * x",
    "with 0 in place of `1`": "m = np.mean(x) * 1\ny = x * w + m\nreturn y, lambda dy: dy * w, lambda dy: dy * x",
    "with `np.sin(w)` > 0 in place of `np.sin(w)`": "y = x * w + np.sin(w)\n"
                                                    "return y, lambda dy: dy * w, lambda dy: dy * x",
}.items())  # fmt: skip
def test_a_value_that_loses_a_variable_agrees_by_accident(words, body):
    texts = in_the_value(function(body, "x, w"), X, W)
    assert not any(text.startswith(words) for several in texts.values() for text in several), texts
    assert any("in the value" in text for several in texts.values() for text in several)


def test_the_value_of_tensors_is_never_changed():
    report = gradcheck(lambda x: ops.exp(x) * x, Tensor(X))
    assert rerun_of(report, settings_of(report)).agrees == []
    report = gradcheck(lambda x: (2 * x, lambda dy: 3 * dy), X)
    assert len(rerun_of(report, settings_of(report)).agrees) == 2


def test_an_array_that_is_almost_right_needs_an_edit_that_is_much_closer():
    assert "without the term `5e-07 * x`" in search(function("return x + 5e-7 * x"), lambda x: x)["y"]
    f = function("y = x + 1e-7 * x\nreturn y + 5e-7 * y")
    assert "without the term `1e-07 * x`" not in search(f, lambda x: x)["y"]


MANY = "\n".join(["y = np.exp(x) * np.sin(x) + x / (1 + x ** 2)"] + ["y = y * np.tanh(y) - x * y + 0.1"] * 8)


def test_the_search_ends_in_time():
    f, took = function(f"{MANY}\nreturn y"), []
    for _ in range(3):                       # the quickest: other programs, and Python's own cleaning up, only add time
        begun = time.thread_time()
        assert search(f, np.cos, seconds=0.3)["y"] == []
        took.append(time.thread_time() - begun)
    assert 0.3 < min(took) < 0.3 + LATE
    assert search(function("return 2 * x"), lambda x: 3 * x, seconds=0)["y"] == []


ROOT = """
tolerance = 1e-12
y = np.ones_like(x)
while np.abs(y ** 2 - x).max() > tolerance:
    y = y - (y ** 2 - x) / (2 * y)
return y * 3
"""


def test_a_version_that_does_not_end_is_left():
    f = function(ROOT)
    begun = time.thread_time()
    assert "without the factor `3`" in search(f, np.sqrt, draws=(X, X + 1), margin=2.0)["y"]
    assert time.thread_time() - begun < 5 + LATE


AUTHORS = {
    "prints": "print('Hello', x)",
    "exits": "if (x > 1e3).any(): raise SystemExit\n    if not np.isfinite(x).all(): exit_now()",
    "raises": "if x.sum() > 1e3: raise RuntimeError",
    "counts": "COUNT.append(1)\n    counted['n'] = counted.get('n', 0) + 1",
}


@pytest.mark.parametrize("what", AUTHORS)
def test_an_author_whose_function_does_more_than_compute(what):
    names = module("COUNT, counted = [], {}\ndef exit_now(): raise SystemExit\ndef f(x):\n    " + AUTHORS[what] +
                   "\n    y = x\n    for i in range(2):\n        y = y * x + np.log(x)\n"
                   "    return y, lambda dy: dy * (3 * x ** 2 + np.log(x) + 2 + 1 / x)\n")  # fmt: skip
    report, shown = gradcheck(names["f"], X), io.StringIO()
    with contextlib.redirect_stdout(shown):
        text = " ".join(str(diagnose(report)).split())
    assert "in line" in text or "line " in text
    assert shown.getvalue() == ""


def test_versions_have_a_counter_of_their_own():
    names = module("COUNT = []\ndef f(x):\n    COUNT.append(1)\n    return 2 * x if len(COUNT) else x")
    assert "with 3 in place of `2`" in search(names["f"], lambda x: 3 * x)["y"]
    assert names["COUNT"] == []


@pytest.mark.parametrize("failure", ["raise SystemExit", "raise KeyError", "return None"])
def test_an_edit_that_makes_the_function_fail_is_left(failure):
    f = function(f"y = 3 * x\nif y.max() > 4 * x.max(): {failure}\nreturn y")
    assert search(f, lambda x: 2 * x, draws=(X, X + 1), margin=3.0)["y"]
    f = function(f"if FAILS: {failure}\nreturn 3 * x")
    f.__globals__["FAILS"] = True                            # the author's own fails in each draw
    assert search(f, lambda x: 4 * x)["y"] == []


def test_empty_arrays_are_no_collapse():
    body = "e = x[:0]\ny = x * w + np.sin(w)\nreturn y, lambda dy: dy * w, lambda dy: dy * x"
    f = function(body, "x, w")
    assert "without the term `np.sin(w)` in the value" in in_the_value(f, X, W)["dw"]


def test_no_cause_comes_twice():
    f = function("y = x.sum(axis=0)\nreturn y")
    draws = [RNG.standard_normal((4, 4)) for _ in range(2)]
    found = search(f, lambda x: x.sum(axis=1), draws=draws)["y"]
    assert "with the sum over axis 1 in place of `0` in `x.sum(axis=0)`" in found
    assert "with 1 in place of `0`" not in found


def test_an_object_without_attributes_to_read_has_no_versions():
    f = module("class Odd:\n    a = 2.0\n    @property\n    def __dict__(self): raise RuntimeError('none')\n"
               "def f(x):\n    odd = Odd()\n    return {'y': x * odd.a}\n")["f"]  # fmt: skip
    assert search(f, lambda x: {"y": 3 * x}) == {"y": []}


def test_a_long_function_does_not_take_long():
    lines = "\n".join(f"a{i + 1} = np.tanh(a{i} * w + {i}.5) + x[0] * u[{i % 5}]" for i in range(60))
    f = function(f"u = np.arange(5.0)\na0 = x\n{lines}\nreturn a60", "x, w=0.7")
    begun = time.thread_time()
    search(f, np.sinh, seconds=1.0)
    assert time.thread_time() - begun < 5


def test_pairs_do_not_take_long():
    f = function("for _ in range(3000): pass\ny = np.empty_like(x)\ny[0] = np.sin(x[0]) * x[0]\n"
                 "y[1:] = np.cos(x[1:]) * x[1:]\nreturn y")  # fmt: skip
    begun = time.thread_time()
    search(f, lambda x: np.exp(x), seconds=1.0)
    assert time.thread_time() - begun < 2.5

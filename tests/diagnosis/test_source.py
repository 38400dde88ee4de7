"""Proves that a diagnosis quotes the author's lines as they are now, and in words and lines that can be read.

These tests would catch a quote from an earlier version of the file, and one that ends before the place in question.
"""

import importlib
import sys

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose, source
from npvae.diagnosis.causes import Cause
from npvae.diagnosis.graph import site_of

X = np.random.default_rng(0).standard_normal((3, 5))
WRONG = """import numpy as np

def f(x):
    {line}
    return y, lambda dy: dy * {slope}
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes a module of this text, and imports or reloads it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(text):
        tmp_path.joinpath("students_own.py").write_text(text)
        importlib.invalidate_caches()
        if "students_own" in sys.modules:
            return importlib.reload(sys.modules["students_own"])
        return importlib.import_module("students_own")

    yield load
    del sys.modules["students_own"]


def test_a_module_that_was_reloaded_is_quoted_anew(module):
    first = str(diagnose(gradcheck(module(WRONG.format(line="y = np.tanh(x)", slope="(1 - x**2)")).f, X)))
    assert "line 5:  return y, lambda dy: dy * (1 - x**2)" in first
    second = str(diagnose(gradcheck(module("# new\n" + WRONG.format(line="y = np.tanh(x)", slope="(1 + y**2)")).f, X)))
    assert "line 6:  return y, lambda dy: dy * (1 + y**2)" in second and "x**2" not in second


WITHOUT_SOURCE = """
import numpy as np
def f(x, w):
    p = 1 / (1 + np.exp(-x))
    return p * w, lambda dy: dy * w * p, lambda dy: dy * p
def g(x, w):
    h = np.tanh(x) @ w
    y = h - h.mean(axis=0)
    return y, lambda dy: (dy @ w.T) * (1 - np.tanh(x) ** 2), lambda dy: np.tanh(x).T @ dy
def h(x, w):
    return np.exp(x) * w, lambda dy: w * (dy * np.exp(x)) * np.sin(x), lambda dy: np.exp(x) * dy
"""


@pytest.mark.parametrize(
    "name, words",
    {
        "f": "with `v (1 − v)`, v being the quotient in line 4, in place of the quotient in line 4",
        "g": "if the result of np.mean in line 8 did not depend on `w`",
        "h": "without the factor (the result of np.sin in line 11)",
    }.items(),
)
def test_where_there_is_no_source_a_description_stands_for_the_name(name, words):
    names, rng = {}, np.random.default_rng(0)
    exec(compile(WITHOUT_SOURCE, "<stdin>", "exec"), names)
    w = rng.standard_normal((5, 5) if name == "g" else (3, 5))
    text = str(diagnose(gradcheck(names[name], X, w)))
    assert words in " ".join(text.split()), text
    assert "a step" not in text and "``" not in text and "`the " not in text


FACTORS = " * ".join(["np.sqrt(1.0)"] * 9)
LONG = f"""import numpy as np
def f(x):
    y = np.exp(x)
    return y, lambda dy: {FACTORS} * dy * np.cos(x) * y * {FACTORS}  # the end
"""


def test_of_a_long_line_the_place_in_question_is_quoted(module):
    lines = str(diagnose(gradcheck(module(LONG).f, X))).splitlines()
    (quote,) = [line for line in lines if line.startswith("  line 4:  ")]
    assert "· without the factor `np.cos(x)`" in "".join(lines)
    assert "dy * np.cos(x) * y" in quote and len(quote) == 80
    assert quote.startswith("  line 4:  …") and quote.endswith("…")


@pytest.mark.parametrize("width", [10, 20, 40, 60])
def test_every_place_of_a_long_line_is_quoted(module, width):
    site = site_of(module(LONG).f.__code__, 0)
    line = source.quoted(site._replace(line=4))
    assert line.endswith(FACTORS)
    for start in range(len(line)):
        end = min(start + 8, len(line))
        quote = source.quoted(site._replace(line=4, span=(4, 4, start + 4, end + 4)), width)
        assert len(quote) == width and line[start:end] in quote
        assert quote.strip("…") in line
    whole = source.quoted(site._replace(line=4, span=(4, 4, 4, len(line) + 4)), width)
    assert whole == line[: width - 1] + "…"
    assert source.quoted(site._replace(line=4, span=(4, 4, None, None)), width) == whole
    assert source.quoted(site._replace(line=3), width) in ("y = np.exp(x)", "y = np.ex…")


def test_columns_are_characters(module):
    text = LONG.replace("y = np.exp(x)", "σ_and_μ = np.exp(x); y = σ_and_μ; " + "ν = y + x; " * 12 + "wrong = 1")
    site = site_of(module(text).f.__code__, 0)
    line = text.splitlines()[2].strip()
    start = len(text.splitlines()[2].split("wrong")[0].encode())
    quote = source.quoted(site._replace(line=3, span=(3, 3, start, start + 9)), 30)
    assert quote.startswith("…") and quote.endswith("wrong = 1") and len(quote) == 30 and quote[1:] in line


@pytest.mark.parametrize(
    "words, called, written",
    [
        ("1 − {}", "p", "`1 − p`"),
        ("{0} (1 − {0})", "p", "`p (1 − p)`"),
        ("1/{}²", "a + b", "`1/(a + b)²`"),
        ("1/{}", "np.exp(a + b)", "`1/np.exp(a + b)`"),
        ("np.sign({})", "a + b", "`np.sign(a + b)`"),
        ("{}", "a + b", "`a + b`"),
        ("1/{}", "np.exp(a + b + …", "`1/(np.exp(a + b + …)`"),
        ("the sum of {} over axis 0", "a + b", "the sum of `a + b` over axis 0"),
        ("minus {}", "the product in line 2", "minus the product in line 2"),
    ],
)
def test_a_formula_is_one_piece_of_code(words, called, written):
    assert source.formula(words, called) == written


@pytest.mark.parametrize(
    "text, written",
    [
        ("with `the product in line 2` in place of `x`", "with the product in line 2 in place of `x`"),
        ("without the term `1/the sum in line 2`", "without the term (1/the sum in line 2)"),
        ("with `a @ b` in place of `then`", "with `a @ b` in place of `then`"),
        ("at `a constant`, an `an array` more", "at a constant, an an array more"),
    ],
)
def test_backticks_are_for_code(text, written):
    assert source.in_plain_words(text) == written


def test_a_line_that_ends_with_a_colon_is_quoted_whole(module):
    text = "import numpy as np\ndef f(x):\n    y = np.zeros(5)\n    for row in x:\n        y = y + row\n    return y\n"
    site = site_of(module(text).f.__code__, 0)
    cause = Cause("axis", "", (site._replace(line=4, span=(4, 4, 4, 17)), site._replace(line=99)), 1.0)
    assert cause.quoted_lines() == ["  line 4:  for row in x:", "  line 99"]

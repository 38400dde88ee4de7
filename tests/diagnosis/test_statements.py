"""Proves that every slip in a statement has its edit, and that its words name it.

These tests would catch a line at the wrong place, or under the wrong condition, that the search no longer moves, and an
edit of a while loop.
"""

import numpy as np
import pytest

from npvae.diagnosis.statements import edits_of_statements
from tests.diagnosis.authors import function, repairs, rewrites

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
X, N = RNG.uniform(0.5, 2, (3, 5)), 3


def mended(wrong, right):
    return repairs(function(wrong, "x, n"), function(right, "x, n"), X, N)


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("a = x + 1\na = a * 2\nreturn a", "return x + 1", "extra term", "without this line"),
        ("a = x + 1\na += x\nreturn a", "return 3 * x + 1", "place", "with this line twice"),
        ("a = 1.0 * x\na = a + 1\na = a * 3\nreturn a", "return 3 * x + 1", "place", "with this line after line 4"),
        ("a = x\nif n > 5:\n    a = 3 * x\nreturn a", "return 3 * x", "condition", "without the condition `n > 5`"),
        ("a = 1.0 * x\nif n > 1:\n    a = 3 * x\n    a += 1\nreturn a", "return x", "condition",
         "without the lines under the condition `n > 1`"),
        ("a = 0\nfor i in range(n):\n    a = x ** i\nreturn a", "return 1 + x + x ** 2", "missing sum",
         "with the sum of `a` over the loop in place of the last one"),
        ("a = 0\nfor row in x:\n    a = np.sin(row)\nreturn a", "return np.sin(x).mean(axis=0)", "missing sum",
         "with the mean of `a` over the loop in place of the last one"),
        ("if n > 5:\n    a = x ** 3\nelse:\n    a = 4 * x\nreturn a", "return x ** 3", "condition",
         "with the two branches of this condition exchanged"),
        ("a = 1.0 * x\nif n > 1:\n    a = a * 9\nelse:\n    a = a ** 3\nreturn a", "return x ** 3", "condition",
         "with the branch under `else` alone, without the condition `n > 1`"),
        ("a = 1.0 * x\na = x ** 3\na += x\nreturn a", "return x", "other function", "with = in place of +="),
        ("a = 1.0 * x\na += x ** 3\nreturn a", "return x - x ** 3", "wrong sign", "with −= in place of +="),
        ("a = 1.0 * x\na += x ** 3\nreturn a", "return x ** 4", "other function", "with *= in place of +="),
        ("a = 1.0 * x\na[0] = x[1]\na[0] = x[2]\nreturn a", "a = 1.0 * x\na[0] = x[1] + x[2]\nreturn a",
         "other function", "with += in place of ="),
        ("a = x * 1\nb = a\nb += 1\nreturn a * b", "return x * (x + 1)", "other array",
         "with a copy of `a`, so that a change of one does not change the other"),
        ("a = x * 1\nb = a\nb += 1\nreturn a * b", "return x * (x + 1)", "other array",
         "with a new array for `b`, so that the old one does not change"),
        ("a = 0 * x\na[[0, 0, 2]] += x\nreturn a", "return np.stack([x[0] + x[1], 0 * x[0], x[2]])", "missing sum",
         "with np.add.at, which counts an index as often as it occurs"),
        ("a, b = x, 2 * x\nreturn a - b ** 2", "return 2 * x - x ** 2", "order",
         "with `a` and `b` exchanged on the left"),
        ("return x, 2 * x, 3 * x", "return x, 3 * x, 2 * x", "order",
         "with `2 * x` and `3 * x` returned in the other order"),
        ("a = 0 * x\nfor i in range(n):\n    a = 0 * x\n    a = a + x * i\nreturn a", "return x * 3", "place",
         "with this line before the loop, not in it"),
        ("a = 0 * x\nfor i in range(n):\n    a = a + i * x\n    a = a / 3\nreturn a", "return x * 1.0", "place",
         "with this line after the loop, not in it"),
        ("a = 0 * x\nfor i in range(n):\n    a = a + i * x\n    return a", "return x * 3", "place",
         "with this return after the loop, not in it"),
        ("a = 0 * x\nb = 0 * x\nfor i in range(n):\n    b = b + x\n    a = a + b\nreturn a", "return 3 * x", "place",
         "with this line at the beginning of the loop"),
        ("a = 1.0 * x\nfor i in range(n):\n    a = a * x\na = a + 1\nreturn a",
         "a = 1.0 * x\nfor i in range(n):\n    a = a * x + 1\nreturn a", "place",
         "with this line at the end of the loop"),
    ],
)  # fmt: skip
def test_a_slip_in_a_statement_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


def test_two_lines_change_places_once():
    found = mended("a = 1.0 * x\na = a + 1\na = a * 3\na = np.sin(a)\nreturn a", "return np.sin(3 * x + 1)")
    assert [pair for pair in found if "after line" in pair[1]] == [("place", "with this line after line 4")]


LOOP = """
"Return x."
n = 1
while n < 4:
    n = n + 1
    if n > 2:
        n += 1
def dx(dy):
    a = 2 * dy
    return a
y = 1
return dx(x) + y
"""


def test_a_while_loop_is_left_alone_and_what_follows_is_not():
    (definition,) = rewrites(f := function(LOOP, "x"), X)[0].definitions
    lines = {old.lineno for *_, replaced in edits_of_statements(definition.tree) for old, _ in replaced}
    assert lines == {3, 9, 11} and f(1.0) == 3

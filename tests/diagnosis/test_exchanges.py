"""Proves that two exchanged expressions, and a wrong index throughout a loop, have their edits.

These tests would catch an exchange of the wrong lines, and an index that changes in one place of its line only.
"""

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs, rewrites

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
X, W, N = RNG.uniform(0.5, 2, (8, 8)), RNG.uniform(0.5, 2, (8, 8)), 2


def mended(wrong, right):
    return repairs(function(wrong, "x, w, n"), function(right, "x, w, n"), X, W, N)


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("return x * np.sin(w) + 2 * w * np.sin(x)", "return w * np.sin(x) + 2 * x * np.sin(w)", "other array",
         "with `w` and `x` exchanged"),
        ("a = 2 * np.cos(x)\nb = np.sin(x)\nreturn a - b", "return 2 * np.sin(x) - np.cos(x)", "other function",
         "with `np.cos(x)` and `np.sin(x)` exchanged"),
        ("a = -x / n ** 2\nb = 3 * w / n ** 2\nreturn a * b ** 2", "return -w / 4 * (3 * x / 4) ** 2", "other array",
         "with `x` and `w` exchanged"),
    ],
)  # fmt: skip
def test_an_exchange_is_undone(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


def test_lines_that_are_not_neighbours_exchange_nothing():
    found = mended("a = np.cos(x)\nc = w + 1\nb = np.sin(x)\nreturn a - 2 * b + c", "return 2 * x")
    assert found == []
    _, _, edits = rewrites(function("a = np.cos(x)\nc = w + 1\nb = np.sin(x)\nreturn a - b + c", "x, w"), X, W)
    assert not any("`np.cos(x)` and `np.sin(x)` exchanged" in edit.text for edit in edits)


LOOPS = """
n = 2
y = np.zeros((8, 8))
for i in range(3):
    for j in range(3):
        y[{0}:{0} + 2, {1}:{1} + 2] += x[i:i + 2, j:j + 2]
return y
"""


@pytest.mark.parametrize(
    "i, j, words",
    [
        ("i * n", "j * n", "with `i * n` in place of `i` and `j * n` in place of `j`"),
        ("i", "(j + n)", "with `j + n` in place of `j`"),
    ],
)
def test_an_index_is_another_one_throughout_its_line(i, j, words):
    line = "y[{0}:{0} + 2, {1}:{1} + 2] += w[:2, :2] * n"
    wrong, right = (LOOPS.replace(LOOPS.splitlines()[5].strip(), line).format(*names) for names in (("i", "j"), (i, j)))
    assert ("moved", words) in mended(wrong, right)

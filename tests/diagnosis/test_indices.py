"""Proves that every slip in an index has its edit, and that its words name it.

These tests would catch an index one too far, another axis or another end of a slice that the search no longer tries.
"""

import numpy as np
import pytest

from tests.diagnosis.authors import function, repairs

pytestmark = pytest.mark.filterwarnings("ignore")             # of edits that divide by zero, or call a number
RNG = np.random.default_rng(0)
INPUTS = {"x": RNG.uniform(0.5, 2, (5, 5)), "w": RNG.uniform(0.5, 2, (5, 5)), "v": RNG.uniform(0.5, 2, 5), "n": 2}


def mended(wrong, right):
    f, g = (function(f"y = {line}\nreturn y", ", ".join(INPUTS)) for line in (wrong, right))
    return repairs(f, g, *INPUTS.values())


@pytest.mark.parametrize(
    "wrong, right, kind, words",
    [
        ("x[1]", "x", "moved", "with `x` in place of `x[1]`"),
        ("x[1, 2]", "x[2, 1]", "moved", "with the indices `1` and `2` exchanged in `x[1, 2]`"),
        ("x[n, 3:]", "x[3:, n]", "moved", "with the indices `n` and `3:` exchanged in `x[n, 3:]`"),
        ("x[n]", "x[:, n]", "axis", "with `n` as the index of axis 1 in `x[n]`"),
        ("x[:, n]", "x[n]", "axis", "with `n` as the index of axis 0 in `x[:, n]`"),
        ("x[n]", "x[n + 1]", "moved", "with the index `n` one larger in `x[n]`"),
        ("x[n, 0]", "x[n - 1, 0]", "moved", "with the index `n` one smaller in `x[n, 0]`"),
        ("x[1:]", "x", "moved", "without the start `1` in `x[1:]`"),
        ("x[n:]", "x[n + 1:]", "moved", "with the start `n` one larger in `x[n:]`"),
        ("x[:n]", "x[:n - 1]", "moved", "with the end `n` one smaller in `x[:n]`"),
        ("x[::n]", "x[::n + 1]", "moved", "with the step `n` one larger in `x[::n]`"),
        ("x[:3]", "x[1:3]", "moved", "with a slice that begins at 1 in `x[:3]`"),
        ("x[n:]", "x[n:-1]", "moved", "with a slice that ends before the last element in `x[n:]`"),
        ("x[n:]", "x[n::-1]", "moved", "with the slice reversed in `x[n:]`"),
        ("x[n]", "x.sum(axis=0)", "missing sum", "with the sum of `x` over axis 0 in place of `x[n]`"),
        ("x[:, n]", "x.sum(axis=1)", "missing sum", "with the sum of `x[:, :]` over axis 1 in place of `x[:, n]`"),
        ("x[n] + 0 * v[n]", "w[n] + 0 * v[n]", "other array", "with `w` in place of `x`"),
    ],
)
def test_a_slip_in_an_index_has_its_edit(wrong, right, kind, words):
    assert (kind, words) in mended(wrong, right)


def test_another_element_of_another_array_is_one_edit():
    line = "y = 0.0\nfor i in range(5):\n    for j in range(5):\n        y = y + v[j] * {} + w[i, j]\nreturn y"
    f, g = (function(line.format(element), "x, w, v, u") for element in ("v[j]", "u[i]"))
    inputs = INPUTS["x"], INPUTS["w"], INPUTS["v"], RNG.uniform(0.5, 2, 5)
    assert ("other array", "with `u[i]` in place of `v[j]` in `v[j] * v[j]`") in repairs(f, g, *inputs)


@pytest.mark.parametrize("line", ["x[..., 0]", "x[:, None]", "x[x > 1]", "x[(1, 2),]", "{'a': x}['a']", "x[[0, 1]][0]"])
def test_unusual_indices_are_edited_or_left(line):
    assert mended(line, line)                                # at least with this line twice

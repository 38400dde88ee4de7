"""Proves that a report cannot be taken for a test that passed, and that it prints what was found."""

import re

import numpy as np
import pytest

from npvae.autodiff import gradcheck, ops
from npvae.autodiff.report import told_apart
from npvae.diagnosis import diagnose


def test_a_report_is_neither_true_nor_false(rng):
    report = gradcheck(ops.exp.raw, rng.standard_normal((3, 5)))
    with pytest.raises(TypeError, match="assert_ok"):
        assert report


def test_a_report_says_where_and_what():
    def square(x):
        return x * x, lambda dy: 2 * x * dy + 1e-4 * (np.arange(15).reshape(3, 5) == 7)

    report = gradcheck(square, np.ones((3, 5)))
    assert report.rows[0].where == (1, 2)
    assert report.rows[0].analytic - report.rows[0].numeric == pytest.approx(1e-4, rel=1e-3)
    assert "square: FAILED" in str(report) and "(1, 2)" in str(report) and "<- wrong" in str(report)
    with pytest.raises(AssertionError, match="square: FAILED"):
        report.assert_ok()
    assert all(len(line) <= 80 for line in str(report).splitlines())


def test_two_numbers_that_differ_are_printed_so_that_they_differ():
    def almost(x):
        return np.exp(x), lambda dy: dy * np.exp(x) * (1 + 3e-7)

    report = gradcheck(almost, np.array([0.3, 1.0]))
    line = next(line for line in str(report).splitlines() if "wrong" in line)
    analytic, numeric = line.split()[3:5] if line.split()[2].startswith("(") else line.split()[2:4]
    assert analytic != numeric and len(line) <= 80
    yours, right = re.search(r"yours (\S+), right (\S+?)\.\s", f"{diagnose(report)} ").groups()
    assert yours != right
    assert told_apart(1.0, 1.0) == ("1", "1") and told_apart(0.1, 0.1 + 1e-12)[0] == "0.1"
    for a, b in ((1.0, 1.0 + 2e-16), (-4.81663, -4.816630000001), (np.nan, 1.0)):
        assert len(set(told_apart(a, b))) == 2

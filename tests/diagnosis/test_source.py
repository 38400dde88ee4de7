"""Proves that a diagnosis quotes the author's lines as they are now, and in words and lines that can be read.

These tests would catch a quote from an earlier version of the file, and one that ends before the place in question.
"""

import importlib
import sys

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose

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

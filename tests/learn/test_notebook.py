"""Proves that a function can be checked where it was written, with the diagnosis that a file would get.

These tests would catch a check that raises what the student's function raises, and one that needs a folder.
"""

import numpy as np
import pytest

from npvae import learn
from npvae.errors import UserError


def relu(x):
    y = np.maximum(x, 0)
    def dx(dy): return dy * (x > 0)
    return y, dx


def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    def dx(dy): return dy * x * (1 - x)
    return y, dx


def softplus(x):
    raise NotImplementedError("y: compute the value here")


def kl(mu, logvar):
    return mu[0] @ undefined  # noqa: F821


@pytest.mark.parametrize(
    "f, status, sentence",
    [
        (relu, "passed", "agree; the largest error is"),
        (sigmoid, "not right yet", "in place of `x`"),
        (softplus, "not written yet", "y: compute the value here (line "),
        (kl, "does not run", "NameError: name 'undefined' is not defined"),
    ],
)
def test_the_four_outcomes(capsys, f, status, sentence):
    learn.check(f)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{f.__name__}: {status}") and sentence in printed


@pytest.mark.parametrize("f", [np.tanh, 3, lambda x: x])
def test_an_unknown_function_gets_one_sentence(f):
    with pytest.raises(UserError, match="exercise"):
        learn.check(f)

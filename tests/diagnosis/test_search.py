"""Proves that the search names a mistake by the author's own line, and only what makes every number right.

These tests would catch a search that misses a usual mistake, blames another line, or finds a change that is right for
the numbers at hand only.
"""

import functools

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.paths import Paths
from npvae.diagnosis.trace import trace

RNG = np.random.default_rng(0)
X, GAMMA, W = RNG.standard_normal((5, 3)), RNG.standard_normal(3), RNG.standard_normal((3, 7))


def normalize(x, gamma, *, dx=None):
    mu = x.mean(axis=0)
    centred = x - mu
    var = np.mean(centred**2, axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = centred / std

    def right(dy):
        g = dy * gamma
        return (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / std

    derivative = right if dx is None else lambda dy: dx(dy * gamma, centred, std, xhat)
    return gamma * xhat, derivative, lambda dy: (dy * xhat).sum(axis=0)


def test_the_gradient_along_all_paths():
    dy = np.random.default_rng(1).standard_normal(X.shape)
    graph = trace(normalize, {"x": X, "gamma": GAMMA}, dy)
    for name in ("x", "gamma"):
        assert np.allclose(Paths(graph, graph.inputs[name]).gradient(dy), graph.outputs[f"d{name}"].value, atol=1e-8)


def found(f, *inputs):
    """Return pairs of kind and text with the lines that it quotes, for all arrays of a function."""
    diagnosis = diagnose(gradcheck(f, *inputs))
    assert diagnosis.findings
    assert all(len(line) <= 80 for line in str(diagnosis).splitlines()), str(diagnosis)
    return [(c.kind, f"{c.text} | {' | '.join(q for _, q in c.quotes())}") for f in diagnosis.findings for c in f.edits]


def names(causes, kind, *words):
    return any(kind == k and all(word in text for word in words) for k, text in causes)


@pytest.mark.parametrize(
    "words, dx",
    [
        ("var", lambda g, centred, std, xhat: (g - g.mean(axis=0)) / std),
        ("mu", lambda g, centred, std, xhat: (g - xhat * (g * xhat).mean(axis=0)) / std),
    ],
)
def test_a_missing_path_is_named_by_its_value(words, dx):
    causes = found(functools.partial(normalize, dx=dx), X, GAMMA)
    assert names(causes, "missing path", f"if `{words}` did not depend on `x`", f"{words} = ")


def dense(dx=lambda dy, W: dy @ W.T, dW=lambda x, dy: x.T @ dy):
    def dense(x, W):
        return x @ W, lambda dy: dx(dy, W), lambda dy: dW(x, dy)

    return dense


def softmax(dx):
    def softmax(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        return y, lambda dy: dx(x, y, dy)

    return softmax


def elementwise(value, dx):
    def f(x):
        y = value(x)
        return y, lambda dy: dx(x, y, dy)

    return f


MISTAKES = [
    ("extra factor", ("len(x)",), dense(dW=lambda x, dy: x.T @ dy / len(x)), (X, W)),
    ("missing sum", ("axis 0",), lambda b: (np.ones((5, 1)) * b, lambda dy: dy[0]), (GAMMA,)),
    ("wrong sign", ("dy",), dense(dx=lambda dy, W: -dy @ W.T), (X, W)),
    ("axis", ("axis 1 in place of axis 0",),
     softmax(lambda x, y, dy: y * (dy - (y * dy).sum(axis=0, keepdims=True))), (X,)),
    ("sum or mean", ("the sum in place of the mean",),
     softmax(lambda x, y, dy: y * (dy - (y * dy).mean(axis=1, keepdims=True))), (X,)),
    ("missing path", ("at the same place",), softmax(lambda x, y, dy: y * (1 - y) * dy), (X,)),
    ("other array", ("`y` in place of `x`",), elementwise(np.tanh, lambda x, y, dy: dy * (1 - x**2)), (X,)),
    ("dy not used", ("dy",), elementwise(np.exp, lambda x, y, dy: y * 1.0), (X,)),
    ("missing factor", ("3",), elementwise(lambda x: x**3, lambda x, y, dy: dy * x**2), (X,)),
    ("missing factor", ("the slope of",),
     elementwise(lambda x: np.sin(x) ** 2, lambda x, y, dy: dy * 2 * np.sin(x)), (X,)),
    ("power", ("**",), elementwise(lambda x: x**3, lambda x, y, dy: 3 * dy * x**1), (X,)),
    ("other function", ("np.cos in place of np.sin",),
     elementwise(np.sin, lambda x, y, dy: dy * np.sin(x)), (X,)),
    ("one minus", ("`1 − y`",), elementwise(lambda x: 1 / (1 + np.exp(-x)), lambda x, y, dy: dy * y * y), (X,)),
    ("order", ("exchanged",), elementwise(lambda x: np.exp(2 * x) + x, lambda x, y, dy: dy * (1 + 2 * (x - y))), (X,)),
    ("constant", ("2 in place of `3`",), elementwise(lambda x: x * x, lambda x, y, dy: dy * 3 * x), (X,)),
    ("missing path", ("`A` in",), lambda A: (np.array(X[:, 0] @ A @ A @ X[:, 0]),
     lambda dy: dy * np.outer(X[:, 0], X[:, 0]) @ A.T), (RNG.standard_normal((5, 5)),)),
    ("moved", ("without `np.roll`",),
     elementwise(lambda x: x * x, lambda x, y, dy: 2 * dy * np.roll(x, 1, axis=0)), (X,)),
    ("transposed", ("transposed",), dense(dx=lambda dy, W: dy @ W), (X, RNG.standard_normal((3, 3)))),
]  # fmt: skip


@pytest.mark.parametrize("kind, words, f, inputs", MISTAKES, ids=[f"{m[0]}: {m[1][0]}" for m in MISTAKES])
def test_a_mistake_is_named(kind, words, f, inputs):
    causes = found(f, *inputs)
    assert names(causes, kind, *words), causes


def test_a_derivative_that_leaves_out_the_last_steps():
    def f(x):
        square = np.sum(x * x)
        return np.array(np.log1p(square / 3)), lambda dy: dy * x

    causes = found(f, np.array([0.3, 1.7, -0.4]))
    words = "if the value were 1/2 · `square`, without the steps after it"
    assert names(causes, "wrong path", words, "square = np.sum")


def test_the_line_is_the_authors():
    def f(x):
        total = np.exp(x).sum()
        y = np.log(total)

        def dx(dy):
            share = np.exp(x)
            return dy * share

        return y, dx

    diagnosis = diagnose(gradcheck(f, X))
    line = f.__code__.co_firstlineno + 6
    assert f"line {line}:  return dy * share" in str(diagnosis)
    assert "divided by `total`" in str(diagnosis)


def test_a_loop_counts_as_one_place():
    def cumsum(x):
        y = np.zeros_like(x)
        for i in range(len(x)):
            y[i] = x[i] + (y[i - 1] if i else 0)

        def dx(dy):
            out = np.zeros_like(x)
            for i in range(len(x)):
                out[i] = dy[i:].mean(axis=0)
            return out

        return y, dx

    assert names(found(cumsum, X), "sum or mean", "out[i] = dy[i:].mean(axis=0)")


def test_one_edit_of_the_value_may_explain_several_derivatives():
    def f(a, b):
        y = a - b
        return y, lambda dy: dy * 1.0, lambda dy: dy * 1.0

    assert names(found(f, X, X + 1), "wrong sign", "before `dy`")

    def g(a, b):
        na, nb = np.sqrt((a * a).sum()), np.sqrt((b * b).sum())
        y = a * b / (na * na)
        return y, lambda dy: dy * b / (na * nb) - a * (dy * a * b).sum() / (na**3 * nb), lambda dy: (
            dy * a / (na * nb) - b * (dy * a * b).sum() / (na * nb**3)
        )

    assert names(found(g, X, X[::-1] + 1), "other array", "`nb` in place of `na` in the value")


def test_nothing_is_said_about_a_derivative_that_no_single_change_mends():
    causes = []
    f = elementwise(np.tanh, lambda x, y, dy: dy * np.cos(3 * x + 1) * y**2)
    for finding in diagnose(gradcheck(f, X)).findings:
        causes += [*finding.edits, *finding.causes]
    assert causes == []

"""Proves that a trace computes what the function computes, however it is written, and that it can be changed.

These tests would catch a trace that misses a write into a view, a loop or an in-place operation, so that the search
would look for mistakes in another function than the author's.
"""

import functools
import math

import numpy as np
import pytest

from npvae import gradchecks
from npvae.diagnosis import source
from npvae.diagnosis.trace import Untraceable, trace

X = np.random.default_rng(0).standard_normal((3, 5))
BARE = [check for check in gradchecks.ALL if check.kind == "operation"]


def value(f, x=X):
    graph = trace(f, {"x": x})
    return graph, graph.outputs["y"].value


def by_rows(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(x.shape[1]):
            y[i, j] = x[i, j] * (i + j)
    return y


def in_place(x):
    y = x.copy()
    y *= 2
    y[:, 1] += 1
    y[x < 0] = 0
    return y


def through_views(x):
    y = np.array(x)
    rows = y.reshape(5, 3)
    first = rows[0]
    first += 10                                              # y has changed, and so has its transpose
    y.T[1, 2] = -1
    return y


def with_out(x):
    y = np.empty(x.shape)
    np.multiply(x, x, out=y)
    np.add(y, 1, y)
    return y


def adding_at(x):
    y = np.zeros(3)
    np.add.at(y, [0, 2, 2, 1, 0], x[0])
    return y


def with_lists(x):
    return np.array([[math.exp(v) + np.sin(v) for v in row] for row in x])


def with_methods(x):
    return (x.T @ x).sum(axis=0, keepdims=True).clip(-1, 1).reshape(1, -1).ravel().dot(np.ones(5)) * x.mean(1).max()


def with_functions(x):
    e, U = np.linalg.eigh(x @ x.T + np.eye(3))
    a, b = np.split(np.concatenate([x, 2 * x]), 2)
    return np.where(a > 0, np.maximum(a, b), np.einsum("ij,j->ij", U @ (np.diag(e) @ a), np.ones(5)))


def vectorized(x):
    return np.vectorize(lambda v: v * v if v > 0 else math.tanh(v))(x)


def flattened(x):
    return np.stack([row.flatten() for row in x]).astype(np.float64).copy()


def with_a_number_kept(x):
    total = first = x[0, 0] * x[0, 1]
    total += x.sum()                                         # a number is no array: this makes a new one
    return total * np.ones(2) + first


def squeezing(x):
    total = 0.0
    for row in x[:, :, None]:
        total = total + row.squeeze().sum() / len(row)
    return total * np.ones(2)


class Callable:
    def __call__(self, x, scale=3):
        return self.scaled(x, scale)

    def scaled(self, x, scale):
        return scale * x


FUNCTIONS = [
    by_rows, in_place, through_views, with_out, adding_at, with_lists, with_methods, with_functions, vectorized,
    flattened, with_a_number_kept, squeezing,
    Callable(), functools.partial(Callable(), scale=2), Callable().scaled.__func__.__get__(Callable()),
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS[:-1], ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_the_trace_computes_what_the_function_computes(f):
    graph, y = value(f)
    assert np.allclose(y, f(X), rtol=1e-14, atol=0)  # math.tanh rounds otherwise than np.tanh
    assert not graph.lost


@pytest.mark.parametrize("f", FUNCTIONS[:-1], ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_another_input_gives_what_the_function_gives_there(f):
    graph, _ = value(f)
    x = 0.9 * X                                              # of the same signs, so that every branch stays the same
    now = graph.run({graph.inputs["x"]: lambda node, array: x})
    assert np.allclose(now[graph.outputs["y"]], f(x), rtol=1e-13)


@pytest.mark.parametrize("check", BARE, ids=lambda check: check.name)
def test_operations_of_the_engine(check):
    (f, *inputs), options = check.arguments()
    f = functools.partial(f, **{k: v for k, v in options.items() if k not in ("rng", "elements", "limit")})
    y, *derivatives = f(*inputs)
    dy = np.random.default_rng(1).standard_normal(np.shape(y))
    names = [f"a{i}" for i in range(len(inputs))]
    graph = trace(f, dict(zip(names, inputs)), dy)
    assert np.array_equal(graph.outputs["y"].value, y)
    if len(derivatives) == 1 and len(inputs) > 1:
        gradients = derivatives[0](dy)
    else:
        gradients = [d and d(dy) for d in derivatives]
    for name, gradient in zip(names, gradients):
        if gradient is not None:
            assert np.array_equal(graph.outputs[f"d{name}"].value, gradient)


def test_the_function_is_left_as_it_was():
    names = dict(globals())
    value(with_lists)
    assert all(globals()[name] is names[name] for name in names)
    with pytest.raises(Untraceable):
        value(lambda x: math.factorial(x[0, 0] / 0.3))
    assert all(globals()[name] is names[name] for name in names)
    assert np.allclose(with_lists(X), np.exp(X) + np.sin(X), rtol=1e-14)


def test_what_leaves_the_trace_is_noted():
    def through_a_float(x):
        scale = float(x[0, 0])
        return x * scale

    graph, _ = value(through_a_float)
    assert [site.line for site in graph.lost] == [through_a_float.__code__.co_firstlineno + 1]


def test_one_step_computed_differently():
    def f(x):
        half = x / 2
        return half * half

    graph, _ = value(f)
    half = next(node for node in graph.nodes if source.name(node) == "half")
    now = graph.run({half: lambda node, array: np.ones((3, 5))})
    assert np.array_equal(now[graph.outputs["y"]], np.ones((3, 5)))
    edited = graph.edited({half: lambda node, array: array(graph.inputs["x"])})
    assert np.array_equal(edited.outputs["y"].value, X * X) and np.array_equal(graph.outputs["y"].value, X * X / 4)
    twice = edited.run({edited.inputs["x"]: lambda node, array: 2 * X})              # the changed step reads x, too
    assert np.array_equal(twice[edited.outputs["y"]], 4 * X * X)


def test_steps_have_the_names_and_the_lines_of_the_source():
    def f(x):
        centred = x - x.mean(axis=0)
        return np.exp(centred) / 2  # a comment

    graph, _ = value(f)
    line = f.__code__.co_firstlineno
    found = {source.name(node): (node.site.line - line, source.quoted(node.site)) for node in graph.nodes if node.site}
    assert found["centred"] == (1, "centred = x - x.mean(axis=0)")
    assert found["x.mean(axis=0)"][0] == 1
    assert found["np.exp(centred) / 2"] == (2, "return np.exp(centred) / 2")
    minus = next(node for node in graph.nodes if source.name(node) == "centred")
    assert [source.argument(minus, path) for path, _ in minus.uses()] == ["x", "x.mean(axis=0)"]


def test_a_long_expression_is_shortened_and_stands_on_one_line():
    def f(x):
        return (
            x  # a comment
            * np.exp(x)
            * np.sin(x) * np.cos(x) * np.tanh(x) * np.square(x)
        )  # fmt: skip

    graph, _ = value(f)
    last = graph.outputs["y"]
    assert source.name(last) == "x * np.exp(x) * np.sin(x) * np.…" and len(source.name(last)) == source.LONGEST_NAME
    assert source.text(last) == "x * np.exp(x) * np.sin(x) * np.cos(x) * np.tanh(x) * np.squ…"


def test_what_is_no_array_is_refused():
    with pytest.raises(Untraceable, match="returns str"):
        value(lambda x: "y")

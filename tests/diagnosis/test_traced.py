"""Proves that an array that the author's code keeps from a trace works as a plain array afterwards.

These tests would catch a memo, a history or a cache of the author that goes on recording when the trace has ended.
"""

import copy
import pickle

import numpy as np
import pytest

from npvae.diagnosis.trace import Untraceable, trace

X = np.random.default_rng(0).standard_normal((3, 5))
HISTORY = []


class Layer:
    """Keeps everything that a layer of a student may keep."""

    def __init__(self):
        self.memo, self.cache = {}, None

    def __call__(self, x):
        self.cache = x - x.mean(axis=0)
        self.row = self.cache[1]
        self.turned = self.cache.T
        self.memo["norm", x.tobytes()] = np.sqrt((self.cache**2).sum())
        self.buffer = np.zeros(5)
        self.buffer += self.row
        HISTORY.append(self.cache.sum())
        return self.cache / self.memo["norm", x.tobytes()]


@pytest.fixture
def traced():
    """Return a layer after a trace, one after a plain run, and the graph."""
    HISTORY.clear()
    plain, layer = Layer(), Layer()
    plain(X)
    HISTORY.clear()
    graph = trace(layer, {"x": X})
    return layer, plain, graph


def kept(layer):
    return [layer.cache, layer.row, layer.turned, layer.buffer, *layer.memo.values()]


USES = [
    lambda a: a + 1, lambda a: 1 - a, lambda a: a.sum(), lambda a: np.exp(a), lambda a: np.array(a),
    lambda a: np.stack([a, a]), lambda a: a.reshape(-1), lambda a: np.add(a, a, out=np.empty(np.shape(a))),
    lambda a: copy.copy(a), lambda a: copy.deepcopy(a), lambda a: pickle.loads(pickle.dumps(a)),
    lambda a: a.astype(np.float32), lambda a: np.sum(a, axis=0), lambda a: np.array([a, a]), lambda a: a[...],
]  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_what_is_kept_works_as_a_plain_array(use, traced):
    layer, plain, graph = traced
    count = len(graph.nodes)
    for a, b in zip(kept(layer), kept(plain)):
        made, right = use(a), use(b)
        assert type(made) is type(right) and np.array_equal(made, right) and made.dtype == right.dtype
        assert isinstance(a, np.ndarray)
        assert (str(a), repr(a)) == (str(b), repr(b))
    assert len(graph.nodes) == count and not graph.lost
    assert f"{HISTORY[0]:.3f}" == f"{float(HISTORY[0]):.3f}"


def test_writes_after_the_trace_reach_the_views_and_not_the_graph(traced):
    layer, plain, graph = traced
    y, count = graph.outputs["y"].value.copy(), len(graph.nodes)
    for each in (layer, plain):
        cache = each.cache
        cache[0, 1] = 7
        cache += 1
        each.row[2:4] *= 2
        each.turned.sort()
        np.add.at(each.buffer, [0, 0], 1)
        np.multiply(each.buffer, 2, out=each.buffer)
        np.copyto(each.buffer[:2], 5)
        first = each.memo["norm", X.tobytes()]
        first += 1                                           # a number: the memo stays as it is
    for a, b in zip(kept(layer), kept(plain)):
        assert np.array_equal(a, b)
    assert len(graph.nodes) == count and np.array_equal(graph.outputs["y"].value, y)
    with pytest.raises(TypeError):
        np.add(np.zeros(5, complex), 1, out=layer.buffer)


def test_what_an_earlier_trace_left_is_a_constant_in_the_next():
    memo = []

    def f(x):
        if not memo:
            memo.append(np.exp(x))
        memo[0][0, 0] = 1.5
        return memo[0] * x + x * memo[0]

    trace(f, {"x": X})
    first = np.array(memo[0])
    graph = trace(f, {"x": X})
    y, x = graph.outputs["y"], graph.inputs["x"]
    assert np.array_equal(y.value, 2 * first * X) and all(x in node.parents for node in y.parents)
    assert type(memo[0] + 1) is np.ndarray


def test_a_trace_that_fails_ends_too():
    left = []

    def f(x):
        left.append(2 * x)
        raise RuntimeError("no")

    with pytest.raises(Untraceable, match="no"):
        trace(f, {"x": X})
    assert type(left[0] + 1) is np.ndarray

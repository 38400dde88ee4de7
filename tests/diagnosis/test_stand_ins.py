"""Proves that stand-ins are stand-ins for the trace alone.

These tests would catch a stand-in that gives traced arrays to another thread, or to the author's code after the trace.
"""

import concurrent.futures
import math
import threading
import time
from math import exp

import numpy as np
from numpy import zeros

from npvae.diagnosis.trace import trace

X = np.random.default_rng(0).standard_normal((3, 5))


def made_here():
    """Call what has stand-ins, by the names of this module."""
    doubled = np.vectorize(lambda v: 2 * v)(np.arange(3.0))
    arrays = [np.zeros(3), zeros(3), np.array([1.0, 2.0]), np.asarray([1.0]), np.full_like(X, 2.0), doubled]
    return arrays, [math.exp(1.0), exp(1.0), math.sqrt(2.0)], list(np.ndenumerate(np.eye(2)))


def test_another_thread_gets_plain_arrays_during_a_trace():
    with concurrent.futures.ThreadPoolExecutor() as others:
        def f(x):
            arrays, numbers, pairs = others.submit(made_here).result()
            assert all(type(a) is np.ndarray for a in arrays)
            assert numbers == [math.e, math.e, 2**0.5] and all(type(number) is float for number in numbers)
            assert all(type(value) is np.float64 for _, value in pairs)
            return x * np.zeros(5)                           # and this thread a traced one

        graph = trace(f, {"x": X})
    product = graph.outputs["y"]
    assert [graph.inputs["x"] in product.parents, len(product.parents)] == [True, 2]


def test_a_stand_in_that_was_kept_is_the_real_function_after_the_trace():
    kept = []

    def f(x):
        kept.extend([np.zeros, np.array, zeros, np, np.vectorize(lambda v: 2 * v)])
        return 2 * x

    graph = trace(f, {"x": X})
    count = len(graph.nodes)
    arrays = [kept[0](3), kept[1]([1.0]), kept[2](3), kept[3].ones(3), kept[4](X)]
    assert all(type(a) is np.ndarray for a in arrays) and len(graph.nodes) == count


def test_two_threads_trace_functions_of_one_module():
    def f(x):
        inside.set()
        time.sleep(0.05)                                     # the other thread begins now
        y = np.zeros(x.shape)
        for i in range(len(x)):
            y[i] = x[i] * np.ones(5)
        return y

    inside = threading.Event()
    with concurrent.futures.ThreadPoolExecutor() as both:
        first = both.submit(trace, f, {"x": X})
        inside.wait()
        second = both.submit(trace, f, {"x": X})
    for graph in (first.result(), second.result()):
        steps = graph.ancestors(graph.outputs["y"])
        assert not graph.lost and graph.inputs["x"] in steps and steps <= set(graph.nodes)
    assert np.zeros is zeros and type(zeros(3)) is np.ndarray

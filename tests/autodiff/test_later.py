"""Proves that a second thread that computes gradients during the walk changes no bit of them.

These tests would catch a walk that waits for a thread that never runs, a sum in the order in which the threads finish,
and an error that is lost in the other thread.
"""

import multiprocessing
import os
import threading
import weakref

import numpy as np
import pytest

from npvae import runtime
from npvae.autodiff import Tensor, op, ops, trap_nonfinite
from npvae.autodiff.tensor import LATER
from tests.test_runtime import no_helper_is_called

N, WIDTH = 300, 300  # large enough for a second thread


def network(rng, width=WIDTH, n=N):
    """Return x, two matrices of weights and a bias; the first matrix is used twice."""
    V, W = (Tensor(rng.standard_normal((width, width)) / 20, requires_grad=True) for _ in range(2))
    return rng.standard_normal((n, width)), V, W, Tensor(np.zeros(width), requires_grad=True)


def gradients(x, V, W, b):
    """Return the gradients of a loss for V, W and b."""
    for p in (V, W, b):
        p.grad = None
    loss = ops.square(ops.dense(ops.tanh(ops.dense(ops.tanh(ops.dense(x, V, b)), W, b)), V, b)).sum()
    loss.backward()
    return [p.grad for p in (V, W, b)]


def test_the_bits_do_not_depend_on_the_number_of_threads(rng, monkeypatch):
    arrays = network(rng)
    monkeypatch.setattr(runtime, "threads", lambda: 1)
    expected = gradients(*arrays)
    for threads in (1, 2, 3):
        monkeypatch.setattr(runtime, "threads", lambda n=threads: n)
        for _ in range(10):
            assert all(np.array_equal(a, b) for a, b in zip(gradients(*arrays), expected))


@op
def scale(x, c):
    """y = c x; the derivative for c notes its thread, and the derivative for x waits until that for c has begun."""
    def dx(dy):
        met.wait(10)
        return c * dy
    def dc(dy):
        threads_of_dc.append(threading.current_thread())
        met.set()
        return dy * x
    return c * x, dx, dc


met, threads_of_dc = threading.Event(), []


def test_the_gradient_of_a_large_leaf_is_computed_by_another_thread_meanwhile(rng, monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    for n, is_large in ((3, False), (N, True)):
        met.clear()
        threads_of_dc.clear()
        c, x = (Tensor(rng.standard_normal((n, WIDTH)), requires_grad=True) for _ in range(2))
        if not is_large:
            met.set()
        scale(ops.tanh(x), c).sum().backward()
        assert (threads_of_dc[0] is not threading.main_thread()) == is_large
        assert np.array_equal(c.grad, np.tanh(x.data))


def test_what_no_helper_has_begun_is_computed_at_the_end(rng, monkeypatch):
    arrays = network(rng)
    expected = gradients(*arrays)
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    no_helper_is_called(monkeypatch)
    assert all(np.array_equal(a, b) for a, b in zip(gradients(*arrays), expected))


@op
def faulty(x, W):
    def dW(dy): raise ValueError("a fault in dW")
    return x @ W, lambda dy: dy @ W.T, dW


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_the_other_thread_is_raised_and_the_tape_is_whole(rng, monkeypatch, threads):
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    x, V, W, b = network(rng)
    loss = faulty(ops.dense(x, V, b), W).sum()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"faulty: its derivatives cannot take .* a fault in dW"):
            loss.backward()
    assert V.grad is None and W.grad is None


def test_the_first_gradient_that_is_not_finite_is_named(rng, monkeypatch):
    """If dW ran later, the walk would find the fault of an earlier record first."""

    @op
    def first(x, W):
        return x @ W, lambda dy: dy @ W.T, lambda dy: np.full_like(W, np.nan)

    @op
    def second(x):
        return 1 * x, lambda dy: dy * np.inf

    monkeypatch.setattr(runtime, "threads", lambda: 2)
    x, V, W, b = network(rng)
    with trap_nonfinite(), pytest.raises(FloatingPointError, match="derivative of first for its input W"):
        first(second(ops.dense(x, V, b)), W).sum().backward()


def test_no_derivative_runs_after_an_error(rng, monkeypatch):
    """It would catch calls that stay in the helpers' queue, and keep the tape in memory."""
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    ran, may_go_on = [], threading.Event()

    @op
    def slow(x, W):
        def dW(dy):
            ran.append(threading.current_thread())
            may_go_on.wait(10)
            return x.T @ dy
        return x @ W, lambda dy: dy @ W.T, dW

    @op
    def fails(x):
        def dx(dy): raise KeyboardInterrupt
        return 1 * x, dx

    x, V, W, b = network(rng)
    y = fails(ops.dense(x, V, b))
    for _ in range(LATER):
        y = slow(y, W)
    threading.Timer(0.2, may_go_on.set).start()
    with pytest.raises(KeyboardInterrupt):
        y.sum().backward()
    begun = len(ran)
    assert begun <= len(runtime._helpers)
    runtime.share_out(str, range(4))                         # the helper is free again, and has nothing to do
    assert len(ran) == begun


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_beside_a_helper_is_raised_when_the_helper_has_finished(rng, monkeypatch, error):
    """It would catch a call that the walk notes only after the derivatives of the same record."""
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    has_begun, finished = threading.Event(), []

    @op
    def fails(x, W):
        def dx(dy):
            has_begun.wait(10)
            raise error
        def dW(dy):
            has_begun.set()
            threading.Event().wait(0.1)
            finished.append(True)
            return x.T @ dy
        return x @ W, dx, dW

    x, V, W, b = network(rng)
    with pytest.raises(error):
        fails(ops.dense(x, V, b), W).sum().backward()
    assert finished


def test_ctrl_c_as_a_helper_gets_a_call_leaves_no_helper_at_work(rng, monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    offer, has_begun, finished = runtime._offer, threading.Event(), []

    def interrupted_offer(call):
        offer(call)
        if is_walking:
            has_begun.wait(10)
            raise KeyboardInterrupt

    @op
    def layer(x, W):
        def dW(dy):
            has_begun.set()
            threading.Event().wait(0.1)
            finished.append(True)
            return x.T @ dy
        return x @ W, lambda dy: dy @ W.T, dW

    monkeypatch.setattr(runtime, "_offer", interrupted_offer)
    is_walking = False
    x, V, W, b = network(rng)
    loss = layer(ops.dense(x, V, b), W).sum()
    is_walking = True
    with pytest.raises(KeyboardInterrupt):
        loss.backward()
    assert finished


def test_ctrl_c_is_not_replaced_by_the_error_of_a_helper(rng, monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    has_failed = threading.Event()

    @op
    def fails_in_a_helper(x, W):
        def dW(dy):
            has_failed.set()
            raise ValueError("of a helper")
        return x @ W, lambda dy: dy @ W.T, dW

    @op
    def interrupted(x):
        def dx(dy):
            has_failed.wait(10)
            raise KeyboardInterrupt
        return 1 * x, dx

    x, V, W, b = network(rng)
    y = fails_in_a_helper(interrupted(ops.dense(x, V, b)), W)
    with pytest.raises(KeyboardInterrupt):
        y.sum().backward()
    assert V.grad is None and W.grad is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_computes_the_same_gradients(rng, monkeypatch):
    """Its walk shares the work too: tensor.py and runtime.py still use the same `one_thread` after the fork."""
    monkeypatch.setattr(runtime, "threads", lambda: runtime.one_thread.before or 2)
    arrays = network(rng)
    expected = gradients(*arrays)
    monkeypatch.undo()
    context = multiprocessing.get_context("fork")
    with runtime.one_thread, context.Pool(1) as pool:
        found, helpers = pool.apply_async(_gradients_and_helpers, arrays).get(60)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))
    assert helpers == min(runtime.threads(), 2) - 1 or runtime.threads() > 2


def _gradients_and_helpers(*arrays):
    return gradients(*arrays), len(runtime._helpers)


def test_few_gradients_wait_at_a_time(rng, monkeypatch):
    """Each of them keeps a dy. Without a limit, nearly all of a deep network's would be in memory at once."""
    monkeypatch.setattr(runtime, "threads", lambda: 2)
    no_helper_is_called(monkeypatch)
    alive, most = weakref.WeakSet(), []

    class Gradient(np.ndarray):
        __hash__ = object.__hash__                           # for the set

    @op
    def layer(x, W):
        def dx(dy):
            d = (dy @ W.T).view(Gradient)
            alive.add(d)
            most.append(len(alive))
            return d
        return x @ W, dx, lambda dy: np.asarray(x.T @ dy)

    x, V, W, b = network(rng)
    y = ops.dense(x, V, b)
    for _ in range(30):
        y = layer(y, W)
    y.sum().backward()
    assert max(most) <= LATER + 2

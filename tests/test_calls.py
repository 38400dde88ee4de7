"""Proves that a call is made once, by one thread, and that neither Ctrl-C nor an error leaves a helper at work.

These tests would catch a caller that waits for itself, a helper that still writes into an array that is in use again,
and an array that stays in memory.
"""

import gc
import queue
import threading
import weakref

import numpy as np
import pytest

from npvae import runtime
from tests.test_runtime import no_helper_is_called


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)


def started(work, here=False):
    call = runtime.Call(work)
    runtime.start(call, here)
    return call


@pytest.mark.parametrize("here", [True, False])
def test_a_call_is_made_once(here):
    made = []
    call = started(lambda: made.append(1) or 7, here)
    call.run()
    assert call.result() == 7
    call.run()
    call.cancel()
    assert made == [1]


def test_a_call_is_made_once_by_whichever_of_many_threads_asks_first():
    for _ in range(200):
        made, meet = [], threading.Barrier(4)
        call = runtime.Call(lambda made=made: made.append(threading.get_ident()))

        def ask(call=call, meet=meet):
            meet.wait(10)
            call.help()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 1
        call.cancel()                                        # waits for nothing


def test_a_call_that_is_cancelled_is_not_made(monkeypatch):
    no_helper_is_called(monkeypatch)
    call = started(lambda: pytest.fail("it was made"))
    call.cancel()
    call.help()
    assert call.result() is None


def test_an_error_in_a_helper_is_raised_by_the_result_and_leaves_no_cycle():
    class Array(np.ndarray):
        pass

    array = np.zeros(3).view(Array)
    held = weakref.ref(array)
    begun = threading.Event()

    def fail(array=array):
        begun.set()
        raise ValueError("of a helper")

    call = started(fail)
    begun.wait(10)
    del array, fail
    gc.disable()
    try:
        with pytest.raises(ValueError, match="of a helper") as caught:
            call.result()
        del call, caught
        runtime.share_out(str, range(4))                     # the helper has forgotten the call
        assert held() is None
    finally:
        gc.enable()


def test_a_call_holds_its_result_until_it_is_asked_for():
    """A call may stay in the helpers' queue for a long time: it must not keep an array in memory."""
    class Array(np.ndarray):
        pass

    call = started(lambda: np.zeros(3).view(Array), here=True)
    held = weakref.ref(call.result())
    assert held() is None


class Interrupted:
    """A list whose first `append` is interrupted by Ctrl-C, after it has appended."""

    def __init__(self):
        self.items = []

    def append(self, item):
        self.items.append(item)
        if len(self.items) == 1:
            raise KeyboardInterrupt

    def __getitem__(self, i):
        return self.items[i]


def test_a_call_that_ctrl_c_interrupts_as_it_begins_is_not_waited_for():
    call = runtime.Call(lambda: pytest.fail("it was made"))
    call._asked = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        call.run()
    call.cancel()


@pytest.mark.parametrize("interrupted", [0, 1])
def test_ctrl_c_while_the_caller_waits_leaves_no_helper_at_work(monkeypatch, interrupted):
    wait, waits, begun, finished = runtime.Call._wait, [], threading.Event(), []
    go_on = threading.Event()

    def interrupted_wait(call):
        waits.append(call)
        if len(waits) == 1 and interrupted:
            threading.Timer(0.1, go_on.set).start()
            raise KeyboardInterrupt
        go_on.set()
        wait(call)

    def work(i):
        if threading.current_thread() is threading.main_thread():
            begun.wait(10)
        else:
            begun.set()
            go_on.wait(10)
            finished.append(i)

    monkeypatch.setattr(runtime.Call, "_wait", interrupted_wait)
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            runtime.share_out(work, range(2))
    else:
        runtime.share_out(work, range(2))
    assert len(finished) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
def test_a_signal_as_the_waiting_begins_leaves_no_helper_at_work(monkeypatch, error):
    """The handler of a signal may raise any exception, and Ctrl-C may arrive before the first line of `finish`."""
    finish, finishes, begun, finished = runtime.finish, [], threading.Event(), []

    def interrupted_finish(calls):
        finishes.append(calls)
        if len(finishes) == 1:
            raise error
        finish(calls)

    def work(i):
        if threading.current_thread() is threading.main_thread():
            begun.wait(10)
        else:
            begun.set()
            threading.Event().wait(0.1)
            finished.append(i)

    monkeypatch.setattr(runtime, "finish", interrupted_finish)
    with pytest.raises(error):
        runtime.share_out(work, range(2))
    assert len(finished) == 1


def test_a_signal_while_the_caller_waits_may_raise_any_exception(monkeypatch):
    """It would catch a caller that goes on waiting after Ctrl-C only: a time limit raises TimeoutError."""
    cancel, cancelled = runtime.Call.cancel, []

    def interrupted_cancel(call):
        cancelled.append(call)
        if len(cancelled) == 1:
            raise TimeoutError
        cancel(call)

    monkeypatch.setattr(runtime.Call, "cancel", interrupted_cancel)
    calls = [runtime.Call(lambda: 7) for _ in range(2)]
    with pytest.raises(TimeoutError):
        runtime.finish(calls)
    assert cancelled == [calls[1], calls[1], calls[0]]


def test_ctrl_c_while_helpers_are_asked_leaves_no_helper_at_work(monkeypatch):
    offer, finished, begun = runtime._offer, [], threading.Event()

    def interrupted_offer(call):
        offer(call)
        begun.wait(10)
        raise KeyboardInterrupt

    def work(i):
        begun.set()
        threading.Event().wait(0.1)
        finished.append(i)

    monkeypatch.setattr(runtime, "_offer", interrupted_offer)
    with pytest.raises(KeyboardInterrupt):
        runtime.share_out(work, range(1, 3))
    assert len(finished) == 2                                # the helper has taken both, and none is under way


def test_where_the_system_gives_no_thread_the_caller_does_all_the_work(monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    calls = queue.SimpleQueue()
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    monkeypatch.setattr(runtime, "_helpers", [])
    monkeypatch.setattr(runtime, "_calls", calls)
    assert runtime.share_out(str, range(3)) == ["0", "1", "2"]
    assert started(lambda: 7).result() == 7
    assert calls.empty()                                     # nobody would ever take them out


def test_ctrl_c_while_openblas_gets_one_thread_leaves_the_context(monkeypatch):
    context, asked = runtime._OneThread(), []

    def interrupted(n):
        asked.append(n)
        if len(asked) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "_threads_of_openblas", lambda: 2)
    monkeypatch.setattr(runtime, "_set_threads_of_openblas", interrupted)
    with pytest.raises(KeyboardInterrupt), context:
        pytest.fail("it has been entered")
    with context:
        pass
    assert asked[-1] == 2 and context.before == 0            # they are given back


def test_after_ctrl_c_as_openblas_gets_its_threads_back_the_next_work_has_one_thread_again(monkeypatch):
    """It would catch products in two threads, whose bits differ, in a context that believes it has set one."""
    openblas, asked = [2], []

    def set_threads(n):
        openblas[0] = n
        asked.append(n)
        if asked == [1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "_threads_of_openblas", lambda: openblas[0])
    monkeypatch.setattr(runtime, "_set_threads_of_openblas", set_threads)
    context = runtime._OneThread()
    with pytest.raises(KeyboardInterrupt), context:
        pass
    with context:
        assert openblas == [1]
    assert openblas == [2] and context.before == 0


def test_two_threads_that_leave_at_the_same_time_give_back_the_threads_once(monkeypatch):
    """It would catch `set_num_threads(0)`, which undoes the number that the user has set."""
    meet, openblas, context = threading.Barrier(2, timeout=10), [3], runtime._OneThread()
    monkeypatch.setattr(runtime, "_threads_of_openblas", lambda: openblas[-1])
    monkeypatch.setattr(runtime, "_set_threads_of_openblas", openblas.append)

    class Lock:
        """A lock that a thread takes when the other one wants it, too."""

        lock = threading.Lock()

        def __enter__(self):
            meet.wait()
            self.lock.acquire()

        def __exit__(self, *_):
            self.lock.release()

    def work():
        with context:
            pass

    context._lock = Lock()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert openblas == [3, 1, 3]

"""Proves that every share of the work is computed exactly once, and that no error is lost.

These tests would catch a share that is dropped or waited for in vain, matrix products that keep a single thread
afterwards, and a user's setting that is lost.
"""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest

from npvae import runtime


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)


def no_helper_is_called(monkeypatch):
    """Until the end of the test, no call reaches a helper."""
    never = types.SimpleNamespace(put=lambda call: None, get=runtime._calls.get)
    monkeypatch.setattr(runtime, "_calls", never)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_every_share_is_computed_once_and_results_come_in_order(monkeypatch, threads, n):
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    done = []
    assert runtime.share_out(lambda i: done.append(i) or 2 * i, range(n)) == [2 * i for i in range(n)]
    assert sorted(done) == list(range(n))


@pytest.mark.parametrize("where", [0, 1, 9])
def test_an_error_in_a_share_is_raised_and_the_next_work_is_done(two_threads, where):
    def fail(i):
        if i == where:
            raise ValueError("one of them")

    with pytest.raises(ValueError, match="one of them"):
        runtime.share_out(fail, range(10))
    assert runtime.share_out(str, range(3)) == ["0", "1", "2"]


def test_after_an_error_no_share_is_begun(two_threads):
    begun = []

    def fail(i):
        begun.append(i)
        time.sleep(0.01)
        raise ValueError

    with pytest.raises(ValueError):
        runtime.share_out(fail, range(100))
    time.sleep(0.1)
    assert len(begun) <= 2


def test_after_an_error_no_share_is_still_running(monkeypatch):
    """It would catch an error of one helper that is raised while another one still writes into arrays."""
    monkeypatch.setattr(runtime, "threads", lambda: 4)
    finished, meet = [], threading.Barrier(4, timeout=10)

    def fail_or_write(i):
        meet.wait()
        if i > 0:
            time.sleep(0.05 * i)
        finished.append(i)
        if i == 1:
            raise ValueError("one of them")

    with pytest.raises(ValueError, match="one of them"):
        runtime.share_out(fail_or_write, range(4))
    assert sorted(finished) == [0, 1, 2, 3]


def test_an_interrupt_is_not_replaced_by_an_error_of_a_helper(two_threads):
    meet = threading.Barrier(2, timeout=10)

    def fail(i):
        meet.wait()
        raise KeyboardInterrupt if threading.current_thread() is threading.main_thread() else ValueError

    with pytest.raises(KeyboardInterrupt):
        runtime.share_out(fail, range(2))


def test_a_thread_that_wants_to_end_the_program_is_not_waited_for(two_threads):
    def leave(i):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        runtime.share_out(leave, range(2))
    assert runtime.share_out(str, range(2)) == ["0", "1"]


def test_two_threads_work(two_threads):
    """Each share waits for the other one: a single thread would wait until the time limit."""
    meet = threading.Barrier(2, timeout=10)
    runtime.share_out(lambda i: meet.wait(), range(2))


def test_the_caller_waits_for_no_share_that_nobody_has_begun(two_threads, monkeypatch):
    """It would catch a fixed share for each thread: a helper that the system does not run would hold up the caller."""
    no_helper_is_called(monkeypatch)
    assert runtime.share_out(str, range(4)) == ["0", "1", "2", "3"]


def test_the_caller_waits_for_a_share_that_a_helper_has_begun(two_threads):
    for _ in range(20):
        done = []

        def slow(i, done=done):
            time.sleep(0.001 if threading.current_thread() is threading.main_thread() else 0.01)
            done.append(i)

        runtime.share_out(slow, range(3))
        assert sorted(done) == [0, 1, 2]


def test_within_a_share_work_is_not_shared_out_again(two_threads):
    who = lambda i: threading.get_ident()  # noqa: E731
    inner = runtime.share_out(lambda i: (who(i), *runtime.share_out(who, range(9))), range(2))
    assert all(len(set(idents)) == 1 for idents in inner)
    assert runtime.share_out(str, range(2)) == ["0", "1"]
    meet = threading.Barrier(2, timeout=10)                  # and afterwards, it is
    runtime.share_out(lambda i: meet.wait(), range(2))


def test_helpers_have_the_callers_error_state(two_threads):
    meet = threading.Barrier(2, timeout=10)

    def overflow(i):
        meet.wait()
        with pytest.raises(FloatingPointError):
            np.float32(1e38) * np.float32(1e10)

    with np.errstate(over="raise"):
        runtime.share_out(overflow, range(2))


def test_a_helper_may_finish_its_share_after_the_caller_was_interrupted(two_threads, capfd):
    """It would catch a helper that dies then, and a late result that the next call takes for its own."""
    begun, release = threading.Event(), threading.Event()

    def work(i):
        if threading.current_thread() is threading.main_thread():
            begun.wait(10)
            raise KeyboardInterrupt
        begun.set()
        release.wait(10)
        return "late"

    threading.Timer(0.2, release.set).start()
    with pytest.raises(KeyboardInterrupt):
        runtime.share_out(work, range(2))
    assert runtime.share_out(str, range(2)) == ["0", "1"]
    meet = threading.Barrier(2, timeout=10)
    runtime.share_out(lambda i: meet.wait(), range(2))
    assert "Traceback" not in capfd.readouterr().err


def test_a_helper_holds_no_array_afterwards(two_threads):
    array = np.zeros(10)
    held = weakref.ref(array)
    runtime.share_out(lambda i, array=array: array[i], range(4))
    del array
    gc.collect()
    assert held() is None


needs_openblas = pytest.mark.skipif(runtime.openblas("get_num_threads") is None, reason="this NumPy has no OpenBLAS")


@pytest.fixture
def openblas_has_two():
    set_threads, before = runtime.openblas("set_num_threads"), runtime.openblas("get_num_threads")()
    set_threads(2)
    yield runtime.openblas("get_num_threads")
    set_threads(before)


@needs_openblas
@pytest.mark.parametrize("size", [10, runtime.BLOCK])
def test_products_in_blocks_have_one_thread(openblas_has_two, size):
    found = []
    x = np.zeros((2, size), np.float32)
    runtime.by_blocks(lambda x: found.append(openblas_has_two()), x)
    runtime.sum_by_blocks(lambda x: found.append(openblas_has_two()) or x.sum(axis=0), x)
    runtime.blockwise(lambda x: found.append(openblas_has_two() if len(x) else 1) or x, x)
    assert set(found) == {1} and openblas_has_two() == 2


@needs_openblas
def test_products_have_one_thread_meanwhile_and_all_of_them_afterwards(openblas_has_two):
    assert runtime.share_out(lambda i: openblas_has_two(), range(4)) == [1] * 4
    assert runtime.share_out(lambda i: runtime.threads(), range(4)) == [2] * 4             # ours stay as they are
    assert openblas_has_two() == 2
    with pytest.raises(ZeroDivisionError):
        runtime.share_out(lambda i: 1 / 0, range(4))
    assert openblas_has_two() == 2


@needs_openblas
def test_products_have_one_thread_until_the_last_thread_of_the_program_has_finished(openblas_has_two):
    inside, leave = threading.Event(), threading.Event()

    def work(i):
        inside.set()
        leave.wait(10)

    other = threading.Thread(target=runtime.share_out, args=(work, [0]))
    other.start()
    inside.wait(10)
    assert runtime.share_out(lambda i: openblas_has_two(), [0]) == [1] and openblas_has_two() == 1
    leave.set()
    other.join()
    assert openblas_has_two() == 2


@needs_openblas
def test_after_ctrl_c_while_products_get_back_their_threads_the_next_work_returns_them(openblas_has_two, monkeypatch):
    set_threads, asked = runtime._set_threads_of_openblas, []

    def interrupted(n):
        asked.append(n)
        if len(asked) == 2:
            raise KeyboardInterrupt
        set_threads(n)

    monkeypatch.setattr(runtime, "_set_threads_of_openblas", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runtime.share_out(str, range(2))
    assert runtime.share_out(str, range(2)) == ["0", "1"]
    assert openblas_has_two() == 2


@needs_openblas
def test_products_get_back_the_threads_that_they_had_and_not_as_many_as_we_use(openblas_has_two, monkeypatch):
    """Three threads of OpenBLAS on two cores would make every later product many times slower."""
    monkeypatch.setattr(runtime, "threads", lambda: 3)
    runtime.share_out(str, range(3))
    assert openblas_has_two() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_forked_process_has_its_own_helpers(two_threads):
    runtime.share_out(str, range(2))
    child = multiprocessing.get_context("fork").Process(target=runtime.share_out, args=(str, range(2)))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    runtime.share_out(str, range(2))


FORKS = """
import os, signal, threading, time, warnings
import numpy as np
from npvae import runtime

warnings.simplefilter("ignore")
a = np.ones((300, 300), np.float32)
before = runtime.threads()

def work():
    while True:
        runtime.share_out(lambda i: a @ a, range(4))

threading.Thread(target=work, daemon=True).start()
for i in range(300):
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends a child that hangs
        is_right = runtime.threads() == before and len(runtime.share_out(lambda i: a @ a, range(4))) == 4
        os._exit(0 if is_right else 1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, (i, status)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_during_products_does_not_hang_and_the_child_has_its_threads():
    run_with({"OPENBLAS_NUM_THREADS": "2"}, FORKS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_forked_process_does_not_call_openblas_before_its_own_work(two_threads, monkeypatch):
    """A thread that does not exist in the child may have held one of its locks at the fork: the call would hang."""
    set_threads, working, forked = runtime._set_threads_of_openblas, threading.Event(), threading.Event()
    parent = os.getpid()

    def only_in_the_parent(n):
        if os.getpid() != parent:
            os._exit(7)
        set_threads(n)

    def work(i):
        working.set()
        assert forked.wait(10)

    monkeypatch.setattr(runtime, "_set_threads_of_openblas", only_in_the_parent)
    worker = threading.Thread(target=runtime.share_out, args=(work, [0, 1]))
    worker.start()
    assert working.wait(10)
    child = os.fork()
    if not child:
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    forked.set()
    worker.join()
    assert os.waitstatus_to_exitcode(status) == 0


# --- what is set before NumPy loads -----------------------------------------------------------------------------------

ZEN_5 = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 68\nflags\t\t: fpu avx2 avx512f\n"


def test_kernels_are_chosen_for_the_processor_that_openblas_misjudges_and_for_no_other():
    assert runtime.kernels_for(ZEN_5) == "SKYLAKEX"
    assert runtime.kernels_for(ZEN_5.replace("26", "25")) is None                        # Zen 4, which OpenBLAS knows
    assert runtime.kernels_for(ZEN_5.replace("AuthenticAMD", "GenuineIntel")) is None
    assert runtime.kernels_for(ZEN_5.replace("avx512f", "avx512fp16")) is None           # a whole word
    assert runtime.kernels_for("") is None


def run_with(environment, program):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    process = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, check=True
    )
    return process.stdout.strip()


def test_the_setting_is_made_before_numpy_loads_and_the_users_own_is_kept():
    program = "import os, npvae; print(os.environ['OPENBLAS_THREAD_TIMEOUT'])"
    assert run_with({}, program) == "16"
    assert run_with({"OPENBLAS_THREAD_TIMEOUT": "20"}, program) == "20"


@pytest.mark.parametrize("own, expected", [(None, "SKYLAKEX"), ("ZEN", "ZEN")])
def test_the_choice_is_made_for_that_processor_unless_the_user_has_made_one(monkeypatch, tmp_path, own, expected):
    (tmp_path / "cpuinfo").write_text(ZEN_5)
    monkeypatch.setattr(runtime, "CPUINFO", str(tmp_path / "cpuinfo"))
    monkeypatch.setenv("OPENBLAS_CORETYPE", own or "")       # so that the test restores it, whatever it sets
    if not own:
        del os.environ["OPENBLAS_CORETYPE"]
    assert runtime._set_before_numpy_loads() == (None if own else expected)
    assert os.environ["OPENBLAS_CORETYPE"] == expected


def test_the_users_own_choice_of_kernels_is_kept_and_printed():
    said = run_with({"OPENBLAS_CORETYPE": "Haswell"}, "from npvae.bench import tables; print(tables.blas())")
    assert "OPENBLAS_CORETYPE=Haswell" in said or said.startswith("not OpenBLAS")

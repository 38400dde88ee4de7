"""Proves that threads do all their shares of the work exactly once, and that no error in a thread is lost.

These tests would catch a share that is dropped when there are more threads than items, a last block that is left out,
matrix products that keep a single thread afterwards, and an overwritten setting of the user's.
"""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from npvae import runtime
from npvae.autodiff import convolution, normalization, ops
from npvae.probability import bernoulli_log_likelihood

threads = runtime.threads  # the original, for tests that replace it


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(runtime, "threads", lambda: 2)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_every_item_is_done_once_and_results_come_in_order(monkeypatch, threads, n):
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    k = max(1, min(threads, n))
    assert runtime.in_threads(list, range(n)) == [list(range(i, n, k)) for i in range(k)]


@pytest.mark.parametrize("where", [0, 1])
def test_an_error_in_a_thread_is_raised_and_the_next_work_is_done(two_threads, where):
    def fail(items):
        if where in items:
            raise ValueError("one of them")

    with pytest.raises(ValueError, match="one of them"):
        runtime.in_threads(fail, [0, 1])
    assert runtime.in_threads(list, [4, 5]) == [[4], [5]]


def test_after_ctrl_c_the_next_work_is_done_and_not_mixed_up_with_the_last(two_threads):
    """The interrupt comes while the helper still works: its late result must not pass for the next one."""
    release = threading.Event()

    def work(items):
        if items == [1]:
            release.wait(10)
            return "late"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.in_threads(work, [0, 1])
    release.set()
    for _ in range(3):
        assert runtime.in_threads(list, [4, 5]) == [[4], [5]]


def test_helpers_that_nobody_waits_for_come_to_an_end(two_threads):
    def interrupt(items):
        if items == [0]:
            raise KeyboardInterrupt

    for _ in range(20):
        with pytest.raises(KeyboardInterrupt):
            runtime.in_threads(interrupt, [0, 1])
    for _ in range(100):
        if sum(thread.name == "npvae" for thread in threading.enumerate()) <= 5:
            return
        time.sleep(0.1)
    pytest.fail("the helpers are still there")


def test_ctrl_c_while_products_are_given_back_their_threads_is_made_good_the_next_time(two_threads, monkeypatch):
    set_threads, asked = runtime._set_threads_of_products, []

    def interrupted(n):
        asked.append(n)
        if len(asked) == 2:
            raise KeyboardInterrupt
        set_threads(n)

    before = runtime._threads_of_products()
    monkeypatch.setattr(runtime, "_set_threads_of_products", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runtime.in_threads(list, [0, 1])
    assert runtime.in_threads(list, [0, 1]) == [[0], [1]]
    assert runtime._threads_of_products() == before


def test_a_thread_that_wants_to_end_the_program_is_not_waited_for(two_threads):
    def leave(items):
        if items == [1]:
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        runtime.in_threads(leave, [0, 1])
    assert runtime.in_threads(list, [4, 5]) == [[4], [5]]


def test_it_is_two_threads_that_work(two_threads):
    """Each thread waits for the other: a single thread would wait until the time limit."""
    meet = threading.Barrier(2, timeout=10)
    runtime.in_threads(lambda items: meet.wait(), [0, 1])


def test_within_a_thread_work_is_shared_out_in_the_same_way(two_threads):
    inner = runtime.in_threads(lambda items: runtime.in_threads(list, range(5)), [0, 1])
    assert inner == [[[0, 2, 4], [1, 3]]] * 2


def test_threads_have_the_callers_error_state(two_threads):
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        runtime.in_threads(lambda items: [np.float32(1e38) * np.float32(i) for i in items], [0, 1e10])


@pytest.mark.skipif(runtime.openblas("get_num_threads") is None, reason="this NumPy has no OpenBLAS")
def test_products_have_one_thread_meanwhile_and_all_of_them_afterwards(two_threads):
    set_threads, get_threads = runtime.openblas("set_num_threads"), runtime.openblas("get_num_threads")
    before = get_threads()
    set_threads(2)
    try:
        assert runtime.in_threads(lambda items: get_threads(), [0, 1]) == [1, 1]
        assert runtime.in_threads(lambda items: threads(), [0, 1]) == [2, 2]            # ours stay as they are
        assert get_threads() == 2
        with pytest.raises(ZeroDivisionError):
            runtime.in_threads(lambda items: 1 / 0, [0, 1])
        assert get_threads() == 2
    finally:
        set_threads(before)


def test_products_get_back_the_threads_that_they_had_and_not_as_many_as_we_use(monkeypatch):
    """If we use three threads on two cores, products that keep three become many times slower."""
    before = runtime._threads_of_products()
    monkeypatch.setattr(runtime, "threads", lambda: before + 1)
    runtime.in_threads(list, range(before + 1))
    assert runtime._threads_of_products() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_forked_process_has_threads_of_its_own(two_threads):
    runtime.in_threads(list, [0, 1])
    child = multiprocessing.get_context("fork").Process(target=runtime.in_threads, args=(list, [0, 1]))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    runtime.in_threads(list, [0, 1])


FORKS = """
import os, signal, threading, time, warnings
import numpy as np
from npvae import runtime

warnings.simplefilter("ignore")
a = np.ones((300, 300), np.float32)
products = lambda items: [a @ a for _ in items]
before = runtime.threads()

def work():
    while True:
        runtime.in_threads(products, range(4))

threading.Thread(target=work, daemon=True).start()
for i in range(300):
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends a child that hangs
        is_right = runtime.threads() == before and len(runtime.in_threads(products, range(2))) == before
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
    """At the moment of the fork, a thread that is gone in the child may hold one of its locks: the call would hang."""
    set_threads, working, forked = runtime._set_threads_of_products, threading.Event(), threading.Event()
    parent = os.getpid()

    def only_in_the_parent(n):
        if os.getpid() != parent:
            os._exit(7)
        set_threads(n)

    def work(items):
        working.set()
        assert forked.wait(10)

    monkeypatch.setattr(runtime, "_set_threads_of_products", only_in_the_parent)
    worker = threading.Thread(target=runtime.in_threads, args=(work, [0, 1]))
    worker.start()
    assert working.wait(10)
    child = os.fork()
    if not child:
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    forked.set()
    worker.join()
    assert os.waitstatus_to_exitcode(status) == 0


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1,), (1000, 3), (7, 50, 9), (3, 1)])
@pytest.mark.parametrize("block", [1, 64, 100_000])
def test_blocks_cover_every_row_once(two_threads, monkeypatch, rng, shape, block):
    monkeypatch.setattr(runtime, "BLOCK", block)
    x, y = rng.standard_normal(shape), np.zeros(shape)

    def add(x, y):
        y += x

    runtime.by_blocks(add, x, y)
    assert np.array_equal(x, y)
    total, count = runtime.sum_by_blocks(lambda x: (x.sum(axis=0), np.array(len(x))), x)
    assert np.allclose(total, x.sum(axis=0)) and count == len(x)
    assert np.allclose(runtime.sum_by_blocks(lambda x: x.sum(axis=0), x), x.sum(axis=0))


@pytest.mark.parametrize("k, then", [(2, 1), (3, 2), (2, 5)])
def test_no_block_is_left_out_if_another_thread_changes_how_many_threads_there_are(monkeypatch, rng, k, then):
    monkeypatch.setattr(runtime, "BLOCK", 64)
    answers = iter([k, then] * 2)
    monkeypatch.setattr(runtime, "threads", lambda: next(answers))
    x = rng.standard_normal((50, 9))
    assert np.array_equal(runtime.blockwise(np.copy, x), x)
    assert np.allclose(runtime.sum_by_blocks(lambda x: x.sum(axis=0), x), x.sum(axis=0))


def test_blocks_are_small_enough_for_a_cache_and_there_is_one_for_each_thread(two_threads):
    sizes = []
    runtime.by_blocks(lambda x: sizes.append(x.size), np.zeros((100, 10 * runtime.BLOCK // 64), np.float32))
    assert max(sizes) <= runtime.BLOCK and len(sizes) >= 16
    sizes.clear()
    wide = np.zeros((100, 10 * runtime.BLOCK // 64), np.float32)
    runtime.by_blocks(lambda narrow, x: sizes.append(x.size), np.zeros((100, 1)), wide)
    assert max(sizes) <= runtime.BLOCK
    sizes.clear()
    runtime.by_blocks(lambda x: sizes.append(x.size), np.zeros((100, runtime.BLOCK // 100), np.float32))
    assert len(sizes) == 2


@pytest.mark.parametrize("x", [np.float32(2), np.arange(6, dtype=np.float32), np.ones((400, 400), np.float32).T])
def test_blockwise_gives_a_new_array_of_the_same_shape_and_dtype(two_threads, x):
    y = runtime.blockwise(lambda x: 2 * x, np.asarray(x))
    assert y.shape == np.shape(x) and y.dtype == np.float32 and np.array_equal(y, 2 * x)


DRAW = np.random.default_rng(0).standard_normal
OPERATIONS = {
    "conv2d": lambda: convolution.conv2d.raw(DRAW((11, 6, 8, 3)), DRAW((3, 3, 3, 5)), DRAW(5), stride=2, padding=1),
    "conv_transpose2d": lambda: convolution.conv_transpose2d.raw(
        DRAW((11, 3, 4, 5)), DRAW((3, 3, 2, 5)), DRAW(2), stride=2, padding=1, output_padding=1
    ),
    "batch_norm": lambda: normalization.batch_norm.raw(DRAW((11, 6, 8, 3)), DRAW(3), DRAW(3)),
    "batch_norm of vectors": lambda: normalization.batch_norm.raw(DRAW((111, 3)), DRAW(3), DRAW(3)),
    "relu": lambda: ops.relu.raw(DRAW((11, 50))),
    "leaky_relu": lambda: ops.leaky_relu.raw(DRAW((11, 50))),
    "tanh": lambda: ops.tanh.raw(DRAW((11, 50))),
    "bernoulli": lambda: bernoulli_log_likelihood.raw(DRAW((11, 50)), abs(DRAW((11, 50))) % 1),
    "bernoulli of one": lambda: bernoulli_log_likelihood.raw(DRAW(500), abs(DRAW(500)) % 1),
}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_in_blocks_what_it_gives_at_once(monkeypatch, name, threads):
    """It would catch a block that is left out, and a sum over the first block only."""

    def values_and_gradients():
        global DRAW
        DRAW = np.random.default_rng(0).standard_normal
        y, *derivatives = OPERATIONS[name]()
        dy = np.random.default_rng(1).standard_normal(np.shape(y))
        gradients = [d(dy) for d in derivatives if d is not None]
        return [y, *(g for each in gradients for g in (each if isinstance(each, tuple) else [each]))]

    whole = values_and_gradients()
    monkeypatch.setattr(runtime, "threads", lambda: threads)
    monkeypatch.setattr(runtime, "BLOCK", 90)
    for a, b in zip(whole, values_and_gradients(), strict=True):
        assert np.allclose(a, b, rtol=1e-10, atol=1e-12)


# --- what is set before NumPy loads -----------------------------------------------------------------------------------

ZEN_5 = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 68\nflags\t\t: fpu avx2 avx512f\n"


def test_kernels_are_chosen_for_the_processor_that_openblas_misjudges_and_for_no_other():
    assert runtime.kernels_for(ZEN_5) == "SKYLAKEX"
    assert runtime.kernels_for(ZEN_5.replace("26", "25")) is None                        # Zen 4, which it knows
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

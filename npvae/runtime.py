"""How the work is shared out: what is set before NumPy loads, threads, and blocks that fit into a cache.

This is the one place for what is ugly. tutorials/benchmarks.md has the measurements that justify it.

*Threads.* NumPy's matrix products use every core; its elementwise functions use one. But they release the GIL while
they work, so Python threads can run them at the same time. `in_threads` shares out work among threads that are kept
waiting for it. Meanwhile each product has one thread, because two threads for each would get in one another's way.

*Blocks.* NumPy makes one pass over its arrays for each operation of a formula. `by_blocks` and its relatives cut arrays
into blocks of rows that stay in a core's cache from one pass to the next, and share the blocks out among threads. Much
smaller blocks would be slower: at the end of every NumPy call a thread must wait for the GIL.

*OPENBLAS_THREAD_TIMEOUT.* After a product, OpenBLAS's threads keep spinning in case another product follows, and keep
ours off the cores. The setting is the logarithm of the number of cycles that they spin: 16 is long enough for the next
product and too short to be in anybody's way.

*OPENBLAS_CORETYPE.* OpenBLAS chooses its kernels for the processor when it loads, and takes AMD's Zen 5 for a processor
without AVX-512.

OpenBLAS reads both settings when NumPy is first imported, so a program that imports NumPy before npvae gains nothing
from them, and loses nothing. If you have set one of them yourself, yours stays.
"""

import contextvars
import ctypes
import functools
import os
import queue
import threading

BLOCK = 131_072  # numbers: three arrays of this size fit into a core's second cache
CPUINFO = "/proc/cpuinfo"  # of Linux
ZEN_5_FAMILY = "26"


def kernels_for(cpu):
    """Return the OpenBLAS kernels for a processor that it misjudges, else None; cpu: the text of /proc/cpuinfo."""
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in cpu.splitlines())}
    is_zen_5 = fields.get("vendor_id") == "AuthenticAMD" and fields.get("cpu family") == ZEN_5_FAMILY
    return "SKYLAKEX" if is_zen_5 and "avx512f" in fields.get("flags", "").split() else None


def _set_before_numpy_loads():
    """Set what OpenBLAS reads; return the kernels that were chosen here, or None."""
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")
    try:
        with open(CPUINFO, encoding="utf-8", errors="replace") as file:
            kernels = kernels_for(file.read(4096))  # the first processor: a server has hundreds
    except OSError:  # not Linux
        kernels = None
    if kernels is None or "OPENBLAS_CORETYPE" in os.environ:
        return None
    os.environ["OPENBLAS_CORETYPE"] = kernels
    return kernels


chosen_kernels = _set_before_numpy_loads()


# --- the threads of the matrix products -------------------------------------------------------------------------------


@functools.cache
def openblas(name):
    """Return a function of the OpenBLAS that NumPy has loaded, such as "get_num_threads"; None if there is none."""
    import numpy as np

    library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # looks in the libraries that this one has loaded, too
    for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("", "")):
        try:
            return getattr(library, f"{prefix}openblas_{name}{suffix}")
        except AttributeError:
            continue
    return None


def threads():
    """Return how many threads to use: as many as NumPy's products do, so that OPENBLAS_NUM_THREADS sets both."""
    return _threads_before or _threads_of_products()


def _threads_of_products():
    return (openblas("get_num_threads") or cores)()


def _set_threads_of_products(n):
    (openblas("set_num_threads") or (lambda n: None))(n)


def cores():
    """Return how many cores this process may use: not how many the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- our own threads --------------------------------------------------------------------------------------------------


def _attempt(work):
    """Return what work() returns, and None; or None, and the exception that it raises."""
    try:
        return work(), None
    except BaseException as error:
        return None, error


class _Helper:
    """A thread that waits for something to do."""

    def __init__(self):
        self.todo, self.outcomes = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name="npvae").start()

    def _run(self):
        while (work := self.todo.get()) is not None:         # None: there will be nothing more to do
            self.outcomes.put(_attempt(work))
            del work                                         # and with it, the arrays that it holds


_helpers = []
_in_use = threading.Lock()
_threads_before = 0  # while the helpers work, how many threads the products had before


def _forget_helpers():
    """In a forked process: threads do not survive a fork. (The `function` of `in_threads` must not fork.)

    If the helpers of the parent were at work, the products have one thread here until the next `in_threads`. OpenBLAS
    may not be called: one of its locks may be held by a thread that is gone.
    """
    global _in_use
    _helpers.clear()
    _in_use = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


def in_threads(function, items):
    """Return [function(items[i::k]) for i = 0 … k − 1], in k threads: `threads()`, or fewer if there are fewer items.

    The items are shared out in the same way whatever else is running, so a sum over them has the same bits, as long as
    `threads()` is the same. Meanwhile the matrix products of the whole process have one thread each: a program that
    trains in several threads should set OPENBLAS_NUM_THREADS=1 to get the same bits each time.

    If several shares raise an exception, that of the first is raised.
    """
    global _threads_before
    k = max(1, min(threads(), len(items)))
    shares = [functools.partial(function, items[i::k]) for i in range(k)]
    if k == 1 or _in_use.locked():                           # by another thread, or by this one
        return [share() for share in shares]
    with _in_use:
        before = _threads_before or _threads_of_products()   # the former if Ctrl-C came before they were given back
        try:
            _threads_before = before
            _set_threads_of_products(1)
            while len(_helpers) < k - 1:
                _helpers.append(_Helper())
            for helper, share in zip(_helpers, shares[1:]):  # in the caller's context, which holds numpy.errstate
                helper.todo.put(functools.partial(contextvars.copy_context().run, share))
            outcomes = [_attempt(shares[0]), *(helper.outcomes.get() for helper in _helpers[: k - 1])]
            for _, error in outcomes:
                if error is not None:
                    raise error
            return [result for result, _ in outcomes]
        except BaseException as error:
            if not isinstance(error, Exception):             # Ctrl-C: nobody waits for these helpers any more
                for helper in _helpers:
                    helper.todo.put(None)
                _helpers.clear()
            raise
        finally:
            _set_threads_of_products(before)
            _threads_before = 0


# --- blocks that fit into a cache -------------------------------------------------------------------------------------


def _is_small(arrays):
    """Return whether arrays hold too little for a second thread: half a BLOCK."""
    return 2 * max(a.size for a in arrays) <= BLOCK


def _in_blocks(take, arrays):
    """Return [take(blocks), …], one for each thread: an iterator over its blocks, each of them a piece of every array.

    Every thread has an equal share of the rows, in one piece, and cuts it into blocks of the same size.
    """
    N, size = len(arrays[0]), max(a.size for a in arrays)
    rows = max(1, BLOCK * N // size)
    k = max(1, min(threads(), N))

    def blocks_of(share):
        start, stop = N * share // k, N * (share + 1) // k
        count = max(1, -(-(stop - start) // rows))
        for i in range(count):
            piece = slice(start + (stop - start) * i // count, start + (stop - start) * (i + 1) // count)
            yield [a[piece] for a in arrays]

    # One share for each thread; several, if another thread of the program has changed their number since then.
    found = in_threads(lambda shares: [take(blocks_of(share)) for share in shares], range(k))
    return [each for some in found for each in some]


def by_blocks(function, *arrays):
    """Call function(*blocks) for blocks of rows of the arrays; it writes its results into one or more of them.

    All arrays have the same number of rows. Those that it writes into lie in memory row by row.
    """
    if _is_small(arrays):
        function(*arrays)
        return

    def take(blocks):
        for block in blocks:
            function(*block)

    _in_blocks(take, arrays)


def sum_by_blocks(function, *arrays):
    """Return the sum of function(*blocks) over blocks of rows; it returns a new array, or a tuple of new arrays."""
    if _is_small(arrays):
        return function(*arrays)

    def add(total, more):
        if isinstance(total, tuple):
            return tuple(map(add, total, more))
        total += more
        return total

    def take(blocks):
        return functools.reduce(add, (function(*block) for block in blocks))

    return functools.reduce(add, _in_blocks(take, arrays))


def blockwise(function, *arrays):
    """Return function(*arrays), computed block by block; it must treat each row by itself, and return one for each."""
    if _is_small(arrays):
        return function(*arrays)
    import numpy as np

    no_rows = function(*(a[:0] for a in arrays))             # tells the shape and the dtype of its rows
    y = np.empty((len(arrays[0]), *no_rows.shape[1:]), no_rows.dtype)
    def block(y, *arrays):
        y[...] = function(*arrays)
    by_blocks(block, y, *arrays)
    return y

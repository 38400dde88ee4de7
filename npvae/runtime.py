"""How the work is shared out: what is set before NumPy loads, who computes what, and blocks that fit into a cache.

This is the one place for what is ugly. tutorials/benchmarks.md has the measurements that justify it.

*Shares.* NumPy releases the GIL while it works, so Python threads can work at the same time. Whatever is worth sharing
is cut into shares: a matrix product into columns or rows of its result, an array into blocks of rows. The shares depend
on the shapes of the arrays alone, and whoever is free takes the next one: a helper if it is awake, otherwise the
caller. So the same seed gives the same bits with any number of threads, and the caller never waits for a share that
nobody has begun. OpenBLAS's own threads would wait for one another after every product; beside another busy program,
one of them is often not running.

*One thread for each product.* While shares are computed, OpenBLAS has one thread, because its result depends on their
number.

*Blocks.* NumPy makes one pass over its arrays for each operation of a formula. `by_blocks` and its relatives cut arrays
into blocks of rows that stay in a core's cache from one pass to the next. Much smaller blocks would be slower: at the
end of every NumPy call a thread must wait for the GIL.

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
import itertools
import os
import queue
import threading

BLOCK = 131_072  # numbers: three arrays of this size fit into a core's second cache
SHARES = 4  # of a product, at most; the number of blocks is a multiple of it, so that the threads finish together
PRODUCT_SHARE = 2**21  # multiplications, at least
KERNEL = 16  # the columns or rows that OpenBLAS computes at a time: a share of a product begins at a multiple of it
SPINS = 20  # how often the caller does something useless before it sleeps until the last share is finished
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


# --- the threads of OpenBLAS ------------------------------------------------------------------------------------------


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


def cores():
    """Return how many cores this process may use: not how many the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads():
    """Return how many threads to use: as many as OpenBLAS has outside of `one_thread`.

    OPENBLAS_NUM_THREADS and OMP_NUM_THREADS set both.
    """
    return one_thread.before or _threads_of_openblas()


def _threads_of_openblas():
    return (openblas("get_num_threads") or cores)()


def _set_threads_of_openblas(n):
    (openblas("set_num_threads") or (lambda n: None))(n)


class _OneThread:
    """A context in which OpenBLAS has one thread. Several threads of the program may be in it at the same time.

    before   how many threads OpenBLAS gets back when the last one leaves; 0 outside
    """

    def __init__(self, before=0):
        self.before, self._inside, self._lock = before, 0, threading.Lock()

    def __enter__(self):
        with self._lock:
            if not self._inside:
                self.before = self.before or _threads_of_openblas()
                _set_threads_of_openblas(1)
            self._inside += 1

    def __exit__(self, *_):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _set_threads_of_openblas(self.before)
                self.before = 0


one_thread = _OneThread()


# --- shares of work ---------------------------------------------------------------------------------------------------


_calls, _helpers, _here = queue.SimpleQueue(), [], threading.local()     # the last: whether a thread computes a share


class _Call:
    """work() for a helper, which the caller takes back if no helper has begun it: a future, only faster."""

    def __init__(self, work):
        self.run, self.error = functools.partial(contextvars.copy_context().run, work), None
        self.begun, self.running = threading.Lock(), threading.Lock()
        self.running.acquire()

    def begin(self):
        """Run it in a helper's thread, in a copy of the caller's context: it holds numpy.errstate."""
        if self.begun.acquire(blocking=False):
            try:
                self.run()
            except BaseException as error:
                self.error = error
            self.running.release()

    def end(self):
        """Take it back, or wait for it; raises what it raised.

        The caller first does something useless for a moment: a thread that sleeps is slow to wake up, and a loop in
        Python would keep the GIL from the helper.
        """
        if not self.begun.acquire(blocking=False):
            for _ in range(SPINS):
                if not self.running.locked():
                    break
                _something_useless()()
            self.running.acquire()
        self.run = None                                      # which holds arrays
        if self.error is not None:
            raise self.error


def _help():
    while True:
        _calls.get().begin()


def _forget_helpers():
    """In a forked process: threads do not survive a fork. (A share must not fork.)

    If OpenBLAS had one thread in the parent, it has one here until the next work. It may not be called now: one of its
    locks may be held by a thread that is gone.
    """
    global _calls, one_thread
    _helpers.clear()
    _calls, one_thread = queue.SimpleQueue(), _OneThread(one_thread.before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


@functools.cache
def _something_useless():
    """Return a function that works for a very short time without the GIL."""
    import numpy as np

    numbers = np.ones(8192, np.float32)
    return functools.partial(np.sqrt, numbers, out=numbers)


def share_out(function, shares):
    """Return [function(share) for share in shares], a list; whoever is free takes the next share.

    The shares must not depend on one another. If one raises an exception, it is raised here, and no more are begun.
    """
    with one_thread:
        k = min(threads(), len(shares))
        if k < 2 or getattr(_here, "in_share", False):       # then all threads are at work already
            return [function(share) for share in shares]
        results, todo = {}, iter(list(enumerate(shares)))    # several threads may ask a list's iterator

        def work():
            _here.in_share = True
            try:
                for i, share in todo:
                    results[i] = function(share)
            except BaseException:
                list(todo)                                   # nobody begins another one
                raise
            finally:
                _here.in_share = False

        while len(_helpers) < k - 1:
            _helpers.append(threading.Thread(target=_help, daemon=True, name="npvae"))
            _helpers[-1].start()
        calls = [_Call(work) for _ in range(k - 1)]
        for call in calls:
            _calls.put(call)
        try:
            work()
        finally:
            for call in calls:
                call.end()
        return [results[i] for i in range(len(shares))]


def _pieces(n, count, unit=1):
    """Return `count` slices that together are range(n), of about equal length; they begin at multiples of the unit."""
    edges = [n * i // (count * unit) * unit for i in range(count)] + [n]
    return [slice(start, end) for start, end in itertools.pairwise(edges) if end > start]


def parts(items, count=SHARES):
    """Cut a list into `count` lists, fewer if it is short. If each is summed in one share, few sums take memory."""
    return [items[piece] for piece in _pieces(len(items), count)]


def product(a, b):                           # a (M, K)   b (K, N)   ->   y (M, N)
    """The matrix product y = a b, in shares that are columns or rows of y, whichever are more."""
    import numpy as np

    (M, K), N = a.shape, b.shape[1]
    y = np.empty((M, N), np.result_type(a, b))
    pieces = _pieces(max(M, N), max(1, min(SHARES, M * K * N // PRODUCT_SHARE)), KERNEL)
    if M < N:
        share_out(lambda columns: np.matmul(a, b[:, columns], out=y[:, columns]), pieces)
    else:
        share_out(lambda rows: np.matmul(a[rows], b, out=y[rows]), pieces)
    return y


# --- blocks that fit into a cache -------------------------------------------------------------------------------------


def _is_small(arrays):
    """Return whether arrays hold too little for a second thread: half a BLOCK."""
    return 2 * max(a.size for a in arrays) <= BLOCK


def _blocks(arrays):
    """Return a list of blocks: each holds the same rows of every array. Their number depends on the shapes alone."""
    if _is_small(arrays):
        return [arrays]
    N, size = len(arrays[0]), max(a.size for a in arrays)
    rows = max(1, BLOCK * N // size)                         # in a block
    count = min(N, -(-N // (rows * SHARES)) * SHARES)
    return [[a[piece] for a in arrays] for piece in _pieces(N, count)]


def by_blocks(function, *arrays):
    """Call function(*blocks) for blocks of rows of the arrays; it writes its results into one or more of them.

    All arrays have the same number of rows. Those that it writes into lie in memory row by row.
    """
    share_out(lambda block: function(*block), _blocks(arrays))


def sum_by_blocks(function, *arrays):
    """Return the sum of function(*blocks) over blocks of rows; it returns a new array, or a tuple of new arrays."""

    def add(total, more):
        if isinstance(total, tuple):
            return tuple(map(add, total, more))
        total += more
        return total

    def sum_of(blocks):
        return functools.reduce(add, (function(*block) for block in blocks))

    return functools.reduce(add, share_out(sum_of, parts(_blocks(arrays))))


def blockwise(function, *arrays):
    """Return function(*arrays), computed block by block; it must treat each row by itself, and return one for each."""
    if _is_small(arrays):
        return share_out(lambda arrays: function(*arrays), [arrays])[0]
    import numpy as np

    no_rows = function(*(a[:0] for a in arrays))             # tells the shape and the dtype of its rows
    y = np.empty((len(arrays[0]), *no_rows.shape[1:]), no_rows.dtype)
    def block(y, *arrays):
        y[...] = function(*arrays)
    by_blocks(block, y, *arrays)
    return y

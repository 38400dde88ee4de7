"""How threads share the work: settings made before NumPy loads, shares of work, and blocks that fit into a cache.

All the ugly code is in this one file. tutorials/benchmarks.md has the measurements that justify it.

*Shares.* NumPy releases the GIL while it computes, so Python threads can compute at the same time. We cut large work
into shares: a matrix product into columns or rows of its result, an array into blocks of rows. The shares depend on the
shapes of the arrays alone. Whichever thread is free takes the next one: the caller, or a *helper*, a thread that waits
for work. So the same seed gives the same bits with any number of threads, and the caller never waits for a share that
no thread has begun. OpenBLAS's own threads would wait for one another after every product; beside another busy
program, one of them is often not running. `share_out` returns when all shares are computed. `start` returns at once: it
is for results that nobody needs yet, such as the gradients of weights during a backward pass.

*One thread for each product.* During shares and backward passes, OpenBLAS has one thread, because the bits of its
results depend on the number of its threads.

*Blocks.* NumPy makes one pass over its arrays for each operation of a formula. `by_blocks` and its relatives cut arrays
into blocks of rows that stay in a core's cache from one pass to the next. Much smaller blocks would be slower: at the
end of every NumPy call a thread must wait for the GIL.

*OPENBLAS_THREAD_TIMEOUT.* After a product, OpenBLAS's threads keep spinning in case another product follows, and keep
our threads off the cores. The setting is the binary logarithm of the number of cycles that they spin: 2¹⁶ cycles are
long enough for the next product, and too short to delay our threads.

*OPENBLAS_CORETYPE.* When OpenBLAS loads, it chooses its kernels for the processor. It mistakes AMD's Zen 5 for a
processor without AVX-512.

OpenBLAS reads both settings when NumPy is first imported, so a program that imports NumPy before npvae gains nothing
from them, and loses nothing. If you have set one of them yourself, npvae keeps your value.
"""

import contextvars
import ctypes
import functools
import itertools
import os
import queue
import threading

BLOCK = 131_072  # numbers; in float32, 512 kB
SHARES = 4  # of a product, at most; the number of blocks is a multiple of it, so that the threads finish together
PRODUCT_SHARE = 2**21  # multiplications in a share of a product, at least
KERNEL = 16  # the columns or rows that OpenBLAS computes at a time: a share of a product begins at a multiple of it
SPINS = 20  # how many times the caller spins before it sleeps until a helper has finished: see `Call._wait`
CPUINFO = "/proc/cpuinfo"  # on Linux
ZEN_5_FAMILY = "26"


def kernels_for(cpu):
    """Return the kernels for a processor that OpenBLAS misjudges, else None; cpu: the text of /proc/cpuinfo."""
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in cpu.splitlines())}
    is_zen_5 = fields.get("vendor_id") == "AuthenticAMD" and fields.get("cpu family") == ZEN_5_FAMILY
    return "SKYLAKEX" if is_zen_5 and "avx512f" in fields.get("flags", "").split() else None


def _set_before_numpy_loads():
    """Set the environment variables that OpenBLAS reads; return the kernels if npvae chose them, else None."""
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")
    try:
        with open(CPUINFO, encoding="utf-8", errors="replace") as file:
            first = "".join(itertools.takewhile(str.strip, file))  # the first processor: a server has hundreds
        kernels = kernels_for(first)
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

    library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # also searches the libraries that it has loaded
    for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("", "")):
        try:
            return getattr(library, f"{prefix}openblas_{name}{suffix}")
        except AttributeError:
            continue
    return None


def cores():
    """Return how many cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads():
    """Return how many threads to use: as many as OpenBLAS has outside of `one_thread`.

    OPENBLAS_NUM_THREADS or OMP_NUM_THREADS sets both numbers.
    """
    return one_thread.before or _threads_of_openblas()


def _threads_of_openblas():
    if openblas("get_num_threads"):
        return openblas("get_num_threads")()
    asked = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def _set_threads_of_openblas(n):
    (openblas("set_num_threads") or (lambda n: None))(n)


class _OneThread:
    """A context in which OpenBLAS has one thread. Several threads of the program may be in it at the same time.

    before    how many threads OpenBLAS gets back when the last of them leaves; 0 outside
    _inside   one item for each thread within, because `append` and `pop` cannot be interrupted halfway
    _is_set   False if OpenBLAS may have more than one thread

    If Ctrl-C keeps a thread from giving the threads back, the next one that leaves does it. (If it arrives in the
    moment in which `__exit__` begins, they are not given back: your own products then have one thread.)
    """

    def __init__(self, before=0):
        self.before, self._inside, self._is_set = before, [], False
        self._lock = threading.Lock()

    def __enter__(self):
        try:
            self._inside.append(None)
            with self._lock:
                if not self._is_set:
                    self.before = self.before or _threads_of_openblas()
                    _set_threads_of_openblas(1)
                    self._is_set = True
        except BaseException:                                # Ctrl-C: then nobody calls __exit__
            self._inside.pop()
            raise

    def __exit__(self, *_):
        self._inside.pop()
        with self._lock:
            if self.before and not self._inside:             # 0 if another thread has just given them back
                self._is_set = False
                _set_threads_of_openblas(self.before)
                self.before = 0


one_thread = _OneThread()


# --- shares of work ---------------------------------------------------------------------------------------------------


_calls, _helpers = queue.SimpleQueue(), []  # the calls that wait for a helper, and the threads that take them
_here = threading.local()  # _here.in_share: whether this thread is computing a share
_starting = threading.Lock()  # one thread at a time starts helpers


class Call:
    """A call of work() that a single thread makes: the first one that asks, whether a helper or the caller.

    A helper asks in `help`. The caller asks in `result` if it needs the value, and in `cancel` if not. If a helper was
    first, both of them wait for it. A `concurrent.futures.Future` takes twice as long.

    _asked        the threads that have asked, in this order
    _unfinished   a lock, held until a helper has finished the call
    """

    def __init__(self, work):
        self._work = functools.partial(contextvars.copy_context().run, work)    # the context holds numpy.errstate
        self._asked, self._unfinished = [], threading.Lock()
        self._unfinished.acquire()
        self._value = self._error = None

    def _is_mine(self):
        """Return whether this thread makes the call. After Ctrl-C, a thread may ask again: the answer is the same."""
        self._asked.append(threading.get_ident())            # of two threads that ask, one is first: `append` is atomic
        return self._asked[0] == threading.get_ident()

    def run(self):
        """Make the call in this thread, once, unless another thread makes it. Raises what work raises."""
        if self._is_mine() and self._work is not None:
            work, self._work = self._work, None              # not twice; and work holds arrays
            self._value = work()

    def help(self):
        """Make the call in a helper, unless another thread makes it; keep an error for `result`."""
        try:
            self.run()
        except BaseException as error:
            self._error = error
        if self._is_mine():
            self._unfinished.release()

    def cancel(self):
        """Let no other thread begin the call; wait for the helper that makes it."""
        if self._is_mine():
            self._work = None
        else:
            self._wait()

    def result(self):
        """Return what work() returns, or raise what it raises: make the call here if no thread has begun it.

        Afterwards the call no longer holds the result, because it may stay in the helpers' queue for a long time.
        """
        self.run()
        if not self._is_mine():
            self._wait()
        value, error, self._value, self._error = self._value, self._error, None, None
        try:
            if error is not None:
                raise error
            return value
        finally:
            del error                                        # its traceback holds this frame: a cycle

    def _wait(self):
        """Wait for the helper.

        A sleeping thread is slow to wake up, so the caller stays awake for a moment. It spends it in NumPy calls, which
        release the GIL: a loop in Python would keep the GIL from the helper.
        """
        for _ in range(SPINS):
            if not self._unfinished.locked():
                return
            _something_useless()()
        with self._unfinished:
            pass


def finish(calls):
    """Cancel calls, the last one first. Afterwards no helper works on them, so none writes into an array.

    If a signal raises an exception meanwhile, as Ctrl-C does, the helpers finish first. A second one is raised at once.
    """
    try:
        for call in reversed(calls):
            call.cancel()
    except BaseException:
        for call in reversed(calls):
            call.cancel()
        raise


def start(call, here=False):
    """Let the next free helper make the call. With a single thread, and within a share, make it at once.

    Put the call where `finish` will find it before you start it: Ctrl-C may arrive as soon as a helper has it.

    here   make the call at once, in this thread
    """
    if here or threads() == 1 or _is_in_share():
        call.run()
    else:
        _offer(call)


def _offer(call):
    """Put the call into the helpers' queue; first start the helpers that are missing."""
    with _starting:
        while len(_helpers) < threads() - 1:
            helper = threading.Thread(target=_help, daemon=True, name="npvae")
            try:
                helper.start()
            except RuntimeError:                             # the system gives no more threads: we work with fewer
                break
            _helpers.append(helper)
    if _helpers:
        _calls.put(call)


def _help():
    _here.in_share = True
    while True:
        _calls.get().help()


def _is_in_share():
    return getattr(_here, "in_share", False)


def _forget_helpers():
    """Begin a forked process without helpers, because threads do not survive a fork. (A share must not fork.)

    If OpenBLAS had one thread in the parent, it has one here until the first `share_out` returns. We must not call it
    now: a thread that no longer exists may hold one of its locks.
    """
    global _calls, _starting
    _helpers.clear()
    _calls, _starting = queue.SimpleQueue(), threading.Lock()
    one_thread.__init__(one_thread.before)                   # in place: others have imported it by name


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


@functools.cache
def _something_useless():
    """Return a function that works for a very short time without the GIL."""
    import numpy as np

    numbers = np.ones(8192, np.float32)
    return functools.partial(np.sqrt, numbers, out=numbers)


def share_out(function, shares):
    """Return [function(share) for share in shares], a list; whichever thread is free takes the next share.

    The shares must not depend on one another. If one raises an exception, no thread begins another, and `share_out`
    raises the exception.
    """
    with one_thread:
        k = min(threads(), len(shares))
        if k < 2 or _is_in_share():
            return [function(share) for share in shares]
        results, todo = {}, iter(list(enumerate(shares)))    # with the GIL, threads can share a list's iterator

        def work():
            try:
                for i, share in todo:
                    results[i] = function(share)
            except BaseException:
                list(todo)                                   # take all the others, so that no thread begins one
                raise

        calls = [Call(work) for _ in range(k - 1)]
        try:
            for call in calls:
                _offer(call)
            _here.in_share = True
            work()
            finish(calls)
        except BaseException:                                # perhaps Ctrl-C, before `finish` could begin
            finish(calls)
            raise
        finally:
            _here.in_share = False
        for call in calls:
            call.result()                                    # raises a helper's error
        return [results[i] for i in range(len(shares))]


def _pieces(n, count, unit=1):
    """Return up to `count` slices of about equal length that cover range(n) and begin at multiples of the unit."""
    edges = [n * i // (count * unit) * unit for i in range(count)] + [n]
    return [slice(start, end) for start, end in itertools.pairwise(edges) if end > start]


def parts(items, count=SHARES):
    """Cut a list into `count` lists, fewer if it is short: each share can add up one list, so few sums take memory."""
    return [items[piece] for piece in _pieces(len(items), count)]


def product(a, b):                           # a (M, K)   b (K, N)   ->   y (M, N)
    """The matrix product y = a b, in shares: columns of y if y has more columns than rows, otherwise rows."""
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


def is_small(arrays):
    """Return whether even the largest array is too small for a second thread: at most half a BLOCK."""
    return 2 * max(a.size for a in arrays) <= BLOCK


def _blocks(arrays):
    """Return a list of blocks: each holds the same rows of every array. Their number depends on the shapes alone."""
    if is_small(arrays):
        return [arrays]
    N, size = len(arrays[0]), max(a.size for a in arrays)
    rows = max(1, BLOCK * N // size)                         # in a block
    count = min(N, -(-N // (rows * SHARES)) * SHARES)
    return [[a[piece] for a in arrays] for piece in _pieces(N, count)]


def by_blocks(function, *arrays):
    """Call function(*blocks) for blocks of rows of the arrays; the function writes into one or more of its blocks.

    All arrays have the same number of rows. Those that the function writes into must be C-contiguous.
    """
    share_out(lambda block: function(*block), _blocks(arrays))


def sum_by_blocks(function, *arrays):
    """Sum function(*blocks) over blocks of rows; the function returns a new array, or a tuple of new arrays."""

    def add(total, more):
        if isinstance(total, tuple):
            return tuple(map(add, total, more))
        total += more
        return total

    def sum_of(blocks):
        return functools.reduce(add, (function(*block) for block in blocks))

    return functools.reduce(add, share_out(sum_of, parts(_blocks(arrays))))


def blockwise(function, *arrays):
    """Return function(*arrays), computed block by block; each row of its result depends on one row of each array."""
    if is_small(arrays):
        return share_out(lambda arrays: function(*arrays), [arrays])[0]
    import numpy as np

    no_rows = function(*(a[:0] for a in arrays))             # it has the shape and the dtype of the result's rows
    y = np.empty((len(arrays[0]), *no_rows.shape[1:]), no_rows.dtype)
    def block(y, *arrays):
        y[...] = function(*arrays)
    by_blocks(block, y, *arrays)
    return y

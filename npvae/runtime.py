"""The one place for what is ugly: what is set before NumPy loads, threads, and locks.

NumPy's matrix products use all cores by themselves; its elementwise functions use one. But they release Python's
global lock while they work, so that plain threads run at the same time. That pays where the arrays are large and the
calls are few, as in an Adam step on 1.4 million parameters. Elementwise work gives the same bits however it is divided.

After a product, OpenBLAS's threads keep spinning for some 30 ms, in case another product follows, and so they take the
cores away from ours. OPENBLAS_THREAD_TIMEOUT is the logarithm of how many cycles they spin: at 16, some 30 µs, the
products run as fast as before, and the Adam step takes 2.0 to 2.1 ms on two threads where it took 3.0 ms, with one
thread or with two (medians of 300 training steps of the reference network; two cores of a Xeon, 2026). OpenBLAS reads
it when NumPy is first imported: a program that imports NumPy before npvae is not helped, and not harmed. A person's own
setting is respected.
"""

import concurrent.futures
import contextvars
import functools
import os

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")


def cores():
    """How many cores this process may use: not how many the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool():
    return concurrent.futures.ThreadPoolExecutor(cores(), thread_name_prefix="npvae")


def in_threads(function, items):
    """Call function(items[i::k]) for i = 0 … k − 1 in k threads, one for each core; return when all are done."""
    threads = max(1, min(cores(), len(items)))
    others = [
        _pool().submit(contextvars.copy_context().run, function, items[i::threads])  # with the caller's numpy.errstate
        for i in range(1, threads)
    ]
    function(items[::threads])
    for other in others:
        other.result()


def lock_folder(folder):
    """Lock a folder against other processes; return the function that unlocks it. The end of the process does, too.

    Raises BlockingIOError if another process has it. Where the system or the disk knows no such locks (Windows, some
    networks), nothing is locked.
    """
    try:
        import fcntl
    except ImportError:
        return lambda: None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        pass
    return functools.partial(os.close, descriptor)

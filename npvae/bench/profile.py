"""Where the time of our own steps goes: Python's own profiler, its times added up for each operation.

The profiler knows functions and not operations. But every operation is called by the same wrapper, the one that `op`
makes, and the code of its derivatives is a part of its own code: so both can be told.
"""

import collections
import cProfile
import inspect
import time

from ..autodiff import convolution, ops, tensor
from ..nn.optim import Optimizer

WRAPPER = ops.dense.__code__  # of every operation
OTHERS = {Optimizer.step.__code__: "the optimiser", convolution.batch_moments.__code__: "batch_moments"}


def profile(step, seconds):
    """Seconds of one step(): a dict from "step" to all of them, and from each operation to [forward, backward].

    Only the calling thread is looked at, which waits for the others. The profiler itself takes some of the time: 0.8 ms
    of a step of the reference network, which takes 6.1 ms without it.
    """
    profiler = cProfile.Profile(builtins=False)
    steps, start = 0, time.perf_counter()
    profiler.enable()
    while time.perf_counter() - start < seconds or steps == 0:
        step()
        steps += 1
    profiler.disable()
    elapsed = time.perf_counter() - start
    entries = profiler.getstats()
    times = collections.defaultdict(lambda: [0.0, 0.0])
    calls = []                                               # from tensor.py: by the wrapper, by the walk over the tape
    for entry in entries:
        if entry.code in OTHERS:
            times[OTHERS[entry.code]][0] += entry.totaltime
        elif entry.code.co_filename == tensor.__file__:
            calls += [(entry.code is WRAPPER, call) for call in entry.calls or ()]
    derivative_of = {}
    for by_wrapper, call in calls:
        if by_wrapper and call.code.co_filename != tensor.__file__:
            times[call.code.co_name][0] += call.totaltime
            derivative_of |= {part: call.code.co_name for part in call.code.co_consts if inspect.iscode(part)}
    for _, call in calls:
        if call.code in derivative_of:
            times[derivative_of[call.code]][1] += call.totaltime
    return {"step": elapsed / steps} | {name: [t / steps for t in both] for name, both in times.items()}

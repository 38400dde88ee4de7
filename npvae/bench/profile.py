"""Where the time of our own steps goes: how long each operation takes, forward and backward.

Python reports every call and every return to our function `watch`. Python knows functions, not operations. But the
wrapper that `op` makes calls every operation, and an operation's code contains the code of its derivatives.
"""

import collections
import sys
import time

import numpy as np

from ..autodiff import guards, normalization, ops, tensor
from ..nn.optim import Optimizer
from ..runtime import Call

WRAPPER = ops.dense.__code__  # of every operation
WAITING = Call._wait.__code__  # for a helper
OTHERS = {Optimizer.step.__code__: "the optimiser", normalization.batch_moments.__code__: "batch_moments"}


def profile(step, seconds):
    """Return where the seconds of one step() go: {"step": all of them, operation: [forward, backward], …}, in medians.

    It watches only the calling thread. While helpers compute gradients, it sees only how long the caller waits for
    them. Watching takes time as well.
    """
    times = collections.defaultdict(lambda: [0.0, 0.0])      # of one step
    all_times = []
    operation_of, running = {}, {}                           # by a derivative's code; by frame: what began, and when

    def watch(frame, event, _):
        if event == "call":
            what = which(frame.f_code, frame.f_back.f_code)
            if what:
                running[frame] = what, time.perf_counter()
        elif event == "return" and frame in running:
            (name, direction), start = running.pop(frame)
            times[name][direction] += time.perf_counter() - start

    def which(code, caller):
        if code in OTHERS and caller.co_filename != code.co_filename:
            return OTHERS[code], 0
        if code is WAITING and caller is Call.result.__code__:
            return "waiting for gradients", 1
        if caller.co_filename != tensor.__file__ or code.co_filename in (tensor.__file__, guards.__file__):
            return None
        if caller is WRAPPER:
            operation_of.update((id(part), code.co_name) for part in code.co_consts)
            return code.co_name, 0
        return (operation_of[id(code)], 1) if id(code) in operation_of else None

    start = now = time.perf_counter()
    while now - start < seconds or not all_times:
        times.clear()
        sys.setprofile(watch)
        try:
            step()
        finally:
            sys.setprofile(None)
        before, now = now, time.perf_counter()
        all_times.append({"step": [now - before, 0.0]} | times)
    names = dict.fromkeys(name for one in all_times for name in one)
    medians = {name: np.median([one.get(name, [0.0, 0.0]) for one in all_times], axis=0).tolist() for name in names}
    return medians | {"step": medians["step"][0]}

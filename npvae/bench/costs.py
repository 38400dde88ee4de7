"""The costs beside the steps: the time of `import npvae`, and the memory of a training run."""

import os
import subprocess
import sys

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..plain import UTF_8_CHILD
from . import contenders
from .race import last_words, number_of_threads, on_cores
from .workloads import BY_NAME

IMPORTS = 21
STEPS = 300

TIME_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
TRAIN = "import sys; from npvae.bench.costs import train; print(train(sys.argv[1]))"


def time_imports():
    """Time `import npvae` and `import numpy` in turn, each in a new process; return a dict of medians, in seconds."""
    found = {"npvae": [], "numpy": []}
    for _ in tqdm(range(IMPORTS + 1), desc="import", unit="turn", leave=False, disable=None):
        for name, times in found.items():
            seconds = _output(TIME_IMPORT.format(name), PYTHONDONTWRITEBYTECODE="")  # both may keep their bytecode
            times.append(float(seconds))
    return {name: float(np.median(times[1:])) for name, times in found.items()}  # the first import reads from the disk


def peak_memory(names, threads):
    """Return the peak memory, in MB, of a process that trains the reference network on MNIST: a dict from contenders.

    For a contender that fails, the value is the reason, as text.
    """
    peaks = {}
    for name in tqdm(names, desc="memory", unit="run", leave=False, disable=None):
        with on_cores(threads):
            try:
                peaks[name] = float(_output(TRAIN, name, **number_of_threads(threads)))
            except UserError as error:
                peaks[name] = str(error)
    return peaks


def train(name):
    """Load MNIST and take STEPS steps, in the same loop for every contender; return the peak memory, in MB."""
    workload = BY_NAME["reference"]
    runner = contenders.build(contenders.BY_NAME[name], workload, "float32")
    x, rng = workload.load().x_train, np.random.default_rng(0)
    for _ in range(STEPS):
        runner.take([x[rng.integers(len(x), size=workload.batch)]])
        runner.step()
    return _peak()


def _peak():
    """Return the peak memory of this process so far, in MB."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:   # getrusage counts the parent's memory too, on Linux
            return next(int(line.split()[1]) / 2**10 for line in file if line.startswith("VmHWM"))
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _output(program, *arguments, **environment):
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=os.environ | UTF_8_CHILD | environment, capture_output=True,
        encoding="utf-8", errors="replace",
    )
    if process.returncode:
        raise UserError(f"its process ended: {last_words(process.stderr, process.returncode)}")
    return process.stdout.splitlines()[-1]                   # earlier lines may come from a library

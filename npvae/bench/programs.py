"""Steps per second of whole programs, as a reader starts them: a training here, and what `npvae export` makes of it.

Each program runs twice, with a few steps and with many, and the difference of the two times counts. So loading,
compiling and the saving at the end cancel, and what a program does for every minibatch (choosing it, copying it) stays.
Each library takes the threads that it takes by default.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..export.folder import export
from ..training import Run

# By batch size: the steps that count, about six seconds, and fewer than 500, where every program saves once more.
STEPS = {100: 480, 1000: 100, 10_000: 12}
FEW = 6  # an epoch of the largest minibatches
ROUNDS = 3
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# NPROC: XLA's threads. With no more threads than devices, an all-reduce may wait for a product that needs its thread.
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "NPROC": "4"}
# name in the table: the library; what stands between python and the program; environment variables
PROGRAMS = {
    "npvae": ("npvae", [], {}),
    "PyTorch": ("torch", [], {}),
    "PyTorch, two processes": ("torch", TORCHRUN, {}),
    "JAX": ("jax", [], {}),
    "JAX, two devices": ("jax", [], TWO_DEVICES),
}


def seconds(library, words, variables, batch_size, steps, folder):
    """Return how long a program takes to start, train for this many steps, and end; its files go to a folder.

    Raises UserError if the program fails.
    """
    chosen = {"model": "vae", "data": "mnist", "batch_size": batch_size}
    command = ["-m", "npvae", "train", "--out", folder / "run", "--batch-size", str(batch_size)]
    if library != "npvae":
        export(Run.create(folder / "run", chosen), library, folder / "program")
        command = [*words, folder / "program" / "vae.py", "train"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command, "--steps", str(steps)], env=os.environ | variables,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stdout.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        raise UserError(f"the program for {library} failed: {last}")
    return time.perf_counter() - start


def measure(libraries):
    """Return the seconds of a step: {program: {batch size: median}}, for the programs of these libraries and ours."""
    chosen = {name: how for name, how in PROGRAMS.items() if how[0] in ("npvae", *libraries)}
    times = {name: {batch_size: [] for batch_size in STEPS} for name in chosen}
    turns = list(itertools.product(STEPS.items(), range(ROUNDS), chosen.items()))
    for (batch_size, more), _, (name, how) in tqdm(turns, "programs", unit="program", disable=None):
        with tempfile.TemporaryDirectory() as folder:
            few = seconds(*how, batch_size, FEW, Path(folder, "few"))
            many = seconds(*how, batch_size, FEW + more, Path(folder, "many"))
        times[name][batch_size].append((many - few) / more)
    return {name: {size: float(np.median(found)) for size, found in each.items()} for name, each in times.items()}

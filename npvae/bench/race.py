"""The race: all contenders of a workload in turn, round after round, each in its own process.

A machine is slower in some seconds than in others. So no contender runs to the end before the next begins: in every
round, each one takes steps for a moment while the others wait, and a slow stretch affects all of them. The first round
does not count.

A race on a busy machine ends when its time is up, and counts the rounds that it has finished.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..plain import UTF_8_CHILD
from .contenders import OURS, PRODUCTS

ROUNDS = 7  # that count
PATIENCE = 600  # seconds to wait for an answer: compiling may take a minute
LIMIT = 1e-4  # how far losses and gradients may differ, relative to ours
START, SLOW = 15, 4  # planned seconds for a contender to start; a race may take this many times as long as planned
# A program that keeps one core busy, as long as its parent lives: if the parent is killed, nobody else would end it.
BUSY = """
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(100_000))
"""
FITS = 4 / 3  # the parts of a profile may add up to this many times the median step


class Result(NamedTuple):
    """One contender in one workload.

    name         as in the table
    median       seconds for a step; low and high are the first and the third quartile
    steps        the number of steps that count
    rounds       the number of rounds that count
    difference   of its loss and gradients from ours, relative; None for ours and for the products
    failure      why there are no times, or None
    profile      where the time of our own step goes (see profile.py); None for the others
    """

    name: str
    median: float | None = None
    low: float | None = None
    high: float | None = None
    steps: int = 0
    rounds: int = 0
    difference: float | None = None
    failure: str | None = None
    profile: dict | None = None


def number_of_threads(n):
    """Return the environment variables that make every library use n threads: a dict."""
    return {f"{name}_NUM_THREADS": str(n) for name in ("OMP", "OPENBLAS", "MKL")}


class Process:
    """A contender that waits for requests (see worker.py)."""

    def __init__(self, contender, threads):
        self.name = contender.name
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "npvae.bench.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, encoding="utf-8", env=os.environ | UTF_8_CHILD | number_of_threads(threads),
        )  # fmt: skip

    def ask(self, **request):
        """Send a request and return the answer.

        Raises UserError if the worker answers with an error, ends, or does not answer within PATIENCE seconds."""
        is_late = threading.Event()

        def give_up():
            is_late.set()
            self._process.kill()

        too_late = threading.Timer(PATIENCE, give_up)
        too_late.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or "null")
        except (BrokenPipeError, json.JSONDecodeError):      # the process ended, perhaps in the middle of a line
            answer = None
        finally:
            too_late.cancel()
        if is_late.is_set():
            raise UserError(f"no answer within {PATIENCE} seconds: ask for fewer --seconds, or leave it out")
        if answer is None:
            self._process.kill()                             # it may have printed something else, and still be alive
            self._log.seek(0)
            raise UserError(f"its process ended: {last_words(self._log.read(), self._process.wait())}")
        if "error" in answer:
            raise UserError(answer["error"])
        return answer

    def close(self):
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


def last_words(text, status):
    """Return the last line of `text`, which a process wrote before it ended; if it wrote nothing, say how it ended."""
    lines = text.strip().splitlines()
    if lines:
        return lines[-1].strip()
    return f"signal {-status}" if status < 0 else f"exit status {status}, without a message"


@contextlib.contextmanager
def on_cores(n):
    """Within this context, new processes run on the first n cores; on all, if the system cannot restrict processes.

    On some machines, two of these cores are hardware threads of the same one.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:n])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def race(workload, chosen, seconds, threads, busy=0):
    """Time contenders in a workload; return a list of `Result`, in the same order.

    chosen    a list of `Contender`, ours first
    seconds   how long each contender takes steps, in total
    threads   the number of threads, and of cores, for each
    busy      the number of other programs that keep a core busy meanwhile

    Raises UserError if npvae itself fails. If another one fails, or computes something else, its result says why.
    """
    processes, results = [], {}
    ends = time.monotonic() + SLOW * len(chosen) * (START + seconds)
    with contextlib.ExitStack() as stack:
        for _ in range(busy):
            stack.enter_context(_busy_program(threads))
        turns = len(chosen) * (ROUNDS + 2)
        bar = stack.enter_context(tqdm(total=turns, desc=workload.name, unit="turn", leave=False, disable=None))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for contender in chosen:
            with on_cores(threads):
                process = Process(contender, threads)
            stack.callback(process.close)
            try:
                process.ask(assign=[dataclasses.asdict(workload), dataclasses.asdict(contender)])
                if contender.name != PRODUCTS:
                    process.ask(check=f"{folder}/{len(processes)}.npz")
                    results[contender.name] = Result(contender.name, difference=_difference(folder, len(processes)))
                process.ask(run=0)  # builds the model, and compiles it if the contender compiles
                processes.append(process)
            except UserError as error:
                if contender.name == OURS:
                    raise
                results[contender.name] = Result(contender.name, failure=str(error))
            bar.update()
        times, rounds = {process.name: [] for process in processes}, {process.name: 0 for process in processes}
        for turn in range(ROUNDS + 1):
            if turn > 1 and time.monotonic() > ends:
                break
            for process in list(processes):
                try:
                    found = process.ask(run=seconds / ROUNDS)["times"]
                except UserError as error:
                    if process.name == OURS:
                        raise
                    results[process.name] = Result(process.name, failure=str(error))
                    processes.remove(process)
                    del times[process.name]
                    continue
                if turn > 0:
                    times[process.name] += found[1:]  # the first step starts with the caches full of other data
                    rounds[process.name] += 1
                bar.update()
        profile = None if busy else _profile(processes[0], seconds / ROUNDS, np.median(times[OURS]))
    for name, found in times.items():
        low, median, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
        results[name] = results.get(name, Result(name))._replace(
            median=median, low=low, high=high, steps=len(found), rounds=rounds[name]
        )
    results[OURS] = results[OURS]._replace(profile=profile)
    return [results[contender.name] for contender in chosen]


@contextlib.contextmanager
def _busy_program(threads):
    """Within this context, another program keeps one of the cores busy."""
    with on_cores(threads):
        process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _profile(process, seconds, median):
    """Return a profile whose parts add up to not much more than a step; None if two attempts give none."""
    for _ in range(2):
        found = process.ask(profile=seconds)["profile"]
        if sum(sum(times) for name, times in found.items() if name != "step") <= FITS * median:
            return found
    return None


def _difference(folder, i):
    """Return how far the loss and gradients of contender i are from those of the first, ours; None for ours.

    The difference of each gradient is relative to its own largest number. Where that is pure rounding error, as for
    a bias before a batch normalization, it is relative to a thousandth of the largest number in all gradients.
    """
    if i == 0:
        return None
    with np.load(f"{folder}/0.npz") as ours, np.load(f"{folder}/{i}.npz") as theirs:
        loss, *gradients = ours.values()
        their_loss, *their_gradients = theirs.values()
    if [g.shape for g in gradients] != [g.shape for g in their_gradients]:
        raise UserError("its gradients have other shapes than ours")
    largest = max((np.abs(g).max() for g in gradients), default=1)
    differences = [abs(loss - their_loss) / abs(loss)]
    for g, their_g in zip(gradients, their_gradients):
        differences.append(np.abs(g - their_g).max() / max(np.abs(g).max(), largest / 1000))
    if not max(differences) <= LIMIT:
        found = f"{max(differences):.0e}"
        raise UserError(f"its loss or gradients differ from ours by {found}, expected at most {LIMIT:.0e}")
    return float(max(differences))

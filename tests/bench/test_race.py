"""Proves that the race times every contender in its own process, and refuses one that computes something else.

These tests would catch a peer that is timed although its gradients differ, and a process whose death ends the race.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from npvae.bench import race
from npvae.bench.contenders import BY_NAME, OURS, PRODUCTS, Contender
from npvae.bench.workloads import Workload
from npvae.errors import UserError

TINY = Workload("tiny", "vae", "mnist", 7, 3, (11,))


def test_all_are_timed_and_a_failure_says_why(monkeypatch):
    monkeypatch.setattr(race, "FITS", np.inf)                # on a busy machine, too
    broken = Contender("broken", None, "npvae.bench.nowhere", "Nothing")
    ours, products, failed = race.race(TINY, [BY_NAME[OURS], BY_NAME[PRODUCTS], broken], 0.2, 1)
    assert ours.name == OURS and 0 < ours.low <= ours.median <= ours.high < 1 and ours.steps > 10
    assert products.median < ours.median and products.difference is None
    assert {"step", "dense", "relu", "the optimiser"} <= ours.profile.keys() and products.profile is None
    assert failed.median is None and "No module named 'npvae.bench.nowhere'" in failed.failure


LIAR = """
from npvae.bench.ours import Ours

class Liar(Ours):
    def loss_and_gradients(self, x, eps):
        loss, gradients = super().loss_and_gradients(x, eps)
        return loss, [gradients[0] * 1.01, *gradients[1:]]

class Mortal(Ours):
    def step(self):
        if self.steps > 20:
            raise SystemExit("out of memory")
        return super().step()
"""


def test_a_wrong_contender_is_not_timed_and_one_that_dies_stops_no_other(tmp_path, monkeypatch):
    (tmp_path / "liar.py").write_text(LIAR)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    others = [Contender("liar", None, "liar", "Liar"), Contender("mortal", None, "liar", "Mortal")]
    ours, liar, mortal = race.race(TINY, [BY_NAME[OURS], *others], 0.2, 1)
    assert ours.steps > 10
    assert "gradients differ from ours" in liar.failure and liar.median is None
    assert "its process ended: out of memory" in mortal.failure and mortal.median is None


def test_a_race_ends_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(race, "SLOW", 0)
    ours, products = race.race(TINY, [BY_NAME[OURS], BY_NAME[PRODUCTS]], 0.2, 1)
    assert ours.rounds == products.rounds == 1 and ours.median > 0


def test_other_programs_run_beside_the_race_and_end_with_it(monkeypatch):
    ended, popen = [], subprocess.Popen

    def noted(arguments, **options):
        process = popen(arguments, **options)
        if "-c" in arguments:
            ended.append(process)
        return process

    monkeypatch.setattr(race.subprocess, "Popen", noted)
    monkeypatch.setattr(race, "ROUNDS", 1)
    race.race(TINY, [BY_NAME[OURS]], 0.1, 1, busy=2)
    assert len(ended) == 2 and all(process.returncode == -signal.SIGKILL for process in ended)


@pytest.mark.skipif(os.name == "nt", reason="there, a process keeps the number of its parent")
def test_a_busy_program_ends_when_its_parent_is_killed():
    program = "import subprocess, sys, time; from npvae.bench import race; " \
        "print(subprocess.Popen([sys.executable, '-c', race.BUSY]).pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    time.sleep(0.5)                                          # until it has begun
    os.kill(child, 0)                                        # it lives
    parent.kill()
    parent.wait()
    assert _has_ended_within(10, child)


def _has_ended_within(seconds, pid):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            os.kill(pid, 0)
            status = pathlib.Path(f"/proc/{pid}/stat")
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True                                  # it has ended, and nobody has asked for its exit status
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


class Answers:
    """A process that answers with these profiles, one after another."""

    def __init__(self, *profiles):
        self.profiles = list(profiles)

    def ask(self, profile):
        return {"profile": self.profiles.pop(0)}


def test_a_profile_must_fit_the_step():
    good, bad = {"step": 0.009, "dense": [0.002, 0.003]}, {"step": 0.2, "dense": [0.002, 0.098]}
    assert race._profile(Answers(good), 1, 0.006) == good
    assert race._profile(Answers(bad, good), 1, 0.006) == good
    assert race._profile(Answers(bad, bad), 1, 0.006) is None


def test_if_ours_fails_there_is_no_race():
    with pytest.raises(UserError, match="unknown data set 'nothing'"):
        race.race(Workload("tiny", "vae", "nothing", 7, 3, (11,)), [BY_NAME[OURS]], 0.1, 1)


def test_the_last_line_of_a_process_that_ends_is_shown():
    process = race.Process(BY_NAME[OURS], 1)
    process._process.kill()
    process._process.wait()
    with pytest.raises(UserError, match="its process ended"):
        process.ask(run=1)
    process.close()


def test_a_process_that_does_not_answer_is_ended(monkeypatch):
    process = race.Process(BY_NAME[OURS], 1)
    monkeypatch.setattr(race, "PATIENCE", 0.05)
    with pytest.raises(UserError, match=r"no answer within 0\.05 seconds: ask for fewer --seconds"):
        process.ask(assign=[vars(TINY), vars(BY_NAME[OURS])])
    process.close()


def write(folder, i, loss, *gradients):
    np.savez(folder / f"{i}.npz", np.float64(loss), *gradients)


def test_results_are_compared(tmp_path):
    g, small = np.array([1.0, -2.0]), np.array([1e-12])      # a bias before a batch normalization has such gradients
    layer = np.array([0.01, 0.002])                          # a layer whose gradients are small, but not that small
    write(tmp_path, 0, 5.0, g, layer)
    write(tmp_path, 1, 5.0, g, layer * 1.01)
    with pytest.raises(UserError, match="gradients differ from ours by 1e-02"):
        race._difference(tmp_path, 1)
    write(tmp_path, 0, 5.0, g, small)
    assert race._difference(tmp_path, 0) is None
    write(tmp_path, 1, 5.0, g, -small)
    assert race._difference(tmp_path, 1) < 1e-8
    write(tmp_path, 2, 5.00001, g, small)
    assert race._difference(tmp_path, 2) == pytest.approx(2e-6)
    for wrong in [(5.01, g, small), (5.0, g * 1.001, small), (5.0, g, small + 0.01), (np.nan, g, small)]:
        write(tmp_path, 3, *wrong)
        with pytest.raises(UserError, match=r"differ from ours by .*, expected at most 1e-04"):
            race._difference(tmp_path, 3)
    write(tmp_path, 4, 5.0, g[:, None], small)
    with pytest.raises(UserError, match="other shapes"):
        race._difference(tmp_path, 4)

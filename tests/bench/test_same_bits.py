"""Proves that training gives the same bits with any number of threads, on a busy machine too.

These tests would catch a product whose shares depend on the number of threads, and a sum in the order in which the
threads finish.
"""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from npvae import datasets
from npvae.bench.workloads import BY_NAME
from npvae.models import PCA
from npvae.training import Run

THREADS = (1, 2, 3, 4)
TRAINED = [name for name, workload in BY_NAME.items() if workload.trains]


def bits(name, steps):
    """Return the SHA-256 of a workload's parameters after some steps; for the likelihood, of its results."""
    from npvae.bench.ours import Ours

    workload = BY_NAME[name]
    runner = Ours(workload, workload.build().astype("float32"), [x.astype("float32") for x in workload.minibatches()])
    for _ in range(steps):
        runner.step()
    arrays = [p.data for p in runner.model.parameters()]
    if not workload.trains:
        arrays = list(runner.model.importance_sampling(workload.minibatches()[0], runner.rng, 200))
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


def with_threads(n):
    """Return a program that begins like that: OpenBLAS itself takes no more threads than there are cores."""
    return f"from npvae import runtime; runtime.threads = lambda: {n}"


def in_processes(call):
    """Return what a call prints with each number of threads, in processes that run at the same time."""
    program = f"from tests.bench.test_same_bits import bits, bits_of_pca; print({call})"
    processes = [
        subprocess.Popen([sys.executable, "-c", f"{with_threads(n)}; {program}"], stdout=subprocess.PIPE, text=True)
        for n in THREADS
    ]
    return [process.communicate()[0].strip() for process in processes]


@pytest.mark.parametrize("name", ["reference", "iwae", "conv28", "likelihood"])
def test_some_steps_give_the_same_bits(name):
    found = in_processes(f"bits({name!r}, {3 if BY_NAME[name].trains else 0})")
    assert len(set(found)) == 1 and len(found[0]) == 64


def bits_of_pca():
    """Return the SHA-256 of the components of MNIST."""
    model = PCA(784, 20).fit(datasets.load("mnist").x_train[:5000])
    return hashlib.sha256(model.components.tobytes() + model.eigenvalues.tobytes()).hexdigest()


def test_principal_components_have_the_same_bits():
    found = in_processes("bits_of_pca()")
    assert len(set(found)) == 1 and len(found[0]) == 64


def test_a_run_may_be_continued_with_another_number_of_threads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def train(threads, out, steps, *more):
        wide = ["--data", "bars", "--hidden", "700", "700", "--out", out, "--steps", str(steps), *more]
        program = f"{with_threads(threads)}; from npvae.cli import main; main()"
        subprocess.run([sys.executable, "-c", program, "train", *wide], check=True, capture_output=True)

    train(2, "whole", 8)
    train(1, "parts", 4)
    train(3, "parts", 8, "--resume")
    whole, parts = (Run.load(folder).model.state_dict() for folder in ("whole", "parts"))
    assert all(np.array_equal(a, parts[name]) for name, a in whole.items())


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_two_hundred_steps_give_the_same_bits(name):
    found = in_processes(f"bits({name!r}, 200)")
    assert len(set(found)) == 1 and len(found[0]) == 64

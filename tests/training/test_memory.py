"""Proves that a training which needs more memory than there is says what to make smaller, before it takes any.

These tests would catch an estimate that is wrong by a factor of two, and an advice that shrinks the wrong thing.
"""

import json
import os
import subprocess
import sys

import pytest

from npvae.datasets import files
from npvae.errors import UserError
from npvae.training import Run, memory

MEASURES = """
import json, sys
from npvae.training import Run, memory

def peak():
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

for name, chosen in ("small", {"hidden": [8]}), ("large", json.loads(sys.argv[1])):
    before = peak()
    run = Run.create(name, {"data": "bars"} | chosen)
    run.training.run(2, run.save)
print(json.dumps([sum(memory.needed(run.settings, run.origin).values()), peak() - before]))
"""
LARGE = {
    "weights": {"hidden": [3000, 2000]},
    "minibatch": {"hidden": [256, 256], "batch_size": 2000, "samples": 20},
    "channels": {"model": "conv-vae", "channels": [512, 512], "batch_size": 10},
    "convolutions": {"model": "conv-vae", "channels": [64, 128], "batch_size": 2000},
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory as Linux counts it")
@pytest.mark.parametrize("name", LARGE)
def test_the_estimate_is_what_a_training_takes(tmp_path, name):
    command = [sys.executable, "-c", MEASURES, json.dumps(LARGE[name])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    estimate, taken = json.loads(done.stdout.splitlines()[-1])
    assert 0.6 < estimate / taken < 1.6, (estimate / 1e6, taken / 1e6)


@pytest.mark.parametrize("chosen, words", [
    ({"latent_dim": 10**8}, "weights (102 GB): make --hidden or --latent-dim smaller"),
    ({"hidden": [10**9]}, "make --hidden or --latent-dim smaller"),
    ({"batch_size": 2000, "samples": 10**8}, "make --batch-size or --samples smaller"),
    ({"model": "conv-vae", "channels": [10**5, 10**5]}, "make --channels or --latent-dim smaller"),
    ({"model": "vem", "latent_dim": 10**8}, "make --hidden or --latent-dim smaller"),
])
def test_what_is_too_large_is_named(tmp_path, monkeypatch, chosen, words):
    monkeypatch.setattr(memory, "available_memory", lambda: 4 * 10**9)
    with pytest.raises(UserError, match=r"training needs about .* times the 4 GB that are available") as raised:
        Run.create(tmp_path / "run", {"data": "bars"} | chosen)
    assert words.split("(")[0] in str(raised.value) and words.split("): ")[-1] in str(raised.value)
    assert len(str(raised.value)) <= 300 and not (tmp_path / "run").exists()


def test_a_closed_form_needs_its_examples_in_float64(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 10**6)
    with pytest.raises(UserError, match=r"needs about 1.1 MB.*examples \(1 MB\): choose data with fewer or smaller"):
        Run.create(tmp_path / "run", {"data": "bars", "model": "pca"})


def test_a_run_that_goes_on_is_checked_too_but_not_one_that_is_looked_at(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "run", {"data": "bars", "hidden": [8]})
    run.training.run(1, run.save)
    del run
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(UserError, match="training needs about"):
        Run.load(tmp_path / "run", to_train=True)
    assert Run.load(tmp_path / "run").model.sample(3, 0).shape == (3, 64)


LIMITED = """
import resource, sys
from npvae import cli
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on the address space")
@pytest.mark.parametrize("megabytes", [250, 300, 350, 400])
def test_a_limit_on_the_address_space_gives_one_sentence(tmp_path, megabytes):
    train = ["train", "--data", "bars", "--hidden", "2000", "1000", "--steps", "2"]
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # for lack of memory for its threads, OpenBLAS calls exit
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(megabytes), *train], cwd=tmp_path, capture_output=True, text=True,
        env=one_thread,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "memory" in done.stderr, done.stderr


def test_the_address_space_counts_as_available(monkeypatch):
    assert files.available_memory() > 0
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**50, 2**50))
    unlimited = files.available_memory()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**6, 10**6))
    assert files.available_memory() in (0, unlimited)       # 0 on Linux; elsewhere the use is not known

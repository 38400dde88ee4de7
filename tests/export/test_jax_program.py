"""Proves that the program for JAX computes what npvae computes: loss, gradients, running statistics, steps; and shares.

These tests would catch a kernel that is flipped, a running variance without its M / (M − 1), a second moment of Adam
without its correction, and devices that each normalize their own share.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from npvae.export import folder, jax_program, weights
from npvae.training import Run
from tests.export import cases
from tests.export.comparison import before_normalization, require_style, same

jax = pytest.importorskip("jax")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def called(program, run, seed=1):
    """Return the gradients of a program's loss in training, the objective, the parts, and what normalizations saw."""
    x, y = cases.examples(run)
    batch, params = [a for a in (x, y) if a is not None], weights.to_jax(run.model)
    f = jax.value_and_grad(program.loss, has_aux=True)
    (objective, (parts, seen)), grads = f(params, *batch, cases.noise(run, seed), cases.STEP, {})
    return grads, objective, parts, seen


@pytest.mark.parametrize("dtype, limit", [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("name", cases.CASES)
def test_the_loss_its_parts_and_every_gradient(name, dtype, limit):
    run = cases.run_of(name, dtype)
    grads, objective, found, seen = called(cases.program(jax_program, run), run)
    before = run.model.state_dict()
    parts, gradients = cases.loss(run)
    for key, value in found.items():
        same(parts[key], value, limit)
    if "objective" in parts:
        same(parts["objective"], objective, limit)
    largest = max(np.abs(p.data).max() for p in gradients.parameters())
    for key, p in gradients.named_parameters():
        same(p.data, grads[weights.plain(key)], limit, largest)
    surrogate = run.settings.get("estimator", "analytic-kl") != "analytic-kl"
    for key, a in run.model.state_dict().items():
        if weights.plain(key) in seen and not (surrogate and key.startswith("decoder")):
            same(a, before[key] + 0.1 * (seen[weights.plain(key)] - before[key]), limit)


@pytest.mark.parametrize("name", ["vae, bernoulli", "conv-vae, gaussian", "vanilla-vae", "cvae, bernoulli", "ae"])
@pytest.mark.parametrize("is_default", [True, False])
@pytest.mark.parametrize("optimizer", cases.OPTIMISERS)
def test_twenty_steps(name, optimizer, is_default):
    run = cases.with_optimiser(name, optimizer, is_default)
    program = cases.program(jax_program, run)
    x, y = cases.examples(run)
    params = weights.to_jax(run.model)
    moments = {key: [np.zeros_like(p)] * jax_program.UPDATES[optimizer][0] for key, p in params.items()}
    batch = [a for a in (x, y) if a is not None]
    for step in range(20):
        params, moments, _ = program.train_step(params, moments, batch, cases.noise(run, step), step)
        cases.loss(run, step)
        run.optimizer.step()
    without_effect = before_normalization(run.model)
    for key, p in run.model.named_parameters():
        if key not in without_effect:
            same(p.data, params[weights.plain(key)], 1e-4)


@pytest.mark.parametrize("name", cases.CASES)
def test_it_is_short_and_the_linter_accepts_it(name, tmp_path):
    require_style(jax_program.source(cases.run_of(name), "program.py"), tmp_path)


def on_devices(number):
    """Return environment variables with which JAX finds this number of devices."""
    flags = f"--xla_force_host_platform_device_count={number}"
    environment = os.environ | {"XLA_FLAGS": flags, "NPROC": str(2 * number)}      # NPROC: see bench/programs.py
    count = [sys.executable, "-c", "import jax; print(len(jax.devices()))"]
    assert int(subprocess.run(count, env=environment, capture_output=True, text=True, check=True).stdout) == number
    return environment


@pytest.mark.parametrize("name", ["dynamic, polynomial", "vanilla-vae"])
def test_two_devices_train_like_one(tmp_path, name):
    run = cases.run_of(name, "float32")
    folder.export(run, "jax", tmp_path / "export")
    (program,) = (tmp_path / "export").glob("*.py")
    trained = []
    for devices in (1, 2):
        train = [sys.executable, program, "train", "--steps", "20"]
        found = subprocess.run(train, env=on_devices(devices), capture_output=True, text=True)
        assert found.returncode == 0 and "step     20" in found.stdout, found.stderr
        trained.append(folder.read(tmp_path / "export/trained.safetensors"))
    without_effect = before_normalization(run.model)
    for key, _ in run.model.named_parameters():
        if key not in without_effect:
            same(trained[0][weights.plain(key)], trained[1][weights.plain(key)], 1e-4)
    evaluate = [sys.executable, program, "evaluate", "--weights", tmp_path / "export/trained.safetensors"]
    assert subprocess.run(evaluate, capture_output=True, text=True, check=True).stdout.count("loss ") == 1


def test_more_devices_than_examples(tmp_path):
    """Some devices stay idle; a minibatch of one example for each would never be full."""
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).random((12, 9)))
    chosen = {"model": "vae", "data": str(tmp_path / "data.npz"), "hidden": [4], "latent_dim": 2}
    folder.export(Run.create(tmp_path / "run", chosen), "jax", tmp_path / "export")
    train = [sys.executable, tmp_path / "export/vae.py", "train", "--steps", "3"]
    found = subprocess.run(train, env=on_devices(16), capture_output=True, text=True, timeout=120)
    assert found.returncode == 0 and "step      3" in found.stdout, found.stderr

"""Runs of every kind that can be exported, and the same loss here as in an exported program."""

import copy
import functools
import pathlib
import tempfile
import types

import numpy as np

from npvae.models import NOISES
from npvae.nn.optim import OPTIMIZERS
from npvae.training import Run

SMALL = {"data": "bars", "latent_dim": 3}
DENSE = {**SMALL, "hidden": [7, 5]}
CONVOLUTIONS = {**SMALL, "channels": [3, 5]}
TANH = {**DENSE, "activation": "tanh"}
LIKELIHOODS = ("bernoulli", "continuous-bernoulli", "gaussian", "squared-error", "discretized-logistic")
ESTIMATORS = ("monte-carlo-kl", "sticking-the-landing", "score-function", "score-function-baseline", "naive")
CASES = {
    **{f"vae, {name}": {"model": "vae", **DENSE, "likelihood": name} for name in LIKELIHOODS},
    **{f"vae, {name}": {"model": "vae", **DENSE, "activation": name} for name in ("leaky-relu", "sigmoid", "softplus")},
    **{f"vae, {name}": {"model": "vae", **DENSE, "estimator": name, "samples": 2} for name in ESTIMATORS},
    **{f"iwae, {name}": {"model": "iwae", **TANH, "likelihood": name} for name in LIKELIHOODS},
    **{f"cvae, {name}": {"model": "cvae", **DENSE, "likelihood": name, "samples": 3} for name in LIKELIHOODS},
    **{f"conv-vae, {name}": {"model": "conv-vae", **CONVOLUTIONS, "likelihood": name} for name in LIKELIHOODS},
    "conv-vae, naive": {"model": "conv-vae", **SMALL, "channels": [3], "estimator": "naive", "samples": 2},
    "vanilla-vae": {"model": "vanilla-vae", **CONVOLUTIONS, "beta": 0.3},
    "vanilla-vae, gaussian": {"model": "vanilla-vae", **CONVOLUTIONS, "likelihood": "gaussian"},
    "colours": {"model": "vanilla-vae", "latent_dim": 2, "channels": [2, 3], "data": "shapes"},
    "ae": {"model": "ae", **DENSE},
    "linear-ae": {"model": "linear-ae", **SMALL},
    "conv-ae": {"model": "conv-ae", **CONVOLUTIONS},
    **{f"dae, {name}": {"model": "dae", **DENSE, "noise": name, "noise_level": 0.3} for name in NOISES},
    "beta": {"model": "vae", **DENSE, "beta": 0.3, "warm_up": 7},
    "free bits": {"model": "vae", **DENSE, "free_bits": 0.1},
    "free bits, warm-up": {"model": "vae", **DENSE, "free_bits": 0.1, "warm_up": 11, "beta": 2.5},
    "dynamic, polynomial": {"model": "cvae", **DENSE, "binarization": "dynamic", "schedule": "polynomial"},
    "capacity above": {"model": "cvae", **DENSE, "capacity": 50.0, "beta": 5.0},
    "capacity below": {"model": "vae", **DENSE, "capacity": 0.5, "warm_up": 7},
}
N, STEP = 7, 3


FOLDER = tempfile.TemporaryDirectory()  # until the tests end


@functools.cache
def _run(name):
    return Run.create(pathlib.Path(FOLDER.name, name), CASES[name])


def run_of(name, dtype="float64"):
    """Return a copy of the run of a case, with random parameters and running means, variances and labels."""
    run = copy.copy(_run(name))
    run.model, rng = copy.deepcopy(run.model).astype(dtype), np.random.default_rng(3)
    state = run.model.state_dict()
    for key, a in state.items():
        positive = key.endswith(("running_variance", "gamma"))
        state[key] = np.array(rng.uniform(0.5, 1.5, a.shape) if positive else 0.4 * rng.standard_normal(a.shape))
    run.model.load_state_dict(state)
    return run


OPTIMISERS = {
    "adam": {"lr": 1e-3, "beta1": 0.99, "beta2": 0.9, "eps": 1e-3},
    "sgd": {"lr": 1e-4, "momentum": 0.5},
    "adagrad": {"lr": 1e-3, "eps": 1e-3},
}


def with_optimiser(name, optimiser, is_default):
    """Return a copy of the run of a case in float32, with an optimiser of default or of other hyperparameters."""
    run, chosen = run_of(name, "float32"), OPTIMISERS[optimiser]
    run.settings = run.settings | {"optimizer": optimiser, "lr": chosen["lr"]}
    chosen = {"lr": chosen["lr"]} if is_default else chosen
    run.optimizer = OPTIMIZERS[optimiser](run.model.parameters(), **chosen)
    return run


def examples(run):
    """Return examples x (N, D) of 256 levels, both ends among them, and labels y (N,), None if it needs none."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 256, (N, run.model.data_dim))
    x[:, :3], x[:, 3:6] = 0, 255
    y = rng.choice(run.model.labels, N) if run.model.needs_labels else None
    return (x / 255).astype(run.model.dtype), y


def noise(run, seed=1):
    """Return the noise that `model.loss` draws from this seed; None if it draws none."""
    model, rng = run.model, np.random.default_rng(seed)
    if model.has_bound:
        return rng.standard_normal((model.samples, N, model.latent_dim), dtype=model.dtype)
    if model.noise is None:
        return None
    draw = rng.standard_normal if run.settings["noise"] == "gaussian" else rng.random
    return draw((N, model.data_dim), dtype=model.dtype)


def loss(run, seed=1):
    """Return the parts of our loss in training, and a copy of the model whose parameters are its gradients."""
    x, y = examples(run)
    model = run.model if y is None else run.model.given(y)
    run.model.zero_grad()
    objective, parts = model.loss(x, np.random.default_rng(seed), STEP)
    objective.backward()
    gradients = copy.deepcopy(run.model)
    for ours, p in zip(run.model.parameters(), gradients.parameters()):
        p.data = np.zeros_like(ours.data) if ours.grad is None else np.asarray(ours.grad)
    return parts, gradients


def program(module, run):
    """Return the program that `module.source` writes, as a module."""
    made = types.ModuleType("program")
    made.__file__ = str(run.folder / "program.py")
    exec(compile(module.source(run, "program.py"), "program.py", "exec"), vars(made))
    return made

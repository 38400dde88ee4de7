"""Every program is short, also for networks as deep as they are by default, whatever else the run has.

The cases of the other tests have two small layers; these here have five convolutions, or three hidden layers.
"""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from npvae.export import jax_program, torch_program
from npvae.training import Run
from tests.export import cases
from tests.export.comparison import CONFIG

TERMS = {"capacity": 12.5, "warm_up": 700, "beta": 2.5}, {"free_bits": 0.25, "warm_up": 700, "beta": 2.5}
OBJECTIVES = [{}, *TERMS, *({"estimator": name, "samples": 2} for name in cases.ESTIMATORS)]
MODELS = {
    "ae": [{}],
    "linear-ae": [{}],
    "conv-ae": [{}],
    "dae": [{"noise": "gaussian"}, {"noise": "masking"}],
    "iwae": [{"likelihood": name} for name in cases.LIKELIHOODS],
    "vanilla-vae": [{"likelihood": name} | each for name in ("squared-error", "gaussian") for each in OBJECTIVES],
    **{
        model: [{"likelihood": name} | each for name, each in itertools.product(cases.LIKELIHOODS, OBJECTIVES)]
        for model in ("vae", "cvae", "conv-vae")
    },
}


@pytest.mark.parametrize("model", MODELS)
def test_every_program_is_short_and_the_linter_accepts_it(model, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", x=x, y=np.arange(40) % 10)
    depth = {"channels": [101] * 5} if model in ("conv-ae", "conv-vae", "vanilla-vae") else {"hidden": [101] * 3}
    depth = {} if model == "linear-ae" else depth
    chosen = {"model": model, "data": str(tmp_path / "images.npz"), "schedule": "polynomial", "latent_dim": 101}
    (tmp_path / "programs").mkdir()
    for i, each in enumerate(MODELS[model]):
        dynamic = {"binarization": "dynamic"} if each.get("likelihood") == "bernoulli" else {}
        run = Run.create(tmp_path / f"runs/{i}", chosen | depth | dynamic | each)
        run.optimizer.beta1, run.optimizer.eps = 0.987, 1.5e-05
        for module in (torch_program, jax_program):
            lines = module.source(run, "conditional_vae.py").splitlines()
            assert len(lines) <= 150 and max(map(len, lines)) <= 120, each
            name = module.__name__.rpartition(".")[2]
            (tmp_path / f"programs/{name}_{i}.py").write_text("\n".join([*lines, ""]))
    ruff = [sys.executable, "-m", "ruff", "check", "--config", CONFIG, tmp_path / "programs"]
    found = subprocess.run(ruff, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout

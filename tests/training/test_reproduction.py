"""Proves that both networks reproduce the published numbers, with two seeds each, on all of MNIST.

It would catch what no gradient check sees: a wrong initialisation, a sum over pixels that became a mean, noise with
the wrong standard deviation, an Adam without its bias correction. Run it with `pytest -m slow`.

Grey pixels in [0, 1], Bernoulli logits, nothing binarized, nats per example.
"""

import numpy as np
import pytest

from npvae.models import principal_angles
from npvae.training import Run
from npvae.training.evaluation import evaluate, mean_loss

SEEDS = pytest.mark.parametrize("seed", [0, 1])


def train(folder, steps, **settings):
    run = Run.create(folder, settings)
    run.training.run(steps)
    return run, np.array(run.training.history)


def loss_on_test_set(run):
    return mean_loss(run.model, run.dataset.x_test, np.random.default_rng(0))["loss"]


@pytest.mark.slow
@SEEDS
def test_the_reference_network(tmp_path, seed):
    """784-512-384-256-10, ReLU, Xavier-uniform weights, zero biases, batch 100, Adam 1e-3, 10,000 steps."""
    run, history = train(tmp_path / "run", 10_000, seed=seed)
    loss, rec, kl = history[9000:].mean(axis=0)
    assert loss == pytest.approx(102.8, abs=1.0)
    assert rec + kl == pytest.approx(loss, abs=1e-3)
    assert loss_on_test_set(run) == pytest.approx(104.2, abs=1.0)


@pytest.mark.slow
@SEEDS
def test_the_vae_of_pytorchs_examples(tmp_path, seed):
    """784-400-20, ReLU, PyTorch's initial weights, batch 128, Adam 1e-3, 10 epochs of 469 steps."""
    settings = {"hidden": [400], "latent_dim": 20, "batch_size": 128, "init": "pytorch_uniform"}
    run, history = train(tmp_path / "run", 4690, seed=seed, **settings)
    assert history[-469:, 0].mean() == pytest.approx(106.3, abs=0.5)
    assert loss_on_test_set(run) == pytest.approx(105.6, abs=0.5)


@pytest.mark.slow
@SEEDS
def test_the_linear_autoencoder_is_within_1_percent_of_pca(tmp_path, seed):
    """10 dimensions, 10,000 steps of batch 100. The two subspaces agree to a few degrees."""
    pca = Run.create(tmp_path / "pca", {"model": "pca"})
    pca.training.run(0, pca.save)
    run, _ = train(tmp_path / "ae", 10_000, model="linear-ae", seed=seed)
    best, found = (evaluate(each.model, run.x_test, None)["squared_error"] for each in (pca, run))
    assert found < 1.01 * best
    assert principal_angles(pca.model.components, run.model.decoder.layers[1].W.data).max() < 5

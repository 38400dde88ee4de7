"""Proves what holds for every model: it can be copied and pickled.

These tests would catch a model that holds a closure or a lock, and training that goes on differently after a copy.
"""

import copy
import pickle

import numpy as np
import pytest

from npvae import datasets, probability
from npvae.models import VAE
from npvae.nn import optim
from npvae.training import settings, training_step

BARS = datasets.load_bars(N=200)


def model_of(kind, **chosen):
    """Return a small model by its name on the command line, for the bars of 8 × 8 pixels."""
    small = {"hidden": [11], "channels": [3]}
    small = {name: value for name, value in small.items() if name in settings.MODELS[kind].defaults}
    complete = settings.complete({"model": kind, "latent_dim": 3} | small | chosen)
    return settings.build(settings.with_channels(complete, BARS), BARS, 200, np.random.default_rng(0))


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


MODELS = {kind: lambda kind=kind: model_of(kind) for kind in settings.MODELS} | {
    f"vae, {name}": lambda name=name: VAE(64, 3, [11], np.random.default_rng(0), name)
    for name in probability.LIKELIHOODS
}


def steps(model, optimizer, seed):
    rng = np.random.default_rng(seed)
    for step in range(3):
        training_step(model, optimizer, BARS.x_train[:20], rng, step, np.arange(20))


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "pca"])
def test_a_copied_model_is_trained_on_bit_for_bit(name, copied):
    model = MODELS[name]()
    optimizer = optim.Adam(model.parameters(), 1e-3)
    steps(model, optimizer, 0)
    with model.frozen():
        other, its_optimizer = copied((model, optimizer))
    other.train()
    steps(model, optimizer, 1), steps(other, its_optimizer, 1)
    assert all(np.array_equal(a, other.state_dict()[name]) for name, a in model.state_dict().items())
    assert np.array_equal(other.reconstruct(BARS.x_test[:5]), model.reconstruct(BARS.x_test[:5]))


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_a_copied_pca_gives_the_same_codes(copied):
    model = model_of("pca").fit(BARS.x_train)
    assert np.array_equal(copied(model).codes(BARS.x_test), model.codes(BARS.x_test))

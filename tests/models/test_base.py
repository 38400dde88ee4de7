"""Proves what holds for every model: it can be copied and pickled, and used by two threads.

These tests would catch a model that holds a closure or a lock, training that goes on differently after a copy, and a
thread that samples and thereby switches the batch normalizations of the thread that trains.
"""

import concurrent.futures
import copy
import pickle
import threading

import numpy as np
import pytest

from npvae import datasets, probability
from npvae.models import VAE
from npvae.nn import optim
from npvae.training import Training, settings, training_step
from npvae.training.evaluation import evaluate

BARS = datasets.load_bars(N=200)


def model_of(kind, **chosen):
    """Return a small model by its name on the command line, for the bars of 8 × 8 pixels."""
    small = {"hidden": [11], "channels": [3]}
    small = {name: value for name, value in small.items() if name in settings.MODELS[kind].defaults}
    complete = settings.complete({"model": kind, "latent_dim": 3} | small | chosen)
    model = settings.build(settings.with_channels(complete, BARS), BARS, 200, np.random.default_rng(0))
    return model.given(2)                                   # a conditional model, with one label for all examples


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


# --- two threads ------------------------------------------------------------------------------------------------------


def refine(model, x, rng):
    prior = probability.DiagonalGaussian(*np.zeros((2, len(x), model.latent_dim), np.float32))
    model.refine(x, prior, rng, 2)


BESIDE = {
    "sample": lambda model, x, rng: model.sample(7, rng),
    "reconstruct": lambda model, x, rng: model.reconstruct(x),
    "refine": refine,
    "importance sampling": lambda model, x, rng: model.importance_sampling(x, rng, 3),
    "print": lambda model, x, rng: str(model),
    "evaluate": lambda model, x, rng: evaluate(model, x, rng, importance_samples=3),
}


@pytest.mark.parametrize("kind", ["vae", "iwae", "vem", "conv-vae"])
@pytest.mark.parametrize("what", BESIDE)
def test_what_another_thread_does_with_a_model_does_not_change_its_training(kind, what):
    """Not by one bit, and the other thread works while each step is computed."""

    def train(model):
        optimizer, rng = optim.Adam(model.parameters(), 1e-3), np.random.default_rng(1)
        for step in range(20):
            model.train()
            training_step(model, optimizer, BARS.x_train[10 * step :][:10], rng, step, np.arange(10) + 10 * step)
        return model.state_dict()

    alone, model, ended, calls = train(model_of(kind)), model_of(kind), threading.Event(), []

    def work():
        rng = np.random.default_rng(2)
        while not ended.is_set() or not calls:
            calls.append(BESIDE[what](model, BARS.x_test[:9], rng))

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(work)
        try:
            beside = train(model)
        finally:
            ended.set()
        other.result()
    assert all(np.array_equal(a, beside[name]) for name, a in alone.items())


def test_two_models_are_trained_in_two_threads_as_one_after_the_other():
    def train(kind):
        model, rng = model_of(kind), np.random.default_rng(1)
        run = Training(model, optim.Adam(model.parameters(), 1e-3), BARS.x_train, 20, rng, BARS.x_test)
        run.run(30, every=10)
        return model.state_dict()

    kinds = ("conv-vae", "vae", "vem", "dae")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for alone, beside in zip(map(train, kinds), pool.map(train, kinds), strict=True):
            assert all(np.array_equal(a, beside[name]) for name, a in alone.items())

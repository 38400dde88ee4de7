"""Proves that every model takes the settings that it lists, and that the defaults are still the reference network.

It would catch a default that changes unnoticed, and a setting that is accepted and does nothing.
"""

import inspect

import numpy as np
import pytest

from npvae import datasets
from npvae.cli import arguments
from npvae.errors import UserError
from npvae.models import IWAE, ConvolutionalVAE, VariationalEM
from npvae.probability import KLTerm
from npvae.training import settings


def model_of(dataset="bars", **chosen):
    data = datasets.load(dataset)
    complete = settings.with_channels(settings.complete(chosen), data)
    return settings.build(complete, data, 2000, np.random.default_rng(0))


def test_the_defaults_of_the_vae_are_the_reference_network():
    expected = {
        "model": "vae", "data": "mnist", "seed": 0, "latent_dim": 10, "batch_size": 100, "lr": 1e-3,
        "optimizer": "adam", "schedule": "constant", "validation": 0, "patience": None, "hidden": [512, 384, 256],
        "activation": "relu", "init": "xavier_uniform", "likelihood": "bernoulli", "binarization": "none", "samples": 1,
        "estimator": "analytic-kl", "beta": 1.0, "warm_up": 0, "free_bits": 0.0, "capacity": None,
    }  # fmt: skip
    assert settings.complete({}) == expected and settings.MODELS["vae"].steps == 10_000


def test_every_setting_can_be_given_on_the_command_line_and_some_model_takes_it():
    assert {name for kind in settings.MODELS.values() for name in kind.defaults} == set(settings.SETTINGS)
    assert set(settings.SETTINGS) <= set(vars(arguments.build_parser().parse_args(["train"])))


def test_every_setting_reaches_the_model():
    vae = model_of(
        samples=3, beta=2.0, warm_up=5, free_bits=0.5, likelihood="gaussian", latent_dim=4, hidden=[7],
        activation="tanh"
    )
    assert vae.samples == 3 and vae.kl_term == KLTerm(2.0, 5, 0.5) and vae.latent_dim == 4
    assert vae.encoder.layers[0].W.shape == (64, 7) and vae.encoder.layers[1](np.ones(1)).data == np.tanh(1)
    assert vae.likelihood(0).logvar is vae.likelihood.logvar
    assert model_of(estimator="naive").estimator == "naive"
    iwae = model_of(model="iwae", samples=7)
    assert isinstance(iwae, IWAE) and iwae.samples == 7
    vem = model_of(model="vem", e_steps=2, e_lr=0.3, samples=4)
    assert isinstance(vem, VariationalEM) and (vem.e_steps, vem.e_lr, vem.samples) == (2, 0.3, 4)
    assert vem.mu_table.shape == (2000, 10)
    conv = model_of(model="conv-vae", channels=[3, 5], beta=3.0, likelihood="bernoulli")
    assert isinstance(conv, ConvolutionalVAE) and conv.kl_term.beta == 3 and conv.data_range == (0, 1)
    assert [p.shape for name, p in conv.named_parameters() if name.endswith("W")][:2] == [(3, 3, 1, 3), (3, 3, 3, 5)]
    dae = model_of(model="dae", noise="masking", noise_level=0.2)
    assert dae.noise.__name__ == "masking_noise" and dae.noise_level == 0.2
    assert len(model_of(model="linear-ae").parameters()) == 4


@pytest.mark.parametrize("model", settings.MODELS)
def test_no_setting_that_a_model_takes_is_lost_on_the_way_to_its_constructor(model):
    kind = settings.MODELS[model]
    of_the_run = {*settings.TRAINING, "binarization"} - {"latent_dim"}
    wanted = kind.defaults.keys() - of_the_run
    if "beta" in wanted:
        wanted = wanted - {"beta", "warm_up", "free_bits", "capacity"} | {"kl_term"}
    assert wanted <= inspect.signature(kind.make).parameters.keys()


def test_channels_by_default():
    for shape, expected in {(28, 28): 2, (64, 64): 5, (128, 128): 5, (8, 12): 2, (7, 8): 1}.items():
        data = datasets.Dataset("", "", np.zeros((1, 4)), None, np.zeros((1, 4)), None, (*shape, 1))
        assert settings.with_channels({"channels": None}, data)["channels"] == [32, 64, 128, 256, 512][:expected]


def test_what_is_refused():
    for message, chosen in {
        "unknown model 'vaee'": {"model": "vaee"},
        "the model pca has no hidden": {"model": "pca", "hidden": [3]},
        "unknown activation 'rleu': did you mean 'relu'": {"activation": "rleu"},
        "unknown binarization 'some'": {"binarization": "some"},
    }.items():
        with pytest.raises(UserError, match=message):
            model_of(**chosen)

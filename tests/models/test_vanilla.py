"""Proves the layout of VanillaVAE: its size, its loss in its authors' units, and its initialisation."""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import VanillaVAE
from npvae.nn.init import pytorch_uniform
from npvae.probability import KLTerm

IMAGE, CHANNELS = (8, 8, 3), [4, 5]


def test_it_has_as_many_parameters_as_the_published_one():
    model = VanillaVAE((64, 64, 3), 128, [32, 64, 128, 256, 512], 0)
    assert sum(p.data.size for p in model.parameters()) == 3_937_635


def test_its_loss_times_d_is_ours_up_to_a_constant():
    weight, D = 0.005, 8 * 8 * 3                                # weight: their M/N
    model = VanillaVAE(IMAGE, 3, CHANNELS, 0, kl_term=KLTerm(beta=weight * D)).astype("float64")
    x = np.random.default_rng(1).random((7, D))
    objective, parts = model.loss(x, 2)
    copy, same, mu, logvar = model.forward(x, 2)
    kl = 0.5 * (mu.data**2 + np.exp(logvar.data) - 1 - logvar.data).sum(axis=1).mean()
    theirs = np.square((2 * copy.data - 1) - (2 * x - 1)).mean() + weight * kl
    assert same is x and parts["kl"] == pytest.approx(kl)
    assert float(objective) == pytest.approx(D * theirs + 0.5 * D * np.log(np.pi))


def test_likelihoods_that_need_no_tanh_are_refused():
    with pytest.raises(UserError, match="ends in tanh: choose squared-error or gaussian, found bernoulli"):
        VanillaVAE(IMAGE, 3, CHANNELS, 0, likelihood="bernoulli")


def test_pytorchs_initialisation_draws_all_weights_and_biases():
    layers = VanillaVAE(IMAGE, 300, [40, 50], 0, init=pytorch_uniform)
    found = {path: layer for path, layer in layers.named_modules() if hasattr(layer, "W")}
    assert len(found) == 2 + 2 + 1 + 2 + 1                      # convolutions, mu and logvar, dense, transposed, last
    for layer in found.values():
        *inputs, _ = layer.W.shape
        bound = 1 / np.sqrt(np.prod(inputs))
        for values in (layer.W.data, layer.b.data):
            assert values.dtype == np.float32 and np.abs(values).max() <= bound * (1 + 1e-6)
        assert layer.W.data.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
        assert np.ptp(layer.b.data) > bound or layer.b.data.size < 5

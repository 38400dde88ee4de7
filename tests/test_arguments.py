"""Proves that a seed stands for its generator everywhere, and that an argument of the wrong type is one sentence.

These tests would catch two layers that draw the same weights from one seed, and a generator that is taken for a size.
"""

import numpy as np
import pytest

from npvae import nn
from npvae.arguments import check_sizes, check_widths, generator
from npvae.datasets import Minibatches, binarize
from npvae.errors import UserError
from npvae.models import VAE
from npvae.nn import optim
from npvae.nn.init import INITIALIZERS


def test_a_seed_is_the_generator_with_that_seed(rng):
    assert generator(rng) is rng
    for seed in (3, np.int64(3), np.uint8(3)):
        assert generator(seed).random() == np.random.default_rng(3).random()


@pytest.mark.parametrize(
    "wrong, shown",
    [(-1, "-1"), (1.0, "1.0"), (True, "True"), (None, "None"), ("0", "'0'"), ([512], r"\[512\]")]
    + [(np.random, "a module"), (np.random.RandomState(0), "a RandomState"), (np.zeros(9), "a ndarray")],
)  # fmt: skip
def test_anything_else_is_one_sentence(wrong, shown):
    with pytest.raises(UserError, match=f"^rng is {shown}, expected a numpy Generator, .*, or a seed, a whole number"):
        generator(wrong)


def test_sizes():
    check_sizes(n=3, m=np.int32(2)), check_widths("hidden", (5, 3)), check_widths("hidden", [])
    for wrong, shown in [(0, "0"), (2.0, r"2\.0"), (np.random.default_rng(0), "a Generator"), ([3], r"\[3\]")]:
        with pytest.raises(UserError, match=f"^n is {shown}, expected a whole number from 1 on"):
            check_sizes(n=wrong)
    for wrong, shown in [(512, "512"), ([3, 0], r"\[3, 0\]"), (np.random.default_rng(0), "a Generator")]:
        with pytest.raises(UserError, match=f"^hidden is {shown}, expected a list of whole numbers from 1 on"):
            check_widths("hidden", wrong)


LAYERS = {
    "Dense": lambda rng: nn.Dense(3, 2, rng),
    "Conv2d": lambda rng: nn.Conv2d(3, 2, rng),
    "ConvTranspose2d": lambda rng: nn.ConvTranspose2d(3, 2, rng),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_takes_a_seed_and_says_what_is_in_the_wrong_place(rng, name):
    make = LAYERS[name]
    assert np.array_equal(make(5).W.data, make(np.random.default_rng(5)).W.data)
    with pytest.raises(UserError, match="_in is a Generator, expected a whole number from 1 on"):
        getattr(nn, name)(rng, 3, 2)
    with pytest.raises(UserError, match="_out is a Generator"):
        getattr(nn, name)(3, rng, 2)
    with pytest.raises(UserError, match="rng is None, expected a numpy Generator"):
        make(None)


@pytest.mark.parametrize("draw", INITIALIZERS.values())
def test_every_initialiser_does(rng, draw):
    assert np.array_equal(draw(5, 3, 2), draw(np.random.default_rng(5), 3, 2))
    with pytest.raises(UserError, match="fan_in is a Generator"):
        draw(3, rng, 2)
    with pytest.raises(UserError, match="rng is 'uniform'"):
        draw("uniform", 3, 2)


def test_an_initialiser_of_your_own_gets_a_generator():
    seen = []
    nn.Dense(3, 2, 7, init=lambda rng, I, O: seen.append(rng) or np.zeros((I, O), dtype=np.float32))
    assert isinstance(seen[0], np.random.Generator)


def test_minibatches_and_binarization_take_a_seed(rng):
    assert np.array_equal(next(Minibatches(9, 4, 5)), next(Minibatches(9, 4, np.random.default_rng(5))))
    x = rng.random((5, 7))
    assert np.array_equal(binarize(x, 5), binarize(x, np.random.default_rng(5)))
    with pytest.raises(UserError, match="N is a Generator, expected a whole number"):
        Minibatches(rng, 9, 4)
    with pytest.raises(UserError, match="rng is a RandomState"):
        binarize(x, np.random.RandomState(0))


def owners():
    model = VAE(4, 2, [3], 0)
    return model, optim.Adam(model.parameters(), 1e-3), Minibatches(10, 3, 0)


@pytest.mark.parametrize("spoil", [
    lambda state: [*state], lambda state: None, lambda state: {3: np.zeros(2)}, lambda state: {},
    lambda state: {name: a.tolist() for name, a in state.items()}, lambda state: dict.fromkeys(state),
    lambda state: {name: a[..., None] for name, a in state.items()},
    lambda state: {name: a.astype("U9") for name, a in state.items()},
    lambda state: {name: a.astype(complex) for name, a in state.items()},
    lambda state: state | {"x": np.zeros(3)},
])
def test_a_state_dict_that_is_none_is_one_sentence_and_changes_nothing(spoil):
    for owner in owners():
        before = owner.state_dict()
        with pytest.raises(UserError) as raised:
            owner.load_state_dict(spoil(before))
        assert len(str(raised.value)) <= 300 and str(raised.value).isprintable()
        after = owner.state_dict()
        assert all(np.array_equal(a, after[name]) for name, a in before.items())
        owner.load_state_dict(before)

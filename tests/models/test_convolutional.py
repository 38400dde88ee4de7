"""Proves that the convolutional networks halve and double images, and that batch normalization keeps examples apart.

These tests would catch a decoder that does not mirror its encoder, an evaluated example whose code depends on its
neighbours in the batch, and running statistics that are not in the saved state.
"""

import numpy as np
import pytest

from npvae import nn
from npvae.errors import UserError
from npvae.models import ConvolutionalVAE
from npvae.models.networks import convolutional_decoder, convolutional_encoder, halve
from npvae.nn import optim
from npvae.nn.init import xavier_uniform

SHAPE = (8, 12, 3)


@pytest.fixture
def x(rng):
    return rng.random((13, 8 * 12 * 3)).astype(np.float32)


@pytest.fixture
def model(rng):
    return ConvolutionalVAE(SHAPE, 5, [4, 6], rng)


@pytest.mark.parametrize("shape, channels", [((28, 28, 1), [32, 64]), ((64, 64, 3), [32, 64, 128, 256, 512])])
def test_the_decoder_mirrors_the_encoder(rng, shape, channels):
    encoder, width = convolutional_encoder(shape, channels, rng)
    decoder = convolutional_decoder(shape, channels, 7, rng, lambda rng, I, O: np.zeros((I, O), dtype=np.float32))
    h, sizes = rng.standard_normal((2, np.prod(shape))).astype(np.float32), []
    for layer in encoder.layers:
        h = layer(h)
        sizes.append(h.shape)
    assert h.shape == (2, width) and width == np.prod(sizes[-2][1:])
    back, h = [], np.zeros((2, 7), dtype=np.float32)
    for layer in decoder.layers:
        h = layer(h)
        back.append(h.shape)
    assert back[-1] == (2, np.prod(shape)) and back[-2] == (2, *shape)
    images = [size for size in dict.fromkeys(sizes) if len(size) == 4]
    assert [size for size in dict.fromkeys(back) if len(size) == 4] == images[::-1]
    assert images[0] == (2, *shape) and images[-1][-1] == channels[-1]


def test_the_methods(model, x, rng):
    q = model.encode(x)
    assert q.mu.shape == q.logvar.shape == (13, 5)
    p = model.decode(q.rsample(rng))
    assert p.mean.shape == x.shape and p.log_prob(x).shape == (13,)
    loss, parts = model.loss(x, rng)
    assert float(loss) == pytest.approx(parts["loss"]) == pytest.approx(parts["rec"] + parts["kl"])
    assert model.sample(4, rng).shape == (4, x.shape[1]) == model.generate(rng.standard_normal((4, 5))).shape
    samples = model.sample(4, rng)
    assert 0 <= samples.min() and samples.max() <= 1


def test_the_loss_is_the_squared_error_and_the_kl(model, x):
    """rec = ‖x − x̂‖² + D/2 · ln π, of pixels rescaled to [−1, 1]: the constant makes it a density."""
    parts = model.loss(x, np.random.default_rng(0))[1]
    copy = model.decode(model.encode(x).rsample(np.random.default_rng(0))).mean
    constant = x.shape[1] / 2 * np.log(np.pi)
    assert parts["rec"] - constant == pytest.approx(4 * np.square(x - copy).sum(axis=1).mean(), rel=1e-4)


def test_in_evaluation_an_example_does_not_depend_on_its_neighbours(model, x, rng):
    for _ in range(20):
        model.loss(x, rng)
    assert np.allclose(model.codes(x)[:3], model.codes(x[:3]), atol=1e-5)
    assert not np.allclose(model.encode(x).mean[:3], model.encode(x[:3]).mean, atol=1e-3)       # in training it does
    assert model.training


def test_the_running_statistics_are_in_the_state_and_approach_those_of_the_data(model, x, rng):
    before = model.codes(x)
    for _ in range(200):
        model.loss(x, rng)
    after = model.codes(x)
    assert not np.allclose(before, after)
    assert np.allclose(after, model.encode(x).mean, atol=0.05)           # the minibatch is all the data
    other = ConvolutionalVAE(SHAPE, 5, [4, 6], rng)
    other.load_state_dict(model.state_dict())
    assert np.array_equal(other.codes(x), after)


def test_looking_changes_nothing(model, x, rng):
    state = model.state_dict()
    model.reconstruct(x), model.sample(3, rng), model.importance_sampling(x, rng, 5), model.posteriors(x)
    assert all(np.array_equal(a, model.state_dict()[name]) for name, a in state.items())


@pytest.mark.parametrize("likelihood, rescales", [("gaussian", True), ("bernoulli", False)])
def test_whatever_the_likelihood_the_pixels_lie_in_0_to_1(rng, likelihood, rescales):
    model = ConvolutionalVAE(SHAPE, 5, [4, 6], rng, likelihood)
    assert model.data_range == (0, 1) and model.rescales is rescales
    output = model.decode(10 * rng.standard_normal((50, 5)).astype(np.float32)).mean
    assert 0 <= output.min() and output.max() <= 1


def test_a_batch_can_be_learned(model, x, rng):
    optimizer = optim.Adam(model.parameters(), 1e-2)
    first = model.loss(x, rng)[1]["loss"]
    for _ in range(300):
        optimizer.zero_grad()
        model.loss(x, rng)[0].backward()
        optimizer.step()
    assert model.loss(x, rng)[1]["loss"] < first - 30


def test_images_that_cannot_be_halved_are_refused(rng):
    assert halve((28, 28, 1), 2) == [(28, 28), (14, 14), (7, 7)]
    with pytest.raises(UserError, match="3 times: 28 × 28 → 14 × 14 → 7 × 7 has an odd side; give the channels of 2"):
        ConvolutionalVAE((28, 28, 1), 5, [4, 5, 6], rng)
    with pytest.raises(UserError, match="15 × 8 has an odd side; choose a model of dense layers"):
        ConvolutionalVAE((15, 8, 1), 5, [4], rng)
    with pytest.raises(UserError, match="at least one convolution"):
        ConvolutionalVAE((8, 8, 1), 5, [], rng)


def test_every_convolution_is_followed_by_batch_normalization_and_then_by_leaky_relu(rng):
    encoder = [type(layer) for layer in convolutional_encoder(SHAPE, [4, 6], rng)[0].layers]
    decoder = [type(layer) for layer in convolutional_decoder(SHAPE, [4, 6], 5, rng, xavier_uniform).layers]
    assert encoder == [nn.Reshape, *[nn.Conv2d, nn.BatchNorm, nn.Activation] * 2, nn.Reshape]
    assert decoder == [nn.Dense, nn.Reshape, *[nn.BatchNorm, nn.Activation, nn.ConvTranspose2d] * 2, nn.Reshape]


def test_batches_of_a_single_example_are_learned_from_where_an_image_ends_as_one_pixel(rng):
    x = rng.random((2, 64)).astype(np.float32)
    model = ConvolutionalVAE((8, 8, 1), 5, [4, 5, 6], rng)               # 8 → 4 → 2 → 1
    a, b = (model.encode(x[i : i + 1]).mean for i in (0, 1))
    assert not np.allclose(a, b, atol=1e-3)

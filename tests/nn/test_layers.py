"""Proves that layers compute what their names say, and that Sequential applies them in order.

These tests would catch an activation that calls another function, and a weight matrix that is stored transposed.
"""

import numpy as np
import pytest

from npvae import nn

X = np.array([[-2.0, 0.0, 3.0]])


@pytest.mark.parametrize(
    "layer, expected",
    [
        (nn.ReLU(), [0, 0, 3]),
        (nn.LeakyReLU(0.1), [-0.2, 0, 3]),
        (nn.Sigmoid(), 1 / (1 + np.exp(-X[0]))),
        (nn.Tanh(), np.tanh(X[0])),
        (nn.Softplus(), np.log(1 + np.exp(X[0]))),
    ],
)
def test_activations(layer, expected):
    assert np.allclose(layer(X).data[0], expected)


def test_dense(rng):
    layer = nn.Dense(3, 5, rng).astype(np.float64)
    assert layer.W.shape == (3, 5) and layer.b.data.tolist() == [0] * 5
    layer.b.data[...] = rng.standard_normal(5)
    y = layer(X).data
    for o in range(5):
        assert y[0, o] == pytest.approx(sum(X[0, i] * layer.W.data[i, o] for i in range(3)) + layer.b.data[o])


def test_sequential_applies_the_layers_in_order():
    assert nn.Sequential(nn.ReLU(), nn.Tanh())(X).data[0, 0] == 0
    assert nn.Sequential(nn.Tanh(), nn.ReLU())(X).data[0, 2] == np.tanh(3)


def test_the_same_seed_gives_the_same_weights():
    a, b, c = (nn.Dense(3, 5, np.random.default_rng(seed)).W.data for seed in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_convolutions_start_with_the_variance_of_their_inputs(rng):
    """With He's initialization, a convolution and a ReLU keep the second moment near 1."""
    x = rng.standard_normal((20, 16, 16, 30)).astype(np.float32)
    for layer in (
        nn.Conv2d(30, 40, rng), nn.Conv2d(30, 40, rng, stride=2),
        nn.ConvTranspose2d(30, 40, rng, stride=1), nn.ConvTranspose2d(30, 40, rng, stride=2, output_padding=1),
    ):  # fmt: skip
        y = layer(x).data[:, 2:-2, 2:-2]
        assert nn.ReLU()(y).data.var() + nn.ReLU()(y).data.mean() ** 2 == pytest.approx(1, rel=0.15)


def test_reshape():
    x = np.arange(24.0).reshape(2, 12)
    assert nn.Reshape(2, 3, 2)(x).shape == (2, 2, 3, 2)
    assert np.array_equal(nn.Sequential(nn.Reshape(2, 3, 2), nn.Reshape(12))(x).data, x)


def test_batch_norm_in_both_modes(rng):
    layer = nn.BatchNorm(3, momentum=0.5)
    x = rng.normal(4, 2, (50, 6, 6, 3)).astype(np.float32)
    y = layer(x).data.reshape(-1, 3)
    assert np.allclose(y.mean(axis=0), 0, atol=1e-5) and np.allclose(y.std(axis=0), 1, atol=1e-3)
    flat = x.reshape(-1, 3)
    assert np.allclose(layer.running_mean, 0.5 * flat.mean(axis=0), rtol=1e-5)
    assert np.allclose(layer.running_variance, 0.5 + 0.5 * flat.var(axis=0, ddof=1), rtol=1e-5)
    for _ in range(50):
        layer(x)
    layer.eval()
    kept = layer.running_mean.copy()
    expected = y * np.sqrt(1799 / 1800)                     # its variance has M − 1 in the denominator, M = 50 · 36
    assert np.allclose(layer(x).data.reshape(-1, 3), expected, atol=1e-5)
    assert np.allclose(layer(x[:1]).data, layer(x).data[:1], atol=1e-6)
    assert np.array_equal(layer.running_mean, kept)


def test_batch_norm_adds_its_eps_to_the_variance_in_both_modes():
    layer, x = nn.BatchNorm(1, momentum=1.0, eps=0.5), np.array([[-1.0], [1.0]], dtype=np.float32)
    assert np.allclose(layer(x).data, x / np.sqrt(1.5))
    assert np.allclose(layer.eval()(x).data, x / np.sqrt(2 + 0.5))       # the running variance is 2/(2 − 1)


def test_the_weights_of_a_convolution_are_drawn_one_by_one(rng):
    for layer in (nn.Conv2d(2, 3, rng), nn.ConvTranspose2d(2, 3, rng)):
        assert len(np.unique(layer.W.data)) == 3 * 3 * 2 * 3


def test_batch_norm_of_a_single_value_uses_the_running_statistics(rng):
    """A value that is normalized by itself is zero, and the layer would ignore its input."""
    layer, x = nn.BatchNorm(3), rng.standard_normal((1, 3)).astype(np.float32)
    assert np.allclose(layer(x).data, x, rtol=1e-4) and layer.running_mean.tolist() == [0, 0, 0]

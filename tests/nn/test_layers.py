"""Proves that layers compute what their names say, and that Sequential applies them in order.

It would catch an activation that is wired to another function, and a weight matrix that is stored transposed.
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

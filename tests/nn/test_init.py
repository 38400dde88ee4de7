"""Proves that the initial weights have exactly the variance that keeps a signal alive.

These tests would catch a uniform bound without its √3, fan_in and fan_out exchanged, and a variance in place of a
standard deviation. The sample variance of n numbers with kurtosis κ has the standard error σ² √((κ − 1) / n); the limit
is 5 standard errors.
"""

import numpy as np
import pytest

from npvae.nn import init

I, O = 300, 700


@pytest.mark.parametrize(
    "draw, variance, kurtosis",
    [
        (init.xavier_uniform, 2 / (I + O), 9 / 5),
        (init.xavier_normal, 2 / (I + O), 3),
        (init.he_uniform, 2 / I, 9 / 5),
        (init.he_normal, 2 / I, 3),
        (init.pytorch_uniform, 1 / (3 * I), 9 / 5),
    ],
)
def test_mean_variance_and_kurtosis(rng, draw, variance, kurtosis):
    W = draw(rng, I, O)
    assert W.shape == (I, O) and W.dtype == np.float32
    n = W.size
    assert abs(W.mean()) < 5 * np.sqrt(variance / n)
    assert W.var() == pytest.approx(variance, rel=5 * np.sqrt((kurtosis - 1) / n))
    assert np.mean((W / W.std()) ** 4) == pytest.approx(kurtosis, rel=0.05)


def test_a_deep_relu_network_keeps_its_signal_with_he_and_loses_it_with_less(rng):
    def second_moment_after(draw, layers=20):
        x = rng.standard_normal((200, 256)).astype(np.float32)
        for _ in range(layers):
            x = np.maximum(x @ draw(rng, 256, 256), 0)
        return np.mean(x**2)

    assert 0.2 < second_moment_after(init.he_normal) < 5
    assert second_moment_after(init.xavier_normal) < 1e-4                 # halved 20 times

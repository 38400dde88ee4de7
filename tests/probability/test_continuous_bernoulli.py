"""Proves that the continuous Bernoulli is a density with the right mean, for every logit and in both precisions.

It would catch a normalizer that is wrong near λ = ½, where its formula is 0/0, or that overflows far from it, and the
mean σ(l) that a Bernoulli would have.
"""

import math

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.probability import ContinuousBernoulli, bernoulli_log_likelihood
from npvae.probability.continuous_bernoulli import NEAR, log_normalizer

LOGITS = np.array([-80, -5, -0.5, -0.031, -0.029, -1e-6, 0, 1e-12, 0.01, 0.029, 0.031, 0.59, 0.61, 1, 7, 300])


def midpoints(n):
    return (np.arange(n) + 0.5) / n


@pytest.mark.parametrize("logit", LOGITS)
def test_it_integrates_to_one_and_has_its_mean(logit):
    x = midpoints(200_000)[:, None]
    density = np.exp(ContinuousBernoulli(np.full_like(x, logit)).log_prob(x).data)
    assert density.mean() == pytest.approx(1, abs=1e-6)
    assert (density * x[:, 0]).mean() == pytest.approx(ContinuousBernoulli(np.array([logit])).mean[0], abs=1e-6)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 3e-7), (np.float64, 1e-14)])
def test_the_series_meets_the_formula(dtype, tolerance):
    """Compare both sides of the switch between the two with 50 terms of the series of (eˡ − 1)/l and lA'."""
    near = NEAR[np.dtype(dtype)]
    logits = np.linspace(-2 * near, 2 * near, 1000).astype(dtype).astype(np.float64)
    ratio, slope = np.zeros_like(logits), np.zeros_like(logits)
    for n in range(50, -1, -1):
        ratio += logits**n / math.factorial(n + 1)          # (eˡ − 1)/l = Σ lⁿ/(n + 1)!
        if n:
            slope += n * logits ** (n - 1) / math.factorial(n + 1)
    A, mean = log_normalizer(logits.astype(dtype))
    assert A.dtype == mean.dtype == dtype
    assert np.abs(A - np.log(ratio)).max() < tolerance
    assert np.abs(mean - slope / ratio).max() < tolerance * (1 if dtype == np.float32 else 5)


def test_what_the_series_leaves_out(monkeypatch):
    """Up to |l| = 0.6 it omits the next term, l⁸/9676800 and l⁷/1209600, which float32 cannot represent."""
    monkeypatch.setitem(NEAR, np.dtype(np.float64), 0.0)
    l = np.array([-0.6, 0.6])
    exact = log_normalizer(l)
    monkeypatch.setitem(NEAR, np.dtype(np.float64), 0.7)
    series = log_normalizer(l)
    assert np.abs(series[0] - exact[0]) == pytest.approx(0.6**8 / 9676800, rel=0.1)
    assert np.abs(series[1] - exact[1]) == pytest.approx(0.6**7 / 1209600, rel=0.1)


def test_nothing_overflows_in_float32():
    logits = np.array([[-1e4, -100, -1e-30, 0, 1e-30, 100, 1e4]], dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        A, mean = log_normalizer(logits)
    assert np.isfinite(A).all() and ((mean >= 0) & (mean <= 1)).all()
    assert mean[0, 3] == 0.5 and A[0, 3] == 0


def test_it_is_the_bernoulli_formula_but_for_the_normalizer(rng):
    logits, x, y = rng.standard_normal((3, 5)), rng.random((3, 5)), rng.random((3, 5))
    difference = lambda f: (f(logits, x) - f(logits, y)).data  # noqa: E731
    continuous = lambda logits, x: ContinuousBernoulli(Tensor(logits)).log_prob(x)  # noqa: E731
    assert np.allclose(difference(continuous), difference(bernoulli_log_likelihood))

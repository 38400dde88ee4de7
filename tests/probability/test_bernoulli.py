"""Proves that the Bernoulli log-likelihood from logits is the textbook's formula, for logits up to ±10,000.

It would catch a sigmoid that is applied twice, an overflow in an exponential, ln 0, and a wrong sign.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae.autodiff import Tensor, ops
from npvae.probability import Bernoulli, bernoulli_log_likelihood


@given(
    data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=3, max_side=5),
)  # fmt: skip
def test_equal_to_the_composition_that_it_replaces(data, shape):
    logits = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-20, 20)))
    x = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    fused, composed = (Tensor(logits.copy(), requires_grad=True) for _ in range(2))
    a = bernoulli_log_likelihood(fused, x)
    y = ops.sigmoid(composed)
    b = (x * ops.log(y) + (1 - x) * ops.log(1.0 - y)).sum(axis=-1)
    dy = np.random.default_rng(0).standard_normal(a.shape)
    a.backward(dy)
    b.backward(dy)
    assert np.allclose(a.data, b.data, rtol=1e-7, atol=1e-7)
    assert np.allclose(fused.grad, composed.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stable_for_logits_of_ten_thousand(dtype):
    logits = Tensor(np.array([[1e4], [-1e4], [1e4], [-1e4]], dtype=dtype), requires_grad=True)
    x = np.array([[1], [0], [0], [1]], dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        y = bernoulli_log_likelihood(logits, x)
        y.backward(np.ones(4))
    assert y.data.tolist() == [0, 0, -1e4, -1e4]
    assert logits.grad.ravel().tolist() == [0, 0, -1, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_logit_from_very_small_to_very_large(dtype):
    """It would catch a softplus that ends at the wrong logit, and e⁻ˡ that overflows where eˡ is denormal."""
    l = np.concatenate([np.linspace(-800, 800, 3201), np.linspace(-110, -80, 301)]).astype(dtype)
    exact = l.astype(np.longdouble)
    for x in (0, 0.25, 1):
        logits = Tensor(l[:, None], requires_grad=True)
        with np.errstate(all="raise", under="ignore"):
            y = bernoulli_log_likelihood(logits, np.full((len(l), 1), x, dtype))
            y.backward(np.ones(len(l)))
        eps = np.finfo(dtype).eps
        assert (np.abs(y.data - (x * exact - np.logaddexp(exact, 0))) <= 2 * eps * np.maximum(1, np.abs(l))).all()
        assert (np.abs(logits.grad[:, 0] - (x - 1 / (1 + np.exp(-exact)))) <= 2 * eps).all()


def test_an_example_that_is_nan_leaves_its_neighbours_as_they_are():
    logits = np.array([[np.nan, 1], [100, 100]], np.float32)
    y = bernoulli_log_likelihood(logits, np.ones_like(logits)).data
    assert np.isnan(y[0]) and y[1] == 0


def test_no_examples_have_no_log_likelihoods():
    assert bernoulli_log_likelihood(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)


def test_probabilities_of_all_outcomes_add_up_to_one(rng):
    logits = rng.standard_normal(5)
    outcomes = np.array(np.meshgrid(*[[0.0, 1.0]] * 5)).reshape(5, -1).T           # all 2⁵ of them
    log_p = Bernoulli(np.broadcast_to(logits, outcomes.shape)).log_prob(outcomes)
    assert np.exp(log_p.data).sum() == pytest.approx(1, abs=1e-12)


def test_samples_have_the_mean_that_is_claimed(rng):
    n = 100_000
    p = Bernoulli(np.broadcast_to(np.array([-3.0, 0.0, 1.0]), (n, 3)))
    draws = p.sample(rng)
    assert set(np.unique(draws)) == {0, 1}
    standard_error = np.sqrt(p.mean[0] * (1 - p.mean[0]) / n)
    assert (np.abs(draws.mean(axis=0) - p.mean[0]) < 5 * standard_error).all()      # 5σ: a false alarm in 10⁶ runs

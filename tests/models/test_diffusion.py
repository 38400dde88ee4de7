"""Proves that a diffusion model's steps fit together, and that its bound is one. (Its gradient is in gradchecks.)

If the data is from N(0, I) and the network's guess is E[x_0 | x_t] = √ᾱ_t x_t, then p(x_{t−1} | x_t) is exactly the
posterior of the encoder, and the bound is ln p(x) itself. These tests would catch a wrong ᾱ or β, a posterior of the
wrong step, a missing or doubled term, a variance taken for a standard deviation, and a forgotten factor T.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import Diffusion
from npvae.probability import DiagonalGaussian

T = 7


@pytest.fixture
def model(rng):
    """A network with random weights, in float64."""
    return Diffusion(3, T, [11], rng).astype(np.float64)


class Exact(Diffusion):
    """The best guess for data from N(0, I): the part of x̂_0 that the network computes is zero."""

    def guess(self, x_t, t):
        return np.sqrt(self._column(self.alpha_bar, t)) * x_t


def exact(steps, rng):
    return Exact(3, steps, [5], rng).astype(np.float64)


def normal(log_variance, difference):
    return -0.5 * (np.log(2 * np.pi) + log_variance + difference**2 / np.exp(log_variance))


def test_the_steps_together_are_the_one_from_the_data(model, rng):
    x = rng.standard_normal((1, 3))
    mean, variance = x, 0.0
    for t in range(1, T + 1):
        beta = model.beta[t]
        mean, variance = np.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        q = model.encode(x, t)
        assert np.allclose(q.mean, mean) and np.allclose(np.exp(q.logvar), variance)
    assert model.alpha_bar[0] == 1 and model.beta[0] == 0
    assert np.allclose(model.alpha_bar, np.cumprod(1 - model.beta))


@pytest.mark.parametrize("steps", [1, 2, T, 64])
def test_the_logarithm_of_signal_to_noise_falls_to_minus_6_in_equal_steps(steps):
    a = Diffusion(2, steps, [3], 0).alpha_bar[1:]
    assert np.allclose(np.log(a / (1 - a)), 6 - 12 * np.arange(1, steps + 1) / steps)


@pytest.mark.parametrize("t", range(2, T + 1))
def test_the_posterior_is_that_of_bayes_rule_on_a_grid(t, rng):
    model = Diffusion(1, T, [5], rng).astype(np.float64)
    x, x_t = rng.standard_normal((2, 1, 1))
    grid = np.linspace(-12, 12, 24_001)
    before, beta = model.encode(x, t - 1), model.beta[t]
    log_joint = normal(before.logvar, grid - before.mean) + normal(np.log(beta), x_t - np.sqrt(1 - beta) * grid)
    p = np.exp(log_joint - log_joint.max()).ravel()
    p /= p.sum()
    q = model.posterior(x, x_t, t)
    assert q.mean == pytest.approx(p @ grid) and np.exp(q.logvar) == pytest.approx(p @ grid**2 - (p @ grid) ** 2)


def test_a_term_is_a_kl_divergence_and_the_first_is_a_log_likelihood(model, rng):
    x, t = rng.standard_normal((T, 3)), np.arange(1, T + 1)
    x_t = model.encode(x, t).rsample(np.random.default_rng(5)).data
    terms = model.terms(x, t, np.random.default_rng(5)).data
    later = slice(1, None)
    q, p = model.posterior(x[later], x_t[later], t[later]), model.decode(x_t[later], t[later])
    assert np.allclose(terms[later], q.kl_divergence(p).data)
    assert np.allclose(terms[:1], -model.decode(x_t[:1], t[:1]).log_prob(x[:1]).data)


def test_all_terms_are_those_of_each_step_and_the_prior(model, rng):
    x = rng.standard_normal((5, 3))
    terms = model.all_terms(x, np.random.default_rng(5))
    assert terms.shape == (5, T + 1)
    assert np.allclose(terms[:, 0], model.encode(x, T).kl_divergence().data)
    again = np.random.default_rng(5)
    for t in range(1, T + 1):
        assert np.array_equal(terms[:, t], model.terms(x, t, again).data)


def test_the_loss_estimates_the_sum_of_the_terms(model, rng):
    x = np.repeat(rng.standard_normal((1, 3)), 40_000, axis=0)
    per_example = model.all_terms(x, rng)
    expected = per_example.mean(axis=0).sum()
    again = np.random.default_rng(5)
    steps = again.integers(1, T + 1, size=5)
    by_hand = T * model.terms(x[:5], steps, again).data.mean() + per_example[0, 0]
    assert float(model.loss(x[:5], 5)) == pytest.approx(by_hand, rel=1e-12)
    spread = T * per_example[:, 1:].std()                    # more than that of one step's term, T times
    assert float(model.loss(x, rng)) == pytest.approx(expected, abs=5 * spread / np.sqrt(len(x)))


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_with_the_exact_posterior_the_bound_is_the_log_likelihood(steps, rng):
    model = exact(steps, rng)
    x = np.repeat(np.array([[0.3, -1.2, 2.0]]), 20_000, axis=0)
    minus_elbo = model.all_terms(x, rng).sum(axis=1)
    log_p = DiagonalGaussian(np.zeros((1, 3)), 0.0).log_prob(x[:1]).data
    assert minus_elbo.mean() == pytest.approx(-log_p[0], abs=5 * minus_elbo.std() / np.sqrt(len(x)))


@pytest.mark.parametrize("steps", [1, 2, 40])
def test_with_the_exact_posterior_samples_are_from_the_data_s_distribution(steps, rng):
    model, n = exact(steps, rng), 40_000
    x = model.sample(n, rng)
    variance = model.alpha_bar[1]            # the last step gives a mean: the variance of p(x_0 | x_1) is missing
    assert x.shape == (n, 3)
    assert (np.abs(x.mean(axis=0)) < 5 * np.sqrt(variance / n)).all()
    assert np.allclose(np.cov(x.T), variance * np.eye(3), atol=5 * variance * np.sqrt(2 / n))


def test_the_network_corrects_the_guess_by_as_much_as_there_is_noise(model, rng):
    x_t, t = rng.standard_normal((T, 3)), np.arange(1, T + 1)
    guess, a = model.guess(x_t, t).data, model.alpha_bar[t][:, None]
    model.network.layers[-1].W.data *= 2
    moved = model.guess(x_t, t).data - guess
    model.network.layers[-1].W.data[...] = 0
    assert np.allclose(model.guess(x_t, t).data, np.sqrt(a) * x_t)
    assert np.allclose(guess, np.sqrt(a) * x_t + moved)
    model.alpha_bar[3] = 1.0                                 # no noise at all
    assert np.array_equal(model.guess(x_t, 3).data, x_t)


def test_the_network_sees_the_point_and_the_step(model, rng):
    model.alpha_bar[1:] = 0.5                                # now the steps differ for the network alone
    x_t = rng.standard_normal((1, 3))
    of_steps = np.concatenate([model.guess(x_t, t).data for t in range(1, T + 1)])
    assert np.abs(of_steps[:, None] - of_steps)[~np.eye(T, dtype=bool)].max(axis=1).min() > 1e-6
    two = np.concatenate([x_t, x_t + 1])
    corrections = model.guess(two, 3).data - np.sqrt(0.5) * two
    assert np.abs(np.diff(corrections, axis=0)).max() > 1e-6


def test_a_sample_goes_through_all_steps(model):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((4, 3))
    for t in [7, 6, 5, 4, 3, 2]:
        x = model.decode(x, t).rsample(rng).data
    assert np.array_equal(model.sample(4, 5), model.decode(x, 1).mean)


def test_float32_stays_float32(rng):
    model = Diffusion(2, 5, [7], rng)
    x = rng.standard_normal((4, 2))
    assert model.loss(x, rng).dtype == model.all_terms(x, rng).dtype == model.sample(3, rng).dtype == np.float32


def test_it_is_reproducible(model, rng):
    x = rng.standard_normal((4, 3))
    assert float(model.loss(x, 1)) == float(model.loss(x, 1)) != float(model.loss(x, 2))
    assert np.array_equal(model.sample(4, 1), model.sample(4, 1))


@pytest.mark.parametrize(
    "x, found", [
        (np.zeros((3, 2)), "x is float64 of shape (3, 2), expected numbers (N, 3)"),
        (np.zeros(3), "x is float64 of shape (3,), expected numbers (N, 3)"),
        (np.zeros((0, 3)), "x is float64 of shape (0, 3), expected numbers (N, 3)"),
        (np.array([[0, np.nan, 0]]), "x holds NaN or infinity"),
        (np.array([["a", "b", "c"]]), "x is <U1 of shape (1, 3), expected numbers (N, 3)"),
    ]
)  # fmt: skip
def test_examples_that_it_refuses(model, x, found):
    for method in (model.loss, model.all_terms, lambda x, t: model.encode(x, 1), lambda x, t: model.posterior(x, x, 2)):
        with pytest.raises(UserError) as error:
            method(x, 0)
        assert str(error.value).startswith(found)
    with pytest.raises(UserError, match="x_t"):
        model.decode(x, 1)


@pytest.mark.parametrize(
    "t, found", [
        (0, "0"), (T + 1, "8"), (1.0, "1.0"), ("2", "'2'"),
        (np.array([1, T + 1]), "an array of numbers from 1 to 8"),
        (np.array([1, 2, 3]), r"an array of int64 of shape \(3,\)"),
        (np.array([], int), r"an array of int64 of shape \(0,\)"),
        (np.ones((2, 1), int), r"an array of int64 of shape \(2, 1\)"),
    ]
)  # fmt: skip
def test_steps_that_it_refuses(model, t, found):
    x = np.zeros((2, 3))
    posterior, terms = (lambda x, t: model.posterior(x, x, t)), (lambda x, t: model.terms(x, t, 0))
    for method in (model.encode, model.decode, posterior, terms):
        with pytest.raises(UserError, match=f"^t is {found}, expected a whole number from [12] to {T}, or 2 of them$"):
            method(x, t)


def test_the_posterior_needs_a_step_before_and_as_many_examples(model):
    with pytest.raises(UserError, match="t is 1, expected a whole number from 2 to 7"):
        model.posterior(np.zeros((2, 3)), np.zeros((2, 3)), 1)
    with pytest.raises(UserError, match="x holds 2 examples and x_t 4"):
        model.posterior(np.zeros((2, 3)), np.zeros((4, 3)), 2)


def test_numbers_too_large_for_float32_are_refused():
    with pytest.raises(UserError, match="x holds NaN or infinity"):
        Diffusion(1, 3, [5], 0).encode([[1e300]], 1)


def test_weights_of_a_model_with_other_steps_are_refused():
    state = Diffusion(2, 9, [5], 0).state_dict()
    same, other = Diffusion(2, 9, [5], 1), Diffusion(2, 5, [5], 1)
    same.load_state_dict(state)
    assert np.array_equal(same.sample(3, 0), Diffusion(2, 9, [5], 0).sample(3, 0))
    with pytest.raises(UserError, match="alpha_bar"):
        other.load_state_dict(state)


@pytest.mark.parametrize("sizes", [(0, 5, [7]), (2, 0, [7]), (2, 5, 7), (2, 5, [0])])
def test_wrong_sizes_are_refused(sizes):
    with pytest.raises(UserError):
        Diffusion(*sizes, 0)
    with pytest.raises(UserError):
        Diffusion(2, 5, [], 0).sample(0, 0)

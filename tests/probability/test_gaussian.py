"""Proves that samples, densities, divergences and entropy belong to the same Gaussian.

A gradient check cannot do this: a sampler that uses the variance as the standard deviation has right derivatives of the
wrong function, and so has a KL without its ½. The moments of samples, an integral over a grid, and Monte Carlo
estimates can. Their limit is 5 standard errors: one false alarm in about 10⁶ comparisons.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae.autodiff import Tensor, ops
from npvae.probability import (
    DiagonalGaussian,
    gaussian_kl_divergence,
    gaussian_log_likelihood,
    kl_to_standard_normal,
    reparameterize,
)

MU = np.array([[0.5, -2.0, 0.0]])
LOGVAR = np.array([[-2.0, 0.7, 1.5]])
Q = DiagonalGaussian(Tensor(MU), Tensor(LOGVAR))
P = DiagonalGaussian(Tensor(np.array([[0.0, -1.0, 0.3]])), Tensor(np.array([[0.2, -0.5, 1.0]])))
DRAWS = 200_000


def mean_and_error(values):
    """Return the mean of independent values, and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


@pytest.fixture(scope="module")
def z():
    return Q.rsample(np.random.default_rng(0), DRAWS).data


def test_samples_have_the_mean_and_the_variance_that_are_claimed(z):
    mean, error = mean_and_error(z[:, 0])
    assert (np.abs(mean - MU[0]) < 5 * error).all()
    variance, error = mean_and_error((z[:, 0] - MU[0]) ** 2)
    assert (np.abs(variance - np.exp(LOGVAR[0])) < 5 * error).all()


def test_samples_of_different_dimensions_are_independent(z):
    e = (z[:, 0] - MU[0]) / np.exp(LOGVAR[0] / 2)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        mean, error = mean_and_error(e[:, i] * e[:, j])
        assert abs(mean) < 5 * error


def test_the_density_integrates_to_one():
    x = np.linspace(-20, 20, 200_001)[:, None]
    for mu, logvar in zip(MU[0], LOGVAR[0]):
        density = np.exp(DiagonalGaussian(np.full((1, 1), mu), np.full((1, 1), logvar)).log_prob(x).data)
        assert density.sum() * (x[1, 0] - x[0, 0]) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("other", [None, P], ids=["to the standard normal", "to another Gaussian"])
def test_the_divergence_is_the_mean_of_the_log_ratio(z, other):
    prior = other or DiagonalGaussian(np.zeros((1, 3)), 0.0)
    mean, error = mean_and_error(Q.log_prob(z).data[:, 0] - prior.log_prob(z).data[:, 0])
    assert abs(mean - Q.kl_divergence(other).data[0]) < 5 * error


def test_the_entropy_is_the_mean_of_minus_the_log_density(z):
    mean, error = mean_and_error(-Q.log_prob(z).data[:, 0])
    assert abs(mean - Q.entropy().data[0]) < 5 * error


@pytest.mark.parametrize("logvar", [0.3, np.float32(0.3), np.full(5, 0.3)], ids=["number", "()", "(D,)"])
def test_one_variance_for_all_is_the_same_as_the_full_array(rng, logvar):
    logvar = logvar if isinstance(logvar, float) else np.asarray(logvar, dtype=np.float32)
    mu, x = rng.standard_normal((2, 3, 5)).astype(np.float32)
    small = DiagonalGaussian(Tensor(mu), logvar)
    full = DiagonalGaussian(Tensor(mu), Tensor(np.full((3, 5), 0.3, np.float32)))
    for f in (
        lambda p: p.rsample(np.random.default_rng(0)), lambda p: p.log_prob(x), lambda p: p.kl_divergence(),
        lambda p: p.kl_divergence(small), lambda p: full.kl_divergence(p), lambda p: p.entropy(),
    ):  # fmt: skip
        assert f(small).shape == f(full).shape and f(small).dtype == np.float32
        assert np.allclose(f(small).data, f(full).data, atol=1e-5)


def test_a_divergence_from_itself_is_zero():
    assert Q.kl_divergence(Q).data == pytest.approx(0, abs=1e-15)
    assert DiagonalGaussian(Tensor(np.zeros((2, 3))), Tensor(np.zeros((2, 3)))).kl_divergence().data.tolist() == [0, 0]


def test_the_divergence_keeps_its_digits_near_zero():
    logvar = np.full((1, 1), 1e-6)                          # KL = ½ (e^l − 1 − l) ≈ l²/4 = 2.5·10⁻¹³
    assert kl_to_standard_normal(np.zeros((1, 1)), logvar).data[0] == pytest.approx(2.5e-13, rel=1e-4)


def test_the_gradient_of_a_sample_moves_the_distribution():
    """E[z²] = μ² + σ², so its derivatives are 2μ by μ and σ² by logvar, up to the noise of 20,000 samples."""
    mu, logvar = Tensor(MU.copy(), requires_grad=True), Tensor(LOGVAR.copy(), requires_grad=True)
    n = 20_000
    z = reparameterize(mu, logvar, np.random.default_rng(1).standard_normal((n, 1, 3)))
    ops.square(z).sum(axis=0).backward(np.ones((1, 3)) / n)
    assert np.allclose(logvar.grad, np.exp(LOGVAR), rtol=0.1)             # ∂(μ² + σ²)/∂logvar = σ²
    assert np.allclose(mu.grad, 2 * MU, atol=0.1)


arrays = hnp.arrays(np.float64, (3, 5), elements=st.floats(-3, 3))


def same_value_and_gradients(fused, composed, inputs):
    a, b = ([Tensor(x.copy(), requires_grad=True) for x in inputs] for _ in range(2))
    y, y_composed = fused(*a), composed(*b)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    y.backward(dy)
    y_composed.backward(dy)
    assert np.allclose(y.data, y_composed.data, rtol=1e-10, atol=1e-10)
    for p, q in zip(a, b):
        assert np.allclose(p.grad, q.grad, rtol=1e-10, atol=1e-10)


@given(mu=arrays, logvar=arrays, eps=arrays)
def test_reparameterize_is_its_composition(mu, logvar, eps):
    same_value_and_gradients(
        lambda mu, logvar: reparameterize(mu, logvar, eps),
        lambda mu, logvar: mu + ops.sqrt(ops.exp(logvar)) * eps,
        [mu, logvar],
    )


@given(x=arrays, mu=arrays, logvar=arrays)
def test_the_log_likelihood_is_its_composition(x, mu, logvar):
    def composed(x, mu, logvar):
        sigma = ops.exp(logvar * 0.5)
        return (-0.5 * ops.square((x - mu) / sigma) - ops.log(sigma) - 0.5 * np.log(2 * np.pi)).sum(axis=-1)

    same_value_and_gradients(gaussian_log_likelihood, composed, [x, mu, logvar])


@given(x=arrays, mu=arrays)
def test_the_log_likelihood_with_fixed_variance_is_half_the_squared_error(x, mu):
    def composed(x, mu):
        return (ops.square(x - mu) * -0.5).sum(axis=-1) - 2.5 * np.log(2 * np.pi)

    same_value_and_gradients(lambda x, mu: gaussian_log_likelihood(x, mu, 0.0), composed, [x, mu])


@given(mu=arrays, logvar=arrays)
def test_the_divergence_to_the_standard_normal_is_its_composition(mu, logvar):
    same_value_and_gradients(
        kl_to_standard_normal,
        lambda mu, logvar: ((1.0 + logvar - ops.square(mu) - ops.exp(logvar)) * -0.5).sum(axis=-1),
        [mu, logvar],
    )


@given(mu_q=arrays, logvar_q=arrays, mu_p=arrays, logvar_p=arrays)
def test_the_divergence_of_two_gaussians_is_its_composition(mu_q, logvar_q, mu_p, logvar_p):
    def composed(mu_q, logvar_q, mu_p, logvar_p):
        quadratic = (ops.exp(logvar_q) + ops.square(mu_q - mu_p)) / ops.exp(logvar_p)
        return ((logvar_p - logvar_q + quadratic - 1.0) * 0.5).sum(axis=-1)

    same_value_and_gradients(gaussian_kl_divergence, composed, [mu_q, logvar_q, mu_p, logvar_p])


@given(mu=arrays, logvar=arrays)
def test_two_gaussians_contain_the_standard_normal_as_a_case(mu, logvar):
    zero = np.zeros_like(mu)
    assert np.allclose(gaussian_kl_divergence(mu, logvar, zero, zero).data, kl_to_standard_normal(mu, logvar).data)

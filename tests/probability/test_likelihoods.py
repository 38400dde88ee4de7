"""Proves that a likelihood turns a decoder's output into the distribution in its name, and refuses unsuitable data.

These tests would catch a variance that is not learned, and grey levels that a discretized likelihood does not know.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.probability import LIKELIHOODS, Bernoulli, DiagonalGaussian, GaussianLikelihood


def test_bernoulli(rng):
    output = rng.standard_normal((3, 5))
    p = LIKELIHOODS["bernoulli"]()(Tensor(output))
    assert isinstance(p, Bernoulli)
    assert np.allclose(p.mean, 1 / (1 + np.exp(-output)))


def test_only_a_gaussian_likelihood_takes_any_numbers():
    ranges = {name: make().data_range for name, make in LIKELIHOODS.items()}
    assert ranges.pop("gaussian") is ranges.pop("squared-error") is None and set(ranges.values()) == {(0, 1)}


def test_gaussian_with_a_learned_variance_finds_the_variance(rng):
    """At the maximum of the likelihood, ∂/∂logvar = 0, the variance is the mean squared error."""
    likelihood = GaussianLikelihood().astype(np.float64)
    output, x = rng.standard_normal((2, 300, 5))
    (logvar,) = likelihood.parameters()
    logvar.data[...] = np.log(np.mean((x - output) ** 2))
    p = likelihood(Tensor(output))
    assert isinstance(p, DiagonalGaussian)
    p.log_prob(x).sum().backward()
    assert logvar.grad == pytest.approx(0, abs=1e-9)


def test_gaussian_with_a_fixed_variance_has_no_parameter():
    assert GaussianLikelihood(learned=False).parameters() == []


def test_the_levels_of_a_discretized_logistic(rng):
    likelihood = LIKELIHOODS["discretized-logistic"]()
    likelihood.require(rng.integers(256, size=(5, 4)).astype(np.float32) / 255)
    with pytest.raises(UserError, match="256 levels"):
        likelihood.require(np.full((5, 4), 0.5, dtype=np.float32))


def test_the_squared_error_likelihood_is_the_squared_error(rng):
    x, output = rng.standard_normal((2, 5, 4))
    found = LIKELIHOODS["squared-error"]()(output).log_prob(x).data
    assert np.allclose(-found, np.square(x - output).sum(axis=1) + 2 * np.log(np.pi))

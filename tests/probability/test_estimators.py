"""Proves which estimators of the gradient are unbiased, on the oracle, where the gradient is known exactly.

Average 10,000 independent estimates, one for each row of a batch, and compare each element of the mean with the exact
gradient, in units of its standard error. In each test, a right estimator fails with probability 10⁻⁶, over all elements
together (Bonferroni). It would catch a score function without the decoder's part or with the wrong sign, a
baseline that depends on its own sample, and a path that is differentiated twice.
"""

import statistics

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.models import ProbabilisticPCA
from npvae.probability import ESTIMATORS, DiagonalGaussian, estimators

D, LATENT, REPETITIONS = 5, 3, 10_000
FALSE_ALARM = 1e-6
THRESHOLD = statistics.NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * 2 * LATENT))
ORACLE = ProbabilisticPCA.random(D, LATENT, np.random.default_rng(0), logvar=0.0)
X = np.tile(ORACLE.sample(1, np.random.default_rng(1)), (REPETITIONS, 1))
UNBIASED = [name for name in ESTIMATORS if name != "naive"]


def leaves(shift):
    """Return q as leaves (REPETITIONS, LATENT): the true posterior, or with a shift a wrong one."""
    q = ORACLE.posterior(X)
    return DiagonalGaussian(*(Tensor(np.array(a + shift), requires_grad=True) for a in (q.mu, q.logvar)))


def gradients(estimator, shift, samples=2):
    """Return independent estimates of the gradient by mu and logvar: an array (REPETITIONS, 2 · LATENT)."""
    q = leaves(shift)
    fixed = estimators.hold_fixed(X, q, ORACLE.decode, np.random.default_rng(2), samples)
    ESTIMATORS[estimator](X, q, ORACLE.decode, fixed).mean(axis=0).sum().backward()
    return np.concatenate([q.mu.grad, q.logvar.grad], axis=1)


def exact_gradient(shift):
    q = leaves(shift)
    ORACLE.elbo(X, q).elbo.sum().backward()
    return np.concatenate([q.mu.grad, q.logvar.grad], axis=1)[0]


def deviations(estimator, shift):
    """Return the mean estimate minus the exact gradient, in standard errors: an array (2 · LATENT,)."""
    found = gradients(estimator, shift)
    standard_error = np.maximum(found.std(axis=0) / np.sqrt(REPETITIONS), 1e-12)
    return (found.mean(axis=0) - exact_gradient(shift)) / standard_error


@pytest.mark.parametrize("estimator", UNBIASED)
@pytest.mark.parametrize("shift", [0.3, -0.7])
def test_unbiased(estimator, shift):
    assert np.abs(deviations(estimator, shift)).max() < THRESHOLD


@pytest.mark.parametrize("shift", [0.3, -0.7])
def test_the_naive_one_is_biased_and_its_mean_is_zero(shift):
    assert np.abs(deviations("naive", shift)).max() > 20
    found = gradients("naive", shift)
    assert (np.abs(found.mean(axis=0)) < THRESHOLD * found.std(axis=0) / np.sqrt(REPETITIONS)).all()


def test_the_variances_are_ordered_as_they_should_be():
    variance = {name: gradients(name, 0.3).var(axis=0).sum() for name in UNBIASED}
    assert variance["score-function"] > 3 * variance["score-function-baseline"] > 3 * variance["monte-carlo-kl"]


def test_at_the_true_posterior_sticking_the_landing_has_no_noise():
    assert np.abs(gradients("sticking-the-landing", 0.0)).max() < 1e-9
    assert gradients("monte-carlo-kl", 0.0).std(axis=0).min() > 0.01


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_decoder_gets_the_same_gradient_from_all(estimator):
    """They differ only in the encoder: all take the gradient of ln p(x | z) by the decoder at the same samples."""
    W = Tensor(ORACLE.W.T.copy(), requires_grad=True)
    decode = lambda z: DiagonalGaussian((z if isinstance(z, Tensor) else Tensor(z)) @ W + ORACLE.b, 0.0)  # noqa: E731
    x, q = X[:7], DiagonalGaussian(*(p.data[:7] for p in (leaves(0.3).mu, leaves(0.3).logvar)))
    fixed = estimators.hold_fixed(x, q, decode, np.random.default_rng(0), 3)
    ESTIMATORS[estimator](x, q, decode, fixed).mean().backward()
    r = x - (fixed.z @ ORACLE.W.T + ORACLE.b)
    assert np.allclose(W.grad, np.einsum("lnk,lnd->kd", fixed.z, r) / (3 * 7))


def test_the_baseline_needs_two_samples(rng):
    q = ORACLE.posterior(X[:3])
    fixed = estimators.hold_fixed(X[:3], q, ORACLE.decode, rng, 1)
    with pytest.raises(UserError, match="found 1 in all, expected at least 2"):
        estimators.score_function_baseline(X[:3], q, ORACLE.decode, fixed)

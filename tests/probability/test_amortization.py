"""Proves that fitting q to each example separately ends at the true posterior, if that is a Gaussian.

It would catch an E-step that climbs the wrong way, or that moves the decoder too.
"""

import numpy as np

from npvae.models import VAE, ProbabilisticPCA
from npvae.nn import schedules
from npvae.probability import DiagonalGaussian, refine


def test_it_finds_the_true_posterior(rng):
    oracle = ProbabilisticPCA.random(7, 3, rng)
    x = oracle.sample(11, rng)
    prior = DiagonalGaussian(*np.zeros((2, 11, 3)))
    q = refine(x, prior, oracle.decode, rng, 400, schedules.cosine(0.1, 400), samples=10)
    gap = oracle.log_likelihood(x) - oracle.elbo(x, q).elbo.data
    start = oracle.log_likelihood(x) - oracle.elbo(x, prior).elbo.data
    assert (gap >= -1e-9).all() and gap.max() < 0.02 and start.min() > 1


def test_neither_the_beginning_nor_the_decoder_is_changed(rng):
    model = VAE(20, 3, [11], rng)
    x = rng.random((13, 20)).astype(np.float32)
    q = model.encode(x).detach()
    mu, state = q.mu.copy(), model.state_dict()
    refined = model.refine(x, q, rng, 20)
    assert np.array_equal(q.mu, mu) and not np.array_equal(refined.mu, mu)
    assert all(np.array_equal(a, model.state_dict()[name]) for name, a in state.items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert model.training


def test_an_example_does_not_depend_on_its_neighbours(rng):
    """With the same noise, two examples in a batch get the same q as each alone."""
    oracle = ProbabilisticPCA.random(7, 3, rng)
    x = oracle.sample(1, rng)
    steps = lambda n: refine(  # noqa: E731
        np.tile(x, (n, 1)), DiagonalGaussian(*np.zeros((2, n, 3))), oracle.decode, SameNoise(), 20, 0.1
    )
    assert np.allclose(steps(1).mu[0], steps(2).mu[1])


class SameNoise:
    """Replaces a generator, and returns the same ε for every example."""

    def standard_normal(self, shape, dtype):
        return np.broadcast_to(np.linspace(-1, 1, shape[-1]), shape).astype(dtype)

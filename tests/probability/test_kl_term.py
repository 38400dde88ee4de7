"""Proves that each way to weigh the KL does what its formula says.

It would catch a warm-up that never ends, free bits of the sum instead of each dimension, and a capacity that pulls the
KL from one side only.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor
from npvae.errors import UserError
from npvae.probability import DiagonalGaussian, KLTerm


def posterior(rng, kl_by_dimension):
    """Return a q with this mean KL in each dimension: its variance is 1, so KL = μ²/2."""
    mu = np.sqrt(2 * np.array(kl_by_dimension)) * rng.choice([-1, 1], (100, len(kl_by_dimension)))
    return DiagonalGaussian(Tensor(mu, requires_grad=True), Tensor(np.zeros_like(mu)))


def value(term, q, step=np.inf):
    return float(term(q, q.kl_divergence(), step))


def test_by_default_it_is_the_kl(rng):
    q = posterior(rng, [0.5, 2.0])
    assert KLTerm().is_plain and value(KLTerm(), q) == pytest.approx(2.5)
    assert value(KLTerm(), q, step=0) == pytest.approx(2.5)


def test_beta_and_warm_up(rng):
    q = posterior(rng, [0.5, 2.0])
    assert value(KLTerm(beta=4), q) == pytest.approx(10)
    term = KLTerm(beta=2, warm_up=100)
    assert [value(term, q, step) for step in (0, 25, 100, 500)] == pytest.approx([0, 1.25, 5, 5])


def test_free_bits_are_free_in_each_dimension(rng):
    q = posterior(rng, [0.25, 2.0])
    assert value(KLTerm(free_bits=1.0), q) == pytest.approx(1 + 2)
    term = KLTerm(beta=2.0, warm_up=4, free_bits=1.0)
    assert [value(term, q, step) for step in (0, 2, 4)] == pytest.approx([0, 3, 6])
    KLTerm(free_bits=1.0)(q, q.kl_divergence()).backward()
    assert np.all(q.mu.grad[:, 0] == 0) and np.all(q.mu.grad[:, 1] != 0)         # below λ nothing is gained


def test_the_capacity_is_approached_from_both_sides(rng):
    q = posterior(rng, [0.5, 2.0])
    assert value(KLTerm(beta=10, capacity=2.0), q) == pytest.approx(5)
    assert value(KLTerm(beta=10, capacity=4.0), q) == pytest.approx(15)
    assert value(KLTerm(beta=10, capacity=4.0, warm_up=4), q, step=1) == pytest.approx(15)     # C is 1


def test_what_is_refused():
    with pytest.raises(UserError, match="beta is -1, expected a number from 0 on"):
        KLTerm(beta=-1)
    for value in (np.nan, np.inf, None, "much"):
        with pytest.raises(UserError, match=r"free_bits is .*, expected a number from 0 on"):
            KLTerm(free_bits=value)
    with pytest.raises(UserError, match="choose one of them"):
        KLTerm(free_bits=1, capacity=3)

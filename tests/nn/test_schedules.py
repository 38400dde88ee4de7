"""Proves that each schedule has the values of its formula, and that polynomial decay satisfies Robbins and Monro.

These tests would catch a schedule that is off by one step, and one whose rates have a finite sum, so that training can
end before it arrives.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.nn import schedules


def test_values():
    assert schedules.constant(0.1)(999) == 0.1
    step_decay = schedules.step_decay(1.0, every=10, factor=0.5)
    assert [step_decay(t) for t in (0, 9, 10, 20)] == [1, 1, 0.5, 0.25]
    cosine = schedules.cosine(1.0, steps=100)
    assert [cosine(t) for t in (0, 50, 100, 200)] == pytest.approx([1, 0.5, 0, 0])
    polynomial = schedules.polynomial_decay(1.0, scale=10, power=1)
    assert [polynomial(t) for t in (0, 10, 90)] == pytest.approx([1, 0.5, 0.1])
    warm_up = schedules.warm_up(schedules.constant(1.0), steps=4)
    assert [warm_up(t) for t in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


@pytest.mark.parametrize("power", [0.6, 0.75, 1.0])
def test_polynomial_decay_satisfies_robbins_and_monro(power):
    """Between t and 10 t, Σ γ does not shrink as t grows, and Σ γ² shrinks fast enough to converge."""
    gamma = schedules.polynomial_decay(0.1, scale=10, power=power)
    rates = np.array([gamma(t) for t in range(100_000)])
    sums, squares = ([np.sum(v[10**k : 10 ** (k + 1)]) for k in (2, 3, 4)] for v in (rates, rates**2))
    assert sums[1] > 0.95 * sums[0] and sums[2] > 0.99 * sums[1]
    expected = 10 ** (1 - 2 * power)                                # ∫ t^−2p over a decade, relative to the one before
    assert squares[2] / squares[1] == pytest.approx(expected, rel=0.05) and expected < 1


@pytest.mark.parametrize("power", [0.5, 1.1, 0])
def test_other_powers_are_refused(power):
    with pytest.raises(UserError, match="½ < power ≤ 1"):
        schedules.polynomial_decay(0.1, power=power)

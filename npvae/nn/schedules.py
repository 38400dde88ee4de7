"""Schedules: the learning rate as a function of the step, counted from 0.

A schedule is any function from a step to a learning rate. Stochastic gradient descent with rates γ_t converges, for a
well-behaved function, if

    Σ_t γ_t = ∞    (it can go anywhere)    and    Σ_t γ_t² < ∞    (the noise dies out),

the conditions of Robbins and Monro (1951), A stochastic approximation method. A constant rate has only the first
property: it never settles, but keeps fluctuating about the optimum, at a mean squared distance proportional to the
rate. Polynomial decay has both properties.

Each function here returns a partial function and not a closure, so that an optimiser can be pickled with its schedule.
"""

import math
from functools import partial

from ..errors import UserError


def constant(lr):
    """γ_t = lr."""
    return partial(_constant, lr)


def _constant(lr, step):
    return lr


def step_decay(lr, every, factor=0.1):
    """γ_t = lr · factor^⌊t / every⌋: multiplied by `factor` after every `every` steps.

    Raises UserError unless every ≥ 1 and 0 < factor ≤ 1.
    """
    if not every >= 1:
        raise UserError(f"step decay acts every {every} steps, expected at least 1")
    if not 0 < factor <= 1:
        raise UserError(f"step decay has factor {factor}, expected 0 < factor ≤ 1")
    return partial(_step_decay, lr, every, factor)


def _step_decay(lr, every, factor, step):
    return lr * factor ** (step // every)


def polynomial_decay(lr, scale=1000, power=0.75):
    """γ_t = lr · (1 + t / scale)^−power, which satisfies the conditions of Robbins and Monro.

    They hold for ½ < power ≤ 1: Σ t⁻ᵖ diverges for p ≤ 1, and Σ t⁻²ᵖ converges for p > ½. Raises UserError for other
    powers, and for a scale that is not above zero.
    """
    if not scale > 0:
        raise UserError(f"polynomial decay has scale {scale}, expected a number of steps above zero")
    if not 0.5 < power <= 1:
        raise UserError(f"polynomial decay has power {power}, expected ½ < power ≤ 1 (Robbins and Monro)")
    return partial(_polynomial_decay, lr, scale, power)


def _polynomial_decay(lr, scale, power, step):
    return lr * (1 + step / scale) ** -power


def cosine(lr, steps):
    """γ_t = lr · ½ (1 + cos(π t / steps)): from lr to 0 in `steps` ≥ 1 steps, and 0 from then on.

    Source: Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts, eq. 5.
    """
    return partial(_cosine, lr, steps)


def _cosine(lr, steps, step):
    return lr * 0.5 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1)))


def warm_up(schedule, steps):
    """The schedule times (t + 1) / steps during the first `steps` steps: a linear rise from almost zero.

    Source: Goyal et al. (2017), Accurate, large minibatch SGD, section 2.2.
    """
    return partial(_warm_up, schedule, steps)


def _warm_up(schedule, steps, step):
    return schedule(step) * min((step + 1) / max(steps, 1), 1)


SCHEDULES = {"constant": constant, "polynomial": polynomial_decay}  # by name: from a rate to a schedule

"""Finite differences: how much a value moves when one element of an input moves.

    ∂ℓ/∂x_i  ≈  Σ_j dy_j · (y_j(x + h e_i) − y_j(x − h e_i)) / 2h,        ℓ = Σ_j dy_j y_j.

The error of this *central* difference D(h) is h²/6 times the third derivative (the second cancels), plus rounding of
about 10⁻¹⁶ |y|/h. In float64, with inputs and values of order 1, h = 10⁻⁵ makes both about 10⁻¹¹. The differences are
taken element by element before they are weighted and added, which keeps the rounding small.

Where a function bends sharply (√x at 0.001), or where the derivative is tiny beside the value, 10⁻⁵ is the wrong step.
`extrapolated` tries steps from 0.1 to 10⁻¹⁰ and extrapolates each step and the one before it to h = 0. Since
D(h) = D + c h² + …, D ≈ D(h) + (D(h) − D(10 h)) / 99. A good step agrees with the one before it, and with every smaller
one that rounding has not spoiled. How much they disagree is its error.

Source: Ridders (1982), Accurate computation of F'(x) and F'(x) F''(x).
"""

import numpy as np

STEP = 1e-5
STEPS = [10.0**-k for k in range(1, 11)]
ROUNDING = 100  # many operations make a value: their rounding may exceed that of a single one by this factor


def numeric_gradient(value, x, dy, elements=None, name=""):
    """Return Σ_j dy_j ∂y_j/∂x_i for every element x_i of the array x, by central differences with h = 10⁻⁵.

    value      `value()` returns y, and reads x, whose elements this function moves in place and puts back
    elements   the indices of the elements to move, by default all; the gradient is NaN at the others
    name       the name of x, for the progress bar
    """
    from tqdm import tqdm  # only here: importing npvae should cost no more than importing numpy

    gradient = np.full_like(x, np.nan)
    elements = list(np.ndindex(x.shape)) if elements is None else elements
    for i in tqdm(elements, desc=f"differences {name}", unit="element", delay=1, disable=None, leave=False):
        below, above = beside(value, x, i, STEP)
        gradient[i] = np.sum(dy * (above - below)) / (2 * STEP)
    return gradient


def beside(value, x, i, h):
    """Return y at x_i − h and at x_i + h."""
    kept, ys = x[i], []
    try:
        for moved in (kept - h, kept + h):
            x[i] = moved
            ys.append(np.array(value()))
    finally:
        x[i] = kept
    return ys


def extrapolated(value, x, dy, i):
    """Return the derivative for the element x_i, and an estimate of its error: infinity if no step is good."""
    moves, sizes = [], []
    h = np.array(STEPS) * max(1, abs(x[i]))
    for step in h:
        with np.errstate(all="ignore"):                       # a large step may leave the domain of f
            try:
                below, above = beside(value, x, i, step)
            except (ValueError, ArithmeticError):
                below = above = np.full(np.shape(dy), np.nan)
            move = above - below
            moves.append(move)
            sizes.append(np.where(np.isfinite(move) & (move != 0), np.abs(above), 0))
    D = np.array([np.sum(dy * move) for move in moves]) / (2 * h)
    with np.errstate(all="ignore"):
        R = D[1:] + np.diff(D) / 99
        rounding = np.finfo(float).eps * np.sum(np.abs(dy) * np.max(sizes, axis=0, initial=0)) / h[1:]
    error = np.full(len(R), np.inf)
    for k in range(1, len(R)):
        finer = np.abs(R[k + 1 :] - R[k]) - ROUNDING * rounding[k + 1 :]      # more than rounding explains
        error[k] = np.max([abs(R[k] - R[k - 1]), *finer]) + 10 * rounding[k]
    unsettled = (error > 0.1 * np.abs(R)) & (error > ROUNDING * rounding)     # the steps are all too large
    error[unsettled | ~np.isfinite(error)] = np.inf
    best = int(np.argmin(error))
    return R[best], error[best]


def kinks(value, x, elements):
    """Return at which of these elements of x the slopes to the left and to the right differ, an array of bool.

    They differ for a strongly curved function too, but then the difference shrinks with the step.
    """
    y, found = np.array(value()), np.zeros(x.shape, bool)
    for i in elements:
        jumps = []
        for h in (STEP, STEP / 1000):
            below, above = beside(value, x, i, h)
            right, left = (above - y) / h, (y - below) / h
            jumps.append(np.abs(right - left).max(initial=0))
        found[i] = jumps[0] > 0.01 * np.abs(right).max(initial=0) + 1e-6 and jumps[1] > jumps[0] / 2
    return found

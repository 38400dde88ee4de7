"""Covariance functions of Gaussian processes: threads in the trackers of scikit-learn, GPyTorch and GPy."""

import numpy as np

from tests.diagnosis.mistakes import mistake


def lengths(rng):
    return rng.uniform(0.6, 1.6, 3)


def distances(rng):
    return rng.uniform(0.3, 2.0, (5, 3))


@mistake("https://github.com/scikit-learn/scikit-learn/issues/17034: the closed forms miss 1/length_scale",
         says=[("missing factor", "ell"), ("extra factor", "ell"), ("power", "ell"), ("wrong path", "s =")],
         d=distances, ell=lengths)
def matern_three_halves_without_one_over_its_length(d, ell):
    s = np.sqrt(3) * d / ell
    K = (1 + s) * np.exp(-s)
    def dd(G): return -G * s * np.exp(-s) * np.sqrt(3) / ell
    def dell(G): return np.sum(G * s ** 2 * np.exp(-s), axis=0)
    return K, dd, dell


@mistake("https://github.com/cornellius-gp/gpytorch/issues/1020: the length scale is not squared; the derivative is "
         "that of the documentation",
         says=[("power", "ell"), ("missing factor", "ell"), ("extra factor", "ell"), ("extra factor", "2 / ell"),
               ("missing factor", "0.5 * ell")],
         ell=lengths)
def periodic_kernel_whose_length_is_not_squared(ell):
    lags = np.linspace(0.1, 0.8, 5)
    sine2 = np.sin(np.pi * lags[:, None]) ** 2
    K = np.exp(-2 * sine2 / ell)

    def dell(G):
        return (G * K * 4 * sine2 / ell ** 3).sum(axis=0)

    return K, dell


@mistake("https://github.com/SheffieldML/GPy/issues/877: α is not in the base; the derivative is that of the books, "
         "where it cancels",
         says=[("missing factor", "alpha"), ("extra factor", "alpha")],
         r=distances)
def rational_quadratic_whose_alpha_cancels_too_early(r):
    alpha, ell = 1.7, 0.9
    base = 1 + r ** 2 / (2 * ell ** 2)
    K = base ** -alpha

    def dr(G):
        dbase = -G * K / base
        return dbase * r / ell ** 2

    return K, dr


@mistake("https://github.com/scikit-learn/scikit-learn/pull/34283: the quadratic term of the documented formula misses "
         "its square; here in the value",
         says=[("power", "scaled"), ("missing factor", "scaled"), ("power", "polynomial"), ("extra factor", "scaled"),
               ("missing factor", "polynomial"), ("other array", "scaled")],
         r=distances)
def matern_five_halves_with_a_linear_quadratic_term(r):
    scaled = np.sqrt(5) * r / 1.3
    polynomial = 1 + scaled + scaled / 3
    K = polynomial * np.exp(-scaled)

    def dr(dK):
        dscaled = -dK * scaled / 3 * (1 + scaled) * np.exp(-scaled)
        return dscaled * np.sqrt(5) / 1.3

    return K, dr

"""Right solutions of the exercise sigmoid, written in unusual ways."""

import numpy as np


def sigmoid_by_tanh(x):
    y = 0.5 * (1 + np.tanh(x / 2))

    def dx(dy):
        return dy * (y - y**2)

    return y, dx


def sigmoid_by_logaddexp(x):
    y = np.exp(-np.logaddexp(0, -x))

    def dx(dy):
        return dy * np.exp(-np.logaddexp(0, -x) - np.logaddexp(0, x))

    return y, dx


def sigmoid_by_sign(x):
    """Each element in the form whose exponential cannot overflow."""
    y = np.empty_like(x)
    positive = x >= 0
    y[positive] = 1 / (1 + np.exp(-x[positive]))
    e = np.exp(x[~positive])
    y[~positive] = e / (1 + e)

    def dx(dy):
        return y * (1 - y) * dy

    return y, dx


def sigmoid_by_absolute_value(x):
    e = np.exp(-np.abs(x))
    y = np.where(x < 0, e, 1) / (1 + e)
    return y, lambda dy: dy * e / (1 + e) ** 2


def sigmoid_by_cosh(x):
    y = np.reciprocal(1 + np.exp(-x))
    half = np.clip(x / 2, -40, 40)
    return y, lambda dy: dy / (2 * np.cosh(half)) ** 2


def sigmoid_by_slope_of_tanh(x):
    t = np.tanh(0.5 * x)
    y = (t + 1) * 0.5
    return y, lambda dy: dy * (1 - t * t) * 0.25


def sigmoid_in_place(x):
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1
    np.divide(1, y, out=y)

    def dx(dy):
        g = 1 - y
        g *= y
        g *= dy
        return g

    return y, dx


def sigmoid_by_square_of_the_distance(x):
    """y (1 − y) = ¼ − (y − ½)²."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * (0.25 - np.square(y - 0.5))


def sigmoid_element_by_element(x):
    def one(v):
        return 1 / (1 + np.exp(-v)) if v >= 0 else np.exp(v) / (1 + np.exp(v))

    y = np.array([one(v) for v in x.ravel()], dtype=x.dtype).reshape(x.shape)

    def dx(dy):
        return np.array([g * s * (1 - s) for g, s in zip(dy.flat, y.flat)], dtype=dy.dtype).reshape(dy.shape)

    return y, dx


def sigmoid_with_the_other_side(x):
    def sigma(t):
        return 1 / (1 + np.exp(-t))

    return sigma(x), lambda dy: dy * sigma(x) * sigma(-x)

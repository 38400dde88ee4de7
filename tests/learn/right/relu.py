"""Right solutions of the exercise relu, written in unusual ways."""

import numpy as np


def relu_by_where(x):
    y = np.where(x > 0, x, 0)

    def dx(dy):
        return np.where(x > 0, dy, 0)

    return y, dx


def relu_by_absolute_value(x):
    y = (x + np.abs(x)) / 2

    def dx(dy):
        return dy * (1 + np.sign(x)) / 2 * (x != 0)

    return y, dx


def relu_by_clip(x):
    y = np.clip(x, 0, None)
    return y, lambda dy: dy * np.sign(y)


def relu_by_index(x):
    y = x.copy()
    y[y < 0] = 0

    def dx(dy):
        result = dy.copy()
        result[x <= 0] = 0
        return result

    return y, dx


def relu_by_mask(x):
    mask = (x > 0).astype(x.dtype)
    return x * mask, lambda dy: mask * dy


def relu_by_heaviside(x):
    slope = np.heaviside(x, 0.0).astype(x.dtype)
    return np.multiply(x, slope), lambda dy: np.multiply(slope, dy)


def relu_by_loop(x):
    y = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        y[i] = max(x[i], 0)

    def dx(dy):
        result = np.zeros_like(dy)
        for i in np.ndindex(dy.shape):
            if x[i] > 0:
                result[i] = dy[i]
        return result

    return y, dx


def relu_by_fmax_and_add_at(x):
    y = np.fmax(x, x.dtype.type(0))
    where = np.nonzero(y)

    def dx(dy):
        result = np.zeros_like(dy)
        np.add.at(result, where, dy[where])
        return result

    return y, dx


def relu_by_minus_minimum(x):
    y = x - np.minimum(x, 0)
    return y, lambda dy: dy - dy * (x <= 0)


def relu_by_select(x):
    return np.select([x > 0], [x], 0).astype(x.dtype), lambda dy: np.select([x > 0], [dy], 0).astype(dy.dtype)


class _Slope:
    def __init__(self, x):
        self.positive = x > 0

    def __call__(self, dy):
        out = np.zeros_like(dy)
        np.copyto(out, dy, where=self.positive)
        return out


def relu_with_a_class(x):
    return np.maximum(0, x), _Slope(x)

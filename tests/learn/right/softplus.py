"""Right solutions of the exercise softplus, written in unusual ways."""

import numpy as np


def softplus_by_logaddexp(x):
    y = np.logaddexp(x, 0)

    def dx(dy):
        return dy * np.exp(x - y)

    return y, dx


def softplus_by_its_negative(x):
    """ζ(x) = x + ζ(−x), and 1 − e^−ζ(x) is the sigmoid."""
    y = np.where(x > 0, x + np.log1p(np.exp(-np.abs(x))), np.log1p(np.exp(-np.abs(x))))
    return y, lambda dy: dy * -np.expm1(-y)


def softplus_by_halves(x):
    y = np.abs(x) / 2 + x / 2 + np.log1p(np.exp(-np.abs(x)))
    return y, lambda dy: dy * (np.tanh(x / 2) + 1) / 2


def softplus_by_index(x):
    y = x.copy()
    small = x < 30
    y[small] = np.log1p(np.exp(x[small]))

    def dx(dy):
        slope = np.ones_like(x)
        slope[small] = np.exp(x[small]) / (1 + np.exp(x[small]))
        return slope * dy

    return y, dx


def softplus_in_place(x):
    y = np.abs(x)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += np.maximum(x, 0)

    def dx(dy):
        out = np.empty_like(dy)
        np.subtract(x, y, out=out)
        np.exp(out, out=out)
        out *= dy
        return out

    return y, dx


def softplus_by_loop(x):
    y, slope = np.empty_like(x), np.empty_like(x)
    for i, v in np.ndenumerate(x):
        if v > 0:
            y[i] = v + np.log1p(np.exp(-v))
            slope[i] = 1 / (1 + np.exp(-v))
        else:
            y[i] = np.log1p(np.exp(v))
            slope[i] = np.exp(v) / (1 + np.exp(v))
    return y, lambda dy: dy * slope


def softplus_with_helpers(x):
    return _softplus(x), lambda dy: np.multiply(dy, _sigmoid(x))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))


def _sigmoid(x):
    e = np.exp(np.minimum(x, -x))
    return np.where(x >= 0, 1, e) / (1 + e)

"""Batch normalization: give every channel the mean β and the standard deviation γ, over examples and pixels.

The moments depend on the minibatch, so every input acts on every output of its channel, and the derivative has three
terms: through x itself, through the mean, and through the variance.
"""

import numpy as np

from ..runtime import by_blocks, sum_by_blocks
from .convolution import along_rows, rows, sum_to_channels, to_channels
from .tensor import op


def batch_moments(x):
    """Return the mean and the variance of every channel over all examples and pixels: x (..., C) -> two arrays (C,).

    Sum over lines first, then along a line: one sum of a million float32 numbers would lose a digit and a half more.
    """
    C, M = x.shape[-1], x.size // x.shape[-1]
    mean = sum_to_channels(x) / M
    m = along_rows(mean, x)
    def squares(x):
        d = x - m
        d *= d
        return d.sum(axis=0)
    return mean, to_channels(sum_by_blocks(squares, rows(x)), C) / M


@op
def batch_norm(x, gamma, beta, *, moments=None, eps=1e-5):    # x (..., C)   gamma, beta (C,)   ->   y (..., C)
    """y = γ x̂ + β with x̂ = (x − m) / √(v + ε), where m and v are the mean and the variance of each channel.

    The sums run over examples and pixels, M numbers in each channel. m and v are functions of x too, so every x_i acts
    on every y_j. With dx̂ = γ dy and r = 1 / √(v + ε), by m = 1/M Σ x_i and v = 1/M Σ (x_i − m)²,

        dv = Σ_j dx̂_j (x_j − m) · (−r³/2),    dm = −r Σ_j dx̂_j    (v does not change with m: Σ (x_i − m) = 0),
        dx_i = r dx̂_i + dv · 2 (x_i − m) / M + dm / M = r [dx̂_i − 1/M Σ_j dx̂_j − x̂_i · 1/M Σ_j dx̂_j x̂_j].

    moments   (m, v) of x, if the caller has them already from `batch_moments`

    Source: Ioffe and Szegedy (2015), Batch normalization, algorithm 1 and section 3.
    """
    if x.ndim < 2 or not np.shape(gamma) == np.shape(beta) == x.shape[-1:]:
        raise ValueError("expected x (..., C), gamma (C,) and beta (C,)")
    mean, variance = batch_moments(x) if moments is None else moments
    r = 1 / np.sqrt(variance + x.dtype.type(eps))
    C, M = x.shape[-1], x.size // x.shape[-1]
    m, scale, shift = (along_rows(a, x) for a in (mean, gamma * r, beta))
    def forward(y, x):
        np.subtract(x, m, out=y)
        y *= scale
        y += shift
    def backward(dy):
        def sums(dy, x):
            d = x - m
            d *= dy
            return dy.sum(axis=0), d.sum(axis=0)
        dbeta, dgamma = (to_channels(a, C) for a in sum_by_blocks(sums, rows(dy), rows(x)))
        dgamma *= r                                           # Σ_j dy_j (x_j − m) becomes Σ_j dy_j x̂_j
        by_x, by_all = along_rows(dgamma * r / M, x), along_rows(dbeta / M, x)      # x̂_i dgamma = (x_i − m) r dgamma
        dx = np.empty(x.shape, x.dtype)
        def block(dx, dy, x):                                 # (dy − (x − m) by_x − by_all) scale, with dx̂ = γ dy
            np.subtract(x, m, out=dx)
            dx *= by_x
            np.subtract(dy, dx, out=dx)
            dx -= by_all
            dx *= scale
        by_blocks(block, rows(dx), rows(dy), rows(x))
        return dx, dgamma, dbeta
    y = np.empty(x.shape, x.dtype)                            # y = (x − m) scale + shift
    by_blocks(forward, rows(y), rows(x))
    return y, backward

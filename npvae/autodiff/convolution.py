"""Convolution, its transpose, and batch normalization. Images are channels last: (N, H, W, C).

A convolution slides a window of k × k pixels over an image, s pixels at a time, and puts one dense layer, the same
everywhere, on what it sees. So it *is* a matrix product: `columns` copies every window into a row, and

    conv2d(x, W) = columns(x) W.

The copying is linear too. Its transpose, `add_columns`, puts every number of a row back where it came from, and adds up
what meets there, because a pixel that was seen through several windows acts on the loss through all of them. Hence the
derivative by x is add_columns(dy Wᵀ), and the *transposed convolution*, which goes from small images to large ones, is
that derivative used as an operation: conv_transpose2d(x, W) = add_columns(x Wᵀ). Its own derivative is a convolution.

    an image of n pixels, with p pixels of zeros around it, has ⌊(n + 2p − k) / s⌋ + 1 windows;
    n windows make an image of (n − 1) s − 2p + k pixels, or up to s − 1 more (`output_padding`).

The kernel is not turned around, as it would be in signal processing, where this is called a cross-correlation.

Source: Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning, sections 2 and 4.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .tensor import op


def columns(x, kernel, stride, padding):
    """Every window of x (N, H, W, C) as a row: an array (N · H' · W', k · k · C), its own memory."""
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]  # (N, H', W', C, k, k)
    N, H, W, C = windows.shape[:4]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(N * H * W, kernel * kernel * C)


def add_columns(rows, shape, kernel, stride, padding):
    """The transpose of `columns`: rows as it returns them, added up to an image of the given shape (N, H, W, C)."""
    N, H, W, C = shape
    height, width = windows_along(H, kernel, stride, padding), windows_along(W, kernel, stride, padding)
    rows = rows.reshape(N, height, width, kernel, kernel, C)
    padded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dtype=rows.dtype)
    for i in range(kernel):
        for j in range(kernel):              # where pixel (i, j) of every window came from
            padded[:, i : i + stride * height : stride, j : j + stride * width : stride] += rows[:, :, :, i, j]
    return np.ascontiguousarray(padded[:, padding : padding + H, padding : padding + W])


def windows_along(n, kernel, stride, padding):
    """How many windows there are along n pixels. Raises ValueError where there is none, and for a stride below 1."""
    if stride < 1:
        raise ValueError(f"the stride is {stride}, expected at least 1")
    if n + 2 * padding < kernel:
        raise ValueError(f"{n} pixels with {padding} of padding on both sides are fewer than a kernel of {kernel}")
    return (n + 2 * padding - kernel) // stride + 1


@op
def conv2d(x, W, b, *, stride=1, padding=0):  # x (N, H, W, C)   W (k, k, C, O)   b (O,)   ->   y (N, H', W', O)
    """y_nuvo = Σ_ijc x_n,su+i−p,sv+j−p,c W_ijco + b_o, where x is zero outside of the image."""
    k, _, C, O = W.shape
    if x.ndim != 4 or x.shape[-1] != C:
        raise ValueError(f"expected images (N, H, W, {C}), channels last")
    N, height, width = len(x), *(windows_along(n, k, stride, padding) for n in x.shape[1:3])
    rows = columns(x, k, stride, padding)                     # r (M, k·k·C) with M = N · H' · W' windows
    matrix = W.reshape(k * k * C, O)
    y = rows @ matrix
    y += b
    def dx(dy):                                               # dr_mi = Σ_o dy_mo W_io, and back to the pixels
        return add_columns(dy.reshape(-1, O) @ matrix.T, x.shape, k, stride, padding)
    def dW(dy): return (rows.T @ dy.reshape(-1, O)).reshape(W.shape)    # Σ_m r_mi dy_mo
    def db(dy): return dy.sum(axis=(0, 1, 2))                 # Σ_nuv dy_nuvo
    return y.reshape(N, height, width, O), dx, dW, db


@op
def conv_transpose2d(x, W, b, *, stride=1, padding=0, output_padding=0):
    # x (N, H, W, C)   W (k, k, O, C)   b (O,)   ->   y (N, H', W', O)
    """The transpose of conv2d with the same W:  Σ conv2d(a, W) ⊙ x = Σ a ⊙ conv_transpose2d(x, W) for b = 0.

    Every pixel of x paints a k × k patch of y:  y_n,su+i−p,sv+j−p,o = Σ_c x_nuvc W_ijoc + b_o, added where they
    overlap.
    """
    k, _, O, C = W.shape
    if x.ndim != 4 or x.shape[-1] != C:
        raise ValueError(f"expected images (N, H, W, {C}), channels last")
    if not 0 <= output_padding < stride:
        raise ValueError(f"output_padding is {output_padding}, expected it from 0 to stride − 1 = {stride - 1}")
    N, H, width, _ = x.shape
    shape = (N, *((n - 1) * stride - 2 * padding + k + output_padding for n in (H, width)), O)
    if min(shape[1:3]) < 1:
        raise ValueError(f"nothing is left of {H} × {width} pixels after a padding of {padding} is cut off")
    x_rows, matrix = x.reshape(-1, C), W.reshape(k * k * O, C)
    y = add_columns(x_rows @ matrix.T, shape, k, stride, padding)
    y += b
    def backward(dy):
        dr = columns(dy, k, stride, padding)                  # (N · H · W, k·k·O): what every pixel of x has painted
        dx = (dr @ matrix).reshape(x.shape)                   # Σ_i dr_mi W_ic
        dW = (dr.T @ x_rows).reshape(W.shape)                 # Σ_m dr_mi x_mc
        return dx, dW, dy.sum(axis=(0, 1, 2))                 # db_o = Σ_nuv dy_nuvo
    return y, backward


def batch_moments(x):
    """The mean and the variance of every channel over all examples and pixels: x (..., C) -> two arrays (C,).

    First over the pixels of each example, then over the examples: a single sum of a million float32 numbers would lose
    three digits more.
    """
    examples = x.reshape(len(x), -1, x.shape[-1])
    mean = examples.mean(axis=1).mean(axis=0)
    return mean, np.square(examples - mean).mean(axis=1).mean(axis=0)


@op
def batch_norm(x, gamma, beta, *, moments=None, eps=1e-5):    # x (..., C)   gamma, beta (C,)   ->   y (..., C)
    """y = γ x̂ + β with x̂ = (x − m) / √(v + ε), where m and v are the mean and the variance of each channel.

    The sums run over examples and pixels, M numbers in each channel. m and v are functions of x as well, so that every
    x_i acts on every y_j. With dx̂ = γ dy and r = 1 / √(v + ε), by m = 1/M Σ x_i and v = 1/M Σ (x_i − m)²,

        dv = Σ_j dx̂_j (x_j − m) · (−r³/2),    dm = −r Σ_j dx̂_j    (v does not change with m: Σ (x_i − m) = 0),
        dx_i = r dx̂_i + dv · 2 (x_i − m) / M + dm / M = r [dx̂_i − 1/M Σ_j dx̂_j − x̂_i · 1/M Σ_j dx̂_j x̂_j].

    moments   (m, v) of x, by `batch_moments`, where the caller has them already
    Source: Ioffe and Szegedy (2015), Batch normalization, algorithm 1 and section 3.
    """
    mean, variance = batch_moments(x) if moments is None else moments
    r = 1 / np.sqrt(variance + x.dtype.type(eps))
    x_hat = (x - mean) * r
    axes, M = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    def backward(dy):
        dbeta = dy.sum(axis=axes)                             # Σ_j dy_j
        dgamma = (dy * x_hat).sum(axis=axes)                  # Σ_j dy_j x̂_j
        dx = gamma * r * (dy - dbeta / M - x_hat * (dgamma / M))        # the formula above, with dx̂ = γ dy
        return dx, dgamma, dbeta
    return gamma * x_hat + beta, backward

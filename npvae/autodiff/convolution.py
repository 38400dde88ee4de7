"""Convolution and its transpose. Images are channels last: (N, H, W, C).

A convolution slides a window of k × k pixels over an image, s pixels at a time, and applies the same dense layer to
every window. So it *is* a matrix product: `columns` copies each window into a row, and

    conv2d(x, W) = columns(x) W.

The copying is linear too. Its transpose, `add_columns`, puts every number of a row back on its pixel and adds up what
meets there, because a pixel acts on the loss through every window that saw it. Hence the gradient of x is
add_columns(dy Wᵀ). The *transposed convolution*, which turns small images into large ones, is that derivative used as
an operation: conv_transpose2d(x, W) = add_columns(x Wᵀ). Its own derivative is a convolution.

    an image of n pixels, with p pixels of zeros around it, has ⌊(n + 2p − k) / s⌋ + 1 windows;
    n windows make an image of (n − 1) s − 2p + k pixels, or up to s − 1 more (`output_padding`).

With a kernel of 3 and a stride of 1, the columns are nine times as large as the image. So each thread takes a few
images at a time, and the backward pass makes their columns again instead of keeping them.

The kernel is not flipped: signal processing calls this operation a cross-correlation.

Source: Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning, sections 2 and 4.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..runtime import by_blocks, sum_by_blocks
from .tensor import op


def columns(x, kernel, stride, padding):
    """Return every window of x (N, H, W, C) as a row: a new array (N · H' · W', k · k · C)."""
    N, H, W, C = x.shape
    padded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dtype=x.dtype)
    padded[:, padding : padding + H, padding : padding + W] = x
    height, width = windows_along(H, kernel, stride, padding), windows_along(W, kernel, stride, padding)
    n, h, w, c = padded.strides                               # k pixels side by side are k · C numbers in one piece
    windows = as_strided(padded, (N, height, width, kernel, kernel * C), (n, h * stride, w * stride, h, c))
    return windows.reshape(-1, kernel * kernel * C)


def add_columns(r, shape, kernel, stride, padding):
    """The transpose of `columns`: add up its rows r to images of the given shape (N, H, W, C).

    The pixels j … j + s − 1 of a window lie side by side, and the next window begins s pixels further. Together they
    fill a whole line without gaps, so s pixels of every window are added at once.
    """
    N, H, W, C = shape
    height, width = windows_along(H, kernel, stride, padding), windows_along(W, kernel, stride, padding)
    r = r.reshape(N, height, width, kernel, kernel * C)
    padded_width = -(-(W + 2 * padding) // stride)            # in pieces of s pixels
    padded = np.zeros((N, H + 2 * padding, padded_width, stride * C), dtype=r.dtype)
    for i in range(kernel):
        for j in range(0, kernel, stride):                    # where the pixels (i, j) … of every window came from
            end = min(j + stride, kernel)
            pieces = padded[:, i : i + stride * height : stride, j // stride : j // stride + width, : (end - j) * C]
            pieces += r[:, :, :, i, j * C : end * C]
    return padded.reshape(N, H + 2 * padding, padded_width * stride, C)[:, padding : padding + H, padding : padding + W]


def check_stride_and_padding(stride, padding):
    """Raise ValueError for a stride below 1, and for a padding below 0."""
    if stride < 1:
        raise ValueError(f"the stride is {stride}, expected at least 1")
    if padding < 0:
        raise ValueError(f"the padding is {padding}, expected at least 0")


def check_images(x, C, b, O):
    """Raise ValueError unless x holds images with C channels, and the bias b one number for each of O channels."""
    if x.ndim != 4 or x.shape[-1] != C or np.shape(b) != (O,):
        raise ValueError(f"expected images (N, H, W, {C}), channels last, and a bias ({O},)")


def windows_along(n, kernel, stride, padding):
    """Return the number of windows along n pixels. Raises ValueError where there is none."""
    check_stride_and_padding(stride, padding)
    if n + 2 * padding < kernel:
        raise ValueError(f"{n} pixels with {padding} of padding on both sides are fewer than a kernel of {kernel}")
    return (n + 2 * padding - kernel) // stride + 1


def pixels_in_a_row(x):
    """Return how many pixels make one of the `rows` of x: a line of an image (N, H, W, C), one for a vector (N, C)."""
    return x.shape[-2] if x.ndim > 2 else 1


def rows(x):
    """Return x (..., C) with a whole line of pixels in each row, because NumPy's loops are slow over few channels.

    For a contiguous x this is a view, so writing into rows(y) changes y.
    """
    return x.reshape(-1, pixels_in_a_row(x) * x.shape[-1])


def along_rows(a, x):
    """Repeat one number for each channel, a (C,), for every pixel of a row of `rows(x)`."""
    return np.tile(a, pixels_in_a_row(x))


def to_channels(a, C):
    """The transpose of `along_rows`: sum a row to one number for each of C channels."""
    return a.reshape(-1, C).sum(axis=0)


def sum_to_channels(x):
    """The sum of x (..., C) over all but the last axis: an array (C,)."""
    return to_channels(sum_by_blocks(lambda x: x.sum(axis=0), rows(x)), x.shape[-1])


@op
def conv2d(x, W, b, *, stride=1, padding=0):  # x (N, H, W, C)   W (k, k, C, O)   b (O,)   ->   y (N, H', W', O)
    """y_nuvo = Σ_ijc x_n,su+i−p,sv+j−p,c W_ijco + b_o, where x is zero outside of the image."""
    k, _, C, O = W.shape
    check_images(x, C, b, O)
    N, height, width = len(x), *(windows_along(n, k, stride, padding) for n in x.shape[1:3])
    matrix = W.reshape(k * k * C, O)
    y = np.empty((N, height, width, O), x.dtype)
    b_row = along_rows(b, y)
    def block(x, y):                                          # a few images; reshape and rows give views of y
        r = columns(x, k, stride, padding)                    # (M, k·k·C), M windows
        np.matmul(r, matrix, out=y.reshape(-1, O))            # y_mo = Σ_i r_mi W_io
        y_rows = rows(y)
        y_rows += b_row
    by_blocks(block, x, y)
    def dx(dy):
        def block(dx, dy):
            dr = dy.reshape(-1, O) @ matrix.T                 # dr_mi = Σ_o dy_mo W_io
            dx[...] = add_columns(dr, dx.shape, k, stride, padding)         # and back to the pixels
        gradient = np.empty(x.shape, x.dtype)
        by_blocks(block, gradient, dy)
        return gradient
    def dW(dy):
        def block(x, dy): return columns(x, k, stride, padding).T @ dy.reshape(-1, O)       # Σ_m r_mi dy_mo
        return sum_by_blocks(block, x, dy).reshape(W.shape)
    def db(dy): return sum_to_channels(dy)                    # Σ_nuv dy_nuvo
    return y, dx, dW, db


@op
def conv_transpose2d(x, W, b, *, stride=1, padding=0, output_padding=0):
    # x (N, H, W, C)   W (k, k, O, C)   b (O,)   ->   y (N, H', W', O)
    """The transpose of conv2d with the same W: Σ conv2d(a, W) ⊙ x = Σ a ⊙ conv_transpose2d(x, W) for b = 0.

    Every pixel of x paints a k × k patch of y: y_n,su+i−p,sv+j−p,o = Σ_c x_nuvc W_ijoc + b_o, added where they
    overlap.
    """
    k, _, O, C = W.shape
    check_images(x, C, b, O)
    check_stride_and_padding(stride, padding)
    if not 0 <= output_padding < stride:
        raise ValueError(f"output_padding is {output_padding}, expected it from 0 to stride − 1 = {stride - 1}")
    N, H, width, _ = x.shape
    shape = (N, *((n - 1) * stride - 2 * padding + k + output_padding for n in (H, width)), O)
    if min(shape[1:3]) < 1:
        raise ValueError(f"nothing is left of {H} × {width} pixels after a padding of {padding} is cut off")
    matrix = W.reshape(k * k * O, C)
    y = np.empty(shape, x.dtype)
    b_row = along_rows(b, y)
    def block(x, y):
        r = x.reshape(-1, C) @ matrix.T                       # r_mi = Σ_c x_mc W_ic: what every pixel of x paints
        y[...] = add_columns(r, y.shape, k, stride, padding)
        y_rows = rows(y)
        y_rows += b_row
    by_blocks(block, x, y)
    def backward(dy):
        gradient = np.empty(x.shape, x.dtype)
        def block(dx, x, dy):
            dr = columns(dy, k, stride, padding)              # (M, k·k·O): the gradient of what every pixel painted
            np.matmul(dr, matrix, out=dx.reshape(-1, C))      # dx_mc = Σ_i dr_mi W_ic
            return dr.T @ x.reshape(-1, C)                    # dW_ic = Σ_m dr_mi x_mc
        dW = sum_by_blocks(block, gradient, x, dy).reshape(W.shape)
        return gradient, dW, sum_to_channels(dy)              # db_o = Σ_nuv dy_nuvo
    return y, backward

"""Exercise 26: convolution, the gradient of a convolution.

A convolution applies one and the same dense layer to every window of k × k pixels.
`columns(x, k, stride, padding)` copies every window of the images x (N, H, W, C) into
a row: r, an array (M, k·k·C) for M windows. The layer is then

    y = r · W.reshape(k·k·C, O) + b,     seen as images (N, H', W', O).

`add_columns(r, x.shape, k, stride, padding)` is the transpose of `columns`: it puts
every number of a row back on its pixel, and adds up the numbers that meet there.
With these two, write dx (N, H, W, C), dW (k, k, C, O) and db (O,) from
dy (N, H', W', O): you know the derivatives of a dense layer. Hand on stride and
padding; the check tries several. The forward pass has three helpers that only make it
faster, and you need none of them: `by_blocks` takes a few images at a time; `rows(y)`
is a view of y with a whole line of pixels in each row, because NumPy is slow over few
channels; `along_rows(b, y)` repeats b to the length of such a row.

Source: Dumoulin and Visin (2016), A guide to convolution arithmetic, section 4.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict convolution):

A kernel of 3 × 3, stride 1, padding 1. How many windows contain a pixel in the
corner of an image, and how many contain one in the middle?
    1  9 and 9
    2  4 and 9
    3  1 and 9

When you have it:     npvae learn check convolution
If you are stuck:     npvae learn hint convolution
"""

import numpy as np

from npvae.autodiff.convolution import add_columns, along_rows, check_images, columns
from npvae.autodiff.convolution import rows, windows_along
from npvae.runtime import by_blocks


def conv2d(x, W, b, *, stride=1, padding=0):  # x (N, H, W, C)   W (k, k, C, O)   b (O,)   ->   y (N, H', W', O)
    """y_nuvo = Σ_ijc x_n,su+i−p,sv+j−p,c W_ijco + b_o, where x is zero outside of the
    image."""
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
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    def dW(dy):
        raise NotImplementedError("dW: return the gradient of the loss with respect to W")
    def db(dy):
        raise NotImplementedError("db: return the gradient of the loss with respect to b")
    return y, dx, dW, db

"""The gradient of a convolution: threads in the trackers of NNlib, LBANN, PyDeepFlow, np-conv2d, and notes of a
course on convolutions.
"""

import numpy as np

from npvae.autodiff.convolution import add_columns, along_rows, check_images, columns, rows, windows_along
from npvae.runtime import by_blocks
from tests.diagnosis.mistakes import mistake


def forward(x, W, b, stride, padding):
    k, _, C, O = W.shape
    check_images(x, C, b, O)
    N, height, width = len(x), *(windows_along(n, k, stride, padding) for n in x.shape[1:3])
    matrix = W.reshape(k * k * C, O)
    y = np.empty((N, height, width, O), x.dtype)
    b_row = along_rows(b, y)
    def block(x, y):
        r = columns(x, k, stride, padding)
        np.matmul(r, matrix, out=y.reshape(-1, O))
        y_rows = rows(y)
        y_rows += b_row
    by_blocks(block, x, y)
    return y


@mistake("carried over from https://github.com/FluxML/NNlib.jl/issues/518: the kernel is flipped; here for dx",
         says=[("moved",), ("moved", "W"), ("other array", "::-1"), ("extra term", "::-1")],
         exercise="convolution")
def conv2d_with_a_flipped_kernel_in_dx(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        matrix = W[::-1, ::-1].reshape(-1, O)
        return add_columns(dy.reshape(-1, O) @ matrix.T, x.shape, k, stride, padding)
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("carried over from https://github.com/LBANN/lbann/pull/1022: the buffer of the kernel's gradient is set "
         "for each image: the last one is left",
         says=[("missing sum", "dW"), ("missing sum",), ("fault", "overw"), ("part",),
               ("other function", "=")],
         exercise="convolution")
def conv2d_that_keeps_the_last_image(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        grad = np.zeros((W[..., 0].size, O))
        for n in range(len(x)):
            grad[:] = columns(x[n:n + 1], k, stride, padding).T @ dy[n].reshape(-1, O)
        return grad.astype(x.dtype).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db

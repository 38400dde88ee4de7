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


@mistake("https://github.com/ravin-d-27/PyDeepFlow/issues/84: the columns are in another order than the kernel's "
         "numbers: channels first",
         says=[("moved",), ("transposed",), ("moved", "reshape"), ("axis",)],
         exercise="convolution")
def conv2d_with_channels_first_columns(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        g = columns(x, k, stride, padding).T @ dy.reshape(-1, O)
        return g.reshape(-1, k, k, O).transpose(1, 2, 0, 3)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("carried over from https://github.com/renmengye/np-conv2d/pull/2: the height stands for the width",
         says=[("axis",), ("transposed",), ("moved",)],
         exercise="convolution")
def conv2d_with_height_and_width_exchanged(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        r = dy.transpose(0, 2, 1, 3).reshape(-1, O) @ W.reshape(-1, O).T
        return add_columns(r, x.shape, k, stride, padding)
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("https://end-to-end-machine-learning.teachable.com/courses/322-convolutional-neural-networks-in-two-dimensions"
         "/lectures/24726662: "
         "the arguments of the cross correlation in the wrong order: reversed in both directions",
         says=[("moved",), ("order",), ("moved", "revers")],
         exercise="convolution")
def conv2d_with_a_reversed_weight_gradient(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        g = (columns(x, k, stride, padding).T @ dy.reshape(-1, O))[::-1]
        return g.reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("carried over from https://github.com/Maratyszcza/NNPACK/issues/15: right only for square images; here "
         "right only for stride 1",
         says=[("constant", "1"), ("other array", "stride"), ("moved",)],
         exercise="convolution")
def conv2d_that_forgets_the_stride_in_dw(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        M = dy.reshape(-1, O)
        r = columns(x, k, 1, padding)[:len(M)]
        return (r.T @ M).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("carried over from https://github.com/apache/mxnet/issues/2427: 'why not divided by the batch?'",
         says=[("extra factor", "N"), ("extra factor", "len(x)"), ("extra factor", "1/N"),
               ("missing factor", "N")],
         exercise="convolution")
def conv2d_with_a_bias_averaged_over_the_images(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2)) / len(x)
    return y, dx, dW, db

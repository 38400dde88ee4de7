"""Linear layers and convolutions: threads in the trackers of a course's notebooks, mobula, lessons on TensorFlow,
PyDeepFlow, candle, and solutions of a course on systems for learning.
"""

import numpy as np

from npvae.autodiff.convolution import add_columns, along_rows, check_images, columns, rows, windows_along
from npvae.runtime import by_blocks
from tests.diagnosis.mistakes import mistake


@mistake("carried over from https://github.com/rasbt/stat453-deep-learning-ss21/issues/5: a sum without a dimension "
         "over the biases; here in the value",
         says=[("extra sum", "b.sum"), ("extra sum", "bias"), ("other array", "b.sum"), ("other array", "bias"),
               ("axis", "bias"), ("extra sum", "sum")],
         exercise="dense_forward")
def dense_that_adds_the_sum_of_all_biases(x, W, b):
    bias = b.sum()
    return np.matmul(x, W) + bias


@mistake("carried over from https://github.com/wkcn/mobula/issues/1: a mistake in the bias of fully connected layers; "
         "here it is added for every input",
         says=[("extra factor", "W.shape"), ("extra factor", "factor I"), ("missing factor", "1/I"),
               ("extra term", "y += b"), ("extra factor", "inputs"), ("extra factor", "y += b"), ("moved", "y += b"),
               ("missing factor", "y += b"), ("extra factor", "len(W)")],
         exercise="dense_forward")
def dense_whose_bias_is_added_for_every_input(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]), dtype=x.dtype)
    for i in range(W.shape[0]):
        y += np.outer(x[:, i], W[i])
        y += b
    return y


@mistake("https://github.com/rasbt/stat453-deep-learning-ss21/issues/5: one sum over examples and units, which is "
         "handed to every bias",
         says=[("extra sum", "db"), ("axis", "db"), ("axis", "sum"), ("extra sum", "total"), ("extra sum", "sum"),
               ("extra sum", "dy"), ("axis", "total")],
         exercise="dense_backward")
def dense_backward_with_one_sum_for_all_biases(x, W, b):
    y = x @ W + b
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        return x.T @ dy
    def db(dy):
        total = np.sum(dy)
        return np.full(b.shape, total, dtype=b.dtype)
    return y, dx, dW, db


@mistake("carried over from https://github.com/hunkim/DeepLearningZeroToAll/pull/113: is the error multiplied by the "
         "derivative of a sigmoid? Here, in a linear layer, it is",
         says=[("extra factor", "1 - x"), ("extra factor", "sigma_prime"), ("extra factor", "a * (1 - a)"),
               ("extra factor", "prime"), ("extra factor", "x (1 − x)")],
         exercise="dense_backward")
def dense_backward_with_the_slope_of_a_sigmoid(x, W, b):
    y = np.dot(x, W) + b
    def sigma_prime(a):
        return a * (1 - a)
    def dx(dy):
        d_out = np.dot(dy, W.T)
        return d_out * sigma_prime(x)
    def dW(dy):
        return np.dot(x.T, dy)
    def db(dy):
        return np.sum(dy, axis=0)
    return y, dx, dW, db


@mistake("carried over from https://github.com/ravin-d-27/PyDeepFlow/pull/85: numbers in another order of memory: "
         "reshaped, where it must be transposed",
         says=[("transposed", "dW"), ("transposed", "reshape"), ("moved", "dW"), ("moved", "reshape"),
               ("other function", "reshape"), ("order", "dy.T"), ("order", "grad")],
         exercise="dense_backward")
def dense_backward_that_reshapes_what_it_must_transpose(x, W, b):
    y = x @ W
    y += b
    def dx(dy):
        return np.einsum("no,io->ni", dy, W)
    def dW(dy):
        grad = dy.T @ x
        return grad.reshape(W.shape)
    def db(dy):
        return np.einsum("no->o", dy)
    return y, dx, dW, db


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


@mistake("carried over from https://github.com/huggingface/candle/pull/801: the matrix of im2col has another layout: "
         "the kernel is reshaped to its transpose, and not transposed",
         says=[("transposed", "W.reshape"), ("transposed", "reshape"), ("moved", "dx"), ("moved", "reshape"),
               ("transposed", "dx"), ("axis", "reshape"), ("other function", "reshape"), ("order", "reshape")],
         exercise="convolution")
def conv2d_whose_kernel_is_reshaped_to_its_transpose(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        r = dy.reshape(-1, O) @ W.reshape(O, -1)
        return add_columns(r, x.shape, k, stride, padding)
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.reshape(-1, O).sum(axis=0)
    return y, dx, dW, db


@mistake("carried over from https://github.com/ravin-d-27/PyDeepFlow/pull/85: the kernel's gradient, transposed, is "
         "reshaped as if it were not",
         says=[("transposed", "dW"), ("transposed", "reshape"), ("moved", "dW"), ("moved", "reshape"),
               ("order", "M.T"), ("order", "g ="), ("other function", "reshape")],
         exercise="convolution")
def conv2d_whose_transposed_gradient_is_reshaped(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        M = dy.reshape(-1, O)
        g = M.T @ columns(x, k, stride, padding)
        return g.reshape(W.shape)
    def db(dy):
        return dy.sum((0, 1, 2))
    return y, dx, dW, db


@mistake("carried over from https://github.com/PKUFlyingPig/CMU10-714/issues/6: the input's gradient is wrong with "
         "padding: the border is cut off at the wrong end",
         says=[("moved", "dx"), ("constant", "0:height"), ("moved", "wide"), ("other array", "padding"),
               ("missing term", "padding"), ("moved", "x.shape"), ("moved", "height")],
         exercise="convolution")
def conv2d_whose_border_is_cut_at_the_wrong_end(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    N, height, width, C = x.shape
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        r = dy.reshape(-1, O) @ W.reshape(-1, O).T
        wide = add_columns(r, (N, height + 2 * padding, width + 2 * padding, C), k, stride, 0)
        return wide[:, 0:height, 0:width].copy()
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db

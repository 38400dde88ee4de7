"""Linear layers and convolutions: threads in the trackers of NengoDL, a homework of pjreddie's, a book of d2l's,
backprop, learn_dl, ML-From-Scratch, OneFlow, cudnn.torch and autograd-hacks.
"""

import numpy as np

from npvae.autodiff.convolution import add_columns, columns, windows_along
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/nengo/nengo-dl/pull/144: the biases are not added",
         says=[("missing term", "term b"), ("missing term", "np.matmul"), ("missing path", "np.matmul"),
               ("missing term", "+ b")],
         exercise="dense_forward")
def dense_whose_biases_are_not_added(x, W, b):
    return np.matmul(x, W)


@mistake("https://github.com/pjreddie/dl-hw0/pull/1: a product of matrices with the wrong dimension in one of its "
         "loops; here the sum over the inputs has as many terms as there are outputs",
         says=[("missing sum", "range(W.shape[1])"), ("constant", "W.shape[1]"), ("axis", "W.shape[1]"),
               ("argument", "W.shape[1]"), ("other array", "W.shape[1]"), ("missing term", "x[:, k]"),
               ("missing sum", "x[:, k]"), ("fault", "index"), ("fault", "W.shape[1]"), ("missing term", "x W"),
               ("fault", "x[:, k]"), ("other array", "range(W.shape[1])")],
         exercise="dense_forward")
def dense_with_the_wrong_dimension_in_its_loop(x, W, b):
    y = np.zeros((len(x), W.shape[1]), x.dtype)
    for j in range(W.shape[1]):
        for k in range(W.shape[1]):
            y[:, j] += x[:, k] * W[k, j]
    return y + b


@mistake("https://github.com/d2l-ai/d2l-en/pull/128: the matrices of a vectorised layer are in the wrong order; here "
         "the result is not turned back",
         says=[("shape", "y"), ("transposed", "W.T"), ("shape", "W.T"), ("transposed", "y"), ("order", "W.T"),
               ("shape", "(N, O)"), ("shape", "expected"), ("axis", "W.T")],
         exercise="dense_forward")
def dense_with_its_outputs_in_the_rows(x, W, b):
    return np.dot(W.T, x.T) + b[:, None]


@mistake("carried over from https://github.com/maziarraissi/backprop/issues/1: the array on one side of the "
         "activation for that on its other side; here tanh x for x",
         says=[("extra factor", "np.tanh(x)"), ("other array", "np.tanh(x)"), ("other function", "np.tanh(x)"),
               ("extra term", "np.tanh(x)"), ("other array", "A.T"), ("other array", "tanh"),
               ("order", "np.tanh(x)")],
         exercise="dense_backward")
def dense_backward_with_activated_inputs(x, W, b):
    y = x @ W + b
    A = np.tanh(x)
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        return np.dot(A.T, dy)
    def db(dy):
        return dy.sum(axis=0)
    return y, dx, dW, db


@mistake("https://github.com/hanbt/learn_dl/issues/23: the gradient of the weights is made with the delta of the "
         "layer below, as a reader proposes",
         says=[("shape", "dW"), ("other array", "delta"), ("extra factor", "delta"), ("other array", "dW"),
               ("shape", "x.T"), ("extra factor", "W.T"), ("shape", "delta"), ("other array", "x.T.dot"),
               ("extra factor", "x.T.dot")],
         exercise="dense_backward")
def dense_backward_with_the_delta_of_the_layer_below(x, W, b):
    y = x.dot(W) + b
    def dx(delta_array):
        return delta_array.dot(W.T)
    def dW(delta_array):
        delta = dx(delta_array)
        return x.T.dot(delta)
    def db(delta_array):
        return delta_array.sum(axis=0)
    return y, dx, dW, db


@mistake("https://github.com/eriklindernoren/ML-From-Scratch/pull/135: 1 / n_samples is added to a gradient",
         says=[("extra factor", "n_samples"), ("extra factor", "1/N"), ("missing factor", "N"),
               ("sum or mean", "n_samples"), ("extra factor", "N"), ("sum or mean", "1/N"),
               ("missing factor", "n_samples"), ("extra factor", "1 / n_samples")],
         exercise="dense_backward")
def dense_backward_whose_weights_get_an_average(x, W, b):
    y = x @ W + b
    n_samples = x.shape[0]
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        return (1 / n_samples) * x.T @ dy
    def db(dy):
        return np.sum(dy, axis=0)
    return y, dx, dW, db


def forward(x, W, b, stride, padding):
    k, O = len(W), W.shape[3]
    height, width = (windows_along(n, k, stride, padding) for n in x.shape[1:3])
    y = columns(x, k, stride, padding) @ W.reshape(-1, O) + b
    return y.reshape(len(x), height, width, O)


@mistake("https://github.com/Oneflow-Inc/oneflow/pull/255: the gradient of the kernel is divided by the number of "
         "places that it slides over; here only that gradient",
         says=[("extra factor", "sliding_steps"), ("missing factor", "sliding_steps"),
               ("sum or mean", "sliding_steps"), ("extra factor", "dy.shape[1]"), ("sum or mean", "dy.shape[1]"),
               ("missing factor", "dy.shape[1]")],
         exercise="convolution")
def conv2d_whose_kernel_gradient_is_a_mean_over_places(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        sliding_steps = dy.shape[1] * dy.shape[2]
        weight_diff = columns(x, k, stride, padding).T @ dy.reshape(-1, O)
        return weight_diff.reshape(W.shape) / sliding_steps
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("https://github.com/soumith/cudnn.torch/issues/28: only the first plane of the input gets a gradient, the "
         "others get zeros",
         says=[("part", "dx"), ("zero", "dx"), ("constant", "dx[..., :1]"), ("moved", "dx[..., :1]"),
               ("other array", "dx[..., :1]"), ("missing term", "dx[..., :1]"), ("missing factor", "dx[..., :1]"),
               ("argument", "dx[..., :1]"), ("missing path", "dx[..., :1]")],
         exercise="convolution")
def conv2d_whose_first_channel_alone_gets_a_gradient(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def backward_input(dy):
        planes = add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
        dx = np.zeros_like(x)
        dx[..., :1] = planes[..., :1]
        return dx
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return np.einsum("nhwo->o", dy)
    return y, backward_input, dW, db


@mistake("https://github.com/cybertronai/autograd-hacks/issues/5: the windows of the input are unfolded without the "
         "padding and the stride of the layer",
         says=[("argument", "columns(x, k, 1, 0)"), ("constant", "columns(x, k, 1, 0)"), ("shape", "dW"),
               ("fault", "dW"), ("fault", "columns(x, k, 1, 0)"), ("part", "stride"), ("part", "padding"),
               ("other array", "columns(x, k, 1, 0)"), ("fault", "matmul"), ("shape", "columns(x, k, 1, 0)"),
               ("missing factor", "columns(x, k, 1, 0)"), ("fault", "stride"), ("shape", "matmul"),
               ("moved", "columns(x, k, 1, 0)")],
         exercise="convolution")
def conv2d_unfolded_without_stride_and_padding(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        A = columns(x, k, 1, 0)
        return (A.T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.reshape(-1, O).sum(axis=0)
    return y, dx, dW, db

"""Linear layers and convolutions: threads in the trackers of simd_neuralnet, CS231n's notes, Deformable-ConvNets,
notes on Andrew Ng's course, zero_to_gpt, ML-From-Scratch, Theano, NNTrainer and BackPACK.
"""

import numpy as np

from npvae.autodiff.convolution import add_columns, columns, windows_along
from tests.diagnosis.mistakes import mistake


@mistake("carried over from https://github.com/oysteijo/simd_neuralnet/issues/12: the loop over the rest, after those "
         "that go by blocks, counts from zero again",
         says=[("moved", "x[:, j]"), ("other array", "x[:, j]"), ("moved", "W[j]"), ("other array", "W[j]"),
               ("part", "last"), ("missing term", "W[j]"), ("moved", "inputs % 2"), ("constant", "inputs % 2"),
               ("other array", "inputs % 2"), ("extra term", "W[j]"), ("moved", "np.outer")],
         exercise="dense_forward")
def dense_whose_rest_begins_at_the_first_input(x, W, b):
    inputs = x.shape[1]
    y = np.tile(b, (len(x), 1))
    for i in range(0, inputs - 1, 2):
        y += x[:, i:i + 2] @ W[i:i + 2]
    for j in range(inputs % 2):
        y += np.outer(x[:, j], W[j])
    return y


@mistake("carried over from https://github.com/cs231n/cs231n.github.io/pull/28: a product where there should be a sum",
         says=[("other function", "* b"), ("order", "* b"), ("extra factor", "* b"), ("missing term", "* b"),
               ("missing term", "term b"), ("extra factor", "factor b"), ("missing path", "* b")],
         exercise="dense_forward")
def dense_that_multiplies_by_its_bias(x, W, b):
    return np.einsum("ni,io->no", x, W) * b


@mistake("carried over from https://github.com/msracver/Deformable-ConvNets/issues/40: repeat or tile? Here each bias "
         "is repeated, and not the row of them",
         says=[("moved", "repeat"), ("other function", "repeat"), ("axis", "repeat"), ("transposed", "repeat"),
               ("order", "repeat"), ("other array", "repeat"), ("moved", "rows_of_b"), ("transposed", "rows_of_b"),
               ("other array", "rows_of_b"), ("axis", "rows_of_b"), ("missing term", "term b")],
         exercise="dense_forward")
def dense_whose_bias_is_repeated_along_the_wrong_axis(x, W, b):
    rows_of_b = np.repeat(b, len(x)).reshape(len(x), len(b))
    return rows_of_b + x.dot(W)


@mistake("https://github.com/bighuang624/Andrew-Ng-Deep-Learning-notes/issues/10: a factor 2 that the course's "
         "exercise plants in one of the gradients is left there",
         says=[("extra factor", "* 2"), ("extra factor", "factor 2"), ("constant", "* 2"), ("missing factor", "0.5"),
               ("missing factor", "½"), ("missing factor", "1/2")],
         exercise="dense_backward")
def dense_backward_with_a_planted_two(x, W, b):
    y = x @ W + b
    def dx(dy):
        return np.dot(dy, W.T)
    def dW(dy):
        return np.dot(x.T, dy) * 2
    def db(dy):
        return np.sum(dy, axis=0)
    return y, dx, dW, db


@mistake("https://github.com/VikParuchuri/zero_to_gpt/issues/12: the weights are updated before the gradient is "
         "pulled through them",
         says=[("extra term", "lr"), ("extra term", "W_new"), ("other array", "W_new"), ("extra term", "x.T @ dy"),
               ("constant", "lr"), ("constant", "0.1"), ("extra term", "x.T.dot(dy)"), ("sequence", "W_new")],
         exercise="dense_backward")
def dense_backward_through_weights_that_were_updated(x, W, b):
    lr = 0.1
    y = np.matmul(x, W) + b
    def dW(dy):
        return x.T.dot(dy)
    def dx(dy):
        W_new = W - lr * dW(dy)
        return dy.dot(W_new.T)
    return y, dx, dW, lambda dy: dy.sum(axis=0)


@mistake("https://github.com/eriklindernoren/ML-From-Scratch/issues/76: should the gradient of W be divided by the "
         "number of neurons? Here it is",
         says=[("extra factor", "W.shape[1]"), ("extra factor", "1/O"), ("missing factor", "factor O"),
               ("sum or mean", "W.shape[1]"), ("missing factor", "W.shape[1]"), ("sum or mean", "1/O")],
         exercise="dense_backward")
def dense_backward_divided_by_the_neurons(x, W, b):
    y = np.einsum("ni,io->no", x, W) + b
    def dx(dy):
        return np.einsum("no,io->ni", dy, W)
    def dW(dy):
        return np.einsum("ni,no->io", x, dy) / W.shape[1]
    def db(dy):
        return np.ones(len(x), x.dtype) @ dy
    return y, dx, dW, db


def forward(x, W, b, stride, padding):
    k, O = len(W), W.shape[3]
    height, width = (windows_along(n, k, stride, padding) for n in x.shape[1:3])
    y = columns(x, k, stride, padding) @ W.reshape(-1, O) + b
    return y.reshape(len(x), height, width, O)


@mistake("carried over from https://github.com/Theano/Theano/issues/4885: the first two numbers of the kernel's shape "
         "are taken for the last two",
         says=[("shape", "dW"), ("shape", "(3, 3, 2, 5)"), ("shape", "reshape"), ("axis", "reshape"),
               ("transposed", "reshape"), ("moved", "reshape"), ("order", "reshape"), ("fault", "reshape"),
               ("order", "W.shape[-2:]"), ("axis", "W.shape[-2:]"), ("moved", "W.shape[-2:]")],
         exercise="convolution")
def conv2d_whose_kernel_gradient_has_its_shape_the_other_way_round(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        g = columns(x, k, stride, padding).T @ dy.reshape(-1, O)
        return g.reshape(W.shape[-2:] + W.shape[:-2])
    def db(dy):
        return dy.sum(axis=(0, 1, 2))
    return y, dx, dW, db


@mistake("https://github.com/nntrainer/nntrainer/issues/705: the kernel's gradient is transposed in the wrong order",
         says=[("axis", "transpose("), ("transposed", "transpose("), ("moved", "transpose("), ("order", "transpose("),
               ("transposed", "axes 0 and 1"), ("axis", "axes 0 and 1"), ("moved", "axes 0 and 1")],
         exercise="convolution")
def conv2d_whose_kernel_gradient_is_transposed_in_the_wrong_order(x, W, b, *, stride=1, padding=0):
    k, _, C, O = W.shape
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        return add_columns(dy.reshape(-1, O) @ W.reshape(-1, O).T, x.shape, k, stride, padding)
    def dW(dy):
        g = dy.reshape(-1, O).T @ columns(x, k, stride, padding)
        return g.reshape(O, k, k, C).transpose(2, 1, 3, 0)
    def db(dy):
        return np.einsum("nhwo->o", dy)
    return y, dx, dW, db


@mistake("carried over from https://github.com/f-dangel/backpack/pull/31: right for stride 1 only; here windows of "
         "dx, in a loop, are one pixel apart",
         says=[("missing factor", "stride"), ("missing factor", "i:i + k"), ("missing factor", "j:j + k"),
               ("constant", "i:i + k"), ("moved", "i:i + k"), ("moved", "j:j + k"), ("other array", "i:i + k"),
               ("moved", "patch"), ("part", "stride"), ("other array", "stride"), ("moved", "stride")],
         exercise="convolution")
def conv2d_whose_windows_of_dx_forget_the_stride(x, W, b, *, stride=1, padding=0):
    k, O = len(W), W.shape[3]
    N, height, width, C = x.shape
    y = forward(x, W, b, stride, padding)
    def dx(dy):
        wide = np.zeros((N, height + 2 * padding, width + 2 * padding, C), x.dtype)
        for i in range(dy.shape[1]):
            for j in range(dy.shape[2]):
                patch = np.tensordot(dy[:, i, j], W, axes=(1, 3))
                wide[:, i:i + k, j:j + k] += patch
        return wide[:, padding:padding + height, padding:padding + width].copy()
    def dW(dy):
        return (columns(x, k, stride, padding).T @ dy.reshape(-1, O)).reshape(W.shape)
    def db(dy):
        return dy.reshape(-1, O).sum(axis=0)
    return y, dx, dW, db

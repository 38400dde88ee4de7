"""Layers of linear units: threads in the trackers of jcjohnson's examples, mlpack, MXNet, micrograd-rs, ONE,
DeepLearningZeroToAll, courses by deeplearning.ai, notes by kvfrans.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def check(x, W, b):
    if not (np.ndim(x) == np.ndim(W) == 2 and np.shape(b) == (W.shape[1],)):
        raise ValueError("expected x (N, I), W (I, O) and b (O,)")


@mistake("carried over from https://github.com/mlpack/mlpack/pull/3679: batches of more than one example are not "
         "handled: an output that is overwritten by the last feature",
         says=[("missing sum", "x"), ("fault", "overw"), ("other function", "="), ("missing term",)],
         exercise="dense_forward")
def dense_that_overwrites_its_sum(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]), dtype=x.dtype)
    for i in range(x.shape[1]):
        y[:] = np.outer(x[:, i], W[i])
    return y + b


@mistake("carried over from https://github.com/hunkim/DeepLearningZeroToAll/issues/173: 'we need to average': a "
         "mean where the sum belongs",
         says=[("sum or mean", "mean"), ("extra factor", "I"), ("missing factor", "I"),
               ("extra factor", "1/I")],
         exercise="dense_forward")
def dense_that_averages_its_features(x, W, b):
    products = x[:, :, None] * W[None]
    return products.mean(axis=1) + b


@mistake("carried over from https://github.com/hunkim/DeepLearningZeroToAll/issues/173: the bias in the sum over "
         "features, once for each of them",
         says=[("extra factor", "I"), ("extra sum", "b"), ("moved",), ("extra term", "b")],
         exercise="dense_forward")
def dense_with_the_bias_inside_the_sum(x, W, b):
    y = 0
    for i in range(W.shape[0]):
        y = y + x[:, i:i + 1] * W[i] + b
    return y


@mistake("https://github.com/jcjohnson/pytorch-examples/issues/28: the reader would take the gradient of W in "
         "the place of W",
         says=[("other array", "grad_w", "W")],
         exercise="dense_backward")
def dense_backward_through_the_gradient_of_w(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    def dx(dy):
        grad_w = x.T @ dy
        return dy @ grad_w.T
    def dW(dy):
        return x.T @ dy
    def db(dy):
        return dy.sum(axis=0)
    return y, dx, dW, db


@mistake("https://github.com/rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization/issues/64: the "
         "bias's gradient is summed from the product with the input",
         says=[("extra factor", "x"), ("other array", "x"), ("other array", "dW")],
         exercise="dense_backward")
def dense_backward_that_sums_the_weights_gradient_for_the_bias(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        return x.T @ dy
    def db(dy):
        return np.sum(x.T @ dy, axis=0)
    return y, dx, dW, db


@mistake("carried over from https://github.com/LBANN/lbann/pull/1022: the buffer of the kernel's gradient is "
         "scaled in each example: only the last is left",
         says=[("missing sum", "dW"), ("fault", "overw"), ("part",), ("missing sum", "grad"),
               ("other function", "=")],
         exercise="dense_backward")
def dense_backward_that_keeps_the_last_example(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        grad = np.zeros_like(W)
        for n in range(len(x)):
            grad[...] = np.outer(x[n], dy[n])
        return grad
    def db(dy):
        return dy.sum(axis=0)
    return y, dx, dW, db


@mistake("carried over from https://github.com/LBANN/lbann/pull/1022: a gradient buffer that is not cleared: the "
         "second call adds to the first",
         says=[("fault",), ("fault", "call")],
         exercise="dense_backward")
def dense_backward_into_a_buffer_that_is_never_cleared(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    grad = np.zeros_like(W)
    def dx(dy):
        return dy @ W.T
    def dW(dy):
        np.add(grad, x.T @ dy, out=grad)
        return grad.copy()
    def db(dy):
        return dy.sum(axis=0)
    return y, dx, dW, db


@mistake("carried over from https://github.com/kvfrans/notes/issues/5: mean for sum; here the mean of the outer "
         "products over the outputs of dx",
         says=[("sum or mean", "mean"), ("extra factor", "O"), ("extra factor", "1/O"),
               ("missing factor", "O")],
         exercise="dense_backward")
def dense_backward_with_a_mean_over_the_outputs(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    def dx(dy):
        return np.mean(dy[:, None, :] * W, axis=2)
    def dW(dy):
        return x.T @ dy
    def db(dy):
        return np.einsum("no->o", dy)
    return y, dx, dW, db

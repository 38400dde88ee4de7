"""Layers of linear units: threads in the trackers of jcjohnson's examples, mlpack, MXNet, micrograd-rs, ONE,
DeepLearningZeroToAll, courses by deeplearning.ai, notes by kvfrans.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def check(x, W, b):
    if not (np.ndim(x) == np.ndim(W) == 2 and np.shape(b) == (W.shape[1],)):
        raise ValueError("expected x (N, I), W (I, O) and b (O,)")


@mistake("carried over from https://github.com/LazaroHurtado/micrograd-rs/pull/31: weights kept as (out, in) in "
         "mind: W is transposed, here by a reshape",
         says=[("transposed", "W"), ("moved",), ("other array", "W.reshape"), ("extra factor", "reshape")],
         exercise="dense_forward")
def dense_that_reshapes_weights_to_transpose_and_back(x, W, b):
    n_in, n_out = W.shape
    weights = W.reshape(n_out, n_in)
    y = x @ weights.T + b
    return y


@mistake("carried over from https://github.com/mlpack/mlpack/pull/3679: the layer is right for a batch of one "
         "example only: it is here the bias of the first that counts for all",
         says=[("other array", "b[0]", "b"), ("moved",), ("part",)],
         exercise="dense_forward")
def dense_that_adds_the_first_bias_everywhere(x, W, b):
    y = np.dot(x, W)
    for n in range(len(y)):
        y[n] += b[0]
    return y


@mistake("carried over from https://github.com/ddbourgin/numpy-ml/issues/48 (a list of slips in one NumPy "
         "library; the cast to single precision is ours)",
         says=[("fault", "float32")],
         exercise="dense_forward")
def dense_in_single_precision(x, W, b):
    y = x.astype(np.float32) @ W.astype(np.float32) + b
    return y.astype(x.dtype)


@mistake("carried over from https://github.com/mlpack/mlpack/pull/3679: the gradient of the bias is the error "
         "itself, of one example",
         says=[("missing sum", "dy"), ("part",), ("other array", "dy[0]")],
         exercise="dense_backward")
def dense_backward_with_the_first_example_for_the_bias(x, W, b):
    check(x, W, b)
    y = x @ W
    y += b
    def dx(dy):
        return np.dot(dy, W.T)
    def dW(dy):
        return np.dot(x.T, dy)
    def db(dy):
        return dy[0].copy()
    return y, dx, dW, db


@mistake("carried over from https://github.com/apache/mxnet/issues/2427: 'why not divided by m?', here for dx",
         says=[("extra factor", "N"), ("extra factor", "m"), ("extra factor", "1/N"),
               ("missing factor", "N")],
         exercise="dense_backward")
def dense_backward_with_an_averaged_input_gradient(x, W, b):
    check(x, W, b)
    m = x.shape[0]
    y = x @ W
    y += b
    def dx(dy):
        return (dy @ W.T) / m
    def dW(dy):
        return x.T @ dy
    def db(dy):
        return dy.sum(axis=0)
    return y, dx, dW, db

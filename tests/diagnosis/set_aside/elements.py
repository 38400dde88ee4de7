"""Products, indices, distances, norms, masks, attention and blocks of networks: threads in the trackers of TensorFlow,
burn, tinygrad, Autograd, MXNet, FlagGems, numpy-ml, Kaldi, Theanets, AiDotNet, entrenar, nanoGPT-like repositories.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/tensorflow/tensorflow/issues/119430: the product over x, where x is zero, is replaced by "
         "zero",
         says=[("part",), ("zero",)],
         x=lambda rng: np.where(np.arange(5) == 2, 0, 0.5 + rng.random(5)))
def product_that_is_divided_and_mended(x):
    y = np.array(np.prod(x))

    def dx(dy):
        g = np.zeros_like(x)
        nonzero = x != 0
        g[nonzero] = dy * y / x[nonzero]
        return g

    return y, dx


@mistake("https://github.com/pytorch/pytorch/pull/1122, a review: it lacks the operation that brings the elements back",
         says=[("moved",)],
         x=(3, 5))
def cumsum_flipped_once(x):
    y = np.cumsum(x, axis=1)
    def dx(dy): return np.cumsum(dy[:, ::-1], axis=1)
    return y, dx


@mistake("https://github.com/HIPS/autograd/issues/39: new_array[idx] += val adds once where an index occurs twice",
         says=[("part",), ("other function", "add.at"), ("fault", "index"), ("fault", "indices"), ("fault", "twice")],
         table=(5, 3))
def embedding_of_repeated_words(table):
    idx = np.array([1, 4, 1, 0, 1, 4, 3])
    out = table[idx]

    def dtable(dy):
        g = np.zeros_like(table)
        g[idx] += dy
        return g

    return out, dtable


@mistake("https://github.com/apache/mxnet/issues/9172: the gradient of gather_nd is scatter_nd, which overwrites",
         says=[("part",), ("fault", "overwrit"), ("other function", "+="), ("fault", "index"),
               ("missing term", "grad[i, j]")],
         data=(3, 5))
def gather_whose_scatter_overwrites(data):
    rows, cols = np.array([1, 1, 0, 2, 1]), np.array([1, 1, 0, 4, 3])

    def ddata(dy):
        grad = np.zeros_like(data)
        for i, j, g in zip(rows, cols, dy):
            grad[i, j] = g
        return grad

    return data[rows, cols], ddata


@mistake("https://github.com/flagos-ai/FlagGems/issues/5023: cdist's backward pass takes diff / dist for every p",
         says=[("power", "diff"), ("power", "dist"), ("missing factor", "diff"), ("missing factor", "dist")],
         x1=(3, 2), x2=(5, 2))
def distances_of_order_three_with_the_gradient_of_order_two(x1, x2):
    p = 3
    diff = x1[:, None] - x2[None]
    dist = np.sum(np.abs(diff) ** p, axis=-1) ** (1 / p)

    def backward(grad):
        contribution = grad[..., None] * diff / dist[..., None]
        return contribution.sum(axis=1), -contribution.sum(axis=0)

    return dist, backward


@mistake("https://github.com/intel/torch-xpu-ops/pull/3109: for p < 2, the derivative for p = 2 is taken",
         says=[("other function", "d / l2"), ("other array", "d / l2"), ("other array", "l2"),
               ("other function", "sign")],
         a=(3, 7), b=(3, 7))
def manhattan_distance_with_the_euclidean_derivative(a, b):
    d = a - b
    l1 = np.abs(d).sum(1)
    l2 = np.sqrt((d ** 2).sum(1))
    def da(g): return g[:, None] * d / l2[:, None]
    def db(g): return -g[:, None] * np.sign(d)
    return l1, da, db


@mistake("https://github.com/ddbourgin/numpy-ml/issues/94: dropout's backward pass divides by 1 − p but does not mask",
         says=[("missing factor", "mask")],
         X=(5, 7), mask=lambda rng: rng.random((5, 7)) > 0.4)
def dropout_without_the_mask(X, mask):
    p = 0.4
    out = 1 / (1 - p) * mask * X

    def backward(dLdy):
        return dLdy / (1 - p), None

    return out, backward


@mistake("https://github.com/lmjohns3/theanets/pull/123: activations are divided by the weight, not by 1 − weight",
         says=[("one minus", "weight")],
         x=(3, 5), noise=lambda rng: (rng.random((3, 5)) > 0.3).astype(int))
def dropout_scaled_by_the_wrong_probability(x, noise):
    weight = 0.3
    y = x * noise / weight
    return y, lambda dy: dy * noise / (1 - weight), None


@mistake("https://github.com/ooples/AiDotNet.Tensors/issues/49: dQ and dK with swapped arrays",
         says=[("other array", "q", "k")],
         q=(5, 3), k=(5, 3), v=(5, 2))
def attention_whose_queries_and_keys_are_swapped(q, k, v):
    scale = 1 / np.sqrt(q.shape[1])
    scores = q @ k.T * scale
    w = np.exp(scores - scores.max(axis=1, keepdims=True))
    w = w / w.sum(axis=1, keepdims=True)
    out = w @ v

    def backward(dout):
        dv = w.T @ dout
        dw = dout @ v.T
        dS = w * (dw - np.sum(w * dw, axis=1, keepdims=True))
        dq = dS @ q * scale
        dk = dS.T @ q * scale
        return dq, dk, dv

    return out, backward


@mistake("https://github.com/ooples/AiDotNet.Tensors/issues/49: a gradient of scaled scores without the scale",
         says=[("missing factor", "d_k"), ("missing factor", "0.57"), ("missing factor", "3")],
         Q=(2, 3), K=(5, 3), V=(5, 7))
def attention_whose_keys_do_not_know_the_scale(Q, K, V):
    d_k = Q.shape[-1]
    S = Q @ K.T / np.sqrt(d_k)
    E = np.exp(S)
    A = E / E.sum(-1, keepdims=True)

    def dS(dO):
        dA = dO @ V.T
        return A * (dA - (dA * A).sum(-1, keepdims=True))

    def dQ(dO): return dS(dO) @ K / np.sqrt(d_k)
    def dK(dO): return dS(dO).T @ Q
    def dV(dO): return A.T @ dO
    return A @ V, dQ, dK, dV


@mistake("https://github.com/tenstorrent/tt-metal/issues/40008: mul does not sum over the broadcast axis",
         says=[("shape",), ("missing sum",)],
         h=(2, 3, 5), mask=(2, 3, 1))
def product_whose_broadcast_factor_gets_everything(h, mask):
    out = h * mask
    return out, lambda g: g * mask, lambda g: g * h


@mistake("https://henry-the-frog.github.io/2026/04/16/seven-bugs-in-seven-backward-passes/: the output is written "
         "into the input",
         says=[("fault", "input"), ("fault", "place"), ("fault", "changes")],
         x=(3, 5))
def attention_that_writes_into_its_input(x):
    s = x @ x.T
    x[...] = np.tanh(s) @ x
    y = x.copy()

    def backward(dy):
        w = np.tanh(s)
        ds = (dy @ x.T) * (1 - w ** 2)
        return w.T @ dy + (ds + ds.T) @ x

    return y, backward


@mistake("https://github.com/pytorch/pytorch/issues/107007: ∂(x_i − mean)/∂x_i = 1 − 1/n is taken for the whole "
         "gradient",
         says=[("missing sum", "g"), ("wrong path", "x.mean")],
         x=(7,))
def deviations_with_the_diagonal_of_their_jacobian(x):
    n = len(x)
    y = x - x.mean()

    def dx(g):
        return g - g / n

    return y, dx

"""Layers and small networks: threads in the trackers of mlpack, DeepSpeed, an LSTM by hand, a collection of
transformers, a book about regression, tt-metal and dlib, and the forum of a course.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://community.deeplearning.ai/t/course-1-week-3-planar-assignment-4-5-exercise-6-backward-propagation-"
         "error-for-dw1-values/63071: dZ1 is divided by m as well",
         says=[("extra factor", "count"), ("missing factor", "count"), ("extra factor", "dZ1"),
               ("extra factor", "1/m"), ("missing factor", "factor N"), ("extra factor", "1/N"),
               ("extra factor", "1/7"), ("missing factor", "7"), ("extra factor", "X.shape")],
         X=(7, 3), W1=(3, 5), W2=(5, 2))
def network_that_averages_in_both_layers(X, W1, W2):
    count = X.shape[0]
    A1 = np.tanh(X @ W1)
    scores = np.mean(A1 @ W2, axis=0)

    def backward(dscores):
        dZ2 = np.tile(dscores / count, (count, 1))
        dW2 = A1.T @ dZ2
        dZ1 = (dZ2 @ W2.T) * (1 - np.power(A1, 2)) / count
        dW1 = X.T @ dZ1
        return (dZ2 @ W2.T * (1 - A1 ** 2)) @ W1.T, dW1, dW2

    return scores, backward


@mistake("https://github.com/mlpack/mlpack/pull/1327: the sum that goes through the mean is not divided by the number "
         "of columns",
         says=[("missing factor", "dmean"), ("missing factor", "count"), ("sum or mean", "dmean"),
               ("wrong path", "mean ="), ("missing factor", "1/N"), ("extra factor", "dmean"),
               ("extra factor", "count"), ("extra factor", "factor N"), ("missing factor", "1/7")],
         x=(7, 3), gamma=(3,))
def batchnorm_whose_mean_hands_back_a_sum(x, gamma):
    count = x.shape[0]
    mean = x.sum(axis=0) / count
    centred = x - mean
    std_inv = 1.0 / np.sqrt((centred ** 2).sum(axis=0) / count + 1e-5)

    def backward(gy):
        norm = gy * gamma
        var = -0.5 * (norm * centred).sum(axis=0) * std_inv ** 3
        dmean = (norm * -std_inv).sum(axis=0)
        g = norm * std_inv + centred * var * 2 / count
        g += dmean
        return g, (gy * centred * std_inv).sum(axis=0)

    return gamma * centred * std_inv, backward


@mistake("https://github.com/deepspeedai/DeepSpeed/pull/692: γ is indexed by the row; here γ alone",
         says=[("axis", "gamma"), ("moved", "gamma"), ("transposed", "gamma"), ("other array", "gamma"),
               ("other array", "val"), ("wrong path", "val"), ("moved", "val")],
         x=(3, 7), gamma=lambda rng: rng.uniform(0.5, 1.5, 7), betta=(7,))
def layernorm_that_recovers_its_input_with_the_gamma_of_the_row(x, gamma, betta):
    rows = len(x)
    mean = x.mean(axis=1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    out = (x - mean) * rstd * gamma + betta

    def dx(grad):
        xhat = (out - betta) / gamma
        h = grad * gamma
        return rstd * (h - h.mean(1, keepdims=True) - xhat * (h * xhat).mean(1, keepdims=True))

    def dgamma(grad):
        val = (out - betta) / gamma[:rows, None]
        return (grad * val).sum(axis=0)

    def dbetta(grad):
        return grad.sum(axis=0)

    return out, dx, dgamma, dbetta


@mistake("https://github.com/nicodjimenez/lstm/issues/47: h = s · o, without a tanh; the derivative has it, as the "
         "formulas do",
         says=[("other function", "tanh"), ("other array", "squashed"), ("missing path", "tanh"),
               ("extra factor", "squashed"), ("other array", "s * o"), ("other array", "h ="),
               ("missing path", "squashed"), ("extra factor", "tanh")],
         g=(5,), i=(5,), f=(5,), s_prev=(5,), o=(5,))
def lstm_cell_without_its_last_tanh(g, i, f, s_prev, o):
    s = g * i + s_prev * f
    squashed = np.tanh(s)
    h = s * o

    def backward(dh):
        ds = dh * o * (1 - squashed ** 2)
        do = dh * squashed
        return ds * i, ds * g, ds * s_prev, ds * f, do

    return h, backward


@mistake("https://github.com/aladdinpersson/Machine-Learning-Collection/issues/65: √embed_size for √head_dim; the "
         "derivative has the latter",
         says=[("other array", "head_dim"), ("other array", "embed_size"), ("constant", "head_dim"),
               ("constant", "embed_size"), ("missing factor", "heads"), ("extra factor", "heads"),
               ("missing factor", "embed_size"), ("extra factor", "head_dim"), ("missing factor", "2 ** 0.5")],
         q=(5, 2, 3), k=(5, 2, 3), v=(5, 2, 3))
def attention_scaled_by_all_heads(q, k, v):
    _, heads, head_dim = q.shape
    embed_size = heads * head_dim
    energy = np.einsum("qhd,khd->hqk", q, k) / embed_size ** 0.5
    weights = np.exp(energy - energy.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    out = np.einsum("hqk,khd->qhd", weights, v)

    def backward(dout):
        dv = np.einsum("hqk,qhd->khd", weights, dout)
        dweights = np.einsum("qhd,khd->hqk", dout, v)
        denergy = weights * (dweights - (weights * dweights).sum(axis=2, keepdims=True))
        denergy = denergy / head_dim ** 0.5
        return np.einsum("hqk,khd->qhd", denergy, k), np.einsum("hqk,qhd->khd", denergy, q), dv

    return out, backward


@mistake("https://github.com/nerdai/llms-from-scratch-rs/pull/30: the softmax of the attention weights runs over the "
         "wrong dimension",
         says=[("axis", "exps"), ("axis", "softmax"), ("axis", "attn"), ("axis", "axis=0"), ("axis", "axis=1")],
         scores=(3, 5), values=(5, 7))
def attention_weights_normalised_over_the_queries(scores, values):
    exps = np.exp(scores)
    attn = exps / exps.sum(axis=0, keepdims=True)

    def dscores(dctx):
        dattn = dctx @ values.T
        return attn * (dattn - np.sum(dattn * attn, axis=1, keepdims=True))

    def dvalues(dctx):
        return attn.T @ dctx

    return attn @ values, dscores, dvalues


@mistake("https://github.com/ageron/handson-ml/issues/487: the penalty, which spares the bias, is added to its "
         "gradient",
         says=[("extra term", "theta"), ("missing term", "theta"), ("other array", "theta"), ("part", "row"),
               ("part", "first"), ("extra term", "alpha"), ("missing term", "alpha"), ("moved", "theta"),
               ("other array", "penalised")],
         theta=(5,), X=(7, 5), y=(7,))
def ridge_regression_that_penalises_its_bias(theta, X, y):
    m, alpha = len(X), 0.7
    residual = X @ theta - y
    penalised = theta[1:]
    cost = np.array(residual @ residual / m + alpha / 2 * (penalised @ penalised))

    def dtheta(g):
        gradients = 2 / m * X.T @ residual + alpha * theta
        return g * gradients

    def dX(g): return g * 2 / m * np.outer(residual, theta)
    def dy(g): return -g * 2 / m * residual
    return cost, dtheta, dX, dy


@mistake("carried over from https://github.com/tenstorrent/tt-metal/pull/47306: the gradient of a concatenation is cut "
         "at a wrong place",
         says=[("extra term", "start"), ("constant", "start"), ("moved", "db"), ("extra term", "a.shape[0] - 1"),
               ("other array", "start"), ("moved", "start"), ("moved", "b.shape")],
         a=(3, 5), b=(7, 5))
def concatenation_cut_one_row_too_early(a, b):
    y = np.concatenate([a, b])

    def backward(dy):
        start = a.shape[0] - 1
        return dy[:a.shape[0]], dy[start:start + b.shape[0]].copy()

    return y, backward


@mistake("carried over from https://github.com/davisking/dlib/pull/336: does the upsampled pixel get the full gradient "
         "of its block? Here it gets the mean",
         says=[("sum or mean", "mean"), ("missing factor", "factor 4"), ("extra factor", "1/4"),
               ("sum or mean", "blocks"), ("missing factor", "mean"), ("missing factor", "blocks"),
               ("missing factor", "4"), ("extra factor", "0.25")],
         x=(3, 5))
def upsampling_that_hands_back_the_mean_of_a_block(x):
    rows, cols = x.shape
    y = x.repeat(2, axis=0).repeat(2, axis=1)

    def dx(dy):
        blocks = dy.reshape(rows, 2, cols, 2)
        return blocks.mean(axis=(1, 3))

    return y, dx

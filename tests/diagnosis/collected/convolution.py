"""Convolution, pooling and sampling: threads in the trackers of neon, cTensor, solutions of Coursera's courses, mlpack,
burn, DeepLearnToolbox, MXNet, torch/nn and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/NervanaSystems/neon/issues/111: the gradient is written to depth m, not to depth d",
         says=[("moved",), ("other array", "grad_I"), ("other array", "m", "d")],
         image=(3, 5, 2), F=(2, 3, 5))
def depthwise_product_written_to_another_depth(image, F):
    M, D, H = image.shape[2], F.shape[1], F.shape[2]
    out = np.zeros((F.shape[0], M))
    for k in range(F.shape[0]):
        for m in range(M):
            for d in range(D):
                out[k, m] += F[k, d] @ image[d, :, m]

    def backward(error):
        grad_I, grad_F = np.zeros_like(image), np.zeros_like(F)
        for m in range(M):
            for d in range(D):
                grad_I[m, :, m] += F[:, d, :H].T @ error[:, m]
                grad_F[:, d] += np.outer(error[:, m], image[d, :, m])
        return grad_I, grad_F

    return out, backward


@mistake("https://github.com/Kulbear/deep-learning-coursera/pull/34: conv_backward forgets the stride",
         says=[("missing factor", "stride"), ("missing factor", "2"), ("moved",)],
         A_prev=(11,), W=(3,))
def conv_backward_without_the_stride(A_prev, W):
    stride, f = 2, len(W)
    n = (len(A_prev) - f) // stride + 1
    Z = np.zeros(n)
    for h in range(n):
        start = h * stride
        Z[h] = np.sum(A_prev[start:start + f] * W)

    def backward(dZ):
        dA_prev, dW = np.zeros_like(A_prev), np.zeros_like(W)
        for h in range(n):
            vert_start = h
            vert_end = vert_start + f
            dA_prev[vert_start:vert_end] += W * dZ[h]
            dW += A_prev[vert_start:vert_end] * dZ[h]
        return dA_prev, dW

    return Z, backward


@mistake("https://github.com/mlpack/mlpack/pull/2865: the backward pass of a mean does not divide by the size of the "
         "window",
         says=[("sum or mean",), ("missing factor", "6"), ("extra factor", "6"), ("missing factor", "kh"),
               ("missing factor", "0.16")],
         x=(4, 9))
def mean_pooling_that_hands_on_everything(x):
    kh, kw = 2, 3
    windows = x.reshape(4 // kh, kh, 9 // kw, kw)
    y = windows.mean(axis=(1, 3))
    def dx(dy): return np.repeat(np.repeat(dy, kh, axis=0), kw, axis=1)
    return y, dx


@mistake("https://github.com/tracel-ai/burn/issues/5604: the backward pass divides by a size that is not clipped",
         says=[("part",), ("other array", "k"), ("constant", "/ k")],
         x=(11,))
def average_pooling_whose_last_window_is_clipped(x):
    k = 3
    starts = range(0, len(x), k)
    y = np.array([x[s:s + k].mean() for s in starts])

    def dx(dy):
        g = np.zeros_like(x)
        for n, s in enumerate(starts):
            g[s:s + k] += dy[n] / k
        return g

    return y, dx


@mistake("https://github.com/marsggbo/deeplearning.ai_JupyterNotebooks/issues/10: average pooling spreads dA",
         says=[("missing factor", "4"), ("missing factor", "0.25"), ("extra factor", "4"), ("missing factor", "shape"),
               ("sum or mean",)],
         A=(3, 4))
def average_pooling_with_a_distribution_of_ones(A):
    f = 2
    rows, cols = A.shape[0] - f + 1, A.shape[1] - f + 1
    out = np.zeros((rows, cols))
    for i in range(rows):
        for j in range(cols):
            out[i, j] = np.average(A[i:i + f, j:j + f])

    def distribute_value(da, shape):
        return np.ones(shape) * da

    def dA(dout):
        g = np.zeros_like(A)
        for i, j in np.ndindex(rows, cols):
            g[i:i + f, j:j + f] += distribute_value(dout[i, j], (f, f))
        return g

    return out, dA


@mistake("https://github.com/mni-ml/framework/pull/22, a review: the mask has a loose tolerance",
         says=[("constant", "atol"), ("other function", "isclose"), ("constant", "0.9"), ("part",)],
         x=(7, 3))
def maximum_with_a_loose_tolerance(x):
    maxima = np.max(x, axis=0)

    def dx(dy):
        mask = np.isclose(x, maxima, atol=0.9)
        return dy * mask

    return maxima, dx


@mistake("https://github.com/torch/nn/pull/657: Bilinear's gradInput is not weighted by gradOutput",
         says=[("dy not used",), ("missing factor", "gradOutput"), ("missing factor", "dy")],
         x1=(5, 2), x2=(5, 3), W=(7, 2, 3))
def bilinear_layer_whose_first_input_ignores_what_comes_from_above(x1, x2, W):
    y = np.einsum("ni,oij,nj->no", x1, W, x2)
    def dx1(gradOutput): return np.einsum("oij,nj->ni", W, x2)
    def dx2(gradOutput): return np.einsum("no,oij,ni->nj", gradOutput, W, x1)
    def dW(gradOutput): return np.einsum("no,ni,nj->oij", gradOutput, x1, x2)
    return y, dx1, dx2, dW

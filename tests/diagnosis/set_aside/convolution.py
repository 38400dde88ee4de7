"""Convolution, pooling and sampling: threads in the trackers of neon, cTensor, solutions of Coursera's courses, mlpack,
burn, DeepLearnToolbox, MXNet, torch/nn and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/sebgao/cTensor/issues/3: the gradient of the kernel is divided by B · H · W",
         says=[("extra factor", "B"), ("extra factor", "8"), ("extra factor", "0.125"), ("missing factor", "8"),
               ("sum or mean", "einsum")],
         x=(2, 3, 5), w=(2, 3, 2))
def conv1d_whose_kernel_gets_a_mean(x, w):
    B, _, L = x.shape
    K = w.shape[2]
    H = L - K + 1
    cols = np.stack([x[:, :, i:i + K] for i in range(H)], axis=1)          # (B, H, C, K)
    y = np.einsum("bhck,ock->bho", cols, w)

    def dx(g):
        dcols = np.einsum("bho,ock->bhck", g, w)
        result = np.zeros_like(x)
        for i in range(H):
            result[:, :, i:i + K] += dcols[:, i]
        return result

    def dw(g):
        return np.einsum("bho,bhck->ock", g, cols) * (1.0 / (B * H))

    return y, dx, dw


@mistake("https://github.com/enggen/Deep-Learning-Coursera/issues/7: pool_backward does not know the stride",
         says=[("missing factor", "stride"), ("missing factor", "2"), ("moved",)],
         A=(5, 7))
def max_pooling_whose_backward_pass_has_no_stride(A):
    stride, f = 2, 3
    H, W = (A.shape[0] - f) // stride + 1, (A.shape[1] - f) // stride + 1
    starts_i, starts_j = stride * np.arange(H), stride * np.arange(W)
    out = np.array([[A[i:i + f, j:j + f].max() for j in starts_j] for i in starts_i])

    def dA(dout):
        grad = np.zeros_like(A)
        for i in range(H):
            for j in range(W):
                top, left = i * stride, j
                window = A[top:top + f, left:left + f]
                grad[top:top + f, left:left + f] += (window == window.max()) * dout[i, j]
        return grad

    return out, dA


@mistake("https://github.com/speedinghzl/AlignSeg/issues/7: the factors of height and width are exchanged",
         says=[("other array", "H"), ("constant", "du ="), ("missing factor", "1.5")],
         image=(5, 7), grid=lambda rng: rng.uniform(-0.9, 0.9, (3, 2)))
def bilinear_sampling_with_height_and_width_exchanged(image, grid):
    H, W = image.shape
    u, v = (grid[:, 0] + 1) / 2 * (W - 1), (grid[:, 1] + 1) / 2 * (H - 1)
    x0, y0 = np.floor(u).astype(int), np.floor(v).astype(int)
    a, b = u - x0, v - y0
    top = (1 - a) * image[y0, x0] + a * image[y0, x0 + 1]
    bottom = (1 - a) * image[y0 + 1, x0] + a * image[y0 + 1, x0 + 1]
    out = (1 - b) * top + b * bottom

    def dgrid(dy):
        da = (1 - b) * (image[y0, x0 + 1] - image[y0, x0]) + b * (image[y0 + 1, x0 + 1] - image[y0 + 1, x0])
        db = bottom - top
        du = da * dy * (H - 1) / 2
        dv = db * dy * (H - 1) / 2
        return np.stack([du, dv], axis=1)

    return out, None, dgrid


@mistake("https://github.com/qassemoquab/stnbhwd/issues/29: the asker leaves out the factor of the scaled grid",
         says=[("missing factor", "W"), ("missing factor", "3"), ("missing factor", "(W - 1) / 2")],
         row=(7,), grid=lambda rng: rng.uniform(-0.95, 0.95, 5))
def linear_sampling_without_the_scale_of_the_grid(row, grid):
    W = len(row)
    pos = (grid + 1) * (W - 1) / 2
    left = pos.astype(int)
    frac = pos - left
    y = (1 - frac) * row[left] + frac * row[left + 1]

    def drow(dy):
        g = np.zeros_like(row)
        np.add.at(g, left, (1 - frac) * dy)
        np.add.at(g, left + 1, frac * dy)
        return g

    def dgrid(dy):
        return dy * (row[left + 1] - row[left])

    return y, drow, dgrid


@mistake("https://github.com/ddbourgin/numpy-ml/issues/27, a question about flipping: dx with the kernel as it is",
         says=[("moved",), ("other array", "w"), ("transposed", "w")],
         x=(11,), w=(3,))
def convolution_whose_kernel_is_not_flipped(x, w):
    y = np.array([x[i:i + 3] @ w for i in range(len(x) - 2)])

    def dx(dy):
        padded = np.pad(dy, 2)
        return np.array([padded[i:i + 3] @ w for i in range(len(x))])

    def dw(dy):
        return np.array([x[k:k + len(dy)] @ dy for k in range(3)])

    return y, dx, dw

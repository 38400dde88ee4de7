"""Layers written by hand for speed: threads in the trackers of llm.c, Megatron-LM, llm-foundry, FlagGems, Liger,
tt-metal and Lightning Thunder, about backward kernels of layer, group and RMS norms and of standard deviations.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/karpathy/llm.c/pull/763, a review: the weight was forgotten in the backward pass",
         says=[("missing factor", "weight")],
         inp=(3, 5), weight=(5,))
def rmsnorm_that_forgets_its_weight_in_the_sum(inp, weight):
    T, C = inp.shape
    rstd = np.zeros(T)
    out = np.zeros_like(inp)
    for t in range(T):
        rstd[t] = 1.0 / np.sqrt(np.dot(inp[t], inp[t]) / C + 1e-5)
        out[t] = inp[t] * rstd[t] * weight

    def backward(dout):
        dinp = np.zeros_like(inp)
        dweight = np.zeros_like(weight)
        for t in range(T):
            o = np.sum(dout[t] * inp[t])
            dweight += dout[t] * inp[t] * rstd[t]
            dinp[t] = rstd[t] * weight * dout[t] - rstd[t] ** 3 * inp[t] * o / C
        return dinp, dweight

    return out, backward


@mistake("https://github.com/flagos-ai/FlagGems/issues/5392: layer_norm_backward takes all axes but the first, "
         "whatever the forward pass normalised over",
         says=[("axis", "axes"), ("axis", "mean")],
         x=(3, 5, 7))
def layernorm_of_three_axes_with_a_backward_pass_for_two(x):
    axes = -1
    mean = x.mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    xhat = (x - mean) * rstd

    def backward(dy):
        axes = tuple(range(1, x.ndim))
        c1 = (xhat * dy).mean(axis=axes, keepdims=True)
        c2 = dy.mean(axis=axes, keepdims=True)
        return (dy - (xhat * c1 + c2)) * rstd

    return xhat, backward


@mistake("https://github.com/linkedin/Liger-Kernel/pull/1376: the number of elements of a channel is taken from "
         "the last axis",
         says=[("missing factor", "N ="), ("missing factor", "/ N"), ("constant", "N ="), ("other array", "N ="),
               ("other array", "hidden_size"), ("extra factor", "5")],
         X=(2, 3, 5, 3))
def groupnorm_that_counts_only_the_last_axis(X):
    C = X.shape[1]
    mean = X.mean(axis=(1, 2, 3), keepdims=True)
    rstd = 1 / np.sqrt(X.var(axis=(1, 2, 3), keepdims=True) + 1e-6)
    Y = (X - mean) * rstd

    def dX(dY):
        hidden_size = dY.shape[-1]
        N = hidden_size * C
        c1 = np.sum(Y * dY, axis=(1, 2, 3), keepdims=True) / N
        c2 = np.sum(dY, axis=(1, 2, 3), keepdims=True) / N
        return (dY - (Y * c1 + c2)) * rstd

    return Y, dX

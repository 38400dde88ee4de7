"""Layers written by hand for speed: threads in the trackers of llm.c, Megatron-LM, llm-foundry, FlagGems, Liger,
tt-metal and Lightning Thunder, about backward kernels of layer, group and RMS norms and of standard deviations.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/NVIDIA/Megatron-LM/pull/6859: the term of the variance has the weight twice",
         says=[("extra factor", "w"), ("extra factor", "weight")],
         x=(5, 7), w=(7,))
def rmsnorm_whose_weight_counts_twice(x, w):
    D = x.shape[-1]
    r = ((x ** 2).mean(-1, keepdims=True) + 1e-6) ** -0.5

    def dx(g):
        s = np.sum(g * x * w, axis=-1, keepdims=True)
        return g * w * r - w * r ** 3 * x * s / D

    def dw(g):
        return (g * x * r).sum(0)

    return x * r * w, dx, dw


@mistake("https://github.com/mosaicml/llm-foundry/issues/371: x is divided by 1/rms; the derivative is that of x/rms",
         says=[("power", "rrms"), ("other function", "/", "*"), ("order", "rrms")],
         x=(3, 7))
def rmsnorm_that_divides_by_the_reciprocal_root(x):
    rrms = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    output = x / rrms

    def dx(dy):
        xhat = x * rrms
        return rrms * (dy - xhat * np.mean(dy * xhat, axis=-1, keepdims=True))

    return output, dx


@mistake("https://github.com/tenstorrent/tt-metal/pull/56202: the group of channel c is taken for c mod G",
         says=[("moved",), ("other function", "%"), ("other array", "group"), ("other array", "%"), ("part",)],
         x=(3, 6, 5), gamma=(6,))
def groupnorm_whose_dgamma_reads_the_statistics_of_another_group(x, gamma):
    N, C, L = x.shape
    G = 2
    per = C // G
    xg = x.reshape(N, G, per * L)
    mean, rstd = xg.mean(-1), 1 / np.sqrt(xg.var(-1) + 1e-5)
    xhat = ((xg - mean[..., None]) * rstd[..., None]).reshape(x.shape)

    def dx(dy):
        d = (dy * gamma[:, None]).reshape(xg.shape)
        h = xhat.reshape(xg.shape)
        inner = d - d.mean(-1, keepdims=True) - h * (d * h).mean(-1, keepdims=True)
        return (inner * rstd[..., None]).reshape(x.shape)

    def dgamma(dy):
        result = np.zeros(C)
        for c in range(C):
            group = c % G
            normed = (x[:, c] - mean[:, group, None]) * rstd[:, group, None]
            result[c] = (dy[:, c] * normed).sum()
        return result

    return xhat * gamma[:, None], dx, dgamma


@mistake("https://github.com/Lightning-AI/lightning-thunder/pull/1848, a review: 1e-8 beside a small deviation",
         says=[("epsilon", "1e-8"), ("extra term", "1e-8"), ("constant", "1e-8")],
         a=lambda rng: 0.003 * rng.standard_normal((3, 7)))
def std_whose_derivative_is_protected_against_zero(a):
    n = a.shape[1]
    mean = a.sum(1, keepdims=True) / n
    s = np.sqrt(((a - mean) ** 2).sum(1, keepdims=True) / (n - 1))

    def da(g):
        return g[:, None] * (a - mean) / ((n - 1) * (s + 1e-8))

    return s[:, 0], da


@mistake("https://github.com/HomericIntelligence/Odyssey/issues/2134, a softmax without its dot product, here in "
         "attention",
         says=[("missing term", "dS ="), ("missing path", "P.sum")],
         Q=(3, 5), K=(7, 5), V=(7, 2))
def attention_whose_scores_do_not_lose_the_row_sum(Q, K, V):
    scale = Q.shape[1] ** -0.5
    S = Q @ K.T * scale
    P = np.exp(S - S.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)

    def backward(dO):
        dV = P.T @ dO
        dP = dO @ V.T
        dS = P * dP
        return dS @ K * scale, dS.T @ Q * scale, dV

    return P @ V, backward

"""Normalisation over a batch: threads in the trackers of Darknet, Knet, CrypTen, FlagGems, a ladder network and others.

In most of them somebody compared a backward pass with the formulas of Ioffe and Szegedy (2015).
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/denizyuret/Knet.jl/issues/288: gamma is multiplied into dy, which is then not used",
         says=[("missing factor", "gamma")],
         x=(7, 3), gamma=(3,), beta=(3,))
def batchnorm_whose_dx_never_sees_gamma(x, gamma, beta):
    mu = x.mean(axis=0)
    x_mu = x - mu
    ivar = 1 / np.sqrt((x_mu ** 2).mean(axis=0) + 1e-5)
    y = gamma * (x_mu * ivar) + beta

    def backward(dy):
        dyivar = dy * ivar
        dgamma = np.sum(x_mu * dyivar, axis=0)
        dbeta = np.sum(dy, axis=0)
        m = x.shape[0]
        dsigma2 = -0.5 * np.sum(dyivar * x_mu * ivar ** 2, axis=0)
        dmu = -np.sum(dyivar, axis=0) - 2 * dsigma2 * np.sum(x_mu, axis=0) / m
        dx = dyivar + dsigma2 * 2 * x_mu / m + dmu / m
        return dx, dgamma, dbeta

    return y, backward


@mistake("https://github.com/flagos-ai/FlagGems/issues/5222: a saved 1/σ is taken for a variance, and its root for σ",
         says=[("power", "inv_std"), ("power", "saved"), ("other array", "inv_std"), ("other array", "saved")],
         x=(7, 3), w=(3,))
def batchnorm_that_takes_the_root_of_a_saved_inverse(x, w):
    eps = 1e-5
    mean = x.mean(0)
    saved = 1 / np.sqrt(x.var(0) + eps)
    y = w * (x - mean) * saved

    def dx(dy):
        inv_std = 1 / np.sqrt(saved + eps)
        xhat = (x - mean) * saved
        g = dy * w
        return inv_std * (g - g.mean(0) - xhat * (g * xhat).mean(0))

    def dw(dy):
        return (dy * (x - mean) * saved).sum(0)

    return y, dx, dw

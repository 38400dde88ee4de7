"""Normalisation over a batch: threads in the trackers of Darknet, Knet, CrypTen, FlagGems, a ladder network and others.

In most of them somebody compared a backward pass with the formulas of Ioffe and Szegedy (2015).
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/facebookresearch/CrypTen/pull/143: mean and variance were constants in training",
         says=[("missing path", "mean"), ("missing path", "var"), ("missing term", "return")],
         x=(5, 3), weight=(3,), bias=(3,))
def batchnorm_in_training_mode_with_the_derivative_of_test_mode(x, weight, bias):
    mean, var = x.mean(0), x.var(0)
    alpha = 1 / np.sqrt(var + 1e-5)
    normed = (x - mean) * alpha
    def dx(dy): return dy * weight * alpha
    def dweight(dy): return np.einsum("nc,nc->c", dy, normed)
    def dbias(dy): return np.einsum("nc->c", dy)
    return normed * weight + bias, dx, dweight, dbias


@mistake("https://github.com/abhiskk/ladder/issues/2: the variance is taken of detached values",
         says=[("missing path", "var"), ("missing path", "std"), ("missing term", "g - g.mean")],
         z=(7, 5))
def standardise_with_a_variance_that_is_detached(z):
    centred = z - z.mean(axis=0, keepdims=True)
    std = np.sqrt(np.mean(centred ** 2, axis=0, keepdims=True) + 1e-10)
    out = centred / std

    def dz(dy):
        g = dy / std
        return g - g.mean(axis=0, keepdims=True)

    return out, dz


@mistake("https://github.com/pjreddie/darknet/issues/1723: ε is added to the root in one pass, under it in the other",
         says=[("epsilon",), ("constant", "1e-3"), ("constant", "1e-4"), ("constant", "0.001"), ("constant", "0.0001")],
         x=(7, 3))
def normalise_with_one_epsilon_there_and_another_here(x):
    n = len(x)
    mean = x.sum(0) / n
    variance = ((x - mean) ** 2).sum(0) / n
    out = (x - mean) / (np.sqrt(variance) + 1e-3)

    def backward(delta):
        s = np.sqrt(variance)
        denominator = s + 1e-4
        mean_delta = -(delta / denominator).sum(0)
        variance_delta = -0.5 * (delta * (x - mean)).sum(0) / denominator ** 2 / s
        return delta / denominator + 2 * variance_delta * (x - mean) / n + mean_delta / n

    return out, backward


@mistake("https://huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1 (on LayerNormBackward): dx̂ x̂ is not averaged "
         "over the features",
         says=[("missing sum", "xhat"), ("missing sum", "dxhat"), ("axis", "dxhat * xhat")],
         X=(3, 7), gamma=(7,), beta=(7,))
def layernorm_whose_formula_lost_an_average(X, gamma, beta):
    F = X.shape[1]
    mu = X.sum(axis=1, keepdims=True) / F
    inv = 1 / np.sqrt(np.sum((X - mu) ** 2, axis=1, keepdims=True) / F + 1e-6)
    xhat = (X - mu) * inv

    def dX(dY):
        dxhat = dY * gamma
        first = dxhat - np.mean(dxhat, axis=1, keepdims=True)
        second = xhat * (dxhat * xhat)
        return inv * (first - second)

    def dgamma(dY): return np.sum(dY * xhat, axis=0)
    def dbeta(dY): return np.sum(dY, axis=0)
    return gamma * xhat + beta, dX, dgamma, dbeta


@mistake("https://github.com/brainpy/BrainPy/issues/765: mean and variance also run over the groups; "
         "the derivative runs over a group, as it should",
         says=[("axis", "mean"), ("axis", "var")],
         x=(3, 5, 2 * 3))
def groupnorm_whose_statistics_run_over_all_groups(x):
    N, T, C = x.shape
    G = 2
    xg = x.reshape(N, T, G, C // G)
    centred = xg - xg.mean(axis=(1, 3), keepdims=True)
    var = (centred ** 2).mean(axis=(1, 2, 3), keepdims=True)
    rstd = (var + 1e-5) ** -0.5
    xhat = centred * rstd

    def dx(dy):
        d = dy.reshape(xg.shape)
        proj = (d * xhat).mean(axis=(1, 3), keepdims=True)
        return (rstd * (d - d.mean(axis=(1, 3), keepdims=True) - xhat * proj)).reshape(x.shape)

    return xhat.reshape(x.shape), dx


@mistake("https://github.com/happynear/NormFace/issues/11: why should x and its gradient be orthogonal? Here they are "
         "not",
         says=[("missing path", "norm ="), ("missing term", "lambda dy")],
         x=(3, 7))
def l2_normalise_by_a_norm_that_is_no_function_of_x(x):
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return x / norm, lambda dy: dy / norm

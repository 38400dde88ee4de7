"""Losses: threads in the trackers of RubixML, Chainer, stdlib, mlpack, LMNN's implementation, Caffe layers, Coursera's
matrix factorisations, and repositories of solutions of courses.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/mlpack/mlpack/issues/2444: the backward pass of a mean is that of a sum",
         says=[("sum or mean",), ("missing factor", "15"), ("extra factor", "15"), ("missing factor", "size")],
         prediction=(3, 5), target=(3, 5))
def mean_bias_error_with_the_backward_pass_of_a_sum(prediction, target):
    error = target - prediction
    loss = np.array(error.mean())
    def backward(dy): return -np.ones_like(error) * dy, np.ones_like(error) * dy / error.size
    return loss, backward


@mistake("https://github.com/scikit-learn-contrib/metric-learn/pull/201: the gradient is not multiplied by L",
         says=[("missing factor", "L")],
         L=(3, 3), a=(5, 3), b=(5, 3))
def lmnn_distance_whose_gradient_is_not_multiplied_by_the_transform(L, a, b):
    delta = a - b
    d = np.einsum("nk,nk->n", delta @ L.T, delta @ L.T)

    def dL(g):
        outer = sum(gi * np.outer(v, v) for gi, v in zip(g, delta))
        return 2 * outer

    def da(g):
        return 2 * g[:, None] * (delta @ L.T @ L)

    def db(g):
        return -da(g)

    return d, dL, da, db


@mistake("https://github.com/xialuxi/arcface-caffe/issues/19: the label's column is overwritten, not multiplied",
         says=[("missing factor", "top_diff"), ("missing factor", "dy"), ("dy not used",)],
         cos_theta=lambda rng: 0.9 * rng.uniform(-1, 1, (5, 3)), label=lambda rng: rng.integers(0, 3, 5))
def angular_margin_that_overwrites_what_came_from_above(cos_theta, label):
    m = 0.4
    rows = np.arange(len(label))
    sin_theta = np.sqrt(1 - cos_theta ** 2)
    out = cos_theta.copy()
    out[rows, label] = (cos_theta * np.cos(m) - sin_theta * np.sin(m))[rows, label]

    def backward(top_diff):
        bottom_diff = top_diff.copy()
        factor = np.cos(m) + np.sin(m) * cos_theta / sin_theta
        bottom_diff[rows, label] = factor[rows, label]
        return bottom_diff, None

    return out, backward


@mistake("https://github.com/thejakeyboy/umich-eecs545-lectures/pull/2: the ½ disappeared in the derivative",
         says=[("missing factor", "0.5"), ("extra factor", "2"), ("constant", "2")],
         w=(3,), Phi=(7, 3), t=(7,))
def least_squares_whose_half_disappeared(w, Phi, t):
    r = Phi @ w - t
    E = np.array(0.5 * np.sum(r ** 2))
    def dw(dE): return 2 * Phi.T @ r * dE
    def dPhi(dE): return np.outer(r, w) * dE
    def dt(dE): return -r * dE
    return E, dw, dPhi, dt


@mistake("https://github.com/thejakeyboy/umich-eecs545-lectures/pull/2: the regularising term is subtracted",
         says=[("wrong sign", "lam"), ("other function", "-", "+"), ("other function", "+", "-")],
         w=(5,), Phi=(7, 5), t=(7,))
def ridge_regression_with_a_minus(w, Phi, t):
    lam = 0.3
    r = Phi.dot(w) - t
    E = np.array(0.5 * r.dot(r) + 0.5 * lam * w.dot(w))
    return E, lambda dE: dE * (Phi.T.dot(r) - lam * w), None, lambda dE: -dE * r


@mistake("https://github.com/pytorch/pytorch/issues/28993: the gradient of a mean over all is 1",
         says=[("missing factor", "21"), ("sum or mean",), ("extra factor", "21"), ("missing factor", "size"),
               ("missing factor", "0.047")],
         x=(3, 7))
def mean_whose_gradient_is_one(x):
    return np.array(x.mean()), lambda g: np.full(x.shape, g)

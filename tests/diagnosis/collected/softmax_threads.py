"""Softmax, log-softmax and cross-entropy: threads in the trackers of mlpack, libnd4j, Odyssey, ML-From-Scratch and of
focal losses, and questions on Stack Overflow, in CS231n's forum and elsewhere.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/HomericIntelligence/Odyssey/issues/2134: the dot product is missing",
         says=[("missing term", "p * g"), ("missing path", "denom =")],
         x=(3, 7))
def softmax_without_the_dot_product(x):
    exps = np.exp(x)
    denom = np.sum(exps, -1)[:, None]
    s = exps / denom

    def backward(grad):
        grad_input = np.empty_like(x)
        for i, (p, g) in enumerate(zip(s, grad)):
            grad_input[i] = p * g
        return grad_input

    return s, backward


@mistake("https://z.id.vn/?p=348969 (Stack Overflow): the cost is divided by the number of classes, not dz",
         says=[("missing factor", "len"), ("missing factor", "5"), ("extra factor", "len"), ("missing factor", "0.2"),
               ("extra factor", "5")],
         z=(5,), y=lambda rng: np.eye(5, dtype=int)[rng.integers(5)])
def cross_entropy_divided_in_the_cost_only(z, y):
    s = np.exp(z) / np.sum(np.exp(z))
    cost = np.array(-np.sum(y * np.log(s)) / len(y))
    def dz(dcost): return dcost * (s - y)
    return cost, dz, None


@mistake("https://github.com/eriklindernoren/ML-From-Scratch/pull/125: p (1 − p) goes into the chain rule of a loss",
         says=[("missing term", "1 - p"), ("wrong path", "sum"), ("missing term", "dp * p")],
         z=(3, 5), t=lambda rng: rng.integers(0, 2, (3, 5)))
def squared_error_after_a_softmax_taken_for_a_sigmoid(z, t):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    loss = 0.5 * np.sum((p - t) ** 2, axis=1)

    def dz(dy):
        dp = (p - t) * dy[:, None]
        return dp * p * (1 - p)

    return loss, dz, None

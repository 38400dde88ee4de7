"""Softmax, log-softmax and cross-entropy: threads in the trackers of mlpack, libnd4j, Odyssey, ML-From-Scratch and of
focal losses, and questions on Stack Overflow, in CS231n's forum and elsewhere.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/deeplearning4j/libnd4j/issues/440: only the diagonal of the Jacobian",
         says=[("missing term", "1 - output"), ("wrong path", "total ="), ("missing sum", "output"),
               ("missing term", "output * ")],
         z=(5, 3))
def softmax_with_the_diagonal_of_its_jacobian_alone(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    total = e.sum(axis=1, keepdims=True)
    output = e / total
    def dz(dy): return dy * output * (1 - output)
    return output, dz


@mistake("https://newbe.dev/numpy-calculate-the-derivative-of-the-softmax-function (Stack Overflow): the input for "
         "the value",
         says=[("other array", "x", "value"), ("other array", "x[i]", "value[i]")],
         x=(5,))
def softmax_jacobian_with_the_input_in_it(x):
    value = np.exp(x) / np.exp(x).sum()

    def dx(dy):
        n = len(x)
        jac = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if i == j:
                    jac[i, j] = value[i] * (1 - x[i])
                else:
                    jac[i, j] = -value[i] * value[j]
        return jac.T @ dy

    return value, dx


@mistake("https://github.com/mlpack/mlpack/issues/2360: y' = dy + softmax; it must be dy − softmax · Σ dy",
         says=[("wrong sign", "+"), ("other function", "+", "-")],
         x=(3, 5))
def log_softmax_with_plus(x):
    m = x.max(1, keepdims=True)
    lse = m + np.log(np.exp(x - m).sum(1, keepdims=True))
    out = x - lse
    def dx(gy): return gy + np.exp(out) * gy.sum(1, keepdims=True)
    return out, dx


@mistake("https://github.com/mlpack/mlpack/pull/3469: the derivative of LogSoftMax does not weigh softmax with Σ dy",
         says=[("missing factor", "gy"), ("missing factor", "dy"), ("missing factor", "sum")],
         x=(5, 3))
def log_softmax_that_subtracts_the_probabilities_alone(x):
    shifted = x - x.max(axis=-1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logp, lambda gy: gy - np.exp(logp)


@mistake("https://huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1 (a question from CS231n, 'staged "
         "computation' of softmax): the broadcast denominator is not summed",
         says=[("missing sum", "d_denom"), ("missing sum", "denom")],
         X=(7, 2), W=(2, 3), y=lambda rng: rng.integers(0, 3, 7))
def staged_softmax_loss_without_the_sum_of_the_broadcast_denominator(X, W, y):
    N = X.shape[0]
    prod = X.dot(W)
    E = np.exp(prod)
    denom = np.sum(E, axis=1).reshape((N, 1))
    P = E / denom
    Y = np.zeros_like(prod)
    Y[range(N), y] = 1
    loss = np.array(np.sum(-np.log(P) * Y) / N)

    def d_prod(dloss):
        d_neglog = Y * dloss / N
        d_P = (-1 / P) * d_neglog
        d_E = (1 / denom) * d_P
        d_denom = (-E / denom ** 2) * d_P
        d_E = d_E + d_denom
        return E * d_E

    def dX(dloss): return d_prod(dloss).dot(W.T)
    def dW(dloss): return X.T.dot(d_prod(dloss))
    return loss, dX, dW, None


@mistake("https://github.com/unsky/focal-loss/issues/1: the derivative is wrong where j is not the label",
         says=[("part",), ("one minus", "(1 - p)")],
         x=(5, 3), t=lambda rng: rng.integers(0, 3, 5))
def focal_loss_that_is_wrong_beside_the_label(x, t):
    gamma = 2.0
    p = np.exp(x)
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(x))
    p_t = p[rows, t][:, None]
    fl = -((1 - p_t) ** gamma) * np.log(p_t)

    def dx(dy):
        common = (1 - p_t) ** (gamma - 1) * (gamma * p_t * np.log(p_t) - (1 - p_t))
        d = -common * (1 - p)
        d[rows, t] = (common * (1 - p_t))[:, 0]
        return d * dy[:, None]

    return fl[:, 0], dx, None


@mistake("https://github.com/zimenglan-sysu-512/Focal-Loss/issues/2: the first term has the wrong sign",
         says=[("wrong sign", "dpt ="), ("wrong sign", "gamma"), ("wrong sign", "log")],
         x=(7,), t=lambda rng: rng.integers(0, 2, 7))
def binary_focal_loss_with_a_sign_that_was_dismissed(x, t):
    gamma = 2
    p = 1 / (1 + np.exp(-x))
    pt = np.where(t == 1, p, 1 - p)
    focal = -(1 - pt) ** gamma * np.log(pt)

    def dx(dy):
        dpt = -gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt
        return dy * dpt * np.where(t == 1, 1.0, -1.0) * p * (1 - p)

    return focal, dx, None


@mistake("https://github.com/davisking/dlib/pull/2552: the gradient has the focusing factor, the loss has not",
         says=[("missing factor", "gamma"), ("missing factor", "1 - p"), ("missing factor", "(1 - p)")],
         a=(5,))
def focal_loss_whose_value_forgot_to_focus(a):
    gamma = 1.5
    p = 1 / (1 + np.exp(-a))
    loss = -np.log(p)

    def da(dy):
        return dy * (1 - p) ** gamma * (gamma * p * np.log(p) - (1 - p))

    return loss, da

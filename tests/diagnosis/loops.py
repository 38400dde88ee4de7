"""Wrong operations written with loops over elements: their traces have thousands of steps.

    python -m tests.diagnosis.loops

prints how long the diagnosis of each takes, in seconds of processor time.
"""

import time

import numpy as np

from npvae import gradcheck
from npvae.diagnosis import diagnose


def convolution(x, w):
    """A convolution in four loops; dx forgets to flip the kernel."""
    rows, columns = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    y = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for a in range(w.shape[0]):
                for b in range(w.shape[1]):
                    y[i, j] += x[i + a, j + b] * w[a, b]

    def dx(dy):
        d = np.zeros_like(x)
        for i in range(rows):
            for j in range(columns):
                for a in range(w.shape[0]):
                    for b in range(w.shape[1]):
                        d[i + a, j + b] += dy[i, j] * w[b, a]
        return d

    def dw(dy):
        d = np.zeros_like(w)
        for i in range(rows):
            for j in range(columns):
                for a in range(w.shape[0]):
                    for b in range(w.shape[1]):
                        d[a, b] += dy[i, j] * x[i + a, j + b]
        return d

    return y, dx, dw


def recurrent(x, W, U):
    """A recurrent network over 12 steps; the derivatives lack the slope of tanh at the previous step."""
    h = [np.zeros((x.shape[1], W.shape[1]))]
    for t in range(len(x)):
        h.append(np.tanh(x[t] @ W + h[t] @ U))
    y = np.stack(h[1:])

    def backward(dy):
        dx, dW, dU, dh = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros_like(h[0])
        for t in reversed(range(len(x))):
            da = (dy[t] + dh) * (1 - h[t] ** 2)
            dx[t] = da @ W.T
            dW += x[t].T @ da
            dU += h[t].T @ da
            dh = da @ U.T
        return dx, dW, dU

    return y, backward


def kl(mu, logvar):
    """The KL divergence in loops over elements; dlogvar lacks its second term."""
    total = np.zeros(len(mu))
    for n in range(len(mu)):
        for d in range(mu.shape[1]):
            variance = np.exp(logvar[n, d])
            total[n] += 0.5 * (mu[n, d] ** 2 + variance - 1 - logvar[n, d])

    def dmu(dy):
        g = np.zeros_like(mu)
        for n in range(len(mu)):
            for d in range(mu.shape[1]):
                g[n, d] = dy[n] * mu[n, d]
        return g

    def dlogvar(dy):
        g = np.zeros_like(mu)
        for n in range(len(mu)):
            for d in range(mu.shape[1]):
                g[n, d] = dy[n] * 0.5 * np.exp(logvar[n, d])
        return g

    return total, dmu, dlogvar


def cases(rng):
    """Return pairs of a function and its inputs."""
    normal = rng.standard_normal
    return [
        (convolution, [normal((5, 6)), normal((3, 3))]),
        (recurrent, [normal((12, 5, 3)), 0.5 * normal((3, 11)), 0.5 * normal((11, 11))]),
        (kl, [normal((7, 11)), normal((7, 11))]),
    ]


if __name__ == "__main__":
    for f, inputs in cases(np.random.default_rng(0)):
        report = gradcheck(f, *inputs)
        begun = time.thread_time()
        text = str(diagnose(report))
        print(f"--- {time.thread_time() - begun:.2f} s\n{text}")

"""Right solutions of the exercise adam, written in unusual ways."""

import math

import numpy as np


def update_as_in_the_paper(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g**2
    m_hat = M / (1 - self.beta1**t)
    v_hat = V / (1 - self.beta2**t)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


def update_by_steps_towards_g(self, lr, t, scratch, p, g, M, V):
    """m moves towards g by a part of the distance."""
    M += (1 - self.beta1) * (g - M)
    V += (1 - self.beta2) * (np.square(g) - V)
    np.copyto(scratch, V)
    scratch /= 1 - self.beta2**t
    np.sqrt(scratch, out=scratch)
    scratch += self.eps
    p += -lr / (1 - self.beta1**t) * (M / scratch)


def update_by_a_loop(self, lr, t, scratch, p, g, M, V):
    for i in range(len(p)):
        M[i] = self.beta1 * M[i] + (1 - self.beta1) * g[i]
        V[i] = self.beta2 * V[i] + (1 - self.beta2) * g[i] * g[i]
        m_hat = M[i] / (1 - self.beta1**t)
        v_hat = V[i] / (1 - self.beta2**t)
        p[i] -= lr * m_hat / (math.sqrt(v_hat) + self.eps)


def update_with_unscaled_means(self, lr, t, scratch, p, g, M, V):
    """M and V hold the sums; their weights come at the end."""
    M *= self.beta1
    M += g
    V *= self.beta2
    V += g * g
    a = (1 - self.beta1) / (1 - self.beta1**t)
    b = (1 - self.beta2) / (1 - self.beta2**t)
    np.subtract(p, lr * a * M / (np.sqrt(b * V) + self.eps), out=p)


def update_with_corrected_means(self, lr, t, scratch, p, g, M, V):
    """M and V hold the corrected means themselves, whose weights change from step to step."""
    a = (1 - self.beta1) / (1 - self.beta1**t)
    b = (1 - self.beta2) / (1 - self.beta2**t)
    M[:] = (1 - a) * M + a * g
    V[:] = (1 - b) * V + b * g * g
    p[:] = p - lr * M / (V**0.5 + self.eps)


def update_with_a_corrected_rate(self, lr, t, scratch, p, g, M, V):
    """The form at the end of the paper's section 2, with ε in the same place as in algorithm 1."""
    root = math.sqrt(1 - self.beta2**t)
    np.multiply(M, self.beta1, out=M)
    np.add(M, (1 - self.beta1) * g, out=M)
    np.multiply(V, self.beta2, out=V)
    np.add(V, (1 - self.beta2) * np.power(g, 2), out=V)
    p -= lr * root / (1 - self.beta1**t) * M / (np.sqrt(V) + self.eps * root)


def update_with_helpers(self, lr, t, scratch, p, g, M, V):
    m_hat = _mean(M, g, self.beta1, t)
    v_hat = _mean(V, g * g, self.beta2, t)
    np.add(p, np.divide(-lr * m_hat, np.sqrt(v_hat) + self.eps), out=p)


def _mean(accumulator, new, beta, t):
    accumulator[...] = np.average(np.stack([accumulator, new]), axis=0, weights=[beta, 1 - beta])
    return accumulator / (1 - beta**t)

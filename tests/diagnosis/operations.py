"""Right operations in many styles, from which the tests make wrong ones.

Each is a function that returns its value and its derivatives, in either form, and passes `gradcheck`. `OPERATIONS`
lists them with the inputs to draw. An operation uses nothing but NumPy from outside, so that its source alone can be
compiled again with something changed.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass
class Operation:
    """A right operation.

    function   returns the value and its derivatives
    inputs     a dict from names to what to draw: a shape (of normal numbers), or a function of a generator
    """

    function: Callable
    inputs: dict

    @property
    def name(self):
        return self.function.__name__

    def draw(self, rng):
        """Return inputs, a list of arrays."""
        return [draw(rng) if callable(draw) else rng.standard_normal(draw) for draw in self.inputs.values()]


OPERATIONS = []


def operation(**inputs):
    """Add a function to `OPERATIONS`."""

    def add(f):
        OPERATIONS.append(Operation(f, inputs))
        return f

    return add


def positive(*shape):
    """Return a function that draws numbers between 0.5 and 2."""
    return lambda rng: rng.uniform(0.5, 2, shape)


# --- one derivative, element by element ------------------------------------------------------------------------------


@operation(x=(3, 5))
def swish(x):
    s = 1 / (1 + np.exp(-x))
    y = x * s

    def dx(dy):
        slope = s + x * s * (1 - s)
        return dy * slope

    return y, dx


@operation(x=(3, 5))
def gelu(x):
    c = np.sqrt(2 / np.pi)
    inner = c * (x + 0.044715 * x**3)
    t = np.tanh(inner)
    y = 0.5 * x * (1 + t)

    def dx(dy):
        dinner = c * (1 + 3 * 0.044715 * x**2)
        dt = (1 - t**2) * dinner
        return dy * (0.5 * (1 + t) + 0.5 * x * dt)

    return y, dx


@operation(x=(7,))
def damped_wave(x):
    wave = np.sin(3 * x)
    decay = np.exp(-0.5 * x)
    y = wave * decay

    def dx(dy):
        dwave = 3 * np.cos(3 * x) * decay
        ddecay = -0.5 * decay * wave
        return dy * (dwave + ddecay)

    return y, dx


@operation(x=positive(3, 5), a=positive(5))
def power_law(x, a):
    y = x**a

    def dx(dy):
        return dy * a * x ** (a - 1)

    def da(dy):
        per_row = dy * y * np.log(x)
        return per_row.sum(axis=0)

    return y, dx, da


@operation(x=(3, 5), y=(3, 5))
def polar(x, y):
    r = np.sqrt(x**2 + y**2)
    angle = np.arctan2(y, x)
    out = r * np.exp(0.3 * angle)

    def backward(dout):
        growth = np.exp(0.3 * angle)
        dr = dout * growth
        dangle = dout * 0.3 * r * growth
        dx = dr * x / r - dangle * y / r**2
        dy = dr * y / r + dangle * x / r**2
        return dx, dy

    return out, backward


# --- reductions and normalizations -----------------------------------------------------------------------------------


@operation(z=(5, 7))
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)

    def dz(dp):
        inner = (dp * p).sum(axis=1, keepdims=True)
        return p * (dp - inner)

    return p, dz


@operation(z=(5, 7))
def log_softmax(z):
    shifted = z - np.max(z, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    out = shifted - log_sum

    def backward(grad):
        p = np.exp(out)
        total = np.sum(grad, axis=1, keepdims=True)
        return grad - p * total

    return out, backward


@operation(x=(7, 3), gamma=(3,), beta=(3,))
def batch_norm(x, gamma, beta):
    N, _ = x.shape
    mean = x.sum(axis=0) / N
    xc = x - mean
    var = (xc**2).sum(axis=0) / N
    std = np.sqrt(var + 1e-5)
    xhat = xc / std
    y = gamma * xhat + beta

    def backward(dy):
        dbeta = dy.sum(axis=0)
        dgamma = (dy * xhat).sum(axis=0)
        dxhat = dy * gamma
        dstd = -(dxhat * xc).sum(axis=0) / std**2
        dvar = 0.5 * dstd / std
        dxc = dxhat / std + 2 * xc * dvar / N
        dx = dxc - dxc.sum(axis=0) / N
        return dx, dgamma, dbeta

    return y, backward


@operation(x=(3, 7), g=(7,))
def layer_norm(x, g):
    mu = x.mean(axis=-1, keepdims=True)
    sigma = x.std(axis=-1, keepdims=True)
    n = (x - mu) / sigma
    y = g * n

    def dx(dy):
        dn = dy * g
        centred = dn - dn.mean(axis=-1, keepdims=True)
        along = n * (dn * n).mean(axis=-1, keepdims=True)
        return (centred - along) / sigma

    def dg(dy):
        return np.sum(dy * n, axis=0)

    return y, dx, dg


@operation(x=(3, 7), w=(7,))
def rms_norm(x, w):
    D = x.shape[1]
    ms = np.mean(x * x, axis=1, keepdims=True)
    r = 1 / np.sqrt(ms + 1e-6)
    y = x * r * w

    def dx(dy):
        dr = np.sum(dy * w * x, axis=1, keepdims=True)
        dms = -0.5 * r**3 * dr
        return dy * w * r + dms * 2 * x / D

    def dw(dy):
        return (dy * x * r).sum(0)

    return y, dx, dw


@operation(a=(5, 7), b=(5, 7))
def cosine_similarity(a, b):
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    dot = np.sum(a * b, axis=1, keepdims=True)
    c = dot / (na * nb)

    def da(dc):
        return dc * (b / (na * nb) - c * a / na**2)

    def db(dc):
        return dc * (a / (na * nb) - c * b / nb**2)

    return c, da, db


@operation(x=(5, 7))
def variance_and_skew(x):
    m = x.mean(axis=1, keepdims=True)
    d = x - m
    v = np.mean(d**2, axis=1)
    s = np.mean(d**3, axis=1)
    y = s / v**1.5

    def dx(dy):
        n = x.shape[1]
        ds = dy / v**1.5
        dv = -1.5 * dy * s / v**2.5
        dd = ds[:, None] * 3 * d**2 / n + dv[:, None] * 2 * d / n
        return dd - dd.mean(axis=1, keepdims=True)

    return y, dx


# --- losses: the value is a number -----------------------------------------------------------------------------------


@operation(logits=(5, 7), t=lambda rng: rng.dirichlet(np.ones(7), 5))
def cross_entropy(logits, t):
    N = len(logits)
    m = logits.max(axis=1, keepdims=True)
    lse = m + np.log(np.exp(logits - m).sum(axis=1, keepdims=True))
    logp = logits - lse
    loss = -(t * logp).sum() / N

    def dlogits(dloss):
        p = np.exp(logp)
        weight = t.sum(axis=1, keepdims=True)
        return dloss * (p * weight - t) / N

    def dt(dloss):
        return -dloss * logp / N

    return loss, dlogits, dt


@operation(mu=(3, 5), logvar=(3, 5))
def kl_to_standard_normal(mu, logvar):
    var = np.exp(logvar)
    per_dimension = 0.5 * (mu**2 + var - logvar - 1)
    kl = per_dimension.sum(axis=1)

    def backward(dkl):
        up = dkl[:, None]
        dmu = up * mu
        dvar = 0.5 * up
        dlogvar = dvar * var - 0.5 * up
        return dmu, dlogvar

    return kl, backward


@operation(x=(5, 3), mu=(5, 3), logvar=(5, 3))
def gaussian_log_density(x, mu, logvar):
    precision = np.exp(-logvar)
    diff = x - mu
    logp = -0.5 * np.sum(np.log(2 * np.pi) + logvar + precision * diff**2, axis=1)

    def dx(dlogp):
        return -dlogp[:, None] * precision * diff

    def dmu(dlogp):
        scaled = precision * diff
        return dlogp[:, None] * scaled

    def dlogvar(dlogp):
        inside = 1 - precision * diff**2
        return -0.5 * dlogp[:, None] * inside

    return logp, dx, dmu, dlogvar


@operation(y=(7,), t=(7,))
def huber_like(y, t):
    delta = 1.3
    r = (y - t) / delta
    root = np.sqrt(1 + r**2)
    loss = delta**2 * np.mean(root - 1)

    def dy(dloss):
        droot = dloss * delta**2 / y.size
        dr = droot * r / root
        return dr / delta

    def dt(dloss):
        droot = dloss * delta**2 / y.size
        dr = droot * r / root
        return -dr / delta

    return loss, dy, dt


@operation(x=(5, 3), c=(7, 3))
def student_t_kernel(x, c):
    diff = x[:, None, :] - c[None, :, :]
    dist = (diff**2).sum(axis=2)
    q = 1 / (1 + dist)
    total = q.sum(axis=1, keepdims=True)
    p = q / total

    def backward(dp):
        dq = dp / total - (dp * q).sum(axis=1, keepdims=True) / total**2
        ddist = -dq * q**2
        ddiff = 2 * ddist[:, :, None] * diff
        return ddiff.sum(axis=1), -ddiff.sum(axis=0)

    return p, backward


# --- products and linear algebra -------------------------------------------------------------------------------------


@operation(x=(3, 5), W1=(5, 7), b1=(7,), W2=(7, 2))
def two_layers(x, W1, b1, W2):
    a = x @ W1 + b1
    h = np.tanh(a)
    out = h @ W2

    def backward(dout):
        dW2 = h.T @ dout
        dh = dout @ W2.T
        da = dh * (1 - h**2)
        dW1 = x.T @ da
        db1 = da.sum(axis=0)
        dx = da @ W1.T
        return dx, dW1, db1, dW2

    return out, backward


@operation(q=(5, 3), k=(7, 3), v=(7, 2))
def attention(q, k, v):
    scale = 1 / np.sqrt(q.shape[1])
    scores = q @ k.T * scale
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    w = e / e.sum(axis=1, keepdims=True)
    out = w @ v

    def dscores(dout):
        dw = dout @ v.T
        return w * (dw - (dw * w).sum(axis=1, keepdims=True))

    def dq(dout):
        return dscores(dout) @ k * scale

    def dk(dout):
        return dscores(dout).T @ q * scale

    def dv(dout):
        return w.T @ dout

    return out, dq, dk, dv


@operation(x=(3, 5), A=(5, 5), b=(5,))
def quadratic_form(x, A, b):
    Ax = x @ A.T
    y = 0.5 * (x * Ax).sum(axis=1) + x @ b

    def dx(dy):
        return dy[:, None] * (0.5 * (Ax + x @ A) + b)

    def dA(dy):
        weighted = dy[:, None] * x
        return 0.5 * weighted.T @ x

    def db(dy):
        return x.T @ dy

    return y, dx, dA, db


@operation(A=lambda rng: rng.standard_normal((3, 3)) + 3 * np.eye(3), b=(3, 2))
def solve(A, b):
    x = np.linalg.solve(A, b)

    def backward(dx):
        db = np.linalg.solve(A.T, dx)
        dA = -db @ x.T
        return dA, db

    return x, backward


@operation(A=lambda rng: rng.standard_normal((3, 3)) + 3 * np.eye(3))
def log_determinant_and_trace(A):
    inverse = np.linalg.inv(A)
    _, logdet = np.linalg.slogdet(A)
    y = logdet + 0.5 * np.trace(A @ A)

    def dA(dy):
        of_logdet = inverse.T
        of_trace = A.T
        return dy * (of_logdet + of_trace)

    return np.array(y), dA


@operation(x=(3, 5), U=(5, 2), V=(5, 2))
def factorization_machine(x, U, V):
    left = x @ U
    right = x @ V
    y = np.einsum("nk,nk->n", left, right)

    def dx(dy):
        through_left = (dy[:, None] * right) @ U.T
        through_right = (dy[:, None] * left) @ V.T
        return through_left + through_right

    def dU(dy):
        return np.einsum("ni,n,nk->ik", x, dy, right)

    def dV(dy):
        return np.einsum("ni,n,nk->ik", x, dy, left)

    return y, dx, dU, dV


# --- loops and places ------------------------------------------------------------------------------------------------


@operation(x=(5, 3), W=(3, 3), h0=(3,))
def recurrent(x, W, h0):
    hs = [h0]
    for t in range(len(x)):
        hs.append(np.tanh(x[t] + W @ hs[-1]))
    y = np.array(hs[1:])

    def backward(dy):
        dx = np.zeros_like(x)
        dW = np.zeros_like(W)
        dh = np.zeros_like(h0)
        for t in reversed(range(len(x))):
            dh = dh + dy[t]
            da = dh * (1 - hs[t + 1] ** 2)
            dx[t] = da
            dW += np.outer(da, hs[t])
            dh = W.T @ da
        return dx, dW, dh

    return y, backward


@operation(x=(2, 11), w=(3,))
def convolve_rows(x, w):
    K = w.size
    L = x.shape[1] - K + 1
    y = np.zeros((x.shape[0], L))
    for k in range(K):
        y += w[k] * x[:, k : k + L]

    def dx(dy):
        out = np.zeros(x.shape)
        for k in range(K):
            out[:, k : k + L] += w[k] * dy
        return out

    def dw(dy):
        out = np.zeros(K)
        for k in range(K):
            out[k] = np.sum(dy * x[:, k : k + L])
        return out

    return y, dx, dw


@operation(x=(2, 7), a=(2, 1))
def exponential_average(x, a):
    s = 1 / (1 + np.exp(-a))
    y = np.zeros(x.shape)
    last = np.zeros((x.shape[0], 1))
    for t in range(x.shape[1]):
        last = (1 - s) * last + s * x[:, t : t + 1]
        y[:, t : t + 1] = last

    def backward(dy):
        dx = np.zeros(x.shape)
        ds = np.zeros(a.shape)
        carried = np.zeros(a.shape)
        for t in reversed(range(x.shape[1])):
            total = dy[:, t : t + 1] + carried
            before = y[:, t - 1 : t] if t > 0 else np.zeros(a.shape)
            dx[:, t : t + 1] = s * total
            ds += total * (x[:, t : t + 1] - before)
            carried = (1 - s) * total
        return dx, ds * s * (1 - s)

    return y, backward


@operation(E=(7, 3), g=(5, 1))
def gated_embedding(E, g):
    words = np.array([2, 0, 2, 6, 3])
    gate = 1 / (1 + np.exp(-g))
    rows = E[words]
    y = gate * rows

    def dE(dy):
        out = np.zeros_like(E)
        np.add.at(out, words, dy * gate)
        return out

    def dg(dy):
        dgate = (dy * rows).sum(axis=1, keepdims=True)
        return dgate * gate * (1 - gate)

    return y, dE, dg


@operation(x=(3, 5), scale=(), shift=())
def standardized_with_numbers(x, scale, shift):
    centre = x.mean()
    y = scale * np.tanh(x - centre) + shift * x**2

    def dx(dy):
        inside = dy * scale * (1 - np.tanh(x - centre) ** 2)
        return inside - inside.mean() + 2 * shift * dy * x

    def dscale(dy):
        return np.sum(dy * np.tanh(x - centre))

    def dshift(dy):
        return np.sum(dy * x**2)

    return y, dx, dscale, dshift


@operation(p=lambda rng: rng.uniform(0.1, 0.9, (3, 5)), q=lambda rng: rng.uniform(0.1, 0.9, (3, 5)))
def bernoulli_divergence(p, q):
    first = p * np.log(p / q)
    second = (1 - p) * np.log((1 - p) / (1 - q))
    kl = (first + second).mean(axis=0)

    def dp(dkl):
        N = len(p)
        return dkl * (np.log(p / q) - np.log((1 - p) / (1 - q))) / N

    def dq(dkl):
        N = len(p)
        return dkl * ((1 - p) / (1 - q) - p / q) / N

    return kl, dp, dq

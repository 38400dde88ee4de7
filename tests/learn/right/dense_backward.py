"""Right solutions of the exercise dense_backward, written in unusual ways."""

import functools

import numpy as np


def dense_by_einsum(x, W, b):
    y = np.einsum("ni,io->no", x, W) + b

    def dx(dy):
        return np.einsum("no,io->ni", dy, W)

    def dW(dy):
        return np.einsum("ni,no->io", x, dy)

    def db(dy):
        return np.einsum("no->o", dy)

    return y, dx, dW, db


def dense_by_loops(x, W, b):
    N, I = x.shape
    O = W.shape[1]
    y = x @ W + b

    def dx(dy):
        result = np.zeros_like(x)
        for n in range(N):
            for i in range(I):
                for o in range(O):
                    result[n, i] += dy[n, o] * W[i, o]
        return result

    def dW(dy):
        result = np.zeros_like(W)
        for n in range(N):
            result += np.outer(x[n], dy[n])
        return result

    def db(dy):
        result = np.zeros_like(b)
        for row in dy:
            result += row
        return result

    return y, dx, dW, db


def dense_with_ones(x, W, b):
    """One product with a column of ones gives dW and db at once, and db is a view of it."""
    extended = np.concatenate([x, np.ones_like(x[:, :1])], axis=1)

    def both(dy):
        return extended.T @ dy

    return (
        extended @ np.concatenate([W, b[None]]),
        lambda dy: np.matmul(dy, W.T),
        lambda dy: both(dy)[:-1],
        lambda dy: both(dy)[-1],
    )


def dense_by_transposed_products(x, W, b):
    """Every product is that of the transposed factors, so every result is a view that is not contiguous."""
    y = x @ W + b

    def dx(dy):
        return (W @ dy.T).T

    def dW(dy):
        return (dy.T @ x).T

    def db(dy):
        return np.ones(len(dy), dy.dtype) @ dy

    return y, dx, dW, db


class _Dense:
    def __init__(self, x, W):
        self.x, self.W = x, W

    def input(self, dy):
        return np.tensordot(dy, self.W, axes=(1, 1))

    def weights(self, dy):
        return np.tensordot(self.x, dy, axes=(0, 0))

    def bias(self, dy):
        return np.add.reduce(dy)


def dense_with_methods(x, W, b):
    layer = _Dense(x, W)
    return x.dot(W) + b, layer.input, layer.weights, layer.bias


def dense_with_partial(x, W, b):
    return (
        x @ W + b,
        functools.partial(_times, W.T),
        functools.partial(np.dot, x.T),
        functools.partial(np.sum, axis=0),
    )


def _times(W, dy):
    return dy @ W


def dense_by_blocks(x, W, b):
    y = np.vstack([row[None] @ W + b for row in x])

    def dx(dy):
        return np.array([W @ row for row in dy])

    def dW(dy):
        return np.column_stack([x.T @ column for column in dy.T])

    def db(dy):
        return np.cumsum(dy, axis=0)[-1]

    return y, dx, dW, db


def dense_with_copies(x, W, b):
    """The derivatives work in place on copies of dy, which belong to them."""
    x, W = x.copy(), W.copy()

    def dx(dy):
        dy = dy.copy()
        dy *= 2
        dy /= 2
        return dy @ W.T

    def dW(dy):
        dW = np.zeros_like(W)
        np.add.at(dW, (slice(None), slice(None)), x.T @ dy)
        return dW

    def db(dy):
        total = dy[0].copy()
        for row in dy[1:]:
            total += row
        return total

    return x @ W + b, dx, dW, db

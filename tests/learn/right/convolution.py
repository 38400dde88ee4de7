"""Right solutions of the exercise convolution, written in unusual ways."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from npvae.autodiff.convolution import add_columns, columns


def conv2d_by_columns(x, W, b, *, stride=1, padding=0):
    k, _, C, O = W.shape
    r, matrix = columns(x, k, stride, padding), W.reshape(-1, O)
    height, width = ((n + 2 * padding - k) // stride + 1 for n in x.shape[1:3])
    y = (r @ matrix + b).reshape(len(x), height, width, O)

    def dx(dy):
        return add_columns(np.einsum("nhwo,io->nhwi", dy, matrix), x.shape, k, stride, padding)

    def dW(dy):
        return np.tensordot(r, dy.reshape(len(r), O), axes=(0, 0)).reshape(k, k, C, O)

    def db(dy):
        return np.einsum("nhwo->o", dy)

    return y, dx, dW, db


def _padded(x, p):
    return np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def conv2d_by_windows(x, W, b, *, stride=1, padding=0):
    """Every window is a view of the padded images, and einsum multiplies."""
    k = len(W)
    windows = sliding_window_view(_padded(x, padding), (k, k), axis=(1, 2))[:, ::stride, ::stride]
    y = np.einsum("nuvcij,ijco->nuvo", windows, W) + b

    def dx(dy):
        out = np.zeros_like(_padded(x, padding))
        views = sliding_window_view(out, (k, k), axis=(1, 2), writeable=True)[:, ::stride, ::stride]
        pieces = np.einsum("nuvo,ijco->nuvcij", dy, W)
        for i in range(k):
            for j in range(k):
                views[..., i, j] += pieces[..., i, j]
        return out[:, padding : out.shape[1] - padding, padding : out.shape[2] - padding]

    def dW(dy):
        return np.einsum("nuvcij,nuvo->ijco", windows, dy)

    return y, dx, dW, lambda dy: dy.sum((0, 1, 2))


def conv2d_by_offsets(x, W, b, *, stride=1, padding=0):
    """One product for each pixel of the kernel, with slices of the padded images."""
    k = len(W)
    big = _padded(x, padding)
    height, width = ((n - k) // stride + 1 for n in big.shape[1:3])

    def places(i, j):
        return np.s_[:, i : i + stride * height : stride, j : j + stride * width : stride]

    offsets = list(np.ndindex(k, k))
    y = sum(big[places(i, j)] @ W[i, j] for i, j in offsets) + b

    def dx(dy):
        out = np.zeros_like(big)
        for i, j in offsets:
            out[places(i, j)] += dy @ W[i, j].T
        return out[:, padding:, padding:][:, : x.shape[1], : x.shape[2]]

    def dW(dy):
        out = np.empty_like(W)
        for i, j in offsets:
            out[i, j] = np.tensordot(big[places(i, j)], dy, axes=((0, 1, 2), (0, 1, 2)))
        return out

    def db(dy):
        return dy.reshape(-1, dy.shape[-1]).sum(axis=0)

    return y, dx, dW, db


def conv2d_by_add_at(x, W, b, *, stride=1, padding=0):
    """Indices of the pixels of every window; the gradients of x are added at them."""
    k = len(W)
    big = _padded(x, padding)
    height, width = ((n - k) // stride + 1 for n in big.shape[1:3])
    i = stride * np.arange(height)[:, None, None, None] + np.arange(k)[:, None]
    j = stride * np.arange(width)[:, None, None] + np.arange(k)
    y = np.tensordot(big[:, i, j], W, axes=3) + b

    def dx(dy):
        out = np.zeros_like(big)
        np.add.at(out, (slice(None), i, j), np.tensordot(dy, W, axes=(3, 3)))
        return out[:, padding : padding + x.shape[1], padding : padding + x.shape[2]]

    def dW(dy):
        return np.tensordot(big[:, i, j], dy, axes=((0, 1, 2), (0, 1, 2)))

    def db(dy):
        return dy.sum(axis=0).sum(axis=0).sum(axis=0)

    return y, dx, dW, db


def conv2d_by_loops_over_windows(x, W, b, *, stride=1, padding=0):
    k, _, _, O = W.shape
    big = _padded(x, padding)
    height, width = ((n - k) // stride + 1 for n in big.shape[1:3])
    y = np.empty((len(x), height, width, O), x.dtype)
    for u in range(height):
        for v in range(width):
            window = big[:, stride * u : stride * u + k, stride * v : stride * v + k]
            y[:, u, v] = window.reshape(len(x), -1) @ W.reshape(-1, O) + b

    def backward(dy):
        dbig, dW, db = np.zeros_like(big), np.zeros_like(W), np.zeros_like(b)
        for u, v in np.ndindex(height, width):
            place = np.s_[:, stride * u : stride * u + k, stride * v : stride * v + k]
            dbig[place] += (dy[:, u, v] @ W.reshape(-1, O).T).reshape(big[place].shape)
            dW += (big[place].reshape(len(x), -1).T @ dy[:, u, v]).reshape(W.shape)
            db += dy[:, u, v].sum(axis=0)
        return dbig[:, padding:][:, : x.shape[1], padding:][:, :, : x.shape[2]], dW, db

    return y, lambda dy: backward(dy)[0], lambda dy: backward(dy)[1], lambda dy: backward(dy)[2]

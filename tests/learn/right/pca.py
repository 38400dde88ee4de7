"""Right solutions of the exercise pca, written in unusual ways."""

import numpy as np


def principal_components_by_svd(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    _, s, Vt = np.linalg.svd(x - mean, full_matrices=False)
    return mean, Vt[:count], s**2 / len(x)


def principal_components_by_cov(x, count):
    x = np.array(x, dtype=float)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    return x.mean(0), np.flip(vectors, axis=1)[:, :count].T, np.flip(values)


def principal_components_sorted(x, count):
    """eig in the place of eigh, with the order by argsort."""
    x = x.astype(float)
    mean = x.sum(axis=0) / x.shape[0]
    c = x - mean
    values, vectors = np.linalg.eig(np.einsum("ni,nj->ij", c, c) / x.shape[0])
    order = np.argsort(-values.real)
    return mean, vectors.real[:, order[:count]].T, values.real[order]


def principal_components_by_negative_covariance(x, count):
    """The eigenvalues of −S rise where those of S fall."""
    x = np.asarray(x, dtype=np.float64)
    mean = np.mean(x, axis=0)
    S = np.zeros((x.shape[1], x.shape[1]))
    for row in x - mean:
        S -= np.outer(row, row) / len(x)
    values, vectors = np.linalg.eigh(S)
    return mean, vectors.T[:count], -values


def principal_components_from_the_last(x, count):
    y = x.astype(np.float64, copy=True)
    mean = y.mean(axis=0)
    y -= mean
    values, vectors = np.linalg.eigh(np.tensordot(y, y, axes=(0, 0)) / len(y))
    rows = np.stack([vectors[:, -1 - i] for i in range(count)])
    return mean, -rows, values[::-1].copy()


def principal_components_by_jacobi(x, count):
    """Rotate two axes at a time until the covariance is diagonal."""
    x = x.astype(np.float64)
    mean = np.add.reduce(x) / len(x)
    S = (x - mean).T @ (x - mean) / len(x)
    V = np.eye(len(S))
    for _ in range(12):
        for i in range(len(S)):
            for j in range(i + 1, len(S)):
                angle = 0.5 * np.arctan2(2 * S[i, j], S[j, j] - S[i, i])
                R = np.eye(len(S))
                R[i, i] = R[j, j] = np.cos(angle)
                R[i, j], R[j, i] = np.sin(angle), -np.sin(angle)
                S, V = R.T @ S @ R, V @ R
    order = np.argsort(np.diag(S))[::-1]
    return mean, V[:, order].T[:count], np.diag(S)[order]

"""Principal component analysis: the best that a linear map can do, in closed form.

Project x on a subspace of `latent_dim` dimensions and back. Which subspace loses least, ‖x − x̂‖² averaged over the
data? The one through the mean that is spanned by the eigenvectors of the covariance with the largest eigenvalues, and
what it loses is the sum of all the other eigenvalues. (The variance of the data is the sum of all eigenvalues, a
projection keeps Σ_j u_jᵀ S u_j of it, and that is largest for the first eigenvectors.)

Sources: Pearson (1901), On lines and planes of closest fit; Bishop (2006), Pattern recognition and machine learning,
section 12.1.2.
"""

import math

import numpy as np

from ..autodiff import Tensor
from ..errors import UserError
from .base import LatentModel
from .prior import FittedPrior


class PCA(FittedPrior, LatentModel):
    """The projection on the first principal components. Nothing is trained: `fit` computes it.

    data_dim     D
    latent_dim   how many components

    mean         buffer (D,): the mean of the data
    components   buffer (latent_dim, D): orthonormal rows, by falling eigenvalue
    eigenvalues  buffer (latent_dim,): the variance of the data along each

    Raises UserError for more components than dimensions.
    """

    buffers = ("mean", "components", "eigenvalues")

    def __init__(self, data_dim, latent_dim):
        if latent_dim > data_dim:
            raise UserError(f"the latent dimension is {latent_dim}, but the data has only {data_dim} dimensions")
        self.latent_dim = latent_dim
        self.mean = np.zeros(data_dim, dtype=np.float32)
        self.components = np.eye(latent_dim, data_dim, dtype=np.float32)
        self.eigenvalues = np.ones(latent_dim, dtype=np.float32)

    def fit(self, x):
        """Compute the components of the examples x (N, D), in float64. Returns self.

        If X holds the centred examples and XXᵀ v = λ v, then XᵀX (Xᵀ v) = λ (Xᵀ v): where there are fewer examples than
        dimensions, the eigenvectors come from the smaller matrix. The sign of an eigenvector is arbitrary: it is chosen
        so that its largest entry is positive. Raises UserError for more components than examples.
        """
        if self.latent_dim > len(x):
            raise UserError(f"the latent dimension is {self.latent_dim}, but there are only {len(x)} examples")
        centred = x.astype(np.float64)
        mean = centred.mean(axis=0)
        centred -= mean
        is_wide = x.shape[1] > len(x)
        square = centred @ centred.T if is_wide else centred.T @ centred
        eigenvalues, eigenvectors = np.linalg.eigh(square / len(x))      # in rising order
        first = eigenvectors[:, ::-1][:, : self.latent_dim]
        components = (np.linalg.qr(centred.T @ first)[0] if is_wide else first).T
        largest = components[np.arange(self.latent_dim), np.abs(components).argmax(axis=1)]
        self.mean = mean.astype(np.float32)
        self.components = (components * np.sign(largest)[:, None]).astype(np.float32)
        self.eigenvalues = np.maximum(eigenvalues[::-1][: self.latent_dim], 0).astype(np.float32)
        return self

    def loss(self, x, rng=None, step=math.inf, rows=None):
        """‖x − x̂‖², summed over pixels, averaged over the batch."""
        error = np.square(self.reconstruct(x) - x).sum(axis=-1).mean()
        return Tensor(error), {"loss": float(error)}

    def codes(self, x):
        return (x - self.mean) @ self.components.T

    def generate(self, z):
        return z.astype(self.mean.dtype) @ self.components + self.mean


def principal_angles(A, B):
    """The angles between the subspaces that the rows of A (a, D) and B (b, D) span, in degrees, rising: (min(a, b),).

    0 means a common direction, and the largest is 0 only if one subspace lies in the other. The cosines are the
    singular values of Q_A Q_Bᵀ for orthonormal bases; small angles are taken from the sines, because the cosine of 10⁻⁸
    is 1. Source: Björck and Golub (1973), Numerical methods for computing angles between linear subspaces, theorem 1.
    """
    QA, QB = (np.linalg.qr(M.astype(np.float64).T)[0] for M in (A, B))
    if QA.shape[1] < QB.shape[1]:
        QA, QB = QB, QA
    cosines = np.clip(np.linalg.svd(QA.T @ QB, compute_uv=False), 0, 1)
    sines = np.clip(np.linalg.svd(QB - QA @ (QA.T @ QB), compute_uv=False)[::-1], 0, 1)
    return np.degrees(np.where(cosines**2 < 0.5, np.arccos(cosines), np.arcsin(sines)))

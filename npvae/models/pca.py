"""Principal component analysis: the best that a linear map can do, in closed form.

Project x on a subspace of `latent_dim` dimensions and back. Which subspace loses least, ‖x − x̂‖² averaged over the
data? The one through the mean, spanned by the eigenvectors of the covariance S with the largest eigenvalues. It loses
the sum of the other eigenvalues. (The variance of the data is the sum of all eigenvalues, a projection keeps
Σ_j u_jᵀ S u_j of it, and that is largest for the first eigenvectors.)

Sources: Pearson (1901), On lines and planes of closest fit; Bishop (2006), Pattern recognition and machine learning,
section 12.1.2.
"""

import math

import numpy as np

from .. import runtime
from ..arguments import check_sizes
from ..autodiff import Tensor
from ..errors import UserError
from ..runtime import product
from .base import LatentModel
from .prior import FittedPrior


class PCA(FittedPrior, LatentModel):
    """The projection on the first principal components. `fit` computes it; there is no training.

    data_dim     D
    latent_dim   how many components

    mean         buffer (D,): the mean of the data
    components   buffer (latent_dim, D): orthonormal rows, by falling eigenvalue
    eigenvalues  buffer (latent_dim,): the variance of the data along each

    Raises UserError for more components than dimensions.
    """

    buffers = ("mean", "components", "eigenvalues")

    def __init__(self, data_dim, latent_dim):
        check_sizes(data_dim=data_dim, latent_dim=latent_dim)
        if latent_dim > data_dim:
            raise UserError(f"the latent dimension is {latent_dim}, but the data has only {data_dim} dimensions")
        self.data_dim, self.latent_dim = data_dim, latent_dim
        self.mean = np.zeros(data_dim, dtype=np.float32)
        self.components = np.eye(latent_dim, data_dim, dtype=np.float32)
        self.eigenvalues = np.ones(latent_dim, dtype=np.float32)

    @property
    def dtype(self):
        """The dtype of the buffers."""
        return self.mean.dtype

    def fit(self, x):
        """Compute the components of the examples x (N, D). Returns self.

        Raises UserError for more components than examples.
        """
        mean, components, eigenvalues = principal_components(self.examples(x), self.latent_dim)
        self.mean, self.components = mean.astype(np.float32), components.astype(np.float32)
        self.eigenvalues = eigenvalues[: self.latent_dim].astype(np.float32)
        return self

    def loss(self, x, rng=None, step=math.inf, rows=None):
        """Return ‖x − x̂‖², summed over pixels, averaged over the batch."""
        x = self.examples(x)
        error = np.square(self.reconstruct(x) - x).sum(axis=-1).mean()
        return Tensor(error), {"loss": float(error)}

    def codes(self, x):
        return product(self.examples(x) - self.mean, self.components.T)

    def generate(self, z):
        return product(self.points(z), self.components) + self.mean


def principal_components(x, count):
    """Return the mean (D,), the first components (count, D) and all eigenvalues (min(N, D),) of x (N, D), in float64.

    The eigenvalues are in falling order. If X holds the centred examples and XXᵀ v = λ v, then
    XᵀX (Xᵀ v) = λ (Xᵀ v): with fewer examples than dimensions, take the eigenvectors Xᵀ v from the smaller matrix. They
    are orthogonal; QR gives them length 1, and completes them where λ = 0. The sign of an eigenvector is arbitrary:
    make its largest entry positive.
    Raises UserError for more components than examples.
    """
    if count > len(x):
        raise UserError(f"the latent dimension is {count}, but there are only {len(x)} examples")
    centred = x.astype(np.float64)
    mean = centred.mean(axis=0)
    centred -= mean
    is_wide = x.shape[1] > len(x)
    square = product(centred, centred.T) if is_wide else product(centred.T, centred)
    with runtime.one_thread:                                             # the same bits on every machine
        eigenvalues, eigenvectors = np.linalg.eigh(square / len(x))      # in rising order
        first = eigenvectors[:, ::-1][:, :count]
        components = (np.linalg.qr(centred.T @ first)[0] if is_wide else first).T
    largest = components[np.arange(count), np.abs(components).argmax(axis=1)]
    return mean, components * np.sign(largest)[:, None], np.maximum(eigenvalues[::-1], 0)


def principal_angles(A, B):
    """Return the angles between the subspaces that the rows of A (a, D) and B (b, D) span, in degrees: (min(a, b),).

    They are in rising order. 0 means a common direction, and the largest is 0 only if one subspace lies in the other.
    Their cosines are the singular values of Q_A Q_Bᵀ for orthonormal bases. Small angles come from the sines, because
    the cosine of 10⁻⁸ is 1.
    Source: Björck and Golub (1973), Numerical methods for computing angles between linear subspaces, theorem 1.
    """
    QA, QB = (np.linalg.qr(M.astype(np.float64).T)[0] for M in (A, B))
    if QA.shape[1] < QB.shape[1]:
        QA, QB = QB, QA
    cosines = np.clip(np.linalg.svd(QA.T @ QB, compute_uv=False), 0, 1)
    sines = np.clip(np.linalg.svd(QB - QA @ (QA.T @ QB), compute_uv=False)[::-1], 0, 1)
    return np.degrees(np.where(cosines**2 < 0.5, np.arccos(cosines), np.arcsin(sines)))

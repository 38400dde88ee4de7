"""The exact oracle: a VAE for which everything is known.

With a linear decoder and Gaussian noise,

    p(z) = N(0, I),    p(x | z) = N(W z + b, σ² I),

the VAE is probabilistic PCA, and both the likelihood and the true posterior are Gaussian:

    p(x) = N(b, W Wᵀ + σ² I),    p(z | x) = N(M⁻¹ Wᵀ (x − b), σ² M⁻¹),    M = Wᵀ W + σ² I.

Compare with it everything that is estimated elsewhere: the ELBO, whose gap is KL(q ‖ p(z | x)); importance sampling,
which converges to ln p(x); and gradients. Here the columns of W are orthogonal, so M is diagonal, and a VAE's encoder
can represent the true posterior. Nothing is lost: rotating the latent space changes neither p(z) nor p(x), and some
rotation always makes the columns orthogonal.

Source: Tipping and Bishop (1999), Probabilistic principal component analysis, eq. 2 to 8.
"""

import numpy as np

from ..arguments import check_sizes, generator
from ..autodiff import ops
from ..errors import UserError
from ..probability import ELBO, DiagonalGaussian
from ..probability.gaussian import LOG_2PI
from .pca import principal_components


class ProbabilisticPCA:
    """The linear-Gaussian VAE, in float64.

    W        (D, latent_dim), with orthogonal columns
    b        (D,)
    logvar   ln σ²

    Raises UserError if the columns of W are not orthogonal.
    """

    def __init__(self, W, b, logvar):
        self.W, self.b, self.logvar = np.asarray(W, np.float64), np.asarray(b, np.float64), float(logvar)
        self.latent_dim = self.W.shape[1]
        gram = self.W.T @ self.W
        if not np.allclose(gram, np.diag(np.diag(gram)), atol=1e-5 * np.abs(gram).max()):
            raise UserError("the columns of W are not orthogonal: multiply W by V of its singular value decomposition")
        self._M = np.diag(gram) + np.exp(self.logvar)                    # the diagonal of M = Wᵀ W + σ² I

    @classmethod
    def random(cls, data_dim, latent_dim, rng, logvar=-1.0):
        """Return a model with random orthogonal columns of lengths between ½ and 2, and a random b."""
        rng = generator(rng)
        directions, _ = np.linalg.qr(rng.standard_normal((data_dim, latent_dim)))
        return cls(directions * np.linspace(2, 0.5, latent_dim), rng.standard_normal(data_dim), logvar)

    @classmethod
    def fit(cls, x, latent_dim):
        """Return the model that maximises the likelihood of the examples x (N, D), in closed form.

        W = U (Λ − σ² I)^½ with the first eigenvectors U and eigenvalues Λ of the covariance, and σ² the mean of the
        other eigenvalues (eq. 7 and 8). Raises UserError unless latent_dim is less than D.
        """
        D = x.shape[1]
        if latent_dim >= D:
            raise UserError(f"the latent dimension is {latent_dim}, expected less than the {D} dimensions of the data")
        mean, components, eigenvalues = principal_components(x, latent_dim)
        sigma2 = max(eigenvalues[latent_dim:].sum() / (D - latent_dim), 1e-12)
        return cls(components.T * np.sqrt(np.maximum(eigenvalues[:latent_dim] - sigma2, 0)), mean, np.log(sigma2))

    def decode(self, z):
        """Return p(x | z) for codes z, a Tensor or array (N, latent_dim): a DiagonalGaussian (N, D)."""
        return DiagonalGaussian(z @ self.W.T + self.b, self.logvar)

    def sample(self, n, rng):
        """Draw n examples from p(x), noise included: an array (n, D)."""
        check_sizes(n=n)
        rng = generator(rng)
        return self.decode(rng.standard_normal((n, self.latent_dim))).rsample(rng).data

    def log_likelihood(self, x):
        """Return ln p(x) of the examples x (N, D): an array (N,), in nats.

        By Woodbury's identity and the determinant lemma, with r = x − b, all inverses are of latent_dim × latent_dim
        matrices: rᵀ (W Wᵀ + σ² I)⁻¹ r = (‖r‖² − rᵀ W M⁻¹ Wᵀ r) / σ² and ln det = ln det M + (D − latent_dim) ln σ².
        """
        r = x - self.b
        D = r.shape[1]
        projected = r @ self.W
        distance = ((r * r).sum(axis=1) - (projected * projected / self._M).sum(axis=1)) / np.exp(self.logvar)
        log_det = np.log(self._M).sum() + (D - self.latent_dim) * self.logvar
        return -0.5 * (D * LOG_2PI + log_det + distance)

    def elbo(self, x, q):
        """Return the ELBO for any q(z | x), a DiagonalGaussian (N, latent_dim), without sampling.

        E_q ‖x − W z − b‖² = ‖x − W μ − b‖² + Σ_j ‖w_j‖² σ_j², because the columns w_j are orthogonal.
        """
        D, precision = len(self.b), float(np.exp(-self.logvar))
        r = x - (ops.matmul(q.mu, self.W.T) + self.b)
        spread = (ops.exp(q.logvar) * np.square(self.W).sum(axis=0)).sum(axis=-1)
        distance = ops.square(r).sum(axis=-1) + spread
        return ELBO(-0.5 * (distance * precision + D * (LOG_2PI + self.logvar)), q.kl_divergence())

    def posterior(self, x):
        """Return p(z | x) of the examples x (N, D): a DiagonalGaussian of arrays (N, latent_dim)."""
        mu = (x - self.b) @ self.W / self._M
        return DiagonalGaussian(mu, np.broadcast_to(self.logvar - np.log(self._M), mu.shape))

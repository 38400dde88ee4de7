"""Sampling from a model without a prior: fit a factored Gaussian to its codes.

An autoencoder says where the codes of the data are, but not how likely they are. The simplest guess is an independent
Gaussian in each latent dimension. Its samples show what the guess misses: many lie between the clusters, where the
decoder has seen no code.
"""

import numpy as np

from ..errors import UserError


class FittedPrior:
    """For a model with `codes`: `fit_prior(x)` fits N(code_mean, diag code_std²), and `from_noise` draws from it.

    code_mean, code_std   arrays (latent_dim,), None before `fit_prior`
    """

    code_mean = code_std = None
    fitted = ("code_mean", "code_std")

    def fit_prior(self, x, batch_size=200):
        """Fit the Gaussian to the codes of the examples x (N, D), `batch_size` at a time. Returns self."""
        codes = np.concatenate([self.codes(x[i : i + batch_size]) for i in range(0, len(x), batch_size)])
        self.code_mean, self.code_std = codes.mean(axis=0), codes.std(axis=0)
        return self

    def from_noise(self, eps):
        """Return code_mean + code_std ⊙ ε, an array (n, latent_dim). Raises UserError before `fit_prior`."""
        if np.shape(eps)[-1:] != (self.latent_dim,):
            raise UserError(f"eps has shape {np.shape(eps)}, expected (n, {self.latent_dim})")
        if self.code_mean is None:
            raise UserError("an autoencoder has no prior: call fit_prior(x) with its training data first")
        return self.code_mean + self.code_std * eps

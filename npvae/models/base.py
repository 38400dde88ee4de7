"""What every model can do, so that you can compare them.

    loss(x, rng, step, rows)   what training minimises, and its parts
    codes(x)                   a point in the latent space for each example
    generate(z)                examples from points in the latent space
    reconstruct(x)             the examples, encoded and decoded
    from_noise(eps)            points in the latent space from points of N(0, I)
    sample(n, rng)             new examples

The training loop, the evaluation, the pictures and the command line know no model by name. They ask each model what to
measure and what to draw: its `unit`, whether it `has_bound`, its `noise`, and its `posteriors`.
"""

import math

from ..errors import UserError
from ..nn import Module


class LatentModel(Module):
    """The base class of models: a subclass defines `loss`, `codes`, `generate` and `from_noise`.

    latent_dim    the dimension of z
    data_range    the smallest and the largest value that the data may have; None leaves that to `require`
    unit          the unit of what `loss` reports
    has_bound     whether `encode` returns q(z | x) and `decode` p(x | z), a distribution that `likelihood` makes: then
                  we can measure the bound and ln p(x)
    noise         the function with which a denoising model corrupts x; None for any other model
    """

    data_range = None
    unit = "squared error per example"
    has_bound = False
    noise = None

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return what training minimises on the examples x (N, D), a Tensor (), and its parts, a dict of numbers.

        rng    the numpy Generator of all noise
        step   counted from 0, for an objective that changes during training; by default, after all such changes
        rows   the indices of x in the training set, for a model that keeps a q of each example; None for new examples

        The first part is "loss", in the same unit for all models of a kind: compare models by it. If the objective is
        something else, it is the last part: "objective".
        """
        raise NotImplementedError

    def codes(self, x):
        """Return a point in the latent space for each of the examples x (N, D): an array (N, latent_dim)."""
        raise NotImplementedError

    def generate(self, z):
        """Return examples from points z (N, latent_dim) in the latent space: an array (N, D)."""
        raise NotImplementedError

    def from_noise(self, eps):
        """Move points eps of N(0, I) to where the model expects codes: return an array (n, latent_dim)."""
        raise NotImplementedError

    def require(self, x):
        """Raise UserError unless the data x (N, D) fits the model."""

    def fit_prior(self, x):
        """Fit what `from_noise` needs to the training data x (N, D). A model with a prior needs nothing."""

    def posteriors(self, x):
        """Return q(z | x) of the examples x (N, D), for warnings; None for a model that has none."""
        return None

    @staticmethod
    def check_latent_dim(latent_dim):
        """Raise UserError for less than one latent dimension."""
        if latent_dim < 1:
            raise UserError(f"the latent dimension is {latent_dim}, expected at least 1")

    def reconstruct(self, x):
        """Return the examples x (N, D), encoded and decoded: an array (N, D)."""
        return self.generate(self.codes(x))

    def sample(self, n, rng):
        """Draw n new examples: return an array (n, D)."""
        return self.generate(self.from_noise(rng.standard_normal((n, self.latent_dim))))

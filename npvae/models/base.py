"""What every model of the story can do, so that you can compare them.

    loss(x, rng, step, rows)   what training minimises, and its parts
    codes(x)                   a point in the latent space for every example
    generate(z)                examples from points in the latent space
    reconstruct(x)             there and back
    from_noise(eps)            points of N(0, I) as points in the latent space
    sample(n, rng)             new examples

The training loop, the evaluation, the pictures and the command line know no model by name. They ask a model what can be
measured and drawn of it: its `unit`, whether it `has_bound`, its `noise`, and its `posteriors`.
"""

import math

from ..errors import UserError
from ..nn import Module


class LatentModel(Module):
    """The base class of models: a subclass defines `loss`, `codes`, `generate` and `from_noise`.

    latent_dim    the dimension of z
    data_range    the smallest and the largest value that the data should have, or None for any
    unit          of what `loss` reports
    has_bound     whether `encode` gives q(z | x) and `decode` p(x | z), so that the bound and ln p(x) can be measured
    noise         for a denoising model, what `corrupt` adds; None for any other
    """

    data_range = None
    unit = "squared error per example"
    has_bound = False
    noise = None

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return what training minimises on the examples x (N, D), a Tensor (), and its parts, a dict of numbers.

        rng    the numpy Generator of all noise
        step   counted from 0, for what changes during training; by default, after all such changes
        rows   which rows of the training set x is, for a model that keeps something for each of them; None elsewhere

        The first of the numbers is "loss", the measure by which models of a kind are compared, in the same unit for all
        of them. If the objective is something else, it is the last: "objective".
        """
        raise NotImplementedError

    def codes(self, x):
        """Return a point in the latent space for each of the examples x (N, D): an array (N, latent_dim)."""
        raise NotImplementedError

    def generate(self, z):
        """Return examples from points z (N, latent_dim) in the latent space: an array (N, D)."""
        raise NotImplementedError

    def from_noise(self, eps):
        """Return points of N(0, I) as points where the model expects codes: an array (n, latent_dim)."""
        raise NotImplementedError

    def require(self, x):
        """Raise UserError unless the model can take the data x (N, D)."""

    def fit_prior(self, x):
        """Fit whatever `from_noise` needs to the training data x (N, D): nothing, for a model with a prior."""

    def posteriors(self, x):
        """Return q(z | x) of the examples x (N, D), to be judged; None for a model that has none."""
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
        """Return n new examples: an array (n, D)."""
        return self.generate(self.from_noise(rng.standard_normal((n, self.latent_dim))))

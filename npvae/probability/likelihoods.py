"""The likelihood p(x | z): how the output of a decoder becomes a distribution of data.

A likelihood is a Module, because it may have a parameter of its own. Called with the output of the decoder it returns
a distribution, with `log_prob` and `mean`; `check` refuses data that does not fit.
"""

import numpy as np

from ..autodiff import Tensor
from ..errors import UserError
from ..nn import Module
from .bernoulli import Bernoulli
from .gaussian import DiagonalGaussian


class BernoulliLikelihood(Module):
    """p(x | z) = Bernoulli(x; σ(decoder(z))): the decoder gives logits."""

    def forward(self, output):
        return Bernoulli(output)

    def check(self, x):
        """Raise UserError unless every x lies in [0, 1]."""
        if x.min() < 0 or x.max() > 1:
            raise UserError(
                f"the data runs from {x.min():g} to {x.max():g}, but a Bernoulli likelihood expects values in [0, 1]: "
                "rescale it, or choose the Gaussian likelihood"
            )


class GaussianLikelihood(Module):
    """p(x | z) = N(x; decoder(z), σ² I): the decoder gives means; one variance for all dimensions.

    logvar    ln σ². With the default of 0, the log-likelihood is −½ ‖x − μ‖² up to a constant
    learned   whether logvar is a parameter (Rybkin, Daniilidis, Levine 2021: the σ-VAE) or stays as it is
    """

    def __init__(self, logvar=0.0, learned=True):
        self.logvar = Tensor(np.array(logvar, dtype=np.float32), requires_grad=True) if learned else logvar

    def forward(self, output):
        return DiagonalGaussian(output, self.logvar)

    def check(self, x):
        """Every real number fits."""


LIKELIHOODS = {"bernoulli": BernoulliLikelihood, "gaussian": GaussianLikelihood}

"""The likelihood p(x | z): how the output of a decoder becomes a distribution of data.

A likelihood is a Module, because it may have a parameter. Call it with the decoder's output, and it returns a
distribution, with `log_prob` and `mean`. `data_range` is the smallest and the largest value that the data may have, or
None; `require` refuses data in that range that does not fit. `gives` says what exp(log_prob) is: a "density", a
"probability", or a "convention", which is a probability for zeros and ones only.

    bernoulli             black and white pixels; on grey pixels, a convention and not a log-likelihood
    continuous-bernoulli  grey pixels in [0, 1]: a density
    gaussian              any real numbers: a density, with one variance that is learned
    squared-error         the same with the variance ½, for which −ln p(x | z) is ‖x − decoder(z)‖² up to a constant
    discretized-logistic  bytes divided by 255: probabilities of the 256 levels

Never compare a density with a probability, or densities of pixels in different units.
"""

import functools

import numpy as np

from ..autodiff import Tensor
from ..errors import UserError
from ..nn import Module
from .bernoulli import Bernoulli
from .continuous_bernoulli import ContinuousBernoulli
from .discretized_logistic import LEVELS, DiscretizedLogistic
from .gaussian import DiagonalGaussian


class LogitLikelihood(Module):
    """p(x | z) = distribution(x; decoder(z)), where the decoder gives logits of pixels in [0, 1]."""

    data_range = (0.0, 1.0)

    def __init__(self, distribution, gives):
        self.distribution, self.gives = distribution, gives

    def forward(self, output):
        return self.distribution(output)

    def require(self, x):
        """Every number in [0, 1] fits."""


class GaussianLikelihood(Module):
    """p(x | z) = N(x; decoder(z), σ² I): the decoder gives means; one variance for all dimensions.

    logvar    ln σ²
    learned   whether logvar is a parameter (Rybkin, Daniilidis, Levine 2021: the σ-VAE) or fixed
    """

    data_range, gives = None, "density"

    def __init__(self, logvar=0.0, learned=True):
        self.logvar = Tensor(np.array(logvar, dtype=np.float32), requires_grad=True) if learned else logvar

    def forward(self, output):
        return DiagonalGaussian(output, self.logvar)

    def require(self, x):
        """Every real number fits."""


class DiscretizedLogisticLikelihood(LogitLikelihood):
    """P(x | z) of 256 levels, by a logistic distribution with mean decoder(z) and one learned scale for all pixels."""

    def __init__(self):
        self.gives = "probability"
        self.log_scale = Tensor(np.array(-2.0, dtype=np.float32), requires_grad=True)

    def forward(self, output):
        return DiscretizedLogistic(output, self.log_scale)

    def require(self, x):
        """Raise UserError unless every x is one of the levels 0, 1/255, …, 1."""
        levels = np.float32(LEVELS - 1) * x
        off = np.abs(levels - np.round(levels)) > 1e-3
        if off.any():
            raise UserError(
                f"the data holds {x[off][0]:g}, but a discretized-logistic likelihood expects the 256 levels 0, 1/255, "
                "…, 1: save bytes (uint8), or choose another likelihood"
            )


LIKELIHOODS = {
    "bernoulli": functools.partial(LogitLikelihood, Bernoulli, "convention"),
    "continuous-bernoulli": functools.partial(LogitLikelihood, ContinuousBernoulli, "density"),
    "gaussian": GaussianLikelihood,
    # N(x; decoder(z), ½ I), for which −ln p(x | z) = ‖x − decoder(z)‖² + D/2 · ln π
    "squared-error": functools.partial(GaussianLikelihood, float(np.log(0.5)), learned=False),
    "discretized-logistic": DiscretizedLogisticLikelihood,
}

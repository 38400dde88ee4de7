"""The likelihood p(x | z): how the output of a decoder becomes a distribution of data.

A likelihood is a Module, because it may have a parameter of its own. Called with the output of the decoder it returns
a distribution, with `log_prob` and `mean`; `check` refuses data that does not fit.

    bernoulli             black and white pixels; on grey ones a convention, and not a log-likelihood
    continuous-bernoulli  grey pixels in [0, 1]: a density
    gaussian              any real numbers: a density, with one variance that is learned
    squared-error         the same with the variance ½, for which −ln p(x | z) is ‖x − decoder(z)‖² up to a constant
    discretized-logistic  bytes divided by 255: probabilities of the 256 levels

A density and a probability, or densities of pixels in other units, are not comparable.
"""

import numpy as np

from ..autodiff import Tensor
from ..errors import UserError
from ..nn import Module
from .bernoulli import Bernoulli
from .continuous_bernoulli import ContinuousBernoulli
from .discretized_logistic import LEVELS, DiscretizedLogistic
from .gaussian import DiagonalGaussian


def _check_unit_interval(x, likelihood):
    if x.min() < 0 or x.max() > 1:
        raise UserError(
            f"the data runs from {x.min():g} to {x.max():g}, but a {likelihood} likelihood expects values in [0, 1]: "
            "rescale it, or choose the gaussian likelihood"
        )


class BernoulliLikelihood(Module):
    """p(x | z) = Bernoulli(x; σ(decoder(z))): the decoder gives logits."""

    def forward(self, output):
        return Bernoulli(output)

    def check(self, x):
        """Raise UserError unless every x lies in [0, 1]."""
        _check_unit_interval(x, "bernoulli")


class ContinuousBernoulliLikelihood(Module):
    """p(x | z) = ContinuousBernoulli(x; decoder(z)): the decoder gives logits."""

    def forward(self, output):
        return ContinuousBernoulli(output)

    def check(self, x):
        """Raise UserError unless every x lies in [0, 1]."""
        _check_unit_interval(x, "continuous-bernoulli")


class GaussianLikelihood(Module):
    """p(x | z) = N(x; decoder(z), σ² I): the decoder gives means; one variance for all dimensions.

    logvar    ln σ²
    learned   whether logvar is a parameter (Rybkin, Daniilidis, Levine 2021: the σ-VAE) or stays as it is
    """

    def __init__(self, logvar=0.0, learned=True):
        self.logvar = Tensor(np.array(logvar, dtype=np.float32), requires_grad=True) if learned else logvar

    def forward(self, output):
        return DiagonalGaussian(output, self.logvar)

    def check(self, x):
        """Every real number fits."""


def squared_error_likelihood():
    """N(x; decoder(z), ½ I), for which −ln p(x | z) = ‖x − decoder(z)‖² + D/2 · ln π."""
    return GaussianLikelihood(float(np.log(0.5)), learned=False)


class DiscretizedLogisticLikelihood(Module):
    """P(x | z) of 256 levels, by a logistic distribution with mean decoder(z) and one scale s for all, ln s learned."""

    def __init__(self):
        self.log_scale = Tensor(np.array(-2.0, dtype=np.float32), requires_grad=True)

    def forward(self, output):
        return DiscretizedLogistic(output, self.log_scale)

    def check(self, x):
        """Raise UserError unless every x is one of the levels 0, 1/255, …, 1."""
        _check_unit_interval(x, "discretized-logistic")
        levels = np.float32(LEVELS - 1) * x
        off = np.abs(levels - np.round(levels)) > 1e-3
        if off.any():
            raise UserError(
                f"the data holds {x[off][0]:g}, but a discretized-logistic likelihood expects the 256 levels 0, 1/255, "
                "…, 1: save bytes (uint8), or choose another likelihood"
            )


LIKELIHOODS = {
    "bernoulli": BernoulliLikelihood,
    "continuous-bernoulli": ContinuousBernoulliLikelihood,
    "gaussian": GaussianLikelihood,
    "squared-error": squared_error_likelihood,
    "discretized-logistic": DiscretizedLogisticLikelihood,
}

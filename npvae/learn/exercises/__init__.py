"""The exercises, in the order in which they are best done; none needs the solution of another."""

from .activations import RELU, SIGMOID, SOFTPLUS
from .bernoulli import BERNOULLI
from .convolution import CONVOLUTION
from .dense import DENSE_BACKWARD, DENSE_FORWARD
from .gaussian import GAUSSIAN
from .kl import KL
from .reparameterize import REPARAMETERIZE

ALL = [
    DENSE_FORWARD, DENSE_BACKWARD, RELU, SIGMOID, SOFTPLUS, BERNOULLI, REPARAMETERIZE, KL, GAUSSIAN, CONVOLUTION,
]  # fmt: skip

"""The exercises, in the best order; none needs the solution of another."""

from ..museum import EXHIBITS
from .activations import RELU, SIGMOID, SOFTPLUS
from .adam import ADAM
from .bernoulli import BERNOULLI
from .convolution import CONVOLUTION
from .dense import DENSE_BACKWARD, DENSE_FORWARD
from .e_step import E_STEP
from .elbo import ELBO
from .gaussian import GAUSSIAN
from .importance import IMPORTANCE_SAMPLING, IWAE_WEIGHTS
from .kl import KL
from .pca import PCA
from .reparameterize import REPARAMETERIZE
from .training import TRAINING_STEP

ALL = [
    DENSE_FORWARD,
    DENSE_BACKWARD,
    RELU,
    SIGMOID,
    SOFTPLUS,
    BERNOULLI,
    REPARAMETERIZE,
    KL,
    GAUSSIAN,
    ELBO,
    ADAM,
    TRAINING_STEP,
    PCA,
    E_STEP,
    IMPORTANCE_SAMPLING,
    IWAE_WEIGHTS,
    CONVOLUTION,
    *EXHIBITS,
]

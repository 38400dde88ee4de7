"""The exercises, in the order of the chapters of the tutorials; none needs the solution of another."""

from ..museum import EXHIBITS
from .activations import RELU, SIGMOID, SOFTPLUS
from .adam import ADAM
from .bernoulli import BERNOULLI
from .convolution import CONVOLUTION
from .dense import DENSE_BACKWARD, DENSE_FORWARD
from .e_step import E_STEP
from .elbo import ELBO
from .gaussian import GAUSSIAN
from .importance import IMPORTANCE_SAMPLING
from .iwae import IWAE_WEIGHTS
from .kl import KL
from .pca import PCA
from .reparameterize import REPARAMETERIZE
from .training import TRAINING_STEP

BY_CHAPTER = {
    "1. From noise to data": [GAUSSIAN, IMPORTANCE_SAMPLING],
    "2. Autodiff from scratch": [DENSE_FORWARD, DENSE_BACKWARD, RELU, SIGMOID, SOFTPLUS],
    "3. Autoencoders": [PCA],
    "4. The evidence lower bound": [KL, ELBO, E_STEP],
    "5. Reparameterization": [REPARAMETERIZE],
    "6. A VAE on MNIST": [BERNOULLI, ADAM, TRAINING_STEP],
    "7. Backward by hand, and nine bugs": EXHIBITS,
    "11. Tighter bounds, honest numbers": [IWAE_WEIGHTS],
    "12. Convolutions: the VanillaVAE, line by line": [CONVOLUTION],
}
ALL = [exercise for exercises in BY_CHAPTER.values() for exercise in exercises]
for number, exercise in enumerate(ALL, start=1):
    exercise.number = number

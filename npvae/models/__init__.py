"""The models, one in each file. `base.py` says what all of them can do."""

from .autoencoder import NOISES, Autoencoder, ConvolutionalAutoencoder
from .base import LatentModel
from .conditional import ConditionalVAE
from .convolutional import ConvolutionalVAE
from .diffusion import Diffusion
from .iwae import IWAE
from .pca import PCA, principal_angles
from .ppca import ProbabilisticPCA
from .vae import VAE
from .vanilla import VanillaVAE
from .variational_em import VariationalEM

__all__ = [
    "IWAE", "NOISES", "PCA", "VAE", "Autoencoder", "ConditionalVAE", "ConvolutionalAutoencoder", "ConvolutionalVAE",
    "Diffusion", "LatentModel", "ProbabilisticPCA", "VanillaVAE", "VariationalEM", "principal_angles",
]

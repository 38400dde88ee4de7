"""The convolutional VAE: the same bound, with networks that know which pixels are neighbours.

    encoder   3 × 3 convolutions of stride 2 with batch normalization and leaky ReLU, each of which halves the image;
              then a dense layer for mu, and one for logvar
    decoder   its mirror image: a dense layer, then transposed convolutions, each of which doubles the image

32-64 channels suit images of 28 × 28, and 32-64-128-256-512 suit 64 × 64 × 3. With a Gaussian likelihood the decoder
ends in tanh: the networks see the pixels rescaled to [−1, 1], and the density is that of the rescaled pixels. If the
variance is ½ (`squared-error`), the loss is their squared error plus the weighted KL, up to a constant. With any other
likelihood the decoder ends in logits or means for pixels in [0, 1].

Source of the layout: Radford, Metz, Chintala (2016), Unsupervised representation learning with deep convolutional
generative adversarial networks, section 3.
"""

import math

from ..arguments import check_widths, generator
from ..nn import Dense, Sequential, Tanh
from ..nn.init import xavier_uniform
from ..probability import GaussianLikelihood
from .networks import convolutional_decoder, convolutional_encoder, from_tanh, to_tanh
from .vae import PLAIN, VAE


class RescaledPixels:
    """Pixels in [0, 1] that are distributed so that, rescaled to [−1, 1], they have a given distribution.

    rescaled   the distribution of the rescaled pixels
    """

    def __init__(self, rescaled):
        self.rescaled = rescaled

    @property
    def mean(self):
        """The mean, an array (N, D) in [0, 1]."""
        return from_tanh(self.rescaled.mean)

    def log_prob(self, x):
        """Return the log-density of the rescaled pixels, a Tensor (N,), in nats. x (N, D): pixels in [0, 1]."""
        return self.rescaled.log_prob(to_tanh(x))


class ConvolutionalVAE(VAE):
    """A VAE of convolutions for images of one shape. Examples are rows (N, H · W · C), as for every model.

    image_shape   (H, W, C)
    latent_dim    the dimension of z
    channels      the number of channels of each convolution
    rng           the numpy Generator that draws the initial weights
    likelihood    a name of probability.LIKELIHOODS
    init          draws the weights of the dense layers; the convolutions use He's initialisation
    samples, estimator, kl_term   as for `VAE`

    Raises UserError if the images cannot be halved as often as there are channels.
    """

    _make_decoder = staticmethod(convolutional_decoder)  # a subclass may have another

    def __init__(
        self, image_shape, latent_dim, channels, rng, likelihood="squared-error", init=xavier_uniform,
        samples=1, estimator="analytic-kl", kl_term=PLAIN,
    ):  # fmt: skip
        self._set_bound(latent_dim, likelihood, samples, estimator, kl_term)
        check_widths("channels", channels)
        self.rescales, self.data_range = isinstance(self.likelihood, GaussianLikelihood), (0.0, 1.0)
        rng = generator(rng)
        self.encoder, width = convolutional_encoder(image_shape, channels, rng)
        self.mu = Dense(width, latent_dim, rng, init)
        self.logvar = Dense(width, latent_dim, rng, init)
        decoder = self._make_decoder(image_shape, channels, latent_dim, rng, init)
        self.decoder = Sequential(decoder, Tanh()) if self.rescales else decoder
        self.image_shape, self.data_dim = tuple(image_shape), math.prod(image_shape)

    def encode(self, x):
        return super().encode(to_tanh(x) if self.rescales else x)

    def decode(self, z):
        p = super().decode(z)
        return RescaledPixels(p) if self.rescales else p

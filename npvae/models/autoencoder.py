"""Autoencoders: learn to copy the data through a bottleneck, or to restore it.

    code z = encoder(x),    copy x̂ = decoder(z),    loss ‖x − x̂‖², summed over pixels, averaged over the batch.

Without hidden layers both maps are linear, and we know the best that they can do: they find the subspace of PCA, though
not its axes, because z and A z are equally good for every invertible A. With hidden layers the codes parametrize a
curved surface. A denoising autoencoder sees x with noise and must restore the clean x. Copying is not enough: it must
know what data looks like.

Sources: Baldi and Hornik (1989), Neural networks and principal component analysis; Hinton and Salakhutdinov (2006),
Reducing the dimensionality of data with neural networks; Vincent, Larochelle, Lajoie, Bengio, Manzagol (2010), Stacked
denoising autoencoders, section 3.
"""

import math

from ..arguments import check_sizes, check_widths, generator
from ..autodiff import ops
from ..errors import UserError, choose
from ..nn import Dense, ReLU, Sequential, Tanh
from ..nn.init import xavier_uniform
from .base import LatentModel
from .networks import convolutional_decoder, convolutional_encoder, dense_decoder, from_tanh, mlp, to_tanh
from .prior import FittedPrior


def gaussian_noise(x, rng, level):
    """Return x + level · ε, with ε from N(0, I). Nothing is clipped."""
    return x + x.dtype.type(level) * rng.standard_normal(x.shape, dtype=x.dtype)


def masking_noise(x, rng, level):
    """Return x with each number set to 0 with probability `level`."""
    return x * (rng.random(x.shape, dtype=x.dtype) >= level)


NOISES = {"gaussian": gaussian_noise, "masking": masking_noise}


class Autoencoder(FittedPrior, LatentModel):
    """An autoencoder of dense layers; the decoder mirrors the encoder.

    data_dim      D, the number of pixels
    latent_dim    the dimension of z
    hidden        the widths of the encoder's hidden layers; an empty list for the linear autoencoder
    rng           the numpy Generator that draws the initial weights
    noise         for a denoising autoencoder: "gaussian" or "masking"; None for no noise
    noise_level   the standard deviation of the noise, or the probability that a number is masked
    init          draws the weights: a function of nn.init
    activation    makes the layer that follows each hidden layer: a class of nn, or a function

    Raises UserError for an unknown noise, and for a level that is negative or, for masking, not below 1.
    """

    def __init__(
        self, data_dim, latent_dim, hidden, rng, noise=None, noise_level=0.5, init=xavier_uniform, activation=ReLU
    ):
        self.noise = None if noise is None else choose("noise", noise, NOISES)
        self.noise_level = noise_level
        if noise_level < 0 or (noise == "masking" and noise_level >= 1):
            limits = "a probability from 0 to below 1" if noise == "masking" else "a number from 0 on"
            raise UserError(f"the level of the {noise} noise is {noise_level}, expected {limits}")
        check_sizes(data_dim=data_dim, latent_dim=latent_dim), check_widths("hidden", hidden)
        self.data_dim, self.latent_dim, rng = data_dim, latent_dim, generator(rng)
        sizes = [data_dim, *hidden]
        self.encoder = Sequential(mlp(sizes, rng, init, activation), Dense(sizes[-1], latent_dim, rng, init))
        self.decoder = dense_decoder(latent_dim, hidden, data_dim, rng, init, activation)

    def corrupt(self, x, rng):
        """Return what the encoder sees of x (N, D) in training: an array (N, D)."""
        return x if self.noise is None else self.noise(x, generator(rng), self.noise_level)

    def encode(self, x):
        """Return z = encoder(x), a Tensor (N, latent_dim)."""
        return self.encoder(x)

    def decode(self, z):
        """Return x̂ = decoder(z), a Tensor (N, D)."""
        return self.decoder(z)

    def forward(self, x):
        """Return the copy of x: a Tensor (N, D)."""
        return self.decode(self.encode(x))

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return ‖x − decoder(encoder(corrupted x))‖², summed over pixels, averaged over the batch."""
        x = self.examples(x)
        error = ops.square(self(self.corrupt(x, rng)) - x).sum(axis=-1).mean()
        return error, {"loss": float(error)}

    def codes(self, x):
        with self.evaluating():
            return self.encode(self.examples(x)).data

    def generate(self, z):
        with self.evaluating():
            return self.decode(self.points(z)).data


class ConvolutionalAutoencoder(Autoencoder):
    """An autoencoder of convolutions down and transposed convolutions up, for pixels in [0, 1].

    The decoder ends in tanh: the networks see the pixels rescaled to [−1, 1], and the loss is that of rescaled pixels.

    image_shape   (H, W, C)
    latent_dim    the dimension of z
    channels      the number of channels of each convolution; each convolution halves the image
    rng           the numpy Generator that draws the initial weights
    init          draws the weights of the dense layers; the convolutions use He's initialisation

    Raises UserError if the images cannot be halved as often as there are channels.
    """

    data_range = (0.0, 1.0)
    rescales = True

    def __init__(self, image_shape, latent_dim, channels, rng, init=xavier_uniform):
        check_sizes(latent_dim=latent_dim), check_widths("channels", channels)
        self.latent_dim, rng = latent_dim, generator(rng)
        encoder, width = convolutional_encoder(image_shape, channels, rng)
        self.encoder = Sequential(encoder, Dense(width, latent_dim, rng, init))
        self.decoder = Sequential(convolutional_decoder(image_shape, channels, latent_dim, rng, init), Tanh())
        self.image_shape, self.data_dim = tuple(image_shape), math.prod(image_shape)

    def encode(self, x):
        return self.encoder(to_tanh(x))

    def decode(self, z):
        return from_tanh(self.decoder(z))

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return the squared error of the pixels rescaled to [−1, 1], summed over them, averaged over the batch."""
        x = self.examples(x)
        error = ops.square(self.decoder(self.encode(x)) - to_tanh(x)).sum(axis=-1).mean()
        return error, {"loss": float(error)}

"""The convolutional VAE of a popular collection: PyTorch-VAE's VanillaVAE, layer for layer.

    encoder   that of `ConvolutionalVAE`: convolutions of stride 2, batch normalization, leaky ReLU; mu and logvar
    decoder   a dense layer without normalization; one block of [transposed convolution, batch normalization, leaky
              ReLU] for each convolution of the encoder; then a 3 × 3 convolution to the colours, and tanh

In the decoder of `ConvolutionalVAE`, the last transposed convolution makes the colours; here one more convolution does.

Its loss is the *mean* squared error over all D numbers of an example, plus M/N times the KL, for minibatches of M among
N examples. D times that loss is the squared error summed over D, plus D · M/N times the KL. Up to a constant, this is
the objective here with the likelihood `squared-error` and

    β = D · M / N.

For images of 64 × 64 × 3, D = 12,288, so M/N = 0.005 means β = 61.44. That shows what the mean hides: this VAE weighs
the KL 61 times as much as the ELBO does. All gradients differ by the factor D. Adam's steps do not, if its ε has the
same factor: `npvae experiment vanilla` takes them side by side.

Source of the layout: github.com/AntixK/PyTorch-VAE, models/vanilla_vae.py.
"""

import itertools

from ..arguments import generator
from ..errors import UserError
from ..nn import BatchNorm, Conv2d, ConvTranspose2d, Dense, LeakyReLU, Reshape, Sequential
from ..nn.init import draw_like_pytorch, pytorch_uniform, xavier_uniform
from ..probability import DiagonalGaussian
from .convolutional import ConvolutionalVAE
from .networks import from_tanh, halve
from .vae import PLAIN


def vanilla_decoder(image_shape, channels, latent_dim, rng, init):
    """Return a network from codes (N, latent_dim) to examples (N, H · W · C), without the tanh at its end."""
    H, W, C = image_shape
    h, w = halve(image_shape, len(channels))[-1]
    layers = [Dense(latent_dim, h * w * channels[-1], rng, init), Reshape(h, w, channels[-1])]
    for channels_in, channels_out in itertools.pairwise([*reversed(channels), channels[0]]):
        layers += [ConvTranspose2d(channels_in, channels_out, rng, stride=2, output_padding=1)]
        layers += [BatchNorm(channels_out), LeakyReLU()]
    return Sequential(*layers, Conv2d(channels[0], C, rng), Reshape(H * W * C))


class VanillaVAE(ConvolutionalVAE):
    """The layout of VanillaVAE. The arguments are those of `ConvolutionalVAE`.

    likelihood   "squared-error" or "gaussian": the decoder ends in tanh
    init         if it is `pytorch_uniform`, all weights and biases are drawn as PyTorch's layers draw them

    Raises UserError for other likelihoods, and for whatever `ConvolutionalVAE` refuses.
    """

    _make_decoder = staticmethod(vanilla_decoder)

    def __init__(
        self, image_shape, latent_dim, channels, rng, likelihood="squared-error", init=xavier_uniform,
        samples=1, estimator="analytic-kl", kl_term=PLAIN,
    ):  # fmt: skip
        rng = generator(rng)
        super().__init__(image_shape, latent_dim, channels, rng, likelihood, init, samples, estimator, kl_term)
        if not self.rescales:
            advice = f"choose squared-error or gaussian, found {likelihood}"
            raise UserError(f"the decoder of VanillaVAE ends in tanh: {advice}")
        if init is pytorch_uniform:
            draw_like_pytorch(self, rng)

    def reparameterize(self, mu, logvar, rng):
        """Return z = μ + σ ⊙ ε for mu and logvar (N, latent_dim), with ε from rng: a Tensor (N, latent_dim)."""
        return DiagonalGaussian(mu, logvar).rsample(generator(rng))

    def forward(self, x, rng):
        """Return a copy of x from one z, x itself, and mu and logvar of q(z | x).

        x   pixels in [0, 1], an array (N, D)

        The copy is a Tensor (N, D) in [0, 1]; mu and logvar are Tensors (N, latent_dim). PyTorch-VAE's `generate`
        returns the copy alone; here that is `reconstruct`, which takes the mean of q instead of a draw.
        """
        q = self.encode(x)
        z = self.reparameterize(q.mu, q.logvar, rng)
        return from_tanh(self.decoder(z)), x, q.mu, q.logvar

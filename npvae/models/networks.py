"""The networks inside encoders and decoders."""

import itertools

from ..arguments import check_widths
from ..errors import UserError
from ..nn import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Dense,
    LeakyReLU,
    Reshape,
    Sequential,
)


def mlp(sizes, rng, init, activation):
    """Return dense layers of these sizes, each followed by an activation: mlp([784, 512, 256], …) has two of each."""
    layers = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [Dense(fan_in, fan_out, rng, init), activation()]
    return Sequential(*layers)


def dense_decoder(latent_dim, hidden, data_dim, rng, init, activation):
    """Return a network from codes (N, latent_dim) to (N, data_dim): the encoder's hidden layers in reverse order."""
    sizes = [latent_dim, *reversed(hidden)]
    return Sequential(mlp(sizes, rng, init, activation), Dense(sizes[-1], data_dim, rng, init))


def to_tanh(x):
    """Return pixels x in [0, 1] rescaled to [−1, 1], the range of tanh: an array like x."""
    return 2 * x - 1


def from_tanh(y):
    """Return y in [−1, 1], an array or Tensor, rescaled to pixels in [0, 1]."""
    return (y + 1.0) * 0.5


def halve(image_shape, times):
    """Return the sides of an image of shape (H, W, C) after each halving: a list of pairs, the first (H, W).

    Raises UserError for any other shape, if a side is odd before it should be halved, and for no halving at all.
    """
    check_widths("image_shape", image_shape)
    if len(image_shape) != 3:
        raise UserError(f"image_shape is {image_shape}, expected (H, W, C)")
    if times < 1:
        raise UserError("a convolutional network needs at least one convolution: give its number of channels")
    sizes = [tuple(image_shape[:2])]
    for _ in range(times):
        if any(n % 2 for n in sizes[-1]):
            chain = " → ".join(f"{H} × {W}" for H, W in sizes)
            most = len(sizes) - 1
            advice = f"give the channels of {most}" if most else "choose a model of dense layers"
            raise UserError(
                f"convolutions of stride 2 cannot halve these images {times} times: {chain} has an odd side; "
                f"{advice}, or use other images"
            )
        sizes.append(tuple(n // 2 for n in sizes[-1]))
    return sizes


def convolutional_encoder(image_shape, channels, rng):
    """Return convolutions of stride 2 for examples (N, H · W · C), each with batch normalization and leaky ReLU.

    channels   of each convolution, for instance [32, 64]

    The network ends in vectors (N, h · w · channels[-1]). Returns their length too.
    """
    h, w = halve(image_shape, len(channels))[-1]
    layers = [Reshape(*image_shape)]
    for channels_in, channels_out in itertools.pairwise([image_shape[-1], *channels]):
        layers += [Conv2d(channels_in, channels_out, rng, stride=2), BatchNorm(channels_out), LeakyReLU()]
    width = h * w * channels[-1]
    return Sequential(*layers, Reshape(width)), width


def convolutional_decoder(image_shape, channels, latent_dim, rng, init):
    """Return the mirror image of `convolutional_encoder`: from codes (N, latent_dim) to examples (N, H · W · C).

    The last transposed convolution has neither batch normalization nor activation.
    """
    H, W, C = image_shape
    h, w = halve(image_shape, len(channels))[-1]
    layers = [Dense(latent_dim, h * w * channels[-1], rng, init), Reshape(h, w, channels[-1])]
    for channels_in, channels_out in itertools.pairwise([*reversed(channels), C]):
        layers += [BatchNorm(channels_in), LeakyReLU()]
        layers += [ConvTranspose2d(channels_in, channels_out, rng, stride=2, output_padding=1)]
    return Sequential(*layers, Reshape(H * W * C))

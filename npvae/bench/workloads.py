"""What is timed: one training step of each of five models, and one estimate of the log-likelihood.

Every contender gets a workload in the same form: the parameters as a list of arrays, in the order in which the network
uses them, minibatches of real data, and, for the comparison of results, the noise. A training step is everything that
training does with a minibatch: noise, forward, backward, and Adam's update of every parameter.
"""

import dataclasses

import numpy as np

from .. import datasets
from ..models import IWAE, VAE, ConvolutionalVAE
from ..nn.layers import ACTIVATIONS

MINIBATCHES = 20  # different ones, which the steps take in turn; fewer if they are large
MOST_EXAMPLES = 10_000
LEARNING_RATE = 1e-3
SEED = 1


@dataclasses.dataclass(frozen=True)
class Workload:
    """A model, its data, and what a step does with them.

    name         as typed on the command line
    model        "vae", "iwae" or "conv-vae"
    data         the name of a data set of images
    batch        the number of examples in a minibatch
    latent_dim   the dimension of z
    layers       the widths of the hidden layers, or the channels of the convolutions
    activation   of the hidden layers; the convolutional model always has leaky ReLU
    samples      the number of samples of z for each example: K of the IWAE and of the log-likelihood
    trains       whether a step trains; if not, it estimates ln p(x) by importance sampling
    """

    name: str
    model: str
    data: str
    batch: int
    latent_dim: int
    layers: tuple
    activation: str = "relu"
    samples: int = 1
    trains: bool = True

    def load(self):
        """Return the data set."""
        return datasets.load(self.data)

    def image_shape(self):
        """Return (H, W, C) of the data."""
        return {"mnist": (28, 28, 1), "shapes": (64, 64, 3)}[self.data]

    def title(self):
        """Return one line of text: the network, and the minibatch."""
        layers = "-".join(map(str, self.layers))
        if self.model == "conv-vae":
            H, W, C = self.image_shape()
            size = f"{H}×{W}" if C == 1 else f"{H}×{W}×{C}"
            return f"convolutional VAE {layers} on {size}, batch {self.batch}"
        network = f"784-{layers}-{self.latent_dim}{'' if self.activation == 'relu' else f' {self.activation}'}"
        if not self.trains:
            return f"ln p(x), {network}, K = {self.samples:,}, {self.batch} images"
        what = f"IWAE {network}, K = {self.samples}" if self.model == "iwae" else f"VAE {network}"
        return f"{what}, batch {self.batch}"

    def build(self):
        """Return our model, with the initial weights of all contenders."""
        rng = np.random.default_rng(SEED)
        if self.model == "conv-vae":
            return ConvolutionalVAE(self.image_shape(), self.latent_dim, list(self.layers), rng)
        chosen = {"activation": ACTIVATIONS[self.activation]}
        if self.model == "iwae":
            return IWAE(784, self.latent_dim, list(self.layers), rng, samples=self.samples, **chosen)
        return VAE(784, self.latent_dim, list(self.layers), rng, **chosen)

    def minibatches(self):
        """Return a list of arrays (batch, D) of pixels in [0, 1]: several for training, otherwise a single one."""
        x = self.load().x_train
        count = max(1, min(MINIBATCHES, MOST_EXAMPLES // self.batch)) if self.trains else 1
        rows = np.random.default_rng(SEED).integers(len(x), size=(count, self.batch))
        return [x[row] for row in rows]

    def noise(self, samples):
        """Return noise for the comparison of results: an array (samples, batch, latent_dim)."""
        rng = np.random.default_rng(SEED)
        return rng.standard_normal((samples, self.batch, self.latent_dim), dtype=np.float32)


WORKLOADS = [
    Workload("reference", "vae", "mnist", 100, 10, (512, 384, 256)),
    Workload("small", "vae", "mnist", 128, 20, (400,)),
    Workload("iwae", "iwae", "mnist", 20, 50, (200, 200), "tanh", samples=50),
    Workload("conv28", "conv-vae", "mnist", 64, 10, (32, 64)),
    Workload("conv64", "conv-vae", "shapes", 64, 10, (32, 64, 128, 256, 512)),
    Workload("likelihood", "iwae", "mnist", 100, 50, (200, 200), "tanh", samples=5000, trains=False),
]
BY_NAME = {workload.name: workload for workload in WORKLOADS}

"""The student's own functions at work: 300 steps on MNIST, and the picture."""

import itertools
import math
import time

import numpy as np
from tqdm import tqdm

from .. import datasets, figures, probability
from ..autodiff import no_grad, op, ops
from ..nn import Dense, Module, optim

STEPS, BATCH = 300, 100
ENGINE = {  # its operations, by the names of the exercises
    "dense": ops.dense,
    "relu": ops.relu,
    "reparameterize": probability.reparameterize,
    "kl": probability.kl_to_standard_normal,
    "bernoulli": probability.bernoulli_log_likelihood,
}
OWN = ("dense_forward", "dense_backward", "relu", "bernoulli", "reparameterize", "kl", "adam")


class VAE(Module):
    """A VAE whose operations are passed in: the same network, and the same bits, as `models.VAE`.

    sizes        the widths of the layers from the data to the last hidden one
    latent_dim   the dimension of z
    rng          the numpy Generator that draws the first weights
    operations   a dict like ENGINE
    """

    def __init__(self, sizes, latent_dim, rng, operations):
        self.operations = operations
        self.encoder = [Dense(i, o, rng) for i, o in itertools.pairwise(sizes)]
        self.mu, self.logvar = Dense(sizes[-1], latent_dim, rng), Dense(sizes[-1], latent_dim, rng)
        self.decoder = [Dense(i, o, rng) for i, o in itertools.pairwise([latent_dim, *reversed(sizes)])]

    def _dense(self, layer, x):
        return self.operations["dense"](x, layer.W, layer.b)

    def encode(self, x):
        """mu and logvar of q(z | x): two Tensors (N, latent_dim)."""
        for layer in self.encoder:
            x = self.operations["relu"](self._dense(layer, x))
        return self._dense(self.mu, x), self._dense(self.logvar, x)

    def decode(self, z):
        """The logits of the pixels: a Tensor (N, D)."""
        *hidden, last = self.decoder
        for layer in hidden:
            z = self.operations["relu"](self._dense(layer, z))
        return self._dense(last, z)

    def loss(self, x, rng, step=math.inf, rows=None):
        """−ELBO of the examples x (N, D) in nats, a Tensor (), and its parts, a dict."""
        mu, logvar = self.encode(x)
        z = self.operations["reparameterize"](mu, logvar, rng.standard_normal(mu.shape, dtype=mu.dtype))
        reconstruction = self.operations["bernoulli"](self.decode(z), x)
        loss = self.operations["kl"](mu, logvar).mean() - reconstruction.mean()
        return loss, {"loss": float(loss)}

    def reconstruct(self, x):
        """The examples x (N, D), encoded and decoded: an array (N, D) of probabilities."""
        with no_grad():
            return ops.sigmoid(self.decode(self.encode(x)[0])).data


def chosen_operations(own):
    """Return ENGINE with the student's functions in their places.

    own   a dict from the names of solved exercises to functions
    """
    operations = ENGINE | {name: op(f) for name, f in own.items() if name in ENGINE}
    forward, backward = own.get("dense_forward"), own.get("dense_backward")

    def dense(x, W, b):
        y, *derivatives = (backward or ops.dense.raw)(x, W, b)
        return (forward(x, W, b) if forward else y), *derivatives

    return operations | ({"dense": op(dense)} if forward or backward else {})


def chosen_adam(own, parameters):
    """Return an Adam for these parameters, with the student's update if it is solved."""
    update = own.get("adam", optim.Adam.update)
    return type("Adam", (optim.Adam,), {"update": update})(parameters, 1e-3)


def train_on_mnist(step, folder, own):
    """Train the reference network on MNIST with the student's functions, draw it, and return lines to show.

    step   the student's training step
    own    a dict from the names of other solved exercises to functions
    """
    rng, data = np.random.default_rng(0), datasets.load("mnist")
    model = VAE([784, 512, 384, 256], 10, rng, chosen_operations(own))
    optimizer = chosen_adam(own, model.parameters())
    batches = datasets.Minibatches(len(data.x_train), BATCH, rng)
    losses, start = [], time.perf_counter()
    for _ in tqdm(range(STEPS), desc="training on MNIST", unit="step", disable=None):
        losses.append(step(model, optimizer, data.x_train[next(batches)], rng)[0])
    seconds = time.perf_counter() - start
    x = np.asarray(data.x_test[:40])
    images = [a.reshape(-1, *data.image_shape) for a in (x, model.reconstruct(x))]
    path = folder / "training_step.png"
    figures.reconstructions(*images, columns=16).savefig(path)
    names = ", ".join(["training_step", *(name for name in OWN if name in own)])
    fell = f"the loss fell from {losses[0]:.0f} to {np.mean(losses[-50:]):.0f} nats"
    return [
        f"{STEPS} steps on MNIST in {seconds:.0f} s: {fell}.",
        f"Your functions in it: {names}.",
        f"Images of the test set and their reconstructions: {path}",
    ]

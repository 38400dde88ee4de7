"""Exercise 24: bug_9, bug museum: a VAE with automatic differentiation.

A VAE with automatic differentiation. It has one defect, of a kind that real
programs have had. Find it, name it, and repair it:

    A  the logarithm of the variance is mistaken for that of the standard deviation
    B  the KL is averaged over the latent dimensions instead of summed
    C  the sigmoid is applied twice
    D  the derivative of ReLU is taken from the wrong array
    E  the KL has the wrong sign
    F  pixels are averaged in one place, and summed in another
    G  the gradient also goes through weights that should be constants
    H  the backward pass draws new noise
    I  the program trains on the test set

Write its letter into DEFECT below, and repair the program so that all tests
pass. Read the tests that fail, and also those that pass.

Predict (npvae learn predict bug_9):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_9
If you are stuck:     npvae learn hint bug_9
"""

DEFECT = ""  # its letter

import numpy as np

from npvae import Tensor, nn, no_grad
from npvae.autodiff import ops
from npvae.nn import optim


def kl_divergence(mu_q, logvar_q):
    """The KL divergence of q from N(0, I), a Tensor (N,): one number of nats for each example."""
    return 0.5 * ops.sum(ops.square(mu_q) + ops.exp(logvar_q) - logvar_q - 1.0, axis=1)


def log_likelihood(x, logit):
    """In nats, ln p(x | z) of pixels x (N, D): a Tensor (N,)."""
    return ops.sum(x * logit, axis=1) - ops.sum(ops.softplus(logit), axis=1)


def sample(mu_q, logvar_q, rng):
    """A reparameterized draw of N(mu_q, exp(logvar_q)): a Tensor (N, n_latent)."""
    noise = rng.standard_normal(mu_q.shape).astype(mu_q.dtype)
    return mu_q + noise * ops.exp(logvar_q / 2.0)


class VAE(nn.Module):
    """A VAE whose encoder and decoder have one hidden layer each."""

    def __init__(self, n_pixels, n_hidden, n_latent, rng):
        self.encoder = nn.Dense(n_pixels, n_hidden, rng)
        self.mu = nn.Dense(n_hidden, n_latent, rng)
        self.logvar = nn.Dense(n_hidden, n_latent, rng)
        self.decoder = nn.Dense(n_latent, n_hidden, rng)
        self.logits = nn.Dense(n_hidden, n_pixels, rng)

    def encode(self, x):
        """From pixels to q(z | x): its mean and its log-variance, Tensors (N, n_latent)."""
        activations = self.encoder(x)
        activations = ops.tanh(activations)
        return self.mu(activations), self.logvar(activations)

    def decode(self, latent):
        """From codes to the logits of p(x | z), a Tensor (N, D)."""
        activations = self.decoder(latent)
        return self.logits(ops.tanh(activations))


def loss(network, x, rng):
    """The loss, −ELBO, averaged over the examples x: a Tensor (), in nats."""
    mu_q, logvar_q = network.encode(x)
    latent = sample(mu_q, logvar_q, rng)
    reconstruction = log_likelihood(x, network.decode(latent))
    return ops.mean(kl_divergence(mu_q, logvar_q) - reconstruction)


def evaluate(network, x, rng):
    """Return the loss of examples x (N, D), a number, without a gradient."""
    with no_grad():
        objective = loss(network, Tensor(x), rng)
    return float(objective)


def train_epoch(network, optimiser, x, rng, batch_size=20):
    """Go once through the examples x (N, D), in minibatches. Returns the mean loss."""
    parts, order = [], rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        optimiser.zero_grad()
        objective = loss(network, x[order[start : start + batch_size]], rng)
        objective.backward()
        optimiser.step()
        parts.append(float(objective))
    return np.mean(parts)


def train(network, train_x, test_x, num_epochs, rng):
    """Train on train_x. Returns pairs of losses, training set and test set, one for each epoch."""
    record = []
    optimiser = optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(num_epochs):
        training_loss = train_epoch(network, optimiser, train_x, rng)
        held_out_loss = train_epoch(network, optimiser, test_x, rng)
        record += [(training_loss, held_out_loss)]
    return record

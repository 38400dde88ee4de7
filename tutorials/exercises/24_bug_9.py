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


class VAE(nn.Module):
    """An encoder and a decoder with one hidden layer each."""

    def __init__(self, data_dim, hidden, latent_dim, rng):
        self.encoder = nn.Dense(data_dim, hidden, rng)
        self.mu = nn.Dense(hidden, latent_dim, rng)
        self.logvar = nn.Dense(hidden, latent_dim, rng)
        self.decoder = nn.Dense(latent_dim, hidden, rng)
        self.logits = nn.Dense(hidden, data_dim, rng)

    def encode(self, x):
        """The mean and the log-variance of q(z | x): two Tensors (N, latent_dim)."""
        h = ops.tanh(self.encoder(x))
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        """The logits of the pixels: a Tensor (N, D)."""
        return self.logits(ops.tanh(self.decoder(z)))


def sample(mu, logvar, rng):
    """A reparameterized draw of N(mu, exp(logvar)): a Tensor (N, latent_dim)."""
    eps = rng.standard_normal(mu.shape).astype(mu.dtype)
    return mu + ops.exp(logvar * 0.5) * eps


def kl_divergence(mu, logvar):
    """KL(q ‖ N(0, I)) of every example: a Tensor (N,), in nats."""
    return 0.5 * (mu * mu + ops.exp(logvar) - 1.0 - logvar).sum(axis=1)


def log_likelihood(x, logits):
    """ln p(x | z) of every example, for pixels x (N, D): a Tensor (N,), in nats."""
    return (logits * x - ops.softplus(logits)).sum(axis=1)


def loss(model, x, rng):
    """−ELBO in nats per example: a Tensor ()."""
    mu, logvar = model.encode(x)
    logits = model.decode(sample(mu, logvar, rng))
    return (kl_divergence(mu, logvar) - log_likelihood(x, logits)).mean()


def train_epoch(model, optimizer, x, rng, batch_size=20):
    """One pass through the examples x (N, D): the mean loss."""
    losses = []
    for rows in np.split(rng.permutation(len(x)), range(batch_size, len(x), batch_size)):
        value = loss(model, x[rows], rng)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(float(value))
    return np.mean(losses)


def evaluate(model, x, rng):
    """The loss of the examples x (N, D), a number."""
    with no_grad():
        return float(loss(model, Tensor(x), rng))


def train(model, x_train, x_test, epochs, rng):
    """Train on x_train, and return the losses on the training set and the test set after every epoch."""
    optimizer, history = optim.Adam(model.parameters(), 1e-2), []
    for _ in range(epochs):
        train_loss = train_epoch(model, optimizer, x_train, rng)
        test_loss = train_epoch(model, optimizer, x_test, rng)
        history.append((train_loss, test_loss))
    return history

"""Exercise 20: bug_5, bug museum: a VAE with automatic differentiation.

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

Predict (npvae learn predict bug_5):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_5
If you are stuck:     npvae learn hint bug_5
"""

DEFECT = ""  # its letter

import numpy as np

from npvae import Tensor, nn, no_grad
from npvae.autodiff import ops
from npvae.nn import optim


class VAE(nn.Module):
    """An encoder and a decoder with one hidden layer each."""

    def __init__(self, dim_x, units, dim_z, rng):
        self.encoder = nn.Dense(dim_x, units, rng)
        self.mu = nn.Dense(units, dim_z, rng)
        self.logvar = nn.Dense(units, dim_z, rng)
        self.decoder = nn.Dense(dim_z, units, rng)
        self.logits = nn.Dense(units, dim_x, rng)

    def encode(self, x):
        """Return the parameters of q(z | x), the mean and ln σ²: two Tensors (N, dim_z)."""
        features = ops.tanh(self.encoder(x))
        loc, log_variance = self.mu(features), self.logvar(features)
        return loc, log_variance

    def decode(self, zs):
        """The logits of the pixels: a Tensor (N, D)."""
        features = ops.tanh(self.decoder(zs))
        return ops.sigmoid(self.logits(features))


def log_likelihood(x, eta):
    """The Bernoulli log-likelihood of pixels x (N, D), a Tensor (N,): one number of nats for each example."""
    return (eta * x - ops.softplus(eta)).sum(axis=1)


def kl_divergence(loc, log_variance):
    """In nats, how far q is from the prior N(0, I): a Tensor (N,)."""
    return -0.5 * (1.0 + log_variance - loc * loc - ops.exp(log_variance)).sum(axis=1)


def sample(loc, log_variance, rng):
    """Draw from N(loc, exp(log_variance)) by reparameterization: a Tensor (N, dim_z)."""
    normal = rng.standard_normal(log_variance.shape).astype(log_variance.dtype)
    return loc + ops.exp(log_variance * 0.5) * normal


def loss(net, x, rng):
    """A Tensor (): minus the ELBO, in nats per example."""
    loc, log_variance = net.encode(x)
    zs = sample(loc, log_variance, rng)
    eta = net.decode(zs)
    elbo = log_likelihood(x, eta) - kl_divergence(loc, log_variance)
    return -elbo.mean()


def train(net, train_images, test_images, rounds, rng):
    """Train on train_images, and return the losses on the training set and the test set after every epoch."""
    solver, trace = optim.Adam(net.parameters(), 1e-2), []
    for _ in range(rounds):
        seen = train_epoch(net, solver, train_images, rng)
        unseen = evaluate(net, test_images, rng)
        trace.append((seen, unseen))
    return trace


def train_epoch(net, solver, x, rng, batch_size=20):
    """Train for one epoch on x (N, D), and return the mean loss of its minibatches."""
    order = rng.permutation(len(x))
    batch_losses = []
    for start in range(0, len(x), batch_size):
        picked = order[start : start + batch_size]
        solver.zero_grad()
        neg_elbo = loss(net, x[picked], rng)
        batch_losses.append(float(neg_elbo))
        neg_elbo.backward()
        solver.step()
    return sum(batch_losses) / len(batch_losses)


def evaluate(net, x, rng):
    """The loss of the examples x (N, D), a number."""
    with no_grad():
        return float(loss(net, Tensor(x), rng))

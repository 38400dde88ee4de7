"""Exercise 17: bug_2, bug museum: a VAE with automatic differentiation.

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

Predict (npvae learn predict bug_2):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_2
If you are stuck:     npvae learn hint bug_2
"""

DEFECT = ""  # its letter

import numpy as np

from npvae import Tensor, nn, no_grad
from npvae.autodiff import ops
from npvae.nn import optim


def sample(m, lv, rng):
    """A reparameterized draw of N(m, exp(lv)): a Tensor (N, J)."""
    xi = rng.standard_normal(m.shape).astype(m.dtype)
    std = ops.exp(lv)
    return m + std * xi


class VAE(nn.Module):
    """A VAE whose encoder and decoder have one hidden layer each."""

    def __init__(self, D, H, J, rng):
        self.encoder = nn.Dense(D, H, rng)
        self.mu = nn.Dense(H, J, rng)
        self.logvar = nn.Dense(H, J, rng)
        self.decoder = nn.Dense(J, H, rng)
        self.logits = nn.Dense(H, D, rng)

    def encode(self, x):
        """From pixels to q(z | x): its mean and its log-variance, Tensors (N, J)."""
        act = self.encoder(x)
        act = ops.tanh(act)
        return self.mu(act), self.logvar(act)

    def decode(self, z_sample):
        """From codes to the logits of p(x | z), a Tensor (N, D)."""
        act = self.decoder(z_sample)
        return self.logits(ops.tanh(act))


def kl_divergence(m, lv):
    """The KL divergence of q from N(0, I), a Tensor (N,): one number of nats for each example."""
    variance = ops.exp(lv)
    return 0.5 * (m**2 + variance - lv - 1.0).sum(axis=1)


def log_likelihood(x, out):
    """In nats, ln p(x | z) of pixels x (N, D): a Tensor (N,)."""
    return -(ops.softplus(out) - x * out).sum(axis=1)


def loss(vae, x, rng):
    """The loss, −ELBO, averaged over the examples x: a Tensor (), in nats."""
    m, lv = vae.encode(x)
    z_sample = sample(m, lv, rng)
    reconstruction = log_likelihood(x, vae.decode(z_sample))
    return ops.mean(kl_divergence(m, lv) - reconstruction)


def evaluate(vae, x, rng):
    """Return the loss of examples x (N, D), a number, without a gradient."""
    with no_grad():
        cost = loss(vae, Tensor(x), rng)
    return float(cost)


def train_epoch(vae, adam, x, rng, batch_size=20):
    """Go once through the examples x (N, D), in minibatches. Returns the mean loss."""
    values, order = [], rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        adam.zero_grad()
        cost = loss(vae, x[order[start : start + batch_size]], rng)
        cost.backward()
        adam.step()
        values.append(float(cost))
    return np.mean(values)


def train(vae, X_train, X_test, n_epochs, rng):
    """Train on X_train. Returns pairs of losses, training set and test set, one for each epoch."""
    curve = []
    adam = optim.Adam(vae.parameters(), lr=1e-2)
    for _ in range(n_epochs):
        loss_train = train_epoch(vae, adam, X_train, rng)
        loss_test = evaluate(vae, X_test, rng)
        curve.append((loss_train, loss_test))
    return curve

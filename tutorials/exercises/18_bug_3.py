"""Exercise 18: bug_3, bug museum: a VAE with automatic differentiation.

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

Predict (npvae learn predict bug_3):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_3
If you are stuck:     npvae learn hint bug_3
"""

DEFECT = ""  # its letter

import numpy as np

from npvae import Tensor, nn, no_grad
from npvae.autodiff import ops
from npvae.nn import optim


class VAE(nn.Module):
    """Encoder and decoder, with a hidden layer of tanh units in each."""

    def __init__(self, x_size, width, z_size, rng):
        self.encoder = nn.Dense(x_size, width, rng)
        self.mu = nn.Dense(width, z_size, rng)
        self.logvar = nn.Dense(width, z_size, rng)
        self.decoder = nn.Dense(z_size, width, rng)
        self.logits = nn.Dense(width, x_size, rng)

    def encode(self, x):
        """The mean and the log-variance of q(z | x): two Tensors (N, z_size)."""
        hidden_out = ops.tanh(self.encoder(x))
        return self.mu(hidden_out), self.logvar(hidden_out)

    def decode(self, sampled):
        """Return a Tensor (N, D): a logit for every pixel."""
        hidden_out = ops.tanh(self.decoder(sampled))
        return self.logits(hidden_out)


def sample(mean, log_var, rng):
    """One sample of q for each example, through which gradients flow: a Tensor (N, z_size)."""
    epsilon = rng.standard_normal(mean.shape)
    epsilon = epsilon.astype(mean.dtype)
    sd = ops.exp(0.5 * log_var)
    return mean + sd * epsilon


def kl_divergence(mean, log_var):
    """KL(q ‖ N(0, I)) of every example: a Tensor (N,), in nats."""
    return 0.5 * (mean * mean + ops.exp(log_var) - 1.0 - log_var).mean(axis=1)


def log_likelihood(x, scores):
    """ln p(x | z) of every example, for pixels x (N, D): a Tensor (N,), in nats."""
    return (scores * x).sum(axis=1) - ops.softplus(scores).sum(axis=1)


def loss(autoencoder, x, rng):
    """−ELBO in nats per example: a Tensor ()."""
    mean, log_var = autoencoder.encode(x)
    scores = autoencoder.decode(sample(mean, log_var, rng))
    return (kl_divergence(mean, log_var) - log_likelihood(x, scores)).mean()


def train_epoch(autoencoder, opt, x, rng, batch_size=20):
    """One pass through the examples x (N, D): the mean loss."""
    per_batch = []
    for minibatch in np.split(rng.permutation(len(x)), range(batch_size, len(x), batch_size)):
        batch_loss = loss(autoencoder, x[minibatch], rng)
        opt.zero_grad()
        batch_loss.backward()
        opt.step()
        per_batch.append(float(batch_loss))
    return np.mean(per_batch)


def evaluate(autoencoder, x, rng):
    """A number: −ELBO of the examples x (N, D). The model stays as it is."""
    with no_grad():
        batch_loss = float(loss(autoencoder, Tensor(x), rng))
        return batch_loss


def train(autoencoder, training_set, test_set, passes, rng):
    """Return the losses of both sets after each epoch of training on training_set."""
    opt = optim.Adam(autoencoder.parameters(), lr=0.01)
    log = []
    for _ in range(passes):
        on_train = train_epoch(autoencoder, opt, training_set, rng)
        on_test = evaluate(autoencoder, test_set, rng)
        log += [(on_train, on_test)]
    return log

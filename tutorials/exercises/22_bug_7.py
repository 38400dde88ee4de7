"""Exercise 22: bug_7, bug museum: the importance-weighted bound.

The importance-weighted bound. It has one defect, of a kind that real programs
have had. Find it, name it, and repair it:

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

Predict (npvae learn predict bug_7):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_7
If you are stuck:     npvae learn hint bug_7
"""

DEFECT = ""  # its letter

import numpy as np

from npvae import Tensor
from npvae.autodiff import ops
from npvae.probability import DiagonalGaussian


def log_weights(x, mu, logvar, W, b, eps):
    """ln w = ln p(x | z) + ln p(z) − ln q(z | x) for K samples of each example, a Tensor (K, N).

    x (N, D) are pixels; mu and logvar (N, latent_dim) the posterior; W (latent_dim, D) and b (D,) the decoder, which
    gives logits; eps (K, N, latent_dim) the noise.
    """
    K, N, latent_dim = eps.shape
    z = mu + ops.exp(logvar * 0.5) * eps
    logits = (z.reshape(K * N, latent_dim) @ W + b).reshape(K, N, -1)
    log_likelihood = (logits * x - ops.softplus(logits)).sum(axis=-1)
    prior = DiagonalGaussian(np.zeros((N, latent_dim)), 0.0)
    return log_likelihood + prior.log_prob(z) - DiagonalGaussian(mu, logvar).log_prob(z)


def bound(x, mu, logvar, W, b, eps):
    """ln (1/K) Σ_k w_k, averaged over the examples: a number to report."""
    log_w = log_weights(x, mu, logvar, W, b, eps).data
    largest = log_w.max(axis=0)
    return float(np.mean(largest + np.log(np.mean(np.exp(log_w - largest), axis=0))))


def surrogate(x, mu, logvar, W, b, eps):
    """A Tensor () whose gradient is that of the bound: Σ_k w̃_k ln w_k, where w̃ = w / Σ w are only weights."""
    log_w = log_weights(x, mu, logvar, W, b, eps)
    relative = ops.exp(log_w - log_w.data.max(axis=0))
    weights = relative / relative.sum(axis=0)
    return (weights * log_w).sum(axis=0).mean()

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


def log_weights(x, mean, log_var, W, b, epsilon):
    """The logarithms of the importance weights, ln p(x | z) + ln p(z) − ln q(z | x): a Tensor (K, N).

    x (N, D) are pixels; mean and log_var (N, J) the posterior; W (J, D) and b (D,) the decoder, which
    gives logits; epsilon (K, N, J) the noise.
    """
    K, N, J = epsilon.shape
    sampled = mean + ops.sqrt(ops.exp(log_var)) * epsilon
    logit = (sampled.reshape(K * N, J) @ W + b).reshape(K, N, -1)
    reconstruction = (logit * x).sum(axis=-1) - ops.softplus(logit).sum(axis=-1)
    standard_normal = DiagonalGaussian(np.zeros((N, J)), 0.0)
    return reconstruction + standard_normal.log_prob(sampled) - DiagonalGaussian(mean, log_var).log_prob(sampled)


def surrogate(x, mean, log_var, W, b, epsilon):
    """A Tensor () with the gradient of the bound. Its value means nothing: Σ_k w̃_k ln w_k, where w̃ = w / Σ w."""
    log_ratio = log_weights(x, mean, log_var, W, b, epsilon)
    ratio = ops.exp(log_ratio - log_ratio.data.max(axis=0))
    w_tilde = ratio / ratio.sum(axis=0)
    return ops.mean((log_ratio * w_tilde).sum(axis=0))


def bound(x, mean, log_var, W, b, epsilon):
    """ln (1/K) Σ_k w_k, averaged over the examples: a number to report."""
    log_ratio = log_weights(x, mean, log_var, W, b, epsilon).data
    top = np.max(log_ratio, axis=0)
    ratio = np.exp(log_ratio - top)
    return float((top + np.log(ratio.mean(axis=0))).mean())

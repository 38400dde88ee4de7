"""Exercise 21: bug_6, bug museum: a VAE, forward and backward by hand.

A VAE, forward and backward by hand. It has one defect, of a kind that real
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

Predict (npvae learn predict bug_6):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_6
If you are stuck:     npvae learn hint bug_6
"""

DEFECT = ""  # its letter

import numpy as np


def parameters(n_pixels, n_hidden, n_latent, rng):
    """Return the weights and biases of four layers, a list of eight arrays."""
    layers = [(n_pixels, n_hidden), (n_hidden, 2 * n_latent), (n_latent, n_hidden), (n_hidden, n_pixels)]
    return [pre1 for i, o in layers for pre1 in (rng.standard_normal((i, o)) / np.sqrt(i), np.zeros(o))]


def train(x, steps, rng, lr=0.1):
    """Plain gradient descent on the examples x (N, D): the parameters, and the loss of each step."""
    values, costs = parameters(x.shape[1], 16, 2, rng), []
    for _ in range(steps):
        cost, grads = loss_and_gradients(values, x[rng.choice(len(x), 20)], rng)
        for value, dvalue in zip(values, grads):
            value -= lr * dvalue
        costs.append(cost)
    return values, costs


def loss_and_gradients(values, x, rng):
    """−ELBO of a batch x (N, D) of pixels in [0, 1], in nats per example, and its gradient for every parameter."""
    batch_size = len(x)
    W1, b1, W2, b2, W3, b3, W4, b4 = values

    # encode: the mean and the log-variance of q(z | x)
    pre1 = np.dot(x, W1) + b1
    out1 = np.maximum(0, pre1)
    code = out1 @ W2 + b2
    mean, log_var = np.split(code, 2, axis=1)

    # z ~ q(z | x)
    normal = rng.standard_normal((batch_size, mean.shape[1]))
    scale = np.sqrt(np.exp(log_var))
    z_sample = mean + scale * normal

    # forward: the decoder
    pre2 = z_sample @ W3 + b3
    out2 = np.where(pre2 > 0, pre2, 0)
    logit = b4 + out2 @ W4

    # the loss
    recon = (x * logit - np.logaddexp(0, logit)).mean(axis=1)
    kl_q = 0.5 * (mean * mean + scale * scale - log_var - 1).sum(axis=1)
    cost = (kl_q - recon).mean()

    # backward, from the logits to z
    prob = 1.0 / (1.0 + np.exp(-logit))
    dlogit = prob / batch_size - x / batch_size
    dW4, db4 = out2.T @ dlogit, dlogit.sum(axis=0)
    dout2 = dlogit @ W4.T
    dpre2 = dout2 * (pre2 > 0)
    dW3, db3 = z_sample.T @ dpre2, dpre2.sum(axis=0)
    dz_sample = dpre2 @ W3.T

    # through z, and from the KL
    dmean = dz_sample + (1 / batch_size) * mean
    dlog_var = dz_sample * 0.5 * scale * normal + 0.5 * (scale**2 - 1) / batch_size
    dencoder = np.concatenate((dmean, dlog_var), axis=-1)

    # the encoder
    dW2, db2 = out1.T @ dencoder, dencoder.sum(axis=0)
    dout1 = dencoder @ W2.T
    dpre1 = (out1 > 0) * dout1
    db1 = dpre1.sum(axis=0)
    dW1 = np.dot(x.T, dpre1)
    return cost, [dW1, db1, dW2, db2, dW3, db3, dW4, db4]

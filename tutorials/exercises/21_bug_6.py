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


def parameters(data_dim, hidden, latent_dim, rng):
    """Return the weights and biases of four layers, a list of eight arrays."""
    sizes = [(data_dim, hidden), (hidden, 2 * latent_dim), (latent_dim, hidden), (hidden, data_dim)]
    return [a for i, o in sizes for a in (rng.standard_normal((i, o)) / np.sqrt(i), np.zeros(o))]


def loss_and_gradients(params, x, rng):
    """−ELBO of a batch x (N, D) of pixels in [0, 1], in nats per example, and its gradient for every parameter."""
    W1, b1, W2, b2, W3, b3, W4, b4 = params
    N = len(x)

    # the encoder
    a = x @ W1 + b1
    h = np.maximum(a, 0)
    mu, logvar = np.split(h @ W2 + b2, 2, axis=1)

    # the sample
    eps = rng.standard_normal(mu.shape)
    sigma = np.exp(0.5 * logvar)
    z = mu + sigma * eps

    # the decoder
    c = z @ W3 + b3
    g = np.maximum(c, 0)
    logits = g @ W4 + b4

    # the loss
    reconstruction = np.mean(x * logits - np.logaddexp(0, logits), axis=1)
    kl = 0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar, axis=1)
    loss = np.mean(kl - reconstruction)

    # and back: the decoder
    dlogits = (1 / (1 + np.exp(-logits)) - x) / N
    dW4, db4 = g.T @ dlogits, dlogits.sum(axis=0)
    dg = dlogits @ W4.T
    dc = dg * (c > 0)
    dW3, db3 = z.T @ dc, dc.sum(axis=0)
    dz = dc @ W3.T

    # the sample, and the KL
    dmu = dz + mu / N
    dlogvar = dz * 0.5 * sigma * eps + 0.5 * (sigma**2 - 1) / N
    dcode = np.concatenate([dmu, dlogvar], axis=1)

    # the encoder
    dW2, db2 = h.T @ dcode, dcode.sum(axis=0)
    dh = dcode @ W2.T
    da = dh * (a > 0)
    dW1, db1 = x.T @ da, da.sum(axis=0)
    return loss, [dW1, db1, dW2, db2, dW3, db3, dW4, db4]


def train(x, steps, rng, lr=0.1):
    """Plain gradient descent on the examples x (N, D): the parameters, and the loss of each step."""
    params, losses = parameters(x.shape[1], 16, 2, rng), []
    for _ in range(steps):
        loss, gradients = loss_and_gradients(params, x[rng.choice(len(x), 20)], rng)
        for p, dp in zip(params, gradients):
            p -= lr * dp
        losses.append(loss)
    return params, losses

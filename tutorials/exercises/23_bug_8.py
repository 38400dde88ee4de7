"""Exercise 23: bug_8, bug museum: a VAE, forward and backward by hand.

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

Predict (npvae learn predict bug_8):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_8
If you are stuck:     npvae learn hint bug_8
"""

DEFECT = ""  # its letter

import numpy as np


def loss_and_gradients(weights, x, rng):
    """Minus the ELBO of a batch x (N, D) in nats per example, and the gradients. All pixels lie in [0, 1]."""
    W1, b1, W2, b2, W3, b3, W4, b4 = weights
    n_rows = x.shape[0]

    # q(z | x)
    u = b1 + x @ W1
    h1 = u * (u > 0)
    m, lv = np.split(h1 @ W2 + b2, 2, axis=1)

    # a sample of q
    epsilon = rng.standard_normal(lv.shape)
    std = np.exp(0.5 * lv)
    zs = m + epsilon * std

    # decode: the logits of p(x | z)
    v = np.dot(zs, W3) + b3
    h2 = np.maximum(0, v)
    eta = np.dot(h2, W4) + b4

    # −ELBO: the KL minus the reconstruction
    softplus = np.logaddexp(0, eta)
    log_lik = np.sum(eta * x - softplus, axis=1)
    kl_term = -0.5 * np.sum(1 + lv - m**2 - std**2, axis=1)
    elbo = log_lik - kl_term
    total = -elbo.mean()

    # and back: the decoder
    deta = (1 / (1 + np.exp(-eta)) - x) / n_rows
    dh2 = deta @ W4.T
    dW4 = h2.T @ deta
    db4 = np.sum(deta, axis=0)
    dv = np.where(v > 0, dh2, 0)
    dW3 = np.dot(zs.T, dv)
    db3 = dv.sum(axis=0)
    dzs = np.dot(dv, W3.T)

    # the two paths to q: the sample and the KL
    dm = m / n_rows + dzs
    epsilon = rng.standard_normal(m.shape)
    dlv = 0.5 * (dzs * epsilon * std + (std**2 - 1) / n_rows)
    dstats = np.concatenate([dm, dlv], axis=1)

    # from q back to x
    dW2 = np.dot(h1.T, dstats)
    db2 = dstats.sum(axis=0)
    dh1 = np.dot(dstats, W2.T)
    du = np.where(u > 0, dh1, 0)
    dW1 = x.T @ du
    db1 = np.sum(du, axis=0)
    derivatives = [dW1, db1, dW2, db2, dW3, db3, dW4, db4]
    return total, derivatives


def parameters(D, H, J, rng):
    """Draw the weights of four layers; the biases are zeros. Returns a list of eight arrays."""
    weights = []
    for i, o in ((D, H), (H, 2 * J), (J, H), (H, D)):
        weights.append(rng.standard_normal((i, o)) / i**0.5)
        weights.append(np.zeros(o))
    return weights


def train(x, steps, rng, lr=0.1):
    """Return the parameters after some steps of gradient descent on x (N, D), and the losses."""
    weights = parameters(x.shape[1], 16, 2, rng)
    curve = []
    for _ in range(steps):
        chosen = rng.choice(len(x), 20)
        total, derivatives = loss_and_gradients(weights, x[chosen], rng)
        curve.append(total)
        for i in range(len(weights)):
            weights[i] -= lr * derivatives[i]
    return weights, curve

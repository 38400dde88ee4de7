"""Exercise 16: bug_1, bug museum: a VAE, forward and backward by hand.

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

Predict (npvae learn predict bug_1):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_1
If you are stuck:     npvae learn hint bug_1
"""

DEFECT = ""  # its letter

import numpy as np


def parameters(dim_x, units, dim_z, rng):
    """Draw the weights of four layers; the biases are zeros. Returns a list of eight arrays."""
    theta = []
    for i, o in ((dim_x, units), (units, 2 * dim_z), (dim_z, units), (units, dim_x)):
        theta.append(rng.standard_normal((i, o)) / i**0.5)
        theta.append(np.zeros(o))
    return theta


def loss_and_gradients(theta, x, rng):
    """Minus the ELBO of a batch x (N, D) in nats per example, and the gradients. All pixels lie in [0, 1]."""
    W1, b1, W2, b2, W3, b3, W4, b4 = theta
    n = x.shape[0]

    # forward: the encoder
    s = x @ W1 + b1
    act1 = np.where(s > 0, s, 0)
    both, half = np.dot(act1, W2) + b2, len(W3)
    loc, log_variance = both[:, :half], both[:, half:]

    # the sample
    xi = rng.standard_normal(loc.shape)
    sd = np.exp(0.5 * log_variance)
    sampled = loc + xi * sd

    # the decoder
    r = sampled @ W3 + b3
    act2 = np.maximum(r, 0)
    scores = np.dot(act2, W4) + b4

    # −ELBO: the KL minus the reconstruction
    log_px = (x * scores - np.logaddexp(0, scores)).sum(axis=1)
    divergence = 0.5 * np.sum(loc**2 + sd**2 - 1 - log_variance, axis=1)
    objective = np.mean(divergence - log_px)

    # and back: the decoder
    dscores = (1 / (1 + np.exp(-scores)) - x) / n
    dact2 = dscores @ W4.T
    dW4 = act2.T @ dscores
    db4 = np.sum(dscores, axis=0)
    dr = (dact2 > 0) * dact2
    dW3 = np.dot(sampled.T, dr)
    db3 = dr.sum(axis=0)
    dsampled = np.dot(dr, W3.T)

    # the two paths to q: the sample and the KL
    dloc = loc / n + dsampled
    dsd = dsampled * xi + (sd - 1 / sd) / n
    dlog_variance = 0.5 * sd * dsd
    dmoments = np.concatenate([dloc, dlog_variance], axis=1)

    # from q back to x
    dW2 = np.dot(act1.T, dmoments)
    db2 = dmoments.sum(axis=0)
    dact1 = np.dot(dmoments, W2.T)
    ds = np.where(s > 0, dact1, 0)
    dW1 = x.T @ ds
    db1 = np.sum(ds, axis=0)
    grad_list = [dW1, db1, dW2, db2, dW3, db3, dW4, db4]
    return objective, grad_list


def train(x, steps, rng, lr=0.1):
    """Return the parameters after some steps of gradient descent on x (N, D), and the losses."""
    theta = parameters(x.shape[1], 16, 2, rng)
    history = []
    for _ in range(steps):
        chosen = rng.choice(len(x), 20)
        objective, grad_list = loss_and_gradients(theta, x[chosen], rng)
        history.append(objective)
        for i in range(len(theta)):
            theta[i] -= lr * grad_list[i]
    return theta, history

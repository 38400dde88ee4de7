"""Exercise 19: bug_4, bug museum: a VAE, forward and backward by hand.

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

Predict (npvae learn predict bug_4):

Read the program. Does a check of its gradients against finite differences see
the defect?
    1  yes
    2  no

When you have it:     npvae learn check bug_4
If you are stuck:     npvae learn hint bug_4
"""

DEFECT = ""  # its letter

import numpy as np


def train(x, steps, rng, lr=0.1):
    """Gradient descent on minibatches of x (N, D). Returns the parameters, and the loss of each step."""
    trace = []
    arrays = parameters(x.shape[1], 16, 2, rng)
    for _ in range(steps):
        minibatch = x[rng.choice(len(x), 20)]
        neg_elbo, gs = loss_and_gradients(arrays, minibatch, rng)
        trace.append(neg_elbo)
        for array, darray in zip(arrays, gs):
            array -= lr * darray
    return arrays, trace


def parameters(x_size, width, z_size, rng):
    """A list of eight arrays: weights and bias of each of the four layers."""
    layer_sizes = [(x_size, width), (width, 2 * z_size), (z_size, width), (width, x_size)]
    arrays = []
    for i, o in layer_sizes:
        arrays += [rng.standard_normal((i, o)) / np.sqrt(i), np.zeros(o)]
    return arrays


def loss_and_gradients(arrays, x, rng):
    """The loss, −ELBO in nats per example, of pixels x (N, D) in [0, 1], and a list of its eight gradients."""
    W1, b1, W2, b2, W3, b3, W4, b4 = arrays
    rows = len(x)

    # the encoder
    enc_in = x @ W1 + b1
    enc = np.maximum(enc_in, 0)
    mu_q, logvar_q = np.hsplit(enc @ W2 + b2, 2)

    # reparameterize
    noise = rng.standard_normal(mu_q.shape)
    stddev = np.exp(logvar_q / 2)
    latent = stddev * noise + mu_q

    # p(x | z)
    dec_in = b3 + latent @ W3
    dec = dec_in * (dec_in > 0)
    out = dec @ W4 + b4

    # one number for each example, then their mean
    rec = np.sum(out * x, axis=1) - np.sum(np.logaddexp(0, out), axis=1)
    kld = np.sum(np.square(mu_q) + np.square(stddev) - 1 - logvar_q, axis=1) / 2
    neg_elbo = np.mean(kld) - np.mean(rec)

    # gradients of the decoder
    p_x = 1 / (1 + np.exp(-out))
    dout = (p_x - x) / rows
    dW4 = np.dot(dec.T, dout)
    db4 = dout.sum(axis=0)
    ddec = np.dot(dout, W4.T)
    ddec_in = (dec > 0) * ddec
    dlatent = ddec_in @ W3.T
    dW3 = latent.T @ ddec_in
    db3 = np.sum(ddec_in, axis=0)

    # the sample, and the KL
    dmu_q = dlatent - mu_q / rows
    dlogvar_q = 0.5 * (dlatent * noise * stddev + (stddev**2 - 1) / rows)
    dq = np.hstack([dmu_q, dlogvar_q])

    # gradients of the encoder
    denc = dq @ W2.T
    dW2 = enc.T @ dq
    db2 = np.sum(dq, axis=0)
    denc_in = denc * (enc_in > 0)
    dW1, db1 = x.T @ denc_in, denc_in.sum(axis=0)
    return neg_elbo, [dW1, db1, dW2, db2, dW3, db3, dW4, db4]

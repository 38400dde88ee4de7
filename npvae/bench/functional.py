"""The objectives as plain functions of a list of parameters: what JAX and autograd differentiate.

`xp` is jax.numpy or autograd.numpy. Parameters come in the order in which the network uses them, so that a network
takes the next one whenever it needs one.
"""

import math

LOG_2PI = math.log(2 * math.pi)
SLOPE, EPS = 0.01, 1e-5


def activate(xp, workload, h):
    """The activation of the hidden layers."""
    return xp.tanh(h) if workload.activation == "tanh" else xp.maximum(h, 0)


def leaky_relu(xp, h):
    """The activation after a batch normalization."""
    return xp.where(h > 0, h, SLOPE * h)


def batch_norm(xp, h, gamma, beta):
    """The minibatch normalized, channel by channel."""
    axes = tuple(range(h.ndim - 1))
    mean = h.mean(axis=axes)
    variance = xp.square(h - mean).mean(axis=axes)
    return (h - mean) * (gamma / xp.sqrt(variance + EPS)) + beta


def conv2d(x, W, b):
    """A convolution of stride 2, channels last; JAX only."""
    from jax import lax

    return lax.conv_general_dilated(x, W, (2, 2), [(1, 1), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC")) + b


def conv_transpose2d(x, W, b):
    """A transposed convolution of stride 2, W (k, k, O, C) as ours; JAX only."""
    from jax import lax

    turned = W[::-1, ::-1].transpose(0, 1, 3, 2)
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, turned, (1, 1), [(1, 2), (1, 2)], (2, 2), dimension_numbers=numbers) + b


def encode(xp, workload, p, x):
    """mu and logvar of q(z | x); p is an iterator over the parameters."""
    if workload.model == "conv-vae":
        h = x.reshape(len(x), *workload.image_shape())
        for _ in workload.layers:
            h = leaky_relu(xp, batch_norm(xp, conv2d(h, next(p), next(p)), next(p), next(p)))
        h = h.reshape(len(x), -1)
    else:
        h = x
        for _ in workload.layers:
            h = activate(xp, workload, h @ next(p) + next(p))
    return h @ next(p) + next(p), h @ next(p) + next(p)


def decode(xp, workload, p, z):
    """Logits, or means in [−1, 1], for codes z (M, latent_dim)."""
    h = z @ next(p) + next(p)
    if workload.model == "conv-vae":
        H, W, _ = workload.image_shape()
        halvings = len(workload.layers)
        h = h.reshape(len(z), H >> halvings, W >> halvings, workload.layers[-1])
        for _ in workload.layers:
            h = leaky_relu(xp, batch_norm(xp, h, next(p), next(p)))
            h = conv_transpose2d(h, next(p), next(p))
        return xp.tanh(h).reshape(len(z), -1)
    for _ in workload.layers:
        h = activate(xp, workload, h) @ next(p) + next(p)
    return h


def log_likelihood(xp, workload, output, x):
    """ln p(x | z), summed over the last axis: Gaussian of variance ½ for convolutions, else Bernoulli by logits."""
    if workload.model == "conv-vae":
        return -xp.square(x - output).sum(axis=-1) - 0.5 * x.shape[-1] * math.log(math.pi)
    softplus = xp.maximum(output, 0) + xp.log1p(xp.exp(-xp.abs(output)))
    return (x * output - softplus).sum(axis=-1)


def log_weights(xp, workload, parameters, x, eps):
    """ln p(x, z) − ln q(z | x) for z = μ + σ ⊙ ε, eps (K, N, latent_dim): an array (K, N)."""
    p = iter(parameters)
    mu, logvar = encode(xp, workload, p, x)
    z = mu + xp.exp(0.5 * logvar) * eps
    output = decode(xp, workload, p, z.reshape(-1, z.shape[-1])).reshape(*z.shape[:2], -1)
    log_p = -0.5 * (LOG_2PI + z * z).sum(axis=-1)
    log_q = -0.5 * (LOG_2PI + logvar + eps * eps).sum(axis=-1)
    return log_likelihood(xp, workload, output, x) + log_p - log_q


def logsumexp(xp, a):
    """ln Σ exp over the first axis."""
    m = a.max(axis=0)
    return m + xp.log(xp.exp(a - m).sum(axis=0))


def objective(xp, workload, parameters, x, eps):
    """What is minimised, in nats per example."""
    if workload.model == "iwae":
        log_w = log_weights(xp, workload, parameters, x, eps)
        return math.log(len(eps)) - logsumexp(xp, log_w).mean()
    p = iter(parameters)
    mu, logvar = encode(xp, workload, p, x)
    z = mu + xp.exp(0.5 * logvar) * eps[0]
    kl = 0.5 * (mu * mu + xp.exp(logvar) - 1 - logvar).sum(axis=-1)
    return (kl - log_likelihood(xp, workload, decode(xp, workload, p, z), x)).mean()

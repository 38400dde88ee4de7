"""The objectives as plain functions of a list of parameters: what JAX and autograd differentiate.

`xp` is jax.numpy or autograd.numpy. The list holds the parameters in the order in which the network uses them, so each
layer takes the next ones.
"""

import math

LOG_2PI = math.log(2 * math.pi)
SLOPE, EPS = 0.01, 1e-5


def activate(xp, workload, h):
    """Return the activation of the hidden layers at h."""
    return xp.tanh(h) if workload.activation == "tanh" else xp.maximum(h, 0)


def leaky_relu(xp, h):
    """Return the activation that follows a batch normalization, at h."""
    return xp.where(h > 0, h, SLOPE * h)


def batch_norm(xp, h, gamma, beta):
    """Normalize the minibatch, channel by channel; without running statistics, which cost next to nothing."""
    axes = tuple(range(h.ndim - 1))
    mean = h.mean(axis=axes)
    variance = xp.square(h - mean).mean(axis=axes)
    return (h - mean) * (gamma / xp.sqrt(variance + EPS)) + beta


def conv2d(xp, x, W, b):
    """Return a convolution of stride 2, channels last, computed as nine slices and a product of matrices.

    In JAX this is faster than its own `lax.conv_general_dilated`, and faster than a product of higher rank.
    """
    N, H, width, C = x.shape
    padded = xp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    slices = [padded[:, i : i + H : 2, j : j + width : 2] for i in range(3) for j in range(3)]
    y = xp.concatenate(slices, axis=-1).reshape(-1, 9 * C) @ W.reshape(9 * C, -1) + b
    return y.reshape(N, H // 2, width // 2, -1)


def conv_transpose2d(xp, x, W, b):
    """Return a transposed convolution of stride 2, with W (3, 3, O, C) as in ours.

    The middle of the kernel reaches the output pixels with an even index, and its two ends reach those between two
    pixels of x. So this is a convolution over 2 × 2 windows with four outputs of O channels, one for each parity, which
    are interleaved. On a CPU this is faster than JAX's own way, an input with gaps (`lhs_dilation`).
    """
    N, H, width, C = x.shape
    O = W.shape[2]
    taps = xp.array([[1, 2], [3, 0]])                        # index into the kernel, by pixel of x and parity; 3: none
    with_zeros = xp.pad(W, [(0, 1), (0, 1), (0, 0), (0, 0)])
    kernel = with_zeros[taps][:, :, taps].transpose(0, 2, 5, 1, 3, 4).reshape(4 * C, 4 * O)
    padded = xp.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)])
    slices = [padded[:, i : i + H, j : j + width] for i in range(2) for j in range(2)]
    y = xp.concatenate(slices, axis=-1).reshape(-1, 4 * C) @ kernel
    return y.reshape(N, H, width, 2, 2, O).transpose(0, 1, 3, 2, 4, 5).reshape(N, 2 * H, 2 * width, O) + b


def encode(xp, workload, parameters, x):
    """Return (mu, logvar) of q(z | x), and the remaining parameters, which are the decoder's."""
    p = iter(parameters)
    if workload.model == "conv-vae":
        h = x.reshape(len(x), *workload.image_shape())
        for _ in workload.layers:
            h = leaky_relu(xp, batch_norm(xp, conv2d(xp, h, next(p), next(p)), next(p), next(p)))
        h = h.reshape(len(x), -1)
    else:
        h = x
        for _ in workload.layers:
            h = activate(xp, workload, h @ next(p) + next(p))
    q = h @ next(p) + next(p), h @ next(p) + next(p)
    return q, list(p)


def decode(xp, workload, decoder, z):
    """Return logits, or means in [−1, 1], for codes z (M, latent_dim)."""
    p = iter(decoder)
    h = z @ next(p) + next(p)
    if workload.model == "conv-vae":
        H, W, _ = workload.image_shape()
        halvings = len(workload.layers)
        h = h.reshape(len(z), H >> halvings, W >> halvings, workload.layers[-1])
        for _ in workload.layers:
            h = leaky_relu(xp, batch_norm(xp, h, next(p), next(p)))
            h = conv_transpose2d(xp, h, next(p), next(p))
        return xp.tanh(h).reshape(len(z), -1)
    for _ in workload.layers:
        h = activate(xp, workload, h) @ next(p) + next(p)
    return h


def log_likelihood(xp, workload, output, x):
    """Return ln p(x | z), summed over the last axis: Gaussian of variance ½ for convolutions, otherwise Bernoulli."""
    if workload.model == "conv-vae":
        return -xp.square(x - output).sum(axis=-1) - 0.5 * x.shape[-1] * math.log(math.pi)
    softplus = xp.maximum(output, 0) + xp.log1p(xp.exp(-xp.abs(output)))
    return (x * output - softplus).sum(axis=-1)


def log_weights(xp, workload, decoder, x, q, eps):
    """Return ln p(x, z) − ln q(z | x), an array (K, N), for z = μ + σ ⊙ ε with eps (K, N, latent_dim)."""
    mu, logvar = q
    z = mu + xp.exp(0.5 * logvar) * eps
    output = decode(xp, workload, decoder, z.reshape(-1, z.shape[-1])).reshape(*z.shape[:2], -1)
    log_p = -0.5 * (LOG_2PI + z * z).sum(axis=-1)
    log_q = -0.5 * (LOG_2PI + logvar + eps * eps).sum(axis=-1)
    return log_likelihood(xp, workload, output, x) + log_p - log_q


def logsumexp(xp, a):
    """Return ln Σ exp over the first axis."""
    m = a.max(axis=0)
    return m + xp.log(xp.exp(a - m).sum(axis=0))


def objective(xp, workload, parameters, x, eps):
    """Return the objective to minimize, in nats per example."""
    if workload.model == "conv-vae":
        x = 2 * x - 1                                        # the networks see pixels in [−1, 1]
    (mu, logvar), decoder = encode(xp, workload, parameters, x)
    if workload.model == "iwae":
        log_w = log_weights(xp, workload, decoder, x, (mu, logvar), eps)
        return math.log(len(eps)) - logsumexp(xp, log_w).mean()
    z = mu + xp.exp(0.5 * logvar) * eps[0]
    kl = 0.5 * (mu * mu + xp.exp(logvar) - 1 - logvar).sum(axis=-1)
    return (kl - log_likelihood(xp, workload, decode(xp, workload, decoder, z), x)).mean()

"""How to draw the first weights: large enough that a signal survives the layers, small enough that it does not explode.

If the I inputs of a linear unit are independent with variance v, its output has variance I · Var(W) · v. Forward,
Var(W) = 1/I preserves the variance; backward, where the sum runs over the O outputs, Var(W) = 1/O does. Xavier's
initialisation is the compromise 2/(I + O). A ReLU sets half of its inputs to zero and halves the second moment, so He's
has 2/I. A uniform distribution on [−a, a] has variance a²/3, hence a = √(3 Var).

Every function takes a generator (or its seed) and the numbers of inputs and outputs of a layer, and returns W of shape
(fan_in, fan_out), float32.

Sources: Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, eq. 12
and 16; He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, eq. 10.
"""

import functools

import numpy as np

from ..arguments import check_sizes, generator


def initializer(f):
    """Make an initialiser of f, which may rely on a Generator and whole numbers from 1 on."""

    @functools.wraps(f)
    def checked(rng, fan_in, fan_out):
        check_sizes(fan_in=fan_in, fan_out=fan_out)
        return f(generator(rng), fan_in, fan_out)

    return checked


@initializer
def xavier_uniform(rng, fan_in, fan_out):
    """W ~ U(−a, a) with a = √(6 / (fan_in + fan_out)), that is, Var(W) = 2 / (fan_in + fan_out)."""
    return _uniform(rng, fan_in, fan_out, variance=2 / (fan_in + fan_out))


@initializer
def xavier_normal(rng, fan_in, fan_out):
    """W ~ N(0, 2 / (fan_in + fan_out))."""
    return _normal(rng, fan_in, fan_out, variance=2 / (fan_in + fan_out))


@initializer
def he_uniform(rng, fan_in, fan_out):
    """W ~ U(−a, a) with a = √(6 / fan_in), that is, Var(W) = 2 / fan_in."""
    return _uniform(rng, fan_in, fan_out, variance=2 / fan_in)


@initializer
def he_normal(rng, fan_in, fan_out):
    """W ~ N(0, 2 / fan_in)."""
    return _normal(rng, fan_in, fan_out, variance=2 / fan_in)


@initializer
def pytorch_uniform(rng, fan_in, fan_out):
    """W ~ U(−a, a) with a = 1 / √fan_in, that is, Var(W) = 1 / (3 fan_in).

    PyTorch's default for the weights of nn.Linear. It draws the biases in the same way; here they are zero, unless
    `draw_like_pytorch` draws them.
    """
    return _uniform(rng, fan_in, fan_out, variance=1 / (3 * fan_in))


def draw_like_pytorch(network, rng):
    """Draw all weights and biases of a Module again, as PyTorch's Linear, Conv2d and ConvTranspose2d do.

    Both are uniform on [−a, a] with a = 1 / √fan_in. For W (I, O) and W (k, k, I, O), fan_in is the product of all axes
    but the last. So it is for a transposed convolution, W (k, k, O, I), where that is k² O: PyTorch takes the weights
    of the convolution of which this is the transpose.
    """
    rng = generator(rng)
    for _, layer in network.named_modules():
        if hasattr(layer, "W") and hasattr(layer, "b"):
            bound = 1 / np.sqrt(np.prod(layer.W.shape[:-1]))
            for p in (layer.W, layer.b):
                p.data = rng.uniform(-bound, bound, p.shape).astype(p.dtype)


def _uniform(rng, fan_in, fan_out, variance):
    bound = np.sqrt(3 * variance)
    return rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)


def _normal(rng, fan_in, fan_out, variance):
    return rng.normal(0, np.sqrt(variance), (fan_in, fan_out)).astype(np.float32)


INITIALIZERS = {f.__name__: f for f in (xavier_uniform, xavier_normal, he_uniform, he_normal, pytorch_uniform)}

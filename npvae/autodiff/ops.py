"""The elementary operations: a forward pass, and one derivative for each input.

Each is a plain NumPy function. It computes its value y and defines, for each input x, a function from dy = ∂ℓ/∂y, the
gradient of the loss ℓ with respect to the value, to dx = ∂ℓ/∂x. Whatever a derivative needs from the forward pass, it
captures. The algebra stands on the line that computes it; ⊙ is the elementwise product.

When two inputs are broadcast against each other, NumPy repeats the smaller one. Each copy of a number acts on the loss,
so its derivative is the sum over the copies: `sum_to`.

Unless stated otherwise, an operation accepts arrays of any shape, and y has the shape of x. A value never shares memory
with an input, so changing a parameter in place changes nothing else.
"""

import numbers

import numpy as np

from ..runtime import blockwise, by_blocks, product
from . import guards
from .tensor import Tensor, op


def sum_to(dy, shape):
    """Sum dy over the axes along which an array of this shape was repeated: the derivative of broadcasting it."""
    if dy.shape == shape:
        return dy
    padded = (1,) * (dy.ndim - len(shape)) + shape  # broadcasting adds axes of length 1 on the left, then stretches
    stretched = tuple(i for i, n in enumerate(dy.shape) if n != padded[i])
    return dy.sum(axis=stretched).reshape(shape)


# --- products of matrices ---------------------------------------------------------------------------------------------
# NumPy would also multiply vectors and stacks of matrices, and repeat a bias of other shapes; the derivatives would not
# fit.


@op
def dense(x, W, b):                          # x (N, I)   W (I, O)   b (O,)   ->   y (N, O)
    """A layer of O linear units: y = x W + b, one example in each row."""
    if not (np.ndim(x) == np.ndim(W) == 2 and np.shape(b) == (W.shape[1],)):
        raise ValueError("expected x (N, I), W (I, O) and b (O,)")
    y = product(x, W)                        # y_no = Σ_i x_ni W_io + b_o
    y += b
    def dx(dy): return product(dy, W.T)      # Σ_o dy_no W_io
    def dW(dy): return product(x.T, dy)      # Σ_n x_ni dy_no
    def db(dy): return dy.sum(axis=0)        # Σ_n dy_no
    return y, dx, dW, db


@op
def matmul(a, b):                            # a (N, K)   b (K, M)   ->   y (N, M)
    """The matrix product y = a b."""
    if not np.ndim(a) == np.ndim(b) == 2:
        raise ValueError("expected two matrices, a (N, K) and b (K, M)")
    y = product(a, b)                        # y_nm = Σ_k a_nk b_km
    def da(dy): return product(dy, b.T)      # Σ_m dy_nm b_km
    def db(dy): return product(a.T, dy)      # Σ_n a_nk dy_nm
    return y, da, db


# --- arithmetic, with broadcasting ------------------------------------------------------------------------------------


@op
def add(a, b):
    """y = a + b."""
    shape_a, shape_b = np.shape(a), np.shape(b)             # the inputs themselves are not needed
    def da(dy): return sum_to(dy, shape_a)
    def db(dy): return sum_to(dy, shape_b)
    return a + b, da, db


@op
def sub(a, b):
    """y = a − b."""
    shape_a, shape_b = np.shape(a), np.shape(b)
    def da(dy): return sum_to(dy, shape_a)
    def db(dy): return sum_to(-dy, shape_b)
    return a - b, da, db


@op
def mul(a, b):
    """y = a ⊙ b."""
    def da(dy): return sum_to(dy * b, np.shape(a))
    def db(dy): return sum_to(dy * a, np.shape(b))
    return a * b, da, db


@op
def div(a, b):
    """y = a / b."""
    y = a / b
    shape_a = np.shape(a)
    def da(dy): return sum_to(dy / b, shape_a)
    def db(dy): return sum_to(-dy * y / b, np.shape(b))     # ∂(a/b)/∂b = −a/b² = −y/b
    return y, da, db


@op
def neg(x):
    """y = −x."""
    def dx(dy): return -dy
    return -x, dx


@op
def square(x):
    """y = x²."""
    def dx(dy): return 2 * x * dy
    return x * x, dx


@op
def power(x, *, exponent):
    """y = xⁿ, where the exponent n is a number."""
    n = float(exponent)
    def dx(dy): return dy * n * x ** (n - 1) if n else 0 * dy                   # x⁰ = 1, also at x = 0
    return x**n, dx


@op
def exp(x):
    """y = eˣ."""
    y = np.exp(x)
    def dx(dy): return y * dy                # the exponential is its own derivative
    return y, dx


@op
def log(x):
    """The natural logarithm, y = ln x."""
    def dx(dy): return dy / x
    return np.log(x), dx


@op
def sqrt(x):
    """y = √x."""
    y = np.sqrt(x)
    def dx(dy): return dy / (2 * y)
    return y, dx


# --- reductions -------------------------------------------------------------------------------------------------------


def _restore_axes(a, shape, axis):
    """View a reduced array (or its gradient) with the reduced axes as axes of length 1, to broadcast against shape."""
    axes = range(len(shape)) if axis is None or not shape else [i % len(shape) for i in np.atleast_1d(axis)]
    return np.reshape(a, [1 if i in axes else n for i, n in enumerate(shape)])


@op
def sum(x, *, axis=None, keepdims=False):
    """The sum of all elements, or over one axis or a tuple of axes; `keepdims` keeps those as axes of length 1."""
    shape = x.shape
    def dx(dy): return np.broadcast_to(_restore_axes(dy, shape, axis), shape)       # each element counts once
    return np.sum(x, axis=axis, keepdims=keepdims), dx


@op
def mean(x, *, axis=None, keepdims=False):
    """The mean of all elements, or over one axis or a tuple of axes; `keepdims` keeps those as axes of length 1."""
    y = np.mean(x, axis=axis, keepdims=keepdims)
    shape, n = x.shape, x.size // max(1, np.size(y))        # n elements in each mean
    def dx(dy): return np.broadcast_to(_restore_axes(dy, shape, axis) / n, shape)
    return y, dx


@op
def logsumexp(x, *, axis=None):
    """y = ln Σ_i exp x_i, without overflow: take out the largest x, ln Σ_i exp x_i = m + ln Σ_i exp(x_i − m).

    Derivatives below 10⁻¹⁴ (in float64, 10⁻³¹) become zero. An importance-weighted bound has many of them at first, and
    arithmetic with numbers near 10⁻³⁸ is a hundred times slower.
    """
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)       # if every x_i is −∞, the answer is −∞ and not NaN
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):       # ln 0 = −∞
        y = np.log(total) + m
    def dx(dy):
        softmax = e / total                  # ∂y/∂x_i = exp(x_i − y), without those that vanish beside the others
        softmax = softmax * (softmax > np.finfo(e.dtype).eps ** 2)
        return softmax * _restore_axes(dy, e.shape, axis)
    return np.squeeze(y, axis=axis), dx


# --- shapes -----------------------------------------------------------------------------------------------------------


@op
def reshape(x, *, shape):
    """The same elements, row by row, in another shape."""
    old_shape = x.shape
    def dx(dy): return dy.reshape(old_shape)
    return x.reshape(shape).copy(), dx


@op
def transpose(x, *, axes=None):
    """Axes in reverse order, or in the given order: axis i of y is axis axes[i] of x."""
    y = x.transpose(axes).copy()
    back = None if axes is None else np.argsort([i % x.ndim for i in axes])     # the inverse permutation
    def dx(dy): return dy.transpose(back)
    return y, dx


@op
def concatenate(*arrays, axis=0):
    """The arrays one after another along an axis: concatenate(a, b, c, axis=0)."""
    ends = np.cumsum([a.shape[axis] for a in arrays])[:-1]
    def backward(dy): return tuple(np.split(dy, ends, axis=axis))       # each array gets its piece back
    return np.concatenate(arrays, axis=axis), backward


@op
def getitem(x, *, index):
    """y = x[index], for every kind of NumPy index."""
    shape = x.shape
    def dx(dy):
        taken = np.zeros(shape, dtype=dy.dtype)
        np.add.at(taken, index, dy)          # an element that was taken twice gets both gradients
        return taken
    return np.array(x[index]), dx


# --- activations ------------------------------------------------------------------------------------------------------
# `blockwise` computes a formula on blocks of rows that fit into a cache, if the arrays are large; `by_blocks` fills an
# array block by block, which saves a pass over it where that counts (see runtime.py).


@op
def relu(x):
    """y = max(x, 0). At the kink x = 0 the derivative is taken to be 0. A NaN lets dy through, and so stays visible."""
    y = blockwise(lambda x: np.maximum(x, 0), x)
    def dx(dy): return blockwise(lambda dy, y: dy * (y != 0), dy, y)            # 1 where x > 0, and 0 elsewhere
    return y, dx


@op
def leaky_relu(x, *, slope=0.01):
    """y = max(x, slope · x) for 0 ≤ slope ≤ 1: x where x > 0, and slope · x elsewhere."""
    if not 0 <= slope <= 1:
        raise ValueError(f"the slope is {slope}, expected a number from 0 to 1")
    def forward(y, x):                       # max(x, slope · x)
        np.multiply(x, slope, out=y)
        np.maximum(x, y, out=y)
    def backward(dx, dy, x):                 # dy · (1 where x > 0, slope elsewhere): np.where is slow on random signs
        np.multiply(x > 0, dx.dtype.type(1 - slope), out=dx)
        dx += slope
        dx *= dy
    def dx(dy):
        gradient = np.empty(x.shape, x.dtype)
        by_blocks(backward, gradient, dy, x)
        return gradient
    y = np.empty(x.shape, x.dtype)
    by_blocks(forward, y, x)
    return y, dx


@op
def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ)."""
    with np.errstate(over="ignore"):         # e⁻ˣ may overflow to ∞, and 1 / (1 + ∞) = 0 is the right answer
        y = 1 / (1 + np.exp(-x))
    def dx(dy): return dy * y * (1 - y)      # σ' = σ (1 − σ)
    return y, dx


@op
def tanh(x):
    """y = tanh x."""
    y = blockwise(np.tanh, x)
    def dx(dy): return blockwise(lambda dy, y: dy * (1 - y * y), dy, y)         # tanh' = 1 − tanh²
    return y, dx


@op
def softplus(x):
    """ζ(x) = ln(1 + eˣ), as max(x, 0) + ln(1 + e^−|x|), whose exponential cannot overflow."""
    y = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    def dx(dy): return dy * sigmoid.raw(x)[0]               # ζ' = eˣ / (1 + eˣ) = σ(x)
    return y, dx


# --- Python's operators, so that a formula reads as it does on paper --------------------------------------------------

Tensor.__add__ = Tensor.__radd__ = add
Tensor.__mul__ = Tensor.__rmul__ = mul
Tensor.__sub__ = sub
Tensor.__rsub__ = lambda b, a: sub(a, b)
Tensor.__truediv__ = div
Tensor.__rtruediv__ = lambda b, a: div(a, b)
Tensor.__matmul__ = matmul
Tensor.__rmatmul__ = lambda b, a: matmul(a, b)
Tensor.__neg__ = neg
Tensor.__pow__ = lambda x, n: power(x, exponent=n) if isinstance(n, numbers.Real) else NotImplemented
Tensor.__getitem__ = lambda x, index: getitem(x, index=index)
Tensor.sum = lambda x, axis=None, keepdims=False: sum(x, axis=axis, keepdims=keepdims)
Tensor.mean = lambda x, axis=None, keepdims=False: mean(x, axis=axis, keepdims=keepdims)
Tensor.reshape = lambda x, *shape: reshape(x, shape=shape[0] if np.iterable(shape[0]) else shape)
Tensor.T = property(transpose)
Tensor.__bool__ = lambda x: guards.refuse_comparison(x, None)
Tensor.__eq__ = Tensor.__ne__ = Tensor.__lt__ = Tensor.__le__ = Tensor.__gt__ = Tensor.__ge__ = guards.refuse_comparison

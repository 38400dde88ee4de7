"""Elementwise functions: threads in the trackers of FKB, networks from scratch in Zig, BackPACK, autograd, PySyft,
JAX, tt-metal, PyTorch and its tutorials, and fpcross.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/scientific-computing/FKB/issues/15: the derivative of a leaky ReLU is that of a ReLU",
         says=[("constant", "0.0"), ("constant", "slope"), ("other array", "alpha"), ("missing term", "alpha"),
               ("part", "x < 0"), ("zero", "x < 0"), ("missing factor", "alpha"), ("other array", "slope"),
               ("missing path", "alpha")],
         x=(5, 3))
def leaky_relu_that_does_not_leak_on_the_way_back(x):
    alpha = 0.3
    y = np.maximum(alpha * x, x)

    def dx(dy):
        slope = np.where(alpha * x > 0, 1.0, 0.0)
        return slope * dy

    return y, dx


@mistake("https://github.com/SilasMarvin/dnns-from-scratch-in-zig/issues/5: 0.01 where 0.01 · gradient belongs",
         says=[("missing factor", "0.01"), ("missing factor", "grads"), ("other array", "0.01"), ("part", "x < 0"),
               ("dy not used", "x < 0"), ("dy not used", "0.01")],
         x=(11,))
def leaky_relu_with_a_constant_gradient_on_the_left(x):
    y = np.where(x >= 0, x, 0.01 * x)

    def dx(grads):
        outputs = np.empty_like(x)
        for i in range(len(x)):
            if x[i] >= 0:
                outputs[i] = grads[i]
            else:
                outputs[i] = 0.01
        return outputs

    return y, dx


@mistake("https://github.com/f-dangel/backpack/pull/76: SELU' = scale if x < 0, else scale · α · eˣ",
         says=[("other function", "x < 0"), ("other function", "x > 0"), ("order", "where"), ("order", "scale"),
               ("moved", "where"), ("moved", "scale"), ("wrong sign", "x < 0")],
         x=(7, 3))
def selu_whose_branches_are_exchanged(x):
    scale, alpha = 1.0507, 1.6733
    y = scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

    def dx(dy):
        return dy * np.where(x < 0, scale, scale * alpha * np.exp(x))

    return y, dx


@mistake("https://github.com/HIPS/autograd/issues/317: e^−x in the definition of tanh, where e^−2x belongs",
         says=[("missing factor", "2"), ("missing factor", "0.5"), ("extra factor", "2"), ("constant", "exp"),
               ("power", "exp"), ("missing factor", "exp"), ("power", "e ="), ("missing factor", "½")],
         x=(7,))
def tanh_of_half_its_input(x):
    e = np.exp(-x)
    y = (1.0 - e) / (1.0 + e)
    return y, lambda dy: dy * (1.0 - y ** 2)


@mistake("https://github.com/OpenMined/PySyft/pull/2148: the derivative of tanh is not multiplied by what comes from "
         "above",
         says=[("dy not used", "dx"), ("missing factor", "grad"), ("dy not used", "tanh")],
         x=(3, 5))
def tanh_that_does_not_listen_from_above(x):
    result = np.tanh(x)
    def dx(grad): return np.ones_like(grad) - np.tanh(x) ** 2
    return result, dx


@mistake("https://github.com/jax-ml/jax/pull/11469: the remainder's derivative for its second argument is wrong for "
         "mixed signs",
         says=[("other function", "floor"), ("other function", "trunc"), ("other function", "fmod"),
               ("other function", "rem"), ("part", "b < 0")],
         a=(11,), b=lambda rng: rng.choice([-1.0, 1.0], 11) * rng.uniform(0.3, 0.7, 11))
def remainder_that_rounds_down(a, b):
    y = np.fmod(a, b)

    def backward(ct):
        return ct, -ct * np.floor(a / b)

    return y, backward


@mistake("https://github.com/tenstorrent/tt-metal/pull/52144: the derivative of x**e where e**x is computed",
         says=[("order", "exponent"), ("other function", "log"), ("missing factor", "log"),
               ("order", "x ** (exponent"), ("other array", "exponent"), ("other function", "x ** (exponent")],
         x=(5, 3))
def power_whose_base_and_exponent_are_exchanged(x):
    exponent = 3.0
    y = exponent ** x

    def dx(grad):
        return grad * exponent * x ** (exponent - 1)

    return y, dx


@mistake("https://github.com/pytorch/pytorch/issues/187460: 2 to a negative exponent as an integer: zero",
         says=[("other function", "int"), ("other function", "astype"), ("zero", "dm"), ("part", "column"),
               ("other array", "factor"), ("fault", "int"), ("extra factor", "factor"), ("part", "factor"),
               ("other function", "factor")],
         m=(3, 5))
def ldexp_in_integers(m):
    exponents = np.array([-2, 0, 3, -1, 1])
    y = np.ldexp(m, exponents)

    def dm(dy):
        factor = (2.0 ** exponents).astype(int)
        return dy * factor

    return y, dm


@mistake("https://github.com/pytorch/tutorials/pull/709: the mean's factor ¼ is missing in a step of the derivation",
         says=[("missing factor", "size"), ("sum or mean", "mean"), ("missing factor", "1/N"),
               ("missing factor", "1/7"), ("extra factor", "factor 7"), ("constant", "6 * (x + 2)"),
               ("missing factor", "mean"), ("missing factor", "len"), ("extra factor", "factor N")],
         x=(7,))
def mean_of_squares_without_the_number_of_elements(x):
    y = x + 2
    z = 3 * y * y
    out = np.array(z.mean())

    def dx(dout):
        return dout * 6 * (x + 2)

    return out, dx


@mistake("https://github.com/AndreiChertkov/fpcross/pull/2: the sum of a row in the place of the diagonal",
         says=[("other array", "A.sum"), ("other function", "diag"), ("other function", "sum"),
               ("extra sum", "A.sum"), ("other array", "diag"), ("other array", "own")],
         x=(5, 3), A=(3, 3))
def drift_with_the_sum_of_a_row_for_its_diagonal(x, A):
    own = np.diag(A)
    drift = -x * own
    def dx(g): return -g * A.sum(axis=1)
    def dA(g): return np.diag(-(g * x).sum(axis=0))
    return drift, dx, dA

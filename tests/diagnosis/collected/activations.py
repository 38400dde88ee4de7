"""Elementwise functions with a derivative of their own: threads in the trackers of PaddlePaddle, MXNet, tiny-dnn, dfdx,
Encog, DiffSharp, Mooncake, micrograd's lectures, mlpack, JAX and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/tiny-dnn/tiny-dnn/pull/896: α was added to the forward pass, the backward pass had 1 + y",
         says=[("constant", "1 + y"), ("other array", "alpha"), ("missing factor", "alpha"), ("missing factor", "0.3")],
         x=(5, 7))
def elu_with_one_for_alpha(x):
    alpha = 0.3
    y = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    return y, lambda dy: dy * np.where(y > 0, 1, 1 + y)


@mistake("https://github.com/pytorch/pytorch/issues/47671: the branch is chosen by the result, with a negative α",
         says=[("other array", "y <= 0", "x"), ("part", "x < 0")],
         x=(3, 7))
def elu_that_asks_the_result_for_its_branch(x):
    alpha = -0.7
    y = x.copy()
    y[x < 0] = alpha * np.expm1(x[x < 0])

    def backward(grad):
        g = np.empty_like(x)
        g[...] = np.where(y <= 0, grad * (y + alpha), grad)
        return g

    return y, backward


@mistake("https://github.com/karpathy/nn-zero-to-hero/issues/52: the derivative of exp is thought to be its input",
         says=[("other array", "x", "y")],
         x=(7,))
def exp_whose_derivative_is_its_input(x):
    y = np.exp(x)
    return y, lambda out_grad: x * out_grad


@mistake("https://github.com/chalk-lab/Mooncake.jl/issues/1195: sign(x) is dropped",
         says=[("missing factor", "sign(x)"), ("missing factor", "sign", "x"), ("part", "x < 0")],
         x=(7,), y=(7,))
def copysign_without_the_sign_of_x(x, y):
    return np.abs(x) * np.sign(y), lambda dz: dz * np.sign(y), None


@mistake("https://github.com/ravin-d-27/PyDeepFlow (activations.py, before pull request 89): the inner derivative is "
         "missing",
         says=[("missing factor", "x ** 2"), ("missing factor", "t ** 2"), ("missing factor", "right ="),
               ("wrong path", "inner =")],
         x=(5, 3))
def gelu_without_its_inner_derivative(x):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)
    t = np.tanh(inner)
    y = 0.5 * x * (1 + t)

    def dx(dy):
        left = 0.5 * (1 + t)
        right = 0.5 * x * (1 - t ** 2)
        return dy * (left + right)

    return y, dx


@mistake("https://github.com/pjreddie/darknet/issues/2151: a gradient function wants f(x); a reader passes x",
         says=[("other array", "x", "y"), ("other array", "x * (1 - x)"), ("other function", "x * (1 - x)")],
         x=(3, 7))
def logistic_gradient_of_the_input(x):
    y = sigmoid(x)

    def gradient(x):
        return x * (1 - x)

    return y, lambda delta: delta * gradient(x)

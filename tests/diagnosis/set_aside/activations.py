"""Elementwise functions with a derivative of their own: threads in the trackers of PaddlePaddle, MXNet, tiny-dnn, dfdx,
Encog, DiffSharp, Mooncake, micrograd's lectures, mlpack, JAX and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/chelsea0x3b/dfdx/pull/915, a review of SiLU: are you missing parentheses here?",
         says=[("missing factor", "1 + exp_nx"), ("missing factor", "** 2"), ("missing factor", "exp_nx")],
         x=(3, 5))
def silu_without_parentheses(x):
    y = x / (1 + np.exp(-x))

    def dx(dy):
        exp_nx = np.exp(-x)
        df = 1 + exp_nx + x * exp_nx / (1 + exp_nx) ** 2
        return dy * df

    return y, dx


@mistake("https://github.com/apache/mxnet/pull/3277: the slope is chosen by the output, though gamma may be negative",
         says=[("other array", "out > 0", "data"), ("part", "data < 0")],
         data=(5, 3), gamma=lambda rng: -0.1 - rng.random(3))
def prelu_whose_dx_looks_at_the_output(data, gamma):
    out = np.where(data > 0, data, gamma * data)
    def ddata(dy): return dy * np.where(out > 0, 1, gamma)
    def dgamma(dy): return np.sum(dy * data * (data <= 0), axis=0)
    return out, ddata, dgamma


@mistake("https://github.com/PaddlePaddle/Paddle/pull/12538, a review: the gradient of α asks the output",
         says=[("zero",), ("other array", "o > 0")],
         x=(7, 3), alpha=lambda rng: np.array(-0.2 - rng.random()))
def prelu_whose_dalpha_looks_at_the_output(x, alpha):
    out = np.maximum(x, 0) + alpha * np.minimum(x, 0)

    def backward(dout):
        dx = dout * np.where(x > 0, 1.0, alpha)
        dalpha = 0.0
        for o, d, v in zip(out.ravel(), dout.ravel(), x.ravel()):
            dalpha += 0 if o > 0 else d * v
        return dx, np.array(dalpha)

    return out, backward


@mistake("https://github.com/tensorflow/tfjs/issues/1072, which does not say what was wrong with the gradient for "
         "alpha",
         says=[("missing factor", "x")],
         x=(5, 3), alpha=(3,))
def prelu_whose_dalpha_lost_x(x, alpha):
    mask = x > 0
    y = np.where(mask, x, alpha * x)
    def dx(dy): return np.where(mask, dy, alpha * dy)
    def dalpha(dy): return np.where(mask, 0, dy).sum(0)
    return y, dx, dalpha


@mistake("https://github.com/jeffheaton/encog-dotnet-core/issues/124: the class of ReLU has the derivative of a "
         "sigmoid",
         says=[("extra factor", "y"), ("other function", "y * (1 - y)"), ("part", "x > 0")],
         x=(3, 5))
def relu_with_the_derivative_of_a_sigmoid(x):
    y = np.maximum(0, x)
    def dx(dy): return dy * y * (1 - y)
    return y, dx


@mistake("https://github.com/DiffSharp/DiffSharp/issues/16: the tangent is not multiplied in",
         says=[("dy not used",), ("missing factor", "dy")],
         a=(3, 5))
def sigmoid_that_forgets_what_comes_from_above(a):
    c = sigmoid(a)

    def da(dy):
        return c * (1 - c)

    return c, da


@mistake("https://github.com/mlpack/mlpack/pull/2158, a comment: the derivative of tanh takes tanh again",
         says=[("other function", "tanh(t)"), ("other array", "tanh(t)"), ("wrong path", "t = np.tanh")],
         x=(5, 3))
def mish_that_takes_the_hyperbolic_tangent_twice(x):
    sp = np.log1p(np.exp(x))
    t = np.tanh(sp)

    def dx(dy):
        dt = 1 - np.tanh(t) ** 2
        return dy * (t + x * dt * sigmoid(x))

    return x * t, dx


@mistake("https://learntinker.com/lessons/check-it-break-it-fix-it: tanh² in one closure of the wrong array",
         says=[("other array", "out"), ("other function", "tanh(out)"), ("wrong path", "out = np.tanh")],
         x=(3, 5), w=(3, 5))
def neuron_with_the_tangent_of_its_output(x, w):
    z = w * x
    out = np.tanh(z)

    def backward(grad):
        dz = (1 - np.tanh(out) ** 2) * grad
        return w * dz, x * dz

    return out, backward


@mistake("https://github.com/karpathy/nn-zero-to-hero/issues/52, a note in the lecture: = in the place of +=",
         says=[("missing term", "grad"), ("missing path", "np.exp(b)"), ("fault", "overwrit")],
         a=(5,), b=(5,))
def product_and_exponential_where_a_gradient_is_overwritten(a, b):
    e = a * b
    f = np.exp(b)
    y = e + f

    def backward(dy):
        grad = {"a": 0, "b": 0}
        grad["b"] = f * dy
        grad["a"] = b * dy
        grad["b"] = a * dy
        return grad["a"], grad["b"]

    return y, backward


@mistake("https://github.com/jax-ml/jax/issues/3213: an example in the documentation of custom derivatives",
         says=[("wrong sign", "sin")],
         x=(3,), y=(3,))
def sine_times_y_with_a_minus(x, y):
    sin_x, cos_x = np.sin(x), np.cos(x)
    def backward(g): return cos_x * g * y, -sin_x * g
    return sin_x * y, backward


@mistake("https://github.com/tinygrad/tinygrad/issues/155: dy takes the logarithm of a negative number",
         says=[("fault", "nan"), ("fault", "NaN"), ("fault", "finite"), ("other array", "x", "base")],
         x=lambda rng: np.array([1, -1, 1, -1, -1]) * (0.5 + rng.random(5)), y=(5,))
def power_with_the_logarithm_of_negative_numbers(x, y):
    base = np.abs(x)
    out = base ** y

    def backward(g):
        dx = y * base ** (y - 1) * np.sign(x) * g
        with np.errstate(invalid="ignore"):
            dy = out * np.log(x) * g
        return dx, dy

    return out, backward


@mistake("https://github.com/ravin-d-27/PyDeepFlow (activations.py): the derivative of x − tanh(x) is that of tanh(x)",
         says=[("one minus", "tanh"), ("one minus", "1 - ")],
         x=(7,))
def tanhshrink_with_the_derivative_of_tanh(x):
    return x - np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)


@mistake("https://github.com/ravin-d-27/PyDeepFlow (activations.py), mended elsewhere: / softplus for the sigmoid in "
         "mish",
         says=[("other array", "sp"), ("missing factor", "sp"), ("wrong path", "sp ="), ("other function", "/ sp")],
         x=(3, 5))
def mish_divided_by_its_softplus(x):
    sp = np.log(1 + np.exp(x))
    tanh_sp = np.tanh(sp)

    def backward(dy):
        return dy * (tanh_sp + x * (1 - tanh_sp ** 2) / sp)

    return x * tanh_sp, backward


@mistake("https://github.com/brainpy/BrainPy/issues/580: the linear part of a softplus has the slope β",
         says=[("extra factor", "beta"), ("part", "x > "), ("missing factor", "beta")],
         x=(5, 3))
def softplus_whose_line_is_too_steep(x):
    beta, threshold = 1.5, 0.4
    linear = x > threshold
    y = np.where(linear, x * beta, np.logaddexp(beta * x, 0) / beta)

    def dx(dy):
        return dy * np.where(linear, 1, sigmoid(beta * x))

    return y, dx


@mistake("https://github.com/pytorch/pytorch/issues/55587: the backward pass compares the output with the threshold",
         says=[("other array", "out", "x"), ("part",)],
         x=(5, 7))
def softplus_whose_threshold_is_asked_of_the_output(x):
    beta, threshold = 2, 0.5
    out = np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta)

    def backward(a):
        z = np.exp(x * beta)
        return np.where(out * beta > threshold, a, a * z / (z + 1))

    return out, backward

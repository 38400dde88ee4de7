"""ReLU, the sigmoid, softplus and the Bernoulli likelihood: threads in the trackers of Chainer, networks from scratch
in Zig, tinygrad, autograd, LossFunctions, tiny-cuda-nn, sledge, TF Encrypted and a book about machine learning.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/chainer/chainer/pull/5898: with slope 0 everything passes, also where x < 0: the output, "
         "which is 0 there, is compared with ≥",
         says=[("other function", "y >= 0"), ("other array", "y >= 0"), ("other array", "mask"), ("part", "x < 0"),
               ("missing factor", "x > 0"), ("missing factor", "mask"), ("missing factor", "(x > 0)")],
         exercise="relu")
def relu_that_lets_everything_through_at_its_zero(x):
    y = np.maximum(x, 0)
    def dx(dy):
        mask = y >= 0
        return dy * mask
    return y, dx


@mistake("https://github.com/SilasMarvin/dnns-from-scratch-in-zig/issues/5: a constant, 0.01, is the gradient where "
         "the unit is off",
         says=[("constant", "0.01"), ("extra term", "0.01"), ("part", "x < 0"), ("other array", "0.01"),
               ("part", "x <= 0"), ("part", "x ≤ 0")],
         exercise="relu")
def relu_with_a_constant_gradient_on_the_left(x):
    positive = x > 0
    y = np.where(positive, x, 0).astype(x.dtype)
    def dx(dy):
        grad = np.full_like(dy, 0.01)
        grad[positive] = dy[positive]
        return grad
    return y, dx


@mistake("carried over from https://github.com/tinygrad/tinygrad/pull/4611: |x| is x times its sign, whose "
         "derivative counts: ½ (x + |x|) without the slope of |x|",
         says=[("missing path", "abs"), ("missing term", "sign"), ("missing term", "abs"), ("missing factor", "sign"),
               ("other array", "x > 0"), ("missing factor", "x > 0"), ("constant", "0.5 * dy"),
               ("missing term", "0.5 * dy")],
         exercise="relu")
def relu_whose_absolute_value_has_no_slope(x):
    size = abs(x)
    y = (x + size) / 2
    def dx(dy):
        return 0.5 * dy
    return y, dx


@mistake("carried over from https://github.com/HIPS/autograd/issues/317: the factor 2 between tanh and its "
         "exponentials; here σ as ½ (1 + tanh x)",
         says=[("missing factor", "0.5"), ("extra factor", "2"), ("missing factor", "2"), ("missing factor", "tanh"),
               ("other array", "tanh"), ("missing factor", "½")],
         exercise="sigmoid")
def sigmoid_by_tanh_of_the_whole_input(x):
    y = 0.5 * (1 + np.tanh(x))
    def dx(dy):
        return dy * y * (1 - y)
    return y, dx


@mistake("carried over from https://github.com/JuliaML/LossFunctions.jl/issues/135: output · (1 − output), or "
         "divided by it?",
         says=[("other function", "dy / slope"), ("power", "y * (1 - y)"), ("power", "slope"), ("order", "slope"),
               ("missing factor", "slope"), ("extra factor", "slope")],
         exercise="sigmoid")
def sigmoid_divided_by_its_slope(x):
    with np.errstate(over="ignore"):
        y = 1 / (1 + np.exp(-x))
    def dx(dy):
        slope = y * (1 - y)
        return dy / slope
    return y, dx


@mistake("carried over from https://github.com/NVlabs/tiny-cuda-nn/pull/130: a wrong slope of softplus; here "
         "1 − e^−x, where 1 − e^−y belongs",
         says=[("other array", "x", "exp"), ("other array", "exp(-x)"), ("other array", "x", "y"),
               ("other function", "exp(-x)"), ("other function", "expm1"), ("missing path", "y =")],
         exercise="softplus")
def softplus_whose_slope_takes_the_input_for_the_output(x):
    y = np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)
    def dx(dy):
        slope = 1 - np.exp(-x)
        return slope * dy
    return y, dx


@mistake("carried over from https://github.com/HIPS/autograd/issues/317: tanh x where tanh x/2 belongs",
         says=[("missing factor", "0.5"), ("extra factor", "2"), ("missing factor", "tanh"), ("other array", "tanh"),
               ("other array", "sigma")],
         exercise="softplus")
def softplus_whose_slope_is_too_steep(x):
    y = np.logaddexp(x, 0)
    def dx(dy):
        sigma = (np.tanh(x) + 1) / 2
        return dy * sigma
    return y, dx


def zeta(l):
    return np.maximum(l, 0) + np.log1p(np.exp(-np.abs(l)))


def squash(l):
    return 0.5 * (1 + np.tanh(0.5 * l))


@mistake("https://github.com/autonomousvision/sledge/issues/4: the two arguments of the cross entropy are exchanged; "
         "here where ζ is taken",
         says=[("other array", "x", "logits"), ("other array", "zeta(x)"), ("order", "zeta"), ("other array", "zeta"),
               ("other array", "ζ")],
         exercise="bernoulli")
def bernoulli_whose_data_is_taken_for_logits(logits, x):
    y = (logits * x - zeta(x)).sum(axis=1)
    def dlogits(dy):
        return dy[:, None] * (x - squash(logits))
    return y, dlogits, None


@mistake("https://github.com/rasbt/machine-learning-book/issues/239: the second term has the other sign",
         says=[("wrong sign", "1 - x"), ("other function", "1 - x"), ("wrong sign", "off"), ("other function", "off"),
               ("wrong sign", "zeta(logits)"), ("order", "off")],
         exercise="bernoulli")
def bernoulli_whose_second_term_is_subtracted(logits, x):
    on, off = -x * zeta(-logits), -(1 - x) * zeta(logits)
    y = np.sum(on - off, axis=-1)
    def dlogits(dy):
        return (x - squash(logits)) * dy[:, None]
    return y, dlogits, None


@mistake("https://github.com/tf-encrypted/tf-encrypted/pull/727: the derivative for the probability, and not for the "
         "logit",
         says=[("missing factor", "dp ="), ("missing factor", "1 - p"), ("missing factor", "squash"),
               ("extra factor", "p * (1 - p)"), ("missing path", "p ="), ("fault", "inf"), ("fault", "nan"),
               ("fault", "finite"), ("extra factor", "1 - p"), ("extra factor", "σ"), ("missing factor", "σ")],
         exercise="bernoulli")
def bernoulli_with_the_gradient_of_a_probability(logits, x):
    p = squash(logits)
    y = np.sum(x * logits - zeta(logits), axis=1)
    def dlogits(dy):
        dp = (x - p) / (p * (1 - p))
        return dy[:, None] * dp
    return y, dlogits, None

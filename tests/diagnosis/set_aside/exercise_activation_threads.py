"""ReLU, the sigmoid and softplus: threads in the trackers of smile, scikit-learn, numpynet, deep-learning-from-
scratch, torch7, MLAlgorithms, burn, tt-metal, cumo, bayesflow and others, and questions about popular blog posts.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def logistic(t):
    return 1 / (1 + np.exp(-t))


@mistake("https://github.com/haifengl/smile/issues/528: the gradient from above is overwritten with 0 or 1 (an = "
         "for a *=)",
         says=[("dy not used",), ("fault", "dy"), ("missing factor", "dy")],
         exercise="relu")
def relu_that_overwrites_the_gradient_with_one(x):
    y = np.maximum(x, 0)
    def dx(dy):
        g = dy.copy()
        g[x > 0] = 1
        g[x <= 0] = 0
        return g
    return y, dx


@mistake("https://github.com/scikit-learn/scikit-learn/issues/14244: the test == 0 is right for the output, and "
         "is made with the input",
         says=[("other function", "=="), ("other array", "x", "y"), ("part", "x < 0")],
         exercise="relu")
def relu_that_tests_the_input_for_zero(x):
    y = x * (x > 0)
    def dx(dy):
        delta = np.array(dy)
        delta[x == 0] = 0
        return delta
    return y, dx


@mistake("carried over from https://github.com/scikit-learn/scikit-learn/issues/14244: written into the gradient "
         "that belongs to the layer above",
         says=[("fault", "in place"), ("fault", "dy"), ("fault", "change")],
         exercise="relu")
def relu_that_writes_into_dy(x):
    y = np.where(x > 0, x, 0)
    def dx(dy):
        dy[y == 0] = 0
        return dy
    return y, dx


@mistake("carried over from https://github.com/oreilly-japan/deep-learning-from-scratch/pull/43: relu_grad fills "
         "a wrong array: the ones go where x was to be tested",
         says=[("other array", "x"), ("part", "x < 0"), ("extra term",)],
         exercise="relu")
def relu_whose_mask_starts_from_x(x):
    y = np.maximum(x, 0)
    def dx(dy):
        grad = np.ones_like(x)
        grad[x > 0] = 1
        return grad * dy
    return y, dx


@mistake("https://github.com/uptake/numpynet/pull/35: the derivative at x = 0",
         says=[("part", "x = 0"), ("other function", ">="), ("fault", "kink"), ("part", "0")],
         exercise="relu")
def relu_with_slope_one_at_zero(x):
    y = np.maximum(x, 0)
    def dx(dy):
        return dy * (x >= 0)
    return y, dx


@mistake("carried over from https://github.com/iamtrask/Grokking-Deep-Learning/issues/9: relu2deriv gets the "
         "output of the forward pass, here with a 1 below a positive threshold",
         says=[("constant", "1"), ("part",), ("other function", ">")],
         exercise="relu")
def relu_whose_mask_begins_at_one(x):
    y = x.clip(min=0)
    def dx(dy):
        return np.where(y >= 1, dy, 0)
    return y, dx


@mistake("https://github.com/PacktPublishing/Neural-Network-Projects-with-Python/issues/4: the 'correction' "
         "takes the sigmoid of what is already one",
         says=[("other array", "y", "x"), ("extra factor", "logistic")],
         exercise="sigmoid")
def sigmoid_whose_slope_is_taken_at_the_output(x):
    y = logistic(x)
    def slope(v):
        return logistic(v) * (1 - logistic(v))
    def dx(dy):
        return dy * slope(y)
    return y, dx


@mistake("https://github.com/DrBigMau/LSTM-from-Scratch-in-Python/issues/1: the output is clipped to [1e-7, 1 − "
         "1e-7]",
         says=[("constant", "1e-7"), ("epsilon",), ("part",), ("other function", "clip"),
               ("fault", "clip")],
         exercise="sigmoid")
def sigmoid_that_is_clipped(x):
    y = np.clip(1 / (1 + np.exp(-x)), 1e-7, 1 - 1e-7)
    def dx(dy):
        return np.multiply(y * (1 - y), dy)
    return y, dx


@mistake("https://github.com/torch/torch7/issues/232: dS is 1 · (1 − x), applied to the output, which also "
         "stands for the upstream gradient",
         says=[("dy not used",), ("other array", "y", "dy")],
         exercise="sigmoid")
def sigmoid_whose_output_is_its_upstream_gradient(x):
    y = 0.5 + 0.5 * np.tanh(x / 2)
    def dx(dy):
        return y * (1 - y) * y
    return y, dx


@mistake("carried over from https://github.com/iamtrask/iamtrask.github.io/issues/25: e⁻ˣ/(1 + e⁻ˣ)² is the form "
         "that is asked for; the square is lost",
         says=[("power", "** 2"), ("missing factor", "s"), ("power",), ("missing factor", "1 + e"),
               ("missing factor", "y")],
         exercise="sigmoid")
def sigmoid_without_the_square_of_the_denominator(x):
    y = np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))
    def dx(dy):
        e = np.exp(-np.abs(x))
        return dy * e / (1 + e)
    return y, dx


@mistake("carried over from https://github.com/iamtrask/iamtrask.github.io/issues/12: a flag deriv that is "
         "tested wrongly, so that the function is called with x for x (1 − x)",
         says=[("other array", "x", "y"), ("one minus", "x")],
         exercise="sigmoid")
def sigmoid_with_the_input_in_one_factor(x):
    y = 1 / (1 + np.exp(-x))
    def dx(dy):
        return dy * (y * (1 - x))
    return y, dx


@mistake("https://github.com/rushter/MLAlgorithms/pull/31: z + ln(1 + 1/eᶻ), the first mending, is infinite on "
         "the other side",
         says=[("fault", "overflow"), ("fault", "inf"), ("fault", "nan"), ("fault", "NaN")],
         exercise="softplus")
def softplus_that_overflows_on_the_left(x):
    y = x + np.log(1 + 1 / np.exp(x))
    def dx(dy):
        return dy * (0.5 + 0.5 * np.tanh(0.5 * x))
    return y, dx


@mistake("carried over from https://github.com/bayesflow-org/bayesflow/issues/270: above a threshold of 20, x "
         "itself; here the slope forgets that branch's left side",
         says=[("constant", "20"), ("part",), ("other function", "where")],
         exercise="softplus")
def softplus_with_a_low_threshold(x):
    small = np.minimum(x, 30)
    y = np.where(x > 2, x, np.log1p(np.exp(small)))
    def dx(dy):
        return dy / (1 + np.exp(-x))
    return y, dx


@mistake("carried over from https://github.com/sims1253/bayesfam/issues/31: ln(eˣ − 1), the inverse, in the "
         "place of ln(eˣ + 1), in the tail",
         says=[("wrong sign",), ("other function", "-"), ("other function", "expm1"), ("part", "x > 0"),
               ("other function", "+")],
         exercise="softplus")
def softplus_with_the_tail_of_its_inverse(x):
    t = np.exp(-np.abs(x))
    y = np.where(x > 0, x + np.log1p(-t), np.log1p(t))
    def dx(dy):
        return dy / (1 + np.exp(-x))
    return y, dx

"""ReLU, the sigmoid and softplus: threads in the trackers of smile, scikit-learn, numpynet, deep-learning-from-
scratch, torch7, MLAlgorithms, burn, tt-metal, cumo, bayesflow and others, and questions about popular blog posts.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def logistic(t):
    return 1 / (1 + np.exp(-t))


@mistake("https://github.com/hiive/mlrose/pull/5: the slope is thought to be x where x ≤ 0",
         says=[("part", "x < 0"), ("other array", "x"), ("extra factor", "x")],
         exercise="relu")
def relu_whose_slope_is_x_on_the_left(x):
    y = np.maximum(0, x)
    def dx(dy):
        slope = x.copy()
        slope[x > 0] = 1
        return dy * slope
    return y, dx


@mistake("https://github.com/iamtrask/iamtrask.github.io/issues/25: the formula e⁻ˣ/(1 + e⁻ˣ)² as it stands, "
         "which is ∞/∞ for large −x",
         says=[("fault", "nan"), ("fault", "NaN"), ("fault", "overflow"), ("fault", "inf")],
         exercise="sigmoid")
def sigmoid_whose_slope_is_inf_over_inf(x):
    y = 0.5 * (np.tanh(0.5 * x) + 1)
    def dx(dy):
        e = np.exp(-x)
        return dy * e / (1 + e) ** 2
    return y, dx


@mistake("carried over from https://github.com/rasmusbergpalm/DeepLearnToolbox/issues/165: sign and sigm(a) in "
         "the wish for another derivative: one of both factors is taken twice",
         says=[("other array", "y", "x"), ("extra factor",), ("other array", "logistic(y)"),
               ("other array",)],
         exercise="sigmoid")
def sigmoid_with_one_factor_taken_twice(x):
    y = 1 / (1 + np.exp(-x))
    def dx(dy):
        s = logistic(y)
        return dy * y * (1 - s)
    return y, dx


@mistake("https://github.com/tenstorrent/tt-metal/pull/56397: exp, add 1, reciprocal, multiply: ∞ · 0 far on the "
         "right",
         says=[("fault", "overflow"), ("fault", "nan"), ("fault", "NaN"), ("fault", "inf")],
         exercise="softplus")
def softplus_whose_slope_is_a_product_of_infinity_and_zero(x):
    y = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    def dx(dy):
        e = np.exp(x)
        return dy * e * (1 / (e + 1))
    return y, dx


@mistake("https://github.com/sonots/cumo/pull/481: ln(1 + e) in the place of log1p: zero far on the left",
         says=[("other function", "log1p"), ("fault", "round"), ("fault", "precision"), ("part",)],
         exercise="softplus")
def softplus_without_log1p(x):
    m = np.maximum(x, 0)
    y = m + np.log(1 + np.exp(-abs(x)))
    def dx(dy):
        return dy * 0.5 * (1 + np.tanh(0.5 * x))
    return y, dx


@mistake("carried over from https://github.com/borgwang/tinynn/issues/25: ln(1 + e^−x) + max(x, 0), without the "
         "absolute value, as the reader copies it",
         says=[("other function", "abs"), ("missing path",), ("part", "x < 0"), ("other array", "abs"),
               ("other array", "x")],
         exercise="softplus")
def softplus_without_the_absolute_value(x):
    y = np.log1p(np.exp(-x)) + np.maximum(x, 0.0)
    def dx(dy):
        return dy / (1 + np.exp(-x))
    return y, dx


@mistake("carried over from https://github.com/tracel-ai/burn/issues/5373: beta scales the input; here a factor "
         "½ of the slope written with tanh is lost",
         says=[("other array", "dy", "half"), ("missing factor", "0.5"), ("extra factor", "2"),
               ("missing factor", "2")],
         exercise="softplus")
def softplus_with_a_whole_for_a_half(x):
    y = np.logaddexp(0, x)
    def dx(dy):
        half = dy / 2
        return half * np.tanh(x / 2) + dy
    return y, dx

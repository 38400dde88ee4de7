"""ReLU, the sigmoid, softplus and the Bernoulli likelihood: threads in the trackers of go-deep, TensorFlow's
playground, UnityWorker, PySwarms, MLJLinearModels, a neural API in Pascal, nanonn, MLAlgorithms, OpenVINO,
TensorLayer, fastbook and candle.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def squash(t):
    return 1 / (1 + np.exp(-t))


def zeta(t):
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


@mistake("https://github.com/patrikeh/go-deep/issues/30: y < 0 is proposed for y > 0 in the derivative; here for x",
         says=[("other function", "x < 0"), ("wrong sign", "x < 0"), ("condition", "x < 0"), ("one minus", "x < 0"),
               ("other array", "x < 0"), ("order", "x < 0")],
         exercise="relu")
def relu_that_is_active_below_zero(x):
    y = np.maximum(x, 0)
    def dx(dy):
        return np.where(x < 0, dy, 0.0)
    return y, dx


@mistake("https://github.com/tensorflow/playground/issues/19: the slope is 1 where x = 0",
         says=[("part", "0"), ("other function", "x < 0"), ("condition", "x < 0"), ("other array", "x < 0"),
               ("fault", "kink"), ("part", "x = 0")],
         exercise="relu")
def relu_whose_slope_begins_at_zero_itself(x):
    y = x * (x > 0)
    def dx(dy):
        return np.where(x < 0, 0.0, dy)
    return y, dx


@mistake("https://github.com/OpenMined/UnityWorker/pull/250: the backward pass returns 1 or 0, whatever comes from "
         "above",
         says=[("dy not used", "dy"), ("missing factor", "dy"), ("missing factor", "y > 0"),
               ("missing factor", "slope")],
         exercise="relu")
def relu_whose_gradient_is_its_slope_alone(x):
    y = np.maximum(0, x)
    def dx(dy):
        slope = (y > 0).astype(y.dtype)
        return slope
    return y, dx


@mistake("https://github.com/ljvmiranda921/pyswarms/pull/145: 1 / (1 + eˣ); in the value",
         says=[("wrong sign", "np.exp(x)"), ("other function", "e⁺ˣ"), ("other array", "e⁺ˣ"),
               ("one minus", "np.exp(x)"), ("wrong sign", "1 + np.exp"), ("other array", "np.exp(x)"),
               ("other function", "np.exp(x)"), ("argument", "np.exp(x)")],
         exercise="sigmoid")
def sigmoid_of_the_other_sign(x):
    y = 1 / (1 + np.exp(x))
    def dx(dy):
        s = squash(x)
        return dy * s * (1 - s)
    return y, dx


@mistake("https://github.com/JuliaAI/MLJLinearModels.jl/issues/104: σ (σ − 1) is said to be the derivative of σ",
         says=[("wrong sign", "y - 1"), ("order", "y - 1"), ("one minus", "y - 1"), ("wrong sign", "dx"),
               ("other array", "y - 1")],
         exercise="sigmoid")
def sigmoid_that_falls(x):
    y = np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x)))
    def dx(dy):
        return y * (y - 1) * dy
    return y, dx


@mistake("https://github.com/joaopauloschuler/neural-api/issues/21: x / (1 + e⁻ˣ), which looks like a leaky ReLU",
         says=[("other array", "x / (1"), ("extra factor", "x / (1"), ("constant", "x / (1"),
               ("missing factor", "x / (1"), ("extra factor", "factor x"), ("other function", "x / (1")],
         exercise="sigmoid")
def sigmoid_with_its_input_above_the_line(x):
    y = x / (1 + np.exp(-x))
    def dx(dy):
        out = squash(x)
        return dy * out * (1 - out)
    return y, dx


@mistake("https://github.com/zserge/nanonn/issues/4: the derivative gets the output of the layer, and is written for "
         "its input",
         says=[("other array", "squash(y)"), ("other array", "σ is taken at y"), ("wrong path", "squash(y)"),
               ("argument", "squash(y)"), ("other function", "squash(y)"), ("other function", "σ is taken at y")],
         exercise="softplus")
def softplus_with_the_slope_at_its_output(x):
    y = np.logaddexp(0, x)
    def dx(dy):
        return dy * squash(y)
    return y, dx


@mistake("https://github.com/rushter/MLAlgorithms/pull/30: a first repair of the overflow: it divides by eˣ, which "
         "is 0 on the other side",
         says=[("fault", "overflow"), ("fault", "inf"), ("fault", "finite"), ("fault", "nan"), ("part", "overflow"),
               ("fault", "1 / np.exp(x)"), ("fault", "zero"), ("part", "finite")],
         exercise="softplus")
def softplus_that_divides_by_an_exponential(x):
    y = x + np.log1p(1 / np.exp(x))
    def dx(dy):
        return dy * squash(x)
    return y, dx


@mistake("https://github.com/openvinotoolkit/openvino/pull/4932: x − ln(e⁻ˣ + 1) is suggested for x ≥ 0",
         says=[("wrong sign", "x - tail"), ("wrong sign", "tail"), ("other function", "x - tail"),
               ("other function", "np.where"), ("part", "positive"), ("part", "x > 0"), ("part", "x ≥ 0")],
         exercise="softplus")
def softplus_that_subtracts_its_tail(x):
    tail = np.log1p(np.exp(-np.abs(x)))
    y = np.where(x >= 0, x - tail, tail)
    def dx(dy):
        return dy * squash(x)
    return y, dx


@mistake("https://github.com/tensorlayer/TensorLayer/issues/129: a mean over the outputs where the formula has a sum",
         says=[("sum or mean", "mean"), ("extra factor", "1/D"), ("missing factor", "D"), ("extra factor", "D"),
               ("missing sum", "mean"), ("other function", "mean"), ("missing factor", "mean"),
               ("extra factor", "mean")],
         exercise="bernoulli")
def bernoulli_that_is_averaged_over_the_pixels(logits, x):
    y = np.mean(x * logits - zeta(logits), axis=-1)
    def dlogits(dy):
        return dy[:, None] * (x - squash(logits))
    return y, dlogits, None


@mistake("https://github.com/fastai/fastbook/pull/515: inputs and 1 − inputs are reversed, says the thread; here "
         "they are",
         says=[("order", "x * off"), ("other array", "x * off"), ("one minus", "x * off"), ("wrong sign", "x * off"),
               ("moved", "x * off"), ("other function", "x * off"), ("wrong sign", "x l"),
               ("missing term", "term x l"), ("place", "x * off")],
         exercise="bernoulli")
def bernoulli_with_on_and_off_reversed(logits, x):
    on, off = -zeta(-logits), -zeta(logits)
    y = np.sum(x * off + (1 - x) * on, axis=1)
    def dlogits(dy):
        return dy[:, None] * (x - squash(logits))
    return y, dlogits, None


@mistake("https://github.com/huggingface/candle/issues/2561: the logarithm of 1 − σ, which is 1 − 1",
         says=[("fault", "overflow"), ("fault", "inf"), ("fault", "finite"), ("fault", "nan"), ("part", "finite"),
               ("fault", "np.log(1 - p)"), ("fault", "log"), ("part", "overflow")],
         exercise="bernoulli")
def bernoulli_of_a_rounded_probability(logits, x):
    p = squash(logits)
    y = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)
    def dlogits(dy):
        return dy[:, None] * (x - p)
    return y, dlogits, None

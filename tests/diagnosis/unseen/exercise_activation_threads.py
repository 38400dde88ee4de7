"""ReLU, the sigmoid and softplus: threads in the trackers of brain.js, a Chinese translation of a book on deep
learning, SpikingJelly, numpy_neural_network, gonn, MetaOD, GenJAX, PyTorch, Theano and TensorFlow.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("carried over from https://github.com/BrainJS/brain.js/issues/560: the leak's small factor is on the side of "
         "the positive sums, where the slope is 1",
         says=[("constant", "0.01"), ("constant", "alpha"), ("extra factor", "alpha"), ("extra factor", "0.01"),
               ("missing factor", "alpha"), ("missing factor", "100"), ("power", "alpha")],
         exercise="relu")
def relu_with_the_leak_on_the_active_side(x):
    alpha = 0.01
    y = np.where(x <= 0, 0, x)
    def dx(dy):
        return np.where(x <= 0, 0, alpha * dy)
    return y, dx


@mistake("https://github.com/exacity/deeplearningbook-chinese/issues/127: as the sentence was translated, the "
         "negative parts of the gradient are cleared, and not those where the input is negative",
         says=[("other array", "grad < 0"), ("other array", "grad[grad < 0]"), ("wrong sign", "sign of dy"),
               ("other array", "sign of dy"), ("missing factor", "x > 0"), ("missing path", "x > 0"),
               ("missing factor", "(x > 0)"), ("other array", "x > 0"), ("wrong path", "grad < 0")],
         exercise="relu")
def relu_that_clears_negative_gradients(x):
    y = (np.abs(x) + x) / 2
    def dx(dy):
        grad = dy.copy()
        grad[grad < 0] = 0
        return grad
    return y, dx


@mistake("carried over from https://github.com/fangwei123456/spikingjelly/pull/413: a gradient that is twice as "
         "large: ½ is forgotten",
         says=[("missing factor", "½"), ("missing factor", "0.5"), ("extra factor", "factor 2"),
               ("missing factor", "1/2"), ("missing factor", "s + np.abs(s)"), ("constant", "s + np.abs(s)"),
               ("sum or mean", "s + np.abs(s)")],
         exercise="relu")
def relu_with_a_sum_of_signs_that_is_not_halved(x):
    y = np.clip(x, 0, None)
    def dx(dy):
        s = np.sign(x)
        return dy * (s + np.abs(s))
    return y, dx


def squash(t):
    return 1 / (1 + np.exp(-t))


@mistake("https://github.com/yizt/numpy_neural_network/issues/3: the derivative is σ(1 − σ(·)) of the gradient from "
         "above",
         says=[("other array", "squash(dy)"), ("other function", "squash(1"), ("order", "squash(1"),
               ("missing factor", "squash(dy)"), ("missing path", "squash(dy)"), ("extra factor", "squash(1"),
               ("fault", "linear"), ("other array", "linear"), ("missing factor", "squash(1"),
               ("missing path", "squash(1")],
         exercise="sigmoid")
def sigmoid_whose_derivative_is_nested(x):
    y = squash(x)
    def dx(dy):
        return squash(1 - squash(dy))
    return y, dx


@mistake("https://github.com/sausheong/gonn/issues/8: a minus between both factors, as the formula was written down",
         says=[("other function", "y - complement"), ("order", "y - complement"), ("wrong sign", "y - complement"),
               ("extra term", "y - complement"), ("extra term", "complement"), ("missing factor", "y - complement"),
               ("missing factor", "complement"), ("other array", "y - complement"), ("one minus", "y - complement")],
         exercise="sigmoid")
def sigmoid_with_a_difference_for_a_product(x):
    y = 1.0 / (np.exp(-x) + 1.0)
    complement = 1 - y
    def dx(dy):
        return dy * (y - complement)
    return y, dx


@mistake("carried over from https://github.com/yzhao062/MetaOD/issues/6: the factor of the input is missing in the "
         "derivative; here ½ from tanh x/2",
         says=[("missing factor", "0.5"), ("missing factor", "½"), ("missing factor", "factor 2"),
               ("extra factor", "factor 2"), ("extra factor", "1 - t ** 2"), ("missing path", "tanh"),
               ("wrong path", "tanh"), ("missing factor", "tanh"), ("missing factor", "1 - t ** 2"),
               ("constant", "1 - t ** 2"), ("extra factor", "x / 2"), ("missing path", "x / 2")],
         exercise="sigmoid")
def sigmoid_by_tanh_without_the_inner_half(x):
    t = np.tanh(x / 2)
    y = (t + 1) / 2
    return y, lambda dy: dy * (1 - t ** 2) / 2


@mistake("carried over from https://github.com/genjax-community/genjax/issues/430: parentheses in the wrong place; "
         "here around y − y², where they are missing",
         says=[("missing factor", "y ** 2"), ("dy not used", "y ** 2"), ("order", "y ** 2"),
               ("other array", "y ** 2"), ("missing path", "y ** 2"), ("extra term", "y ** 2")],
         exercise="sigmoid")
def sigmoid_without_parentheses(x):
    y = 0.5 + 0.5 * np.tanh(0.5 * x)
    return y, lambda dy: dy * y - y ** 2


@mistake("carried over from https://github.com/pytorch/pytorch/issues/61568: where the output, and not the input, is "
         "above a threshold, the slope is 1",
         says=[("part", "y > 1"), ("other array", "y > 1"), ("constant", "y > 1"), ("other function", "np.where"),
               ("other array", "np.where"), ("constant", "np.where"), ("extra term", "np.where"), ("part", "x >"),
               ("part", "np.where"), ("missing factor", "np.where"), ("other array", "1, sigma")],
         exercise="softplus")
def softplus_whose_slope_is_one_above_a_threshold(x):
    y = np.logaddexp(x, 0)
    def dx(dy):
        sigma = (1 + np.tanh(x / 2)) / 2
        return dy * np.where(y > 1, 1, sigma)
    return y, dx


@mistake("carried over from https://github.com/Theano/Theano/pull/301: another constant than 1 beside the "
         "exponential; here 1 is added, and log1p adds it again",
         says=[("extra term", "1 +"), ("constant", "1 +"), ("other function", "log1p"), ("extra term", "log1p"),
               ("constant", "log1p")],
         exercise="softplus")
def softplus_that_adds_one_twice(x):
    small = np.exp(-np.abs(x))
    y = np.log1p(1 + small) + np.maximum(0, x)
    def dx(dy):
        with np.errstate(over="ignore"):
            return dy / (1 + np.exp(-x))
    return y, dx


@mistake("carried over from https://github.com/tensorflow/tensorflow/issues/127232: the derivative of the stabilised "
         "form, part by part; here |x| is taken for x",
         says=[("missing factor", "sign"), ("missing path", "abs"), ("wrong path", "abs"), ("missing path", "e ="),
               ("wrong path", "e ="), ("part", "x < 0"), ("part", "x <= 0"), ("part", "x ≤ 0"),
               ("wrong sign", "e / (1 + e)"), ("missing factor", "e / (1 + e)")],
         exercise="softplus")
def softplus_that_differentiates_its_parts_without_a_sign(x):
    e = np.exp(-np.abs(x))
    y = np.maximum(x, 0) + np.log1p(e)
    def dx(dy):
        return dy * ((x > 0) - e / (1 + e))
    return y, dx

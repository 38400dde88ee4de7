"""Dice losses for segmentation with a backward pass by hand: threads in the trackers of VNet, Pytorch-UNet, EAST and
mlpack.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def probabilities(rng):
    return rng.uniform(0.05, 0.95, (3, 7))


def masks(rng):
    return (rng.random((3, 7)) < 0.6).astype(float)


@mistake("https://github.com/milesial/Pytorch-UNet/issues/35: (u/v)' with a plus",
         says=[("wrong sign", "inter"), ("other function", "inter"), ("wrong path", "union =")],
         p=probabilities, t=masks)
def dice_with_a_plus_in_its_quotient_rule(p, t):
    inter = np.sum(p * t)
    union = np.sum(p) + np.sum(t)
    coefficient = np.array(2 * inter / union)

    def dp(grad_output):
        return grad_output * 2 * (t * union + inter) / union ** 2

    return coefficient, dp, None


@mistake("https://github.com/milesial/Pytorch-UNet/issues/35: / union * union, without parentheses",
         says=[("other function", "union"), ("power", "union"), ("extra factor", "union"),
               ("missing factor", "union"), ("order", "union * union")],
         p=probabilities, t=masks)
def dice_divided_and_multiplied_by_its_union(p, t):
    inter, union = (p * t).sum(axis=1), p.sum(axis=1) + t.sum(axis=1)
    dice = 2 * inter / union

    def dp(grad):
        union_ = union[:, None]
        top = t * union_ - inter[:, None]
        return 2 * grad[:, None] * top / union_ * union_

    return dice, dp, None


@mistake("https://github.com/faustomilletari/VNet/issues/18: a reader wants the first term without its denominator",
         says=[("other function", "first"), ("power", "first"), ("missing factor", "first"),
               ("extra factor", "first"), ("missing factor", "union"), ("extra factor", "union"), ("power", "union")],
         prob=probabilities, truth=masks)
def dice_whose_first_term_lost_its_denominator(prob, truth):
    overlap = np.einsum("nd,nd->n", prob, truth)
    union = np.einsum("nd,nd->n", prob, prob) + np.einsum("nd,nd->n", truth, truth)
    dice = 2 * overlap / union

    def dprob(dy):
        first = truth * union[:, None]
        second = 2 * prob * overlap[:, None] / union[:, None] ** 2
        return 2 * dy[:, None] * (first - second)

    return dice, dprob, None


@mistake("https://github.com/faustomilletari/VNet/issues/32: −= for the foreground: the direction in which it falls",
         says=[("wrong sign", "diff"), ("other function", "-="), ("other function", "diff"), ("order", "diff[i]")],
         prob=probabilities, truth=masks)
def dice_that_is_pulled_down(prob, truth):
    n = len(prob)
    overlap, union = np.zeros(n), np.zeros(n)
    for i in range(n):
        overlap[i] = prob[i] @ truth[i]
        union[i] = prob[i] @ prob[i] + truth[i] @ truth[i]
    dice = 2 * overlap / union

    def dprob(top):
        diff = np.zeros_like(prob)
        for i in range(n):
            diff[i] -= top[i] * 2 * (truth[i] * union[i] - 2 * prob[i] * overlap[i]) / union[i] ** 2
        return diff

    return dice, dprob, None


@mistake("carried over from https://github.com/argman/EAST/issues/288: the squares of the denominator are missing in "
         "the value; the derivative has them",
         says=[("power", "union"), ("power", "p.sum"), ("extra factor", "2 * p"), ("extra factor", "dunion"),
               ("missing factor", "p.sum"), ("other array", "dunion"), ("wrong path", "union ="),
               ("other array", "p.sum")],
         p=probabilities, t=masks)
def dice_with_squares_in_the_derivative_alone(p, t):
    inter = (p * t).sum()
    union = p.sum() + (t ** 2).sum()
    loss = np.array(1 - 2 * inter / union)

    def dp(dloss):
        dinter = -2 / union
        dunion = 2 * inter / union ** 2
        return dloss * (dinter * t + dunion * 2 * p)

    return loss, dp, None


@mistake("https://github.com/faustomilletari/VNet/issues/13: the coefficients of a batch are summed up; 'divide by the "
         "number of volumes, in the derivative as well': here in the derivative alone",
         says=[("extra factor", "volumes"), ("missing factor", "volumes"), ("sum or mean", "coefficients"),
               ("extra factor", "1/N"), ("sum or mean", "total"), ("extra factor", "1/3"),
               ("missing factor", "factor 3"), ("missing factor", "factor N")],
         p=probabilities, t=masks)
def dice_of_a_batch_averaged_in_the_derivative(p, t):
    volumes = p.shape[0]
    tops, bottoms = 2 * np.sum(p * t, axis=-1), np.sum(p, axis=-1) + np.sum(t, axis=-1)
    coefficients = tops / bottoms
    total = np.array(coefficients.sum())

    def dp(dtotal):
        each = dtotal / volumes * np.ones(volumes)
        dtops, dbottoms = each / bottoms, -each * tops / bottoms ** 2
        return 2 * t * dtops[:, None] + dbottoms[:, None]

    return total, dp, None


@mistake("https://github.com/mlpack/mlpack/pull/1674: the review misses the smoothing in the derivative",
         says=[("epsilon", "smooth"), ("missing term", "smooth"), ("constant", "smooth"), ("extra term", "smooth"),
               ("other array", "squares"), ("other array", "bottom")],
         p=probabilities, t=masks)
def dice_whose_smoothing_is_unknown_to_the_derivative(p, t):
    smooth = 1.0
    squares = np.sum(p * p) + np.sum(t * t)
    top = 2 * np.sum(p * t) + smooth
    bottom = squares + smooth
    dice = np.array(top / bottom)

    def backward(dy):
        dtop = dy / bottom
        dbottom = -dy * top / (bottom * squares)
        return 2 * (dtop * t + dbottom * p), None

    return dice, backward

"""Boxes around objects, and layers of networks that look at images: threads in the trackers of Darknet with GIoU,
AiDotNet, MatConvNet and XNOR-Net.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def intervals(rng):
    return np.column_stack([rng.uniform(-0.5, 0.5, 7), rng.uniform(0.7, 1.6, 7)])


@mistake("https://github.com/generalized-iou/g-darknet/issues/19: the sizes are exponentials, and the chain rule "
         "stops before them",
         says=[("missing factor", "delta[:, 2]"), ("missing factor", "delta[:, 3]"), ("missing factor", "0.5 * dl"),
               ("missing factor", "0.5 * dt"), ("missing path", "np.exp"), ("wrong path", "np.exp"),
               ("wrong path", "w ="), ("wrong path", "h ="), ("missing path", "w ="), ("missing path", "h =")],
         x=(5, 4))
def box_whose_size_is_taken_for_its_logarithm(x):
    anchor_w, anchor_h = 1.3, 0.7
    w = np.exp(x[:, 2]) * anchor_w
    h = np.exp(x[:, 3]) * anchor_h
    corners = np.stack([x[:, 0] - w / 2, x[:, 0] + w / 2, x[:, 1] - h / 2, x[:, 1] + h / 2], axis=1)

    def delta_yolo_box(g):
        dl, dr, dt, db = g.T
        delta = np.empty_like(x)
        delta[:, 0] = dl + dr
        delta[:, 1] = dt + db
        delta[:, 2] = -0.5 * dl + 0.5 * dr
        delta[:, 3] = -0.5 * dt + 0.5 * db
        return delta

    return corners, delta_yolo_box


@mistake("https://github.com/ooples/AiDotNet.Tensors/pull/87: the gradient from above is divided out of the first "
         "term: go · (−dIoU/go + dP); here for intervals",
         says=[("extra factor", "-dIoU / go"), ("missing factor", "-dIoU / go"), ("dy not used", "dIoU"),
               ("dy not used", "dp"), ("dy not used", "go"), ("missing factor", "dIoU"), ("extra factor", "go"),
               ("other array", "-dIoU / go")],
         p=intervals)
def generalised_overlap_that_divides_by_what_comes_from_above(p):
    low, high = 0.1, 1.1
    (a, b), zero = p.T, np.zeros(len(p))
    inter = np.minimum(b, high) - np.maximum(a, low)
    union = (b - a) + (high - low) - inter
    enclosing = np.maximum(b, high) - np.minimum(a, low)
    loss = 1 - inter / union + (enclosing - union) / enclosing

    def backward(go):
        go = go[:, None]
        dinter = np.stack([-1.0 * (a > low), 1.0 * (b < high)], axis=1)
        dunion = np.stack([zero - 1, zero + 1], axis=1) - dinter
        denclosing = np.stack([-1.0 * (a < low), 1.0 * (b > high)], axis=1)
        dIoU = (dinter * union[:, None] - inter[:, None] * dunion) / union[:, None] ** 2
        dP = (union[:, None] * denclosing - dunion * enclosing[:, None]) / enclosing[:, None] ** 2
        return go * (-dIoU / go + dP)

    return loss, backward


@mistake("carried over from https://github.com/vlfeat/matconvnet/issues/10: is it z(q) or z(t) that stands in the "
         "inner sum of a local response normalisation? Here it is the wrong one",
         says=[("other array", "x[:, t] * x[:, t]"), ("moved", "x[:, t] * x[:, t]"), ("power", "x[:, t] * x[:, t]"),
               ("missing factor", "x[:, t] * x[:, t]"), ("extra factor", "x[:, t] * x[:, t]"),
               ("other array", "dx[:, q]"), ("moved", "dx[:, q]"), ("wrong path", "x[:, q] ** 2")],
         x=(5, 7))
def local_response_normalisation_with_one_channel_twice(x):
    kappa, alpha, beta, depth = 1.2, 0.6, 0.75, x.shape[1]
    windows = [range(max(t - 1, 0), min(t + 2, depth)) for t in range(depth)]
    L = np.empty_like(x)
    for t, window in enumerate(windows):
        L[:, t] = kappa + alpha * sum(x[:, q] ** 2 for q in window)
    y = x * L ** -beta

    def backward(g):
        dx = g * L ** -beta
        for t, window in enumerate(windows):
            for q in window:
                dx[:, q] -= 2 * alpha * beta * g[:, t] * x[:, t] * x[:, t] * L[:, t] ** (-beta - 1)
        return dx

    return y, backward


@mistake("https://github.com/jiecaoyu/XNOR-Net-PyTorch/issues/1: the scale is a mean over all weights, and each of "
         "them gets the gradient of its own output alone, as in the paper",
         says=[("missing sum", "g / n"), ("missing factor", "g / n"), ("missing factor", "sign"),
               ("other array", "g / n"), ("axis", "g / n"), ("missing sum", "dW"), ("wrong path", "alpha"),
               ("missing path", "alpha"), ("sum or mean", "g / n"), ("missing term", "g / n"), ("missing path", "abs"),
               ("wrong path", "abs"), ("missing sum", "sign")],
         W=(5, 3))
def binary_weights_whose_scale_hears_of_one_weight(W):
    n = W.shape[1]
    alpha = np.abs(W).mean(axis=1, keepdims=True)
    binary = np.sign(W) * alpha

    def dW(g):
        return g / n

    return binary, dW

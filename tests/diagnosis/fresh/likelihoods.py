"""Losses and likelihoods: threads in the trackers of ND4J, TF Encrypted, compboost, a book about machine learning, a
ledger with neural networks, a course's notebooks, pyglmnet, probtorch and solutions of CS224n.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def inside(rng):
    return rng.uniform(0.1, 0.9, (5, 3))


def binary(rng):
    return (rng.random((5, 3)) < 0.5).astype(float)


def logistic(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/deeplearning4j/nd4j/issues/1328: the gradient is zero wherever the label is zero",
         says=[("missing term", "1 - label"), ("missing term", "1 - out"), ("missing path", "miss"),
               ("part", "label"), ("missing term", "miss")],
         out=inside, label=binary)
def cross_entropy_that_learns_from_ones_only(out, label):
    hit = label * np.log(out)
    miss = (1 - label) * np.log(1 - out)
    loss = -(hit + miss)

    def dout(dloss):
        return -dloss * label / out

    return loss, dout, None


@mistake("https://github.com/tf-encrypted/tf-encrypted/pull/727: ŷ − y, the derivative for the logits, is returned as "
         "that for the probabilities",
         says=[("missing factor", "out"), ("missing factor", "1 - out"), ("missing factor", "y_pred"),
               ("extra factor", "y_pred"), ("missing factor", "1 - y_pred")],
         y_pred=inside, y_true=binary)
def cross_entropy_of_a_probability_with_the_gradient_of_its_logit(y_pred, y_true):
    each = y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred)
    loss = -each.mean(axis=1)

    def backward(grad):
        n = y_pred.shape[1]
        return (y_pred - y_true) * grad[:, None] / n, None

    return loss, backward


@mistake("https://github.com/schalkdaniel/compboost/issues/260: the numerator is −y and not −2y",
         says=[("missing factor", "2"), ("missing factor", "numerator"), ("extra factor", "0.5"),
               ("constant", "numerator"), ("extra factor", "½")],
         f=(7,), y=lambda rng: rng.choice([-1.0, 1.0], 7))
def binomial_loss_with_a_numerator_of_minus_y(f, y):
    loss = np.log1p(np.exp(-2 * y * f))

    def df(dloss):
        numerator = -y
        return dloss * numerator / (1 + np.exp(2 * y * f))

    return loss, df, None


@mistake("https://github.com/rasbt/machine-learning-book/issues/239: −y ln p + (1 − y) ln(1 − p): the minus holds for "
         "the first term only; the derivative is that of the right loss",
         says=[("wrong sign", "1 - y"), ("other function", "1 - y"), ("missing factor", "-1", "1 - y")],
         p=inside, y=binary)
def cross_entropy_with_one_minus_for_two_terms(p, y):
    loss = np.sum(-y * np.log(p) + (1 - y) * np.log(1 - p), axis=0)
    def dp(dloss): return dloss * (-y / p + (1 - y) / (1 - p))
    return loss, dp, None


@mistake("https://github.com/fetchai/ledger/pull/1580: 'just remove that division from the gradient': the loss is a "
         "sum",
         says=[("extra factor", "batch_size"), ("missing factor", "batch_size"), ("sum or mean", "total"),
               ("extra factor", "1/N"), ("missing factor", "factor N"), ("sum or mean", "loss"),
               ("extra factor", "1/5"), ("missing factor", "factor 5")],
         a=inside, b=binary)
def cross_entropy_loss_divided_by_the_batch_on_the_way_back(a, b):
    batch_size = len(a)
    total = 0.0
    for a_row, b_row in zip(a, b):
        total -= b_row @ np.log(a_row)
    loss = np.array(total)

    def da(error):
        ret = np.zeros_like(a)
        for r_row, a_row, b_row in zip(ret, a, b):
            r_row += -b_row / a_row
        return error * ret / batch_size

    return loss, da, None


@mistake("https://github.com/rasbt/stat453-deep-learning-ss21/issues/5: torch.sum without a dimension: all biases get "
         "the same gradient",
         says=[("extra sum", "err"), ("axis", "err"), ("extra sum", "db"), ("axis", "db"), ("missing factor", "axis")],
         x=(7, 5), W=(3, 5), b=(3,), y=lambda rng: np.eye(3)[rng.integers(0, 3, 7)])
def softmax_regression_with_one_gradient_for_all_biases(x, W, b, y):
    logits = x @ W.T + b
    z = np.exp(logits - logits.max(axis=1, keepdims=True))
    probas = z / z.sum(axis=1, keepdims=True)
    cost = -np.sum(y * np.log(probas), axis=1)

    def err(g): return g[:, None] * (probas - y)
    def dx(g): return err(g) @ W
    def dW(g): return err(g).T @ x
    def db(g): return np.zeros_like(b) + np.sum(err(g))
    return cost, dx, dW, db, None


@mistake("https://github.com/glm-tools/pyglmnet/issues/181: η in the place of e^η, beyond the threshold",
         says=[("other array", "eta"), ("other function", "exp"), ("missing factor", "exp"), ("constant", "eta"),
               ("part", "eta"), ("part", "z >"), ("other array", "slope"), ("other array", "steep")],
         z=(11,), t=lambda rng: rng.integers(0, 4, 11).astype(float))
def linearised_poisson_whose_slope_is_its_threshold(z, t):
    eta = 0.4
    steep = np.exp(eta)
    q = np.where(z > eta, steep * z + (1 - eta) * steep, np.exp(np.minimum(z, eta)))
    loss = q - t * np.log(np.maximum(q, 1e-12))

    def dz(dloss):
        slope = np.where(z > eta, eta, q)
        return dloss * slope * (1 - t / q)

    return loss, dz, None


@mistake("carried over from https://github.com/probtorch/probtorch/pull/4: a Laplace distribution with the square of a "
         "Gaussian; here in its derivative",
         says=[("other function", "sign"), ("missing factor", "sign"), ("other array", "-dy * z"),
               ("power", "-dy * z"), ("power", "abs"), ("other function", "abs"), ("extra factor", "abs"),
               ("extra factor", "-dy * z")],
         x=(5, 3), mu=(3,))
def laplace_with_the_pull_of_a_gaussian(x, mu):
    scale = 0.8
    z = (x - mu) / scale
    log_prob = -np.abs(z) - np.log(2 * scale)

    def backward(dy):
        dz = -dy * z
        return dz / scale, -dz.sum(axis=0) / scale

    return log_prob, backward


@mistake("carried over from https://github.com/hankcs/CS224n/pull/5: a gradient of negative sampling that fails its "
         "check: σ(−u·v) where 1 − σ(−u·v) belongs",
         says=[("one minus", "rejected"), ("wrong sign", "rejected"), ("other array", "rejected"),
               ("missing term", "rejected"), ("missing path", "rejected ="), ("wrong path", "rejected =")],
         v=(5,), u=(5,), negatives=(3, 5))
def negative_sampling_that_rejects_by_the_probability_of_rejection(v, u, negatives):
    accepted = logistic(u @ v)
    rejected = logistic(-negatives @ v)
    cost = np.array(-np.log(accepted) - np.log(rejected).sum())

    def dv(g): return g * ((accepted - 1) * u + rejected @ negatives)
    def du(g): return g * (accepted - 1) * v
    def dnegatives(g): return g * np.outer(1 - rejected, v)
    return cost, dv, du, dnegatives

"""Functions that optimisers are tested with, losses, a prior and a kernel: threads in the trackers of a collection of
test functions, ZOOpt, ensmallen, PyTorch, BoTorch, scikit-learn, Aerosolve, a book of Raschka's, mlcourse.ai, a code
for uncertain turbulence, and Distributions.jl.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def logistic(a):
    return 1 / (1 + np.exp(-a))


@mistake("https://github.com/PasaOpasen/OptimizationTestFunctions/issues/1: the root of the mean square is missing",
         says=[("other function", "np.exp(-0.2 * s1)"), ("power", "np.exp(-0.2 * s1)"),
               ("order", "np.exp(-0.2 * s1)"), ("argument", "np.exp(-0.2 * s1)"),
               ("wrong path", "np.exp(-0.2 * s1)"), ("other array", "np.exp(-0.2 * s1)"),
               ("missing factor", "np.exp(-0.2 * s1)"), ("other array", "root")],
         x=(3, 5))
def ackley_without_its_root(x):
    d = x.shape[1]
    s1 = np.sum(x ** 2, axis=1, keepdims=True) / d
    s2 = np.sum(np.cos(2 * np.pi * x), axis=1, keepdims=True) / d
    y = -20 * np.exp(-0.2 * s1) - np.exp(s2) + 20 + np.e

    def backward(g):
        root = np.sqrt(s1)
        bowl = 4 * np.exp(-0.2 * root) * x / (d * root)
        waves = np.exp(s2) * 2 * np.pi * np.sin(2 * np.pi * x) / d
        return g[:, None] * (bowl + waves)

    return y[:, 0], backward


@mistake("carried over from https://github.com/eyounx/ZOOpt/issues/1: the mean of a dot product, which is one number",
         says=[("sum or mean", "np.dot(b, b)"), ("missing factor", "np.dot(b, b)"), ("sum or mean", "b.size"),
               ("missing factor", "b.size"), ("sum or mean", ".mean()"), ("missing factor", ".mean()"),
               ("extra factor", "b.size"), ("sum or mean", "rms"), ("missing factor", "rms"),
               ("wrong path", "np.dot(b, b)"), ("other function", "np.dot(b, b)")],
         x=(3, 5))
def root_mean_square_that_takes_the_mean_of_one_number(x):
    rms = np.array([np.sqrt(np.dot(b, b).mean()) for b in x])

    def backward(g):
        dx = np.zeros_like(x)
        for n, b in enumerate(x):
            dx[n] = g[n] * b / (b.size * np.sqrt(np.mean(b * b)))
        return dx

    return rms, backward


@mistake("carried over from https://github.com/mlpack/ensmallen/pull/117: π is 3.1415 in a gradient",
         says=[("constant", "3.1415"), ("constant", "pi"), ("other array", "3.1415"), ("missing factor", "20 * pi"),
               ("extra factor", "20 * pi"), ("constant", "20 * pi"), ("wrong path", "np.pi")],
         x=(3, 5))
def rastrigin_with_four_digits_of_pi(x):
    y = np.sum(10 + x ** 2 - 10 * np.cos(2 * np.pi * x), axis=1)

    def backward(g):
        pi = 3.1415
        return g[:, None] * (2 * x + 20 * pi * np.sin(2 * pi * x))

    return y, backward


@mistake("https://github.com/pytorch/pytorch/pull/3881: 200 x (y − x²) in the second element of a test's gradient",
         says=[("extra factor", "200 * x"), ("extra factor", "factor x"), ("missing factor", "200 * x"),
               ("extra factor", "x * (y - x"), ("power", "200 * x"), ("other array", "200 * x"),
               ("wrong path", "100 * (y - x")],
         x=(7,), y=(7,))
def rosenbrock_with_x_in_both_of_its_derivatives(x, y):
    value = (1 - x) ** 2 + 100 * (y - x ** 2) ** 2
    def dx(g): return g * (-400 * x * (y - x ** 2) - 2 * (1 - x))
    def dy(g): return g * (200 * x * (y - x ** 2))
    return value, dx, dy


@mistake("https://github.com/meta-pytorch/botorch/pull/155: a plus between x and the square of its neighbour",
         says=[("wrong sign", "X[:, 1:] + X[:, :-1] ** 2"), ("other function", "X[:, 1:] + X[:, :-1] ** 2"),
               ("wrong path", "X[:, :-1] ** 2"), ("wrong path", "X[:, 1:] +"), ("wrong sign", "valley = X[:, 1:] -"),
               ("wrong sign", "valley"), ("other function", "valley")],
         X=(3, 5))
def rosenbrock_chain_with_a_plus(X):
    H = np.sum(100 * (X[:, 1:] + X[:, :-1] ** 2) ** 2 + (X[:, :-1] - 1) ** 2, axis=1)

    def backward(g):
        valley = X[:, 1:] - X[:, :-1] ** 2
        dX = np.zeros_like(X)
        dX[:, 1:] += 200 * valley
        dX[:, :-1] += 2 * (X[:, :-1] - 1) - 400 * valley * X[:, :-1]
        return g[:, None] * dX

    return H, backward


@mistake("https://github.com/scikit-learn/scikit-learn/pull/6133: the sign of the differences below the prediction",
         says=[("wrong sign", "diff[~mask]"), ("wrong path", "diff[~mask]"), ("wrong sign", "(1.0 - alpha) * diff"),
               ("wrong sign", "loss ="), ("wrong sign", "np.where"), ("one minus", "1.0 - alpha"),
               ("other function", "diff[~mask]")],
         y=(11,), pred=(11,))
def quantile_loss_that_rewards_high_predictions(y, pred):
    alpha = 0.8
    diff = y - pred
    mask = y > pred
    loss = alpha * diff[mask].sum() + (1.0 - alpha) * diff[~mask].sum()

    def dpred(g):
        return g * np.where(mask, -alpha, 1.0 - alpha)

    return np.array(loss), lambda g: -dpred(g), dpred


@mistake("https://github.com/airbnb/aerosolve/pull/94: margin − (negative − positive) for a plus, in the loss alone",
         says=[("wrong sign", "margin - (neg - pos)"), ("order", "neg - pos"), ("wrong sign", "neg - pos"),
               ("wrong path", "neg - pos"), ("wrong sign", "-active"), ("wrong sign", "loss")],
         pos=(7,), neg=(7,))
def ranking_loss_with_its_scores_the_wrong_way_around(pos, neg):
    margin = 1.5
    loss = margin - (neg - pos)
    active = (loss > 0) * 1.0
    def dpos(g): return -active * g
    def dneg(g): return active * g
    return np.where(active > 0, loss, 0.0), dpos, dneg


@mistake("https://github.com/rasbt/machine-learning-book/pull/241: the division by the number of examples applies to "
         "the second of two terms only",
         says=[("sum or mean", "np.log(output)"), ("missing factor", "np.log(output)"), ("missing factor", "loss ="),
               ("sum or mean", "loss ="), ("order", "loss ="), ("missing factor", "X.shape[0]"),
               ("missing factor", "-y @"), ("wrong path", "np.log(output)")],
         X=(7, 3), w=(3,))
def log_loss_of_which_half_is_averaged(X, w):
    y = np.array([1.0, 0, 0, 1, 1, 0, 1])
    n = X.shape[0]
    output = logistic(X @ w)
    loss = -y @ np.log(output) - ((1 - y) @ np.log(1 - output)) / n

    def dX(g):
        return g * np.outer(output - y, w) / n

    def dw(g):
        return g * X.T @ (output - y) / n

    return np.array(loss), dX, dw


@mistake("https://github.com/Yorko/mlcourse.ai/issues/640: the minus in the argument of the sigmoid is missing",
         says=[("wrong sign", "logistic(margin)"), ("one minus", "logistic(margin)"),
               ("other function", "logistic(margin)"), ("argument", "logistic(margin)"),
               ("other array", "logistic(margin)"), ("wrong path", "np.log1p")],
         w=(3,), X=(7, 3))
def logistic_regression_that_learns_from_what_it_knows(w, X):
    y = np.array([1.0, -1, -1, 1, 1, -1, 1])
    margin = y * (X @ w)
    loss = np.log1p(np.exp(-margin))

    def pull(g):
        return -g * y * logistic(margin)

    return loss, lambda g: X.T @ pull(g), lambda g: np.outer(pull(g), w)


@mistake("https://github.com/cics-nd/rans-uncertainty/issues/1: the shape of a Gamma prior, where the shape minus "
         "one belongs; in the value",
         says=[("constant", "shape * log_beta"), ("missing term", "shape * log_beta"),
               ("one minus", "shape * log_beta"), ("wrong path", "shape * log_beta"),
               ("missing factor", "shape * log_beta"), ("other array", "shape * log_beta"),
               ("extra term", "shape - 1.0"), ("constant", "shape - 1.0"), ("extra term", "1.0"),
               ("constant", "1.0")],
         log_beta=(5, 3))
def gamma_prior_that_does_not_subtract_one_from_its_shape(log_beta):
    shape, rate = 2.5, 0.7
    prior = shape * log_beta - np.exp(log_beta) * rate

    def backward(g):
        return g * (shape - 1.0 - np.exp(log_beta) * rate)

    return prior, backward


@mistake("https://github.com/JuliaStats/Distributions.jl/issues/1221: ln x where the logit of x belongs",
         says=[("other function", "np.log(x) - mu"), ("missing term", "np.log(x) - mu"),
               ("other array", "np.log(x) - mu"), ("missing term", "np.log1p(-x)"), ("missing term", "pull"),
               ("other array", "logit"), ("missing path", "logit"), ("wrong path", "logit"),
               ("missing path", "np.log1p"), ("other function", "pull"), ("other array", "pull")],
         x=lambda rng: rng.uniform(0.1, 0.9, 7))
def logit_normal_that_takes_a_logarithm_for_a_logit(x):
    mu, sigma = 0.3, 0.8
    logit = np.log(x) - np.log1p(-x)
    y = -np.log(x) - np.log1p(-x) - (logit - mu) ** 2 / (2 * sigma ** 2)

    def backward(g):
        pull = (np.log(x) - mu) / sigma ** 2
        return g * (2 * x - 1 - pull) / (x * (1 - x))

    return y, backward


@mistake("https://github.com/scikit-learn/scikit-learn/issues/18702: the gradient is that by ln σ₀, and the function "
         "is one of σ₀",
         says=[("extra factor", "sigma_0"), ("power", "sigma_0"), ("power", "2 * sigma_0 ** 2"),
               ("constant", "2 * sigma_0 ** 2"), ("wrong path", "sigma_0 ** 2"), ("missing factor", "sigma_0")],
         X=(4, 3), sigma_0=lambda rng: rng.uniform(0.5, 2, ()))
def dot_product_kernel_with_the_gradient_of_a_logarithm(X, sigma_0):
    K = X @ X.T + sigma_0 ** 2
    def dX(g): return (g + g.T) @ X
    def dsigma_0(g): return np.sum(g) * 2 * sigma_0 ** 2
    return K, dX, dsigma_0

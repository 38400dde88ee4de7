"""Losses: threads in the trackers of RubixML, Chainer, stdlib, mlpack, LMNN's implementation, Caffe layers, Coursera's
matrix factorisations, and repositories of solutions of courses.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/RubixML/ML/pull/420: e/√(e² + α²) for the derivative of α² (√(1 + (e/α)²) − 1)",
         says=[("missing factor", "alpha"), ("missing factor", "0.6")],
         output=(3, 5), target=(3, 5))
def pseudo_huber_without_alpha(output, target):
    alpha = 0.6
    e = output - target
    loss = alpha ** 2 * (np.sqrt(1 + (e / alpha) ** 2) - 1)
    def derivative(dy): return dy * e / np.sqrt(e ** 2 + alpha ** 2)
    return loss, derivative, lambda dy: -alpha * dy * e / np.sqrt(e ** 2 + alpha ** 2)


@mistake("https://github.com/chainer/chainer/pull/1178: HuberLoss ignores gy",
         says=[("dy not used",), ("missing factor", "gy")],
         x0=(5, 3), x1=(5, 3))
def huber_that_ignores_gy(x0, x1):
    delta = 0.8
    diff = x0 - x1
    small = np.abs(diff) < delta
    y = np.where(small, 0.5 * diff ** 2, delta * (np.abs(diff) - delta / 2)).sum(axis=1)

    def backward(gy):
        gx = np.where(small, diff, delta * np.sign(diff))
        return gx, -gx

    return y, backward


@mistake("https://github.com/stdlib-js/stdlib/issues/13111: the 2 of the square is missing in the branch above −1",
         says=[("missing factor", "2"), ("extra factor", "0.5"), ("constant", "2")],
         d=(11,), y=lambda rng: rng.choice([-1, 1], 11))
def modified_huber_without_two(d, y):
    m = y * d
    loss = np.where(m >= -1, np.maximum(0, 1 - m) ** 2, -4 * m)

    def dd(g):
        grad = np.zeros_like(d)
        for i in range(len(d)):
            if m[i] < -1:
                grad[i] = -4 * y[i] * g[i]
            elif m[i] < 1:
                grad[i] = -y[i] * (1 - m[i]) * g[i]
        return grad

    return loss, dd, None


@mistake("https://github.com/mlpack/mlpack/issues/2444: the L1 loss has no absolute value in its forward pass",
         says=[("other function", "abs"), ("extra factor", "sign"), ("missing factor", "sign")],
         prediction=(7,), target=(7,))
def l1_loss_of_plain_differences(prediction, target):
    loss = np.array((prediction - target).sum())
    def dprediction(dy): return np.sign(prediction - target) * dy
    def dtarget(dy): return -np.sign(prediction - target) * dy
    return loss, dprediction, dtarget


@mistake("https://github.com/mlpack/mlpack/issues/3167: the derivative for y stands in for that for x1",
         says=[("other array", "diff", "y")],
         x1=(7,), x2=(7,), y=lambda rng: rng.choice([-1.0, 1.0], 7))
def margin_ranking_loss_with_the_derivative_for_the_target(x1, x2, y):
    margin = 0.5
    diff = x1 - x2
    loss = np.maximum(0, -y * diff + margin)
    active = loss > 0

    def backward(dy):
        g = dy * active
        return -diff * g, y * g, -diff * g

    return loss, backward


@mistake("https://github.com/luhaofang/tripletloss/issues/56: the margin decides in the forward pass alone",
         says=[("part",), ("missing factor", "loss"), ("missing factor", "maximum"), ("other function", "maximum")],
         anchor=(11, 2), positive=(11, 2), negative=(11, 2))
def triplet_loss_that_moves_every_triplet(anchor, positive, negative):
    margin = 0.3
    d_pos = np.sum((anchor - positive) ** 2, axis=1)
    d_neg = np.sum((anchor - negative) ** 2, axis=1)
    loss = np.maximum(0, margin + d_pos - d_neg)

    def backward(top_diff):
        t = top_diff[:, None]
        return 2 * t * (negative - positive), 2 * t * (positive - anchor), 2 * t * (anchor - negative)

    return loss, backward


@mistake("https://github.com/BVLC/caffe/issues/2312: the square of a distance was said to have the derivative a − 2b",
         says=[("missing factor", "2"), ("missing term", "2 * a - b"), ("constant", "2")],
         a=(5, 3), b=(5, 3))
def squared_distance_with_two_at_the_wrong_place(a, b):
    diff = a - b
    dist_sq = (diff ** 2).sum(1)

    def backward(g):
        ga = g[:, None] * (2 * a - b)
        gb = -2 * g[:, None] * diff
        return ga, gb

    return dist_sq, backward


@mistake("https://github.com/jingtinghuang/CS231n-Spring-2017/issues/3: the derivative of reg · ΣW² lacks the 2",
         says=[("missing factor", "2"), ("extra factor", "0.5"), ("constant", "2")],
         W=(5, 3), X=(7, 5), y=lambda rng: rng.integers(0, 3, 7))
def svm_loss_whose_regularisation_lost_two(W, X, y):
    reg = 0.7
    num = X.shape[0]
    scores = X @ W
    margins = np.maximum(0, scores - scores[range(num), y][:, None] + 1)
    margins[range(num), y] = 0
    loss = np.array(margins.sum() / num + reg * np.sum(W * W))

    def dW(dloss):
        counts = (margins > 0).astype(float)
        counts[range(num), y] = -counts.sum(axis=1)
        grad = X.T @ counts / num
        grad += reg * W
        return grad * dloss

    return loss, dW, None, None


@mistake("https://bruceoutdoors.wordpress.com/tag/cs231n/ (an SVM): the label's column counts one violation, not all",
         says=[("constant", "-1"), ("missing sum", "counts"), ("missing factor", "counts"),
               ("wrong path", "s[rows, y]")],
         W=(3, 5), X=(7, 3), y=lambda rng: rng.integers(0, 5, 7))
def svm_loss_that_counts_one_violation(W, X, y):
    n = len(X)
    rows = np.arange(n)
    s = X.dot(W)
    margins = np.maximum(0, s - s[rows, y].reshape(-1, 1) + 1.0)
    margins[rows, y] = 0

    def dW(dloss):
        counts = (margins > 0).astype(float)
        counts[rows, y] = -1
        return dloss * X.T.dot(counts) / n

    return np.array(margins.sum() / n), dW, None, None


@mistake("https://github.com/dandxy89/BellkorAlgorithm/issues/3: the regularisation is multiplied by the error",
         says=[("extra factor", "error")],
         p=(3,), q=(3,), r=lambda rng: np.array(rng.standard_normal()))
def matrix_factorisation_with_the_regularisation_in_the_error(p, q, r):
    reg = 0.2
    error = r - p @ q
    cost = error ** 2 + reg * (p @ p) + reg * (q @ q)

    def dp(g):
        return g * 2 * error * (-q + reg * p)

    def dq(g):
        return g * (-2 * error * p + 2 * reg * q)

    def dr(g):
        return g * 2 * error

    return np.array(cost), dp, dq, dr


@mistake("https://github.com/muricoca/crab/pull/74: the derivative for the user's factors uses the user's own factors",
         says=[("other array", "U", "V")],
         U=(5, 3), V=(7, 3), R=(5, 7))
def recommender_with_the_factors_of_the_other_side(U, V, R):
    mask = np.ones(R.shape)
    mask[::2, 1::3] = 0
    err = mask * (R - U @ V.T)
    cost = 0.5 * np.sum(err ** 2, axis=1)

    def dU(g):
        out = np.zeros_like(U)
        for u in range(len(U)):
            for i in range(len(V)):
                out[u] -= g[u] * err[u, i] * U[u]
        return out

    def dV(g):
        return -(g[:, None] * err).T @ U

    return cost, dU, dV, None


@mistake("https://github.com/makeyourownneuralnetwork/makeyourownneuralnetwork/issues/77: a reader derives 2 (t − o) "
         "· o",
         says=[("extra factor", "o")],
         o=(5,), t=(5,))
def squared_error_of_a_reader(o, t):
    e = (t - o) ** 2
    def do(g): return -2 * (t - o) * o * g
    def dt(g): return 2 * (t - o) * g
    return e, do, dt


@mistake("https://github.com/pocketpy/cTensor/pull/24: the mean is divided by the size of the output, not by that of "
         "the input",
         says=[("other array", "out"), ("constant", "out.size"), ("other array", "size"), ("missing factor", "0.6"),
               ("missing factor", "5"), ("extra factor", "3")],
         x=(5, 3))
def mean_divided_by_the_size_of_the_output(x):
    out = x.sum(axis=0) / len(x)
    def dx(g): return np.broadcast_to(g / out.size, x.shape).copy()
    return out, dx

"""What is optimised: threads in the trackers of PoseLib, a recommender for Spark, Gymnasium, and Optim.jl."""

import numpy as np

from tests.diagnosis.mistakes import mistake


def spread(rng):
    return rng.uniform(0.1, 3, (5, 3))


@mistake("https://github.com/PoseLib/PoseLib/issues/97: the weight is not the derivative of the loss: 1/thr² is "
         "missing",
         says=[("missing factor", "1.0 + r2"), ("missing factor", "inv_sq_thr"), ("extra factor", "1.0 + r2"),
               ("missing factor", "weight"), ("wrong path", "log1p"), ("wrong path", "r2 * self.inv_sq_thr"),
               ("power", "1.0 + r2")],
         r2=spread)
def cauchy_loss_whose_weight_lost_a_threshold(r2):
    class CauchyLoss:
        inv_sq_thr = 1 / 0.7 ** 2

        def loss(self, r2):
            return np.log1p(r2 * self.inv_sq_thr)

        def weight(self, r2):
            return 1 / (1.0 + r2 * self.inv_sq_thr)

    cauchy = CauchyLoss()
    return cauchy.loss(r2), lambda g: g * cauchy.weight(r2)


@mistake("https://github.com/alfredolainez/bpr-spark/issues/2: the posterior is maximised, and the regularisation "
         "must be subtracted; here for the user alone",
         says=[("wrong sign", "lambdaReg * user"), ("wrong sign", "duser"), ("other function", "+ lambdaReg * user")],
         user=(7,), positive=(7,), negative=(7,))
def pairwise_ranking_whose_regularisation_helps_the_user_to_grow(user, positive, negative):
    lambdaReg = 0.3
    x = user @ (positive - negative)
    norms = user @ user + positive @ positive + negative @ negative
    posterior = -np.log1p(np.exp(-x)) - lambdaReg / 2 * norms

    def backward(g):
        scale = 1 / (1 + np.exp(x))
        duser = scale * (positive - negative) + lambdaReg * user
        dpositive = scale * user - lambdaReg * positive
        dnegative = -scale * user - lambdaReg * negative
        return g * duser, g * dpositive, g * dnegative

    return np.array(posterior), backward


@mistake("https://github.com/Farama-Foundation/Gymnasium/issues/1336: the mean of the log-probabilities is "
         "multiplied by every return, and not each by its own; the derivative is that of the algorithm",
         says=[("sum or mean", "log_probs.mean()"), ("sum or mean", "log_prob_mean"), ("other array", "log_prob_mean"),
               ("other function", "mean"), ("extra sum", "log_prob"), ("axis", "log_probs.mean"),
               ("wrong path", "log_prob_mean"), ("missing sum", "returns"), ("other array", "returns"),
               ("sum or mean", "returns")],
         logits=(7, 3), action=lambda rng: np.eye(3)[rng.integers(0, 3, 7)])
def policy_gradient_of_a_mean_log_probability(logits, action):
    returns = np.array([2.1, 1.4, 0.9, -0.3, -1.2, 0.4, 1.7])
    log_pi = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    log_probs = (log_pi * action).sum(axis=1)
    log_prob_mean = log_probs.mean()
    loss = -np.sum(log_prob_mean * returns)

    def dlogits(g):
        return g * (np.exp(log_pi) - action) * returns[:, None]

    return np.array(loss), dlogits, None


@mistake("https://github.com/JuliaNLSolvers/Optim.jl/pull/101: e^(−x₁) where the paper has e^(−x₂), as the "
         "derivative has",
         says=[("other array", "exp(-x[0])"), ("moved", "exp(-x[0])"), ("other array", "decay"), ("moved", "decay"),
               ("wrong path", "exp(-x[0])"), ("wrong path", "decay ="), ("constant", "exp(-x[0])"),
               ("missing path", "decay ="), ("missing path", "exp(-x[0])")],
         x=lambda rng: rng.uniform(0.5, 3, 2))
def hosaki_valley_that_decays_in_the_wrong_direction(x):
    a = 1 - 8 * x[0] + 7 * x[0] ** 2 - 7 / 3 * x[0] ** 3 + x[0] ** 4 / 4
    decay = np.exp(-x[0])
    value = a * x[1] ** 2 * decay

    def gradient(g):
        out = np.empty(2)
        out[0] = (-8 + 14 * x[0] - 7 * x[0] ** 2 + x[0] ** 3) * x[1] ** 2 * np.exp(-x[1])
        out[1] = a * (2 * x[1] - x[1] ** 2) * np.exp(-x[1])
        return g * out

    return np.array(value), gradient

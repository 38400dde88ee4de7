"""Terms of variational autoencoders, normalising flows and densities: threads in the trackers of VAE-Torch, of Flux's
model zoo, Autoencoders, PyTorch Geometric, BVAE-tf, pytorch-flows, normalizing-flows, flowjax, PyTorch and others.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/y0ast/VAE-Torch/pull/5: −0.25 for −0.5 in the derivative for ln σ²",
         says=[("constant", "0.25"), ("missing factor", "2"), ("extra factor", "0.5")],
         x=(3, 5), mu=(3, 5), log_var=(3, 5))
def gaussian_criterion_with_a_quarter(x, mu, log_var):
    out = -0.5 * (np.log(2 * np.pi) + log_var) - (x - mu) ** 2 / (2 * np.exp(log_var))

    def backward(g):
        ratio = (x - mu) / np.exp(log_var)
        dmu = ratio * g
        dlog_var = (-0.25 + 0.5 * (x - mu) ** 2 / np.exp(log_var)) * g
        return -dmu, dmu, dlog_var

    return out, backward


@mistake("https://github.com/pyg-team/pytorch_geometric/pull/1368: a log σ is treated as if it were a log σ² in one "
         "place",
         says=[("missing factor", "2"), ("extra factor", "0.5"), ("constant", "0.5")],
         mu=(3, 2), logstd=(3, 2))
def kl_of_a_logstd_with_the_derivative_of_a_logvar(mu, logstd):
    kl = -0.5 * np.sum(1 + 2 * logstd - mu ** 2 - np.exp(logstd) ** 2, axis=1)

    def backward(dkl):
        dkl = dkl[:, None]
        dmu = dkl * mu
        dlogstd = dkl * 0.5 * (np.exp(2 * logstd) - 1)
        return dmu, dlogstd

    return kl, backward


@mistake("https://github.com/Kaixhin/Autoencoders/issues/9: the gradient of a categorical KL is reversed",
         says=[("wrong sign",), ("order", "log_z"), ("missing factor", "-1"), ("extra factor", "-1")],
         logits=(5, 3))
def categorical_kl_whose_gradient_is_reversed(logits):
    k = logits.shape[1]
    p = np.exp(logits)
    p = p / p.sum(1, keepdims=True)
    log_z = np.log(p)
    kl = np.sum(p * (log_z - np.log(1 / k)), axis=1)

    def dlogits(g):
        dp = (np.log(1 / k) - log_z - 1) * g[:, None]
        return p * (dp - np.sum(p * dp, axis=1, keepdims=True))

    return kl, dlogits


@mistake("https://github.com/alecGraves/BVAE-tf/issues/7: exp(logvar) where exp(logvar / 2) belongs, in the value",
         says=[("missing factor", "0.5"), ("extra factor", "2"), ("power", "exp(logvar)"),
               ("missing factor", "logvar")],
         mean=(3, 5), logvar=(3, 5), epsilon=(3, 5))
def sampling_with_a_variance_for_a_deviation(mean, logvar, epsilon):
    z = mean + np.exp(logvar) * epsilon
    def dmean(dz): return dz
    def dlogvar(dz): return 0.5 * dz * epsilon * np.exp(0.5 * logvar)
    return z, dmean, dlogvar, None


@mistake("https://github.com/pytorch/pytorch/pull/1076, which mends the formula for stddevs and does not say how it "
         "was wrong",
         says=[("power", "stddevs"), ("missing factor", "stddevs"), ("extra factor", "stddevs"), ("constant", "2")],
         means=(5,), stddevs=lambda rng: 0.5 + rng.random(5), sample=(5,))
def score_of_a_normal_sample_with_a_power_too_few(means, stddevs, sample):
    logp = -0.5 * ((sample - means) / stddevs) ** 2 - np.log(stddevs)

    def backward(reward):
        d = sample - means
        grad_means = d / stddevs ** 2 * reward
        grad_stddevs = (d ** 2 / stddevs ** 2 - 1 / stddevs) * reward
        return grad_means, grad_stddevs, -grad_means

    return logp, backward


@mistake("https://github.com/ikostrikov/pytorch-flows/issues/16: the log-determinant of the inverse has the sign of "
         "the forward one",
         says=[("wrong sign", "a.sum"), ("wrong sign", "logdet")],
         u=(5, 3), m=(5, 3), a=(5, 3))
def masked_flow_with_a_minus_in_its_logdet(u, m, a):
    x = u * np.exp(a) + m
    logdet = -a.sum(-1, keepdims=True)
    y = np.concatenate([x, logdet], axis=1)

    def backward(dy):
        dx, dlogdet = dy[:, :-1], dy[:, -1:]
        du = dx * np.exp(a)
        da = du * u + dlogdet
        return du, dx, da

    return y, backward


@mistake("https://github.com/danielward27/flowjax/issues/169: a planar flow whose log-determinant is right for "
         "positive values only",
         says=[("missing factor", "h_prime"), ("missing factor", "slope")],
         x=(17, 2), w=(2,), u=(2,))
def planar_flow_whose_determinant_knows_no_negative_slope(x, w, u):
    slope = 0.2
    a = x @ w
    h_prime = np.where(a > 0, 1.0, slope)
    psi = 1 + h_prime * (u @ w) ** 2
    logdet = np.log(psi)
    c = u @ w

    def dw(dy):
        return 2 * c * u * np.sum(dy / psi)

    def du(dy):
        return 2 * c * w * np.sum(dy * h_prime / psi)

    return logdet, None, dw, du


@mistake("https://github.com/tonyduan/mixture-density-network/issues/1: the asker takes the sum of logarithms",
         says=[("missing factor", "r")],
         logits=(5, 3), mu=(5, 3), x=lambda rng: rng.standard_normal((5, 1)))
def mixture_whose_components_all_answer(logits, mu, x):
    log_pi = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    pi = np.exp(log_pi)
    logp = log_pi - 0.5 * (x - mu) ** 2
    total = np.log(np.exp(logp).sum(1))
    r = np.exp(logp - total[:, None])

    def backward(g):
        g = g[:, None]
        dlogits = g * (r - pi)
        dmu = g * (x - mu)
        return dlogits, dmu, -np.sum(g * r * (x - mu), axis=1, keepdims=True)

    return total, backward


@mistake("https://github.com/rlouf/blog-benchmark-rwmetropolis/issues/2: components are summed, the weights not in "
         "the exponent",
         says=[("missing factor", "w")],
         w=lambda rng: rng.dirichlet(np.ones(3)), x=(7,), loc=(3,))
def mixture_whose_responsibilities_forget_the_weights(w, x, loc):
    comp = -0.5 * (x[:, None] - loc) ** 2
    lse = np.log(np.exp(comp) @ w)

    def dx(g):
        e = np.exp(comp)
        resp = e / np.exp(lse)[:, None]
        return -g * (resp * (x[:, None] - loc)).sum(1)

    def dloc(g):
        resp = w * np.exp(comp - lse[:, None])
        return (g[:, None] * resp * (x[:, None] - loc)).sum(0)

    def dw(g):
        return np.exp(comp - lse[:, None]).T @ g

    return lse, dw, dx, dloc

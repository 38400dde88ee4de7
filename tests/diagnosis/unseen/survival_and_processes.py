"""Times to an event, and processes that are looked at here and there: threads in the trackers of TorchSurv, SurPyval,
GPy and stat-fem.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/Novartis/torchsurv/issues/117: a vector of zeros and ones is an index, and not a mask: "
         "it picks the first two elements again and again; the derivative takes it for a mask",
         says=[("other function", "[event]"), ("moved", "[event]"), ("other array", "[event]"),
               ("wrong path", "[event]"), ("missing factor", "[event]"), ("moved", "picked"), ("other array", "picked"),
               ("extra factor", "picked"), ("missing factor", "event")],
         log_hz=(7,), event=lambda rng: rng.permutation([0, 1, 1, 0, 1, 0, 1]))
def partial_likelihood_whose_events_are_an_index(log_hz, event):
    hazard = np.exp(log_hz)
    at_risk = np.cumsum(hazard[::-1])[::-1]
    contributions = (log_hz - np.log(at_risk))[event]

    def dlog_hz(g):
        picked = g * event
        return picked - hazard * np.cumsum(picked / at_risk)

    return contributions, dlog_hz, None


@mistake("https://github.com/derrynknife/SurPyval/issues/250: a running minimum is right for the sums over those at "
         "risk, which fall, and wrong for their sums weighted by covariates, which may be negative",
         says=[("other function", "minimum.accumulate"), ("other function", "fill(ZTRi)"),
               ("other array", "fill(ZTRi)"), ("wrong path", "ZTRi"), ("extra term", "fill(ZTRi)"), ("moved", "ZTRi"),
               ("extra factor", "fill(ZTRi)"), ("missing path", "fill(ZTRi)")],
         beta=(3,), Z=(7, 3))
def risk_sets_filled_with_the_smallest_so_far(beta, Z):
    def tail_sums(a):
        return np.cumsum(a[::-1], axis=0)[::-1]

    def fill(a):
        return np.minimum.accumulate(a, axis=0)

    risk = np.exp(Z @ beta)
    TRi = fill(tail_sums(risk))

    def dbeta(g):
        ZTRi = tail_sums(risk[:, None] * Z)
        return g / TRi @ fill(ZTRi)

    def dZ(g):
        return np.outer(risk * np.cumsum(g / TRi), beta)

    return np.log(TRi), dbeta, dZ


@mistake("https://github.com/SheffieldML/GPy/pull/1065: the gradient for the mean of a Student-t process is that of "
         "a Gaussian process",
         says=[("missing factor", "dl_dm"), ("missing factor", "alpha"), ("wrong path", "log1p"),
               ("missing path", "log1p"), ("other array", "dl_dm"), ("missing path", "scatter"),
               ("wrong path", "scatter"), ("missing factor", "nu")],
         m=(7,))
def student_process_with_the_mean_gradient_of_a_gaussian(m):
    x = np.linspace(0, 2, 7)
    K = np.exp(-(x[:, None] - x) ** 2 / 0.5) + 0.3 * np.eye(7)
    nu, N = 5.0, 7
    residual = np.sin(x) - m
    alpha = np.linalg.solve(K, residual)
    scatter = residual @ alpha
    log_likelihood = -(nu + N) / 2 * np.log1p(scatter / (nu - 2))

    def dm(g):
        dl_dm = alpha
        return g * dl_dm

    return np.array(log_likelihood), dm


@mistake("https://github.com/alan-turing-institute/stat-fem/issues/35: ρ is on a logarithmic scale, and its "
         "derivative has no factor ρ",
         says=[("missing factor", "residual * u"), ("missing factor", "rho"), ("wrong path", "np.exp(theta)"),
               ("missing path", "np.exp(theta)"), ("wrong path", "rho"), ("missing path", "rho"),
               ("missing factor", "exp(theta)"), ("missing factor", "dtheta")],
         theta=(5,), u=(5,))
def posterior_of_a_scale_whose_logarithm_is_forgotten(theta, u):
    data, sigma2 = np.array([0.4, -1.1, 2.0, 0.3, -0.6]), 0.8
    rho = np.exp(theta)
    residual = data - rho * u
    log_posterior = -0.5 * residual ** 2 / sigma2

    def dtheta(g): return g * residual * u / sigma2
    def du(g): return g * residual * rho / sigma2
    return log_posterior, dtheta, du

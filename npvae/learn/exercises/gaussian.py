"""The exercise about the Gaussian log-likelihood."""

import numpy as np

from ... import probability as p
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise
from .reparameterize import widths

GAUSSIAN = OperationExercise(
    name="gaussian",
    title="the Gaussian log-likelihood with a learned variance",
    solution=p.gaussian_log_likelihood,
    blanks=("y", "dx", "dmu", "dlogvar"),
    text="""\
For real-valued data x, with a mean and a variance for every number, all (N, D) here
(the engine, whose comment stands in the stub, also lets them broadcast):

    y_n = ln N(x_n; μ_n, σ_n²) = −½ Σ_d [ ln 2π + ln σ² + (x − μ)² / σ² ]     in nats.

The variance is learned, so there are three derivatives: dx, dmu and dlogvar, (N, D),
from dy (N,). Where is dlogvar zero, and what does that say about the learned
variance?

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix C.2.""",
    prediction=Prediction(
        "The mean is fixed, and one σ² is learned for many x. Where does it settle?",
        ["at 1", "at the mean of (x − μ)²", "at the root of the mean of (x − μ)²", "it falls towards 0"],
        lambda: _settled_variance(),
        "There the derivative with respect to logvar, ½ Σ [(x − μ)²/σ² − 1], is zero: this is the σ-VAE.",
    ),
    hints=[
        "1/σ² is exp(−logvar), and ln 2π is float(np.log(2 * np.pi)). The sum runs over the last axis.",
        "dx and dmu differ only in sign. dlogvar has two terms.",
        "For one n and d, with r = (x − μ)/σ, the term is −½ [ln 2π + ln σ² + r²]. What does r² become if you "
        "differentiate by μ, and what if by ln σ², of which 1/σ² is e to the power of minus that? dy[:, None] makes a "
        "column of dy.",
    ],
    inputs=lambda rng, N, D, K: {name: normal(rng, N, D) for name in ("x", "mu", "logvar")},
    also=lambda x, mu, logvar, y: widths(mu, logvar, y) | {"residual": x - mu},
    formulas={
        "y": {
            "−½ ln 2π": lambda mu: np.full(len(mu), -0.5 * mu.shape[1] * np.log(2 * np.pi)),
            "−½ logvar": lambda logvar: -0.5 * logvar.sum(axis=-1),
            "−½ (x − μ)²/σ²": lambda residual, precision: -0.5 * (residual**2 * precision).sum(axis=-1),
        },
        "dx": {"": lambda dy, residual, precision: -dy[:, None] * residual * precision},
        "dmu": {"": lambda dy, residual, precision: dy[:, None] * residual * precision},
        "dlogvar": {
            "½ (x − μ)²/σ²": lambda dy, residual, precision: 0.5 * dy[:, None] * residual**2 * precision,
            "−½": lambda dy, residual: np.broadcast_to(-0.5 * dy[:, None], residual.shape),
        },
    },
    sizes=("N, the batch", "D, the dimensions of x"),
    wrong={
        "ln 2π forgotten": Wrong(
            "term −½ ln 2π is missing",
            {"y": lambda logvar, residual, precision: -0.5 * (logvar + residual**2 * precision).sum(axis=-1)},
        ),
        "ln σ for ln σ²": Wrong(
            "term −½ logvar has the weight 0.5",
            {
                "y": lambda logvar, residual, precision: (
                    -0.5 * (np.log(2 * np.pi) + 0.5 * logvar + residual**2 * precision).sum(axis=-1)
                )
            },
        ),
        "σ for σ²": Wrong(
            "square root of 1/σ² stands",
            {
                "y": lambda logvar, residual, sigma: (
                    -0.5 * (np.log(2 * np.pi) + logvar + residual**2 / sigma).sum(axis=-1)
                )
            },
        ),
        "times σ²": Wrong(
            "σ² stands where 1/σ² belongs",
            {
                "y": lambda logvar, residual, variance: (
                    -0.5 * (np.log(2 * np.pi) + logvar + residual**2 * variance).sum(axis=-1)
                )
            },
        ),
        "the sign of dx": Wrong("sign is wrong", {"dx": lambda right: -right}),
        "1/σ² forgotten": Wrong("1/σ² is missing", {"dmu": lambda dy, residual: dy[:, None] * residual}),
        "1/σ for 1/σ²": Wrong(
            "square root of 1/σ² stands", {"dmu": lambda dy, residual, sigma: dy[:, None] * residual / sigma}
        ),
        "−1 forgotten": Wrong(
            "term −½ is missing",
            {"dlogvar": lambda dy, residual, precision: 0.5 * dy[:, None] * residual**2 * precision},
        ),
        "½ forgotten": Wrong("½ is missing", {"dlogvar": lambda right: 2 * right}),
        "dy as a row": Wrong(
            "dy is not used", {"dlogvar": lambda residual, precision: 0.5 * (residual**2 * precision - 1)}
        ),
        "x changed": Wrong("changed this input", function=lambda x, mu, logvar: _gaussian_in_place(x, mu, logvar)),
    },
)


def _gaussian_in_place(x, mu, logvar):
    x -= mu
    return p.gaussian_log_likelihood.raw(x, np.zeros_like(mu), logvar)


def _settled_variance():
    """Which of the four: gradient ascent on one logvar for a thousand numbers of N(0, 2²)."""
    x, logvar = 2 * np.random.default_rng(0).standard_normal((1000, 1)), np.array(0.0)
    for _ in range(200):
        logvar = logvar + 0.0005 * p.gaussian_log_likelihood.raw(x, np.zeros_like(x), logvar)[3](np.ones(1000))
    return int(np.argmin(np.abs(np.exp(logvar) - np.array([1, np.mean(x * x), np.sqrt(np.mean(x * x)), 0]))))

"""The exercise about the KL divergence of a Gaussian from the prior."""

import numpy as np

from ... import probability as p
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise
from .reparameterize import widths

KL = OperationExercise(
    name="kl",
    title="the KL divergence from the prior, in closed form",
    solution=p.kl_to_standard_normal,
    blanks=("y", "dmu", "dlogvar"),
    text="""\
The cost, in nats, of q = N(μ, σ²) instead of the prior N(0, I), for N examples with D
latent dimensions:

    y_n = KL(q_n ‖ p) = ½ Σ_d [ μ² + σ² − 1 − ln σ² ],     mu and logvar (N, D).

It is never negative, and zero only for μ = 0, σ = 1. Again logvar = ln σ². Then write
the derivatives dmu and dlogvar, (N, D), from dy (N,).

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix B.""",
    prediction=Prediction(
        "With μ = 0, which posterior is further from the prior: one twice as wide, or one half as wide?",
        ["σ = 2", "σ = ½", "both equally"],
        lambda: int(np.argmax(p.kl_to_standard_normal.raw(np.zeros((2, 1)), np.log([[4.0], [0.25]]))[0])),
        "The KL is 0.81 nats for σ = 2 and 0.32 for σ = ½: σ² grows faster than ln σ² falls. A narrow q is cheap; "
        "a wide one is expensive, because it reaches where the prior has little mass.",
    ),
    hints=[
        "Write it in mu and logvar: σ² is exp(logvar), and ln σ² is logvar itself. The sum runs over the last axis.",
        "For dmu, only ½ μ² counts. For dlogvar, two terms do: ½ exp(logvar), and −½ logvar.",
        "Differentiate ½ [μ² + exp(logvar) − 1 − logvar] for one n and d, by μ and by logvar. Each example has one dy "
        "for all of its dimensions: dy[:, None] makes it a column.",
    ],
    inputs=lambda rng, N, D, K: {name: normal(rng, N, D) for name in ("mu", "logvar")},
    also=widths,
    formulas={
        "y": {
            "½ μ²": lambda mu: 0.5 * (mu * mu).sum(axis=-1),
            "½ σ²": lambda variance: 0.5 * variance.sum(axis=-1),
            "−½": lambda mu: np.full(len(mu), -0.5 * mu.shape[-1]),
            "−½ logvar": lambda logvar: -0.5 * logvar.sum(axis=-1),
        },
        "dmu": {"": lambda dy, mu: dy[:, None] * mu},
        "dlogvar": {
            "½ σ²": lambda dy, variance: 0.5 * dy[:, None] * variance,
            "−½": lambda dy, mu: np.broadcast_to(-0.5 * dy[:, None], mu.shape),
        },
    },
    sizes=("N, the batch", "D, the latent dimensions"),
    wrong={
        "averaged over the latent dimensions": Wrong("1/D", {"y": lambda mu, y: y / mu.shape[1]}),
        "½ forgotten": Wrong("½ is missing", {"y": lambda y: 2 * y}),
        "the sign": Wrong("sign is wrong", {"y": lambda y: -y}),
        "−1 forgotten": Wrong(
            "term −½ is missing", {"y": lambda mu, variance, logvar: 0.5 * (mu**2 + variance - logvar).sum(axis=-1)}
        ),
        "logvar taken for ln σ": Wrong(
            "term −½ logvar has the weight 2",
            {"y": lambda mu, variance, logvar: 0.5 * (mu**2 + variance - 1 - 2 * logvar).sum(axis=-1)},
        ),
        "σ for σ²": Wrong(
            "σ stands where σ² belongs",
            {"y": lambda mu, sigma, logvar: 0.5 * (mu**2 + sigma - 1 - logvar).sum(axis=-1)},
        ),
        "one number for the batch": Wrong("averaged over axis 0", {"y": lambda y: np.asarray(y.mean())}),
        "no sum": Wrong(
            "the sum over axis 1 is missing", {"y": lambda mu, variance, logvar: 0.5 * (mu**2 + variance - 1 - logvar)}
        ),
        "μ forgotten in dmu": Wrong(
            "μ is missing", {"dmu": lambda dy, mu: np.broadcast_to(dy[:, None], mu.shape) * 1.0}
        ),
        "−1 forgotten in dlogvar": Wrong(
            "term −½ is missing", {"dlogvar": lambda dy, variance: 0.5 * dy[:, None] * variance}
        ),
        "+1 in dlogvar": Wrong(
            "term −½ has the wrong sign", {"dlogvar": lambda dy, variance: 0.5 * dy[:, None] * (variance + 1)}
        ),
        "by σ instead of logvar": Wrong(
            "1/σ² stands where σ² belongs", {"dlogvar": lambda dy, variance: 0.5 * dy[:, None] * (1 / variance - 1)}
        ),
        "divided by the batch": Wrong("1/N", {"dmu": lambda right: right / len(right)}),
        "dy ignored": Wrong("dy is not used", {"dlogvar": lambda variance: 0.5 * (variance - 1)}),
        "one array for both": Wrong("uses its memory", function=lambda mu, logvar: _kl_with_one_buffer(mu, logvar)),
    },
)


def _kl_with_one_buffer(mu, logvar):
    """Write both derivatives into the same array."""
    buffer = np.empty_like(mu)

    def dmu(dy):
        return np.multiply(dy[:, None], mu, out=buffer)

    def dlogvar(dy):
        return np.multiply(dy[:, None], 0.5 * np.expm1(logvar), out=buffer)

    return p.kl_to_standard_normal.raw(mu, logvar)[0], dmu, dlogvar

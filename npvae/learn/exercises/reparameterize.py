"""The exercise about the reparameterized sample."""

import numpy as np

from ... import probability as p
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise


def widths(mu, logvar, y, **_):
    """Return σ and its relatives, which are easily mistaken for one another."""
    return {"sigma": np.exp(0.5 * logvar), "variance": np.exp(logvar), "precision": np.exp(-logvar)}


REPARAMETERIZE = OperationExercise(
    name="reparameterize",
    title="a differentiable sample of a Gaussian",
    solution=p.reparameterize,
    blanks=("y", "dmu", "dlogvar"),
    text="""\
Make a sample of N(μ, σ²) from noise ε ~ N(0, I), all of shape (N, D):

    z = μ + σ ⊙ ε.

It is a function of μ and σ, with derivatives. The network does not compute σ but
logvar = ln σ², which may be any real number. What is σ in terms of logvar?

Then write the derivatives: dmu and dlogvar, both (N, D), from dy (N, D). (How does σ
change with logvar?) The noise has no derivative, hence the None in the return. (The
comment in the stub is the engine's, whose ε may also hold L samples of each example,
(L, N, D); you need not allow for that.)

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, section 2.4.""",
    prediction=Prediction(
        "The encoder gives mu = 0 and logvar = 2.197 = ln 9. What is the standard deviation of z?",
        ["1.5", "3", "9", "81"],
        lambda: [1.5, 3, 9, 81].index(
            round(
                float(
                    p.reparameterize.raw(
                        np.zeros(100_000),
                        np.full(100_000, np.log(9.0)),
                        np.random.default_rng(0).standard_normal(100_000),
                    )[0].std()
                )
            )
        ),
        "logvar is the logarithm of the variance 9. Sampling with exp(logvar) is the most common mistake in "
        "published VAEs. No gradient check can see it, because the derivative of the wrong sampler is right.",
    ),
    hints=[
        "σ² = exp(logvar), and a square root halves an exponent.",
        "z depends on mu with the slope 1. It depends on logvar through σ only: dlogvar = dy · ∂z/∂σ · ∂σ/∂logvar.",
        "∂z/∂σ is whatever σ is multiplied by in z. For ∂σ/∂logvar: an exponential gives itself back, times the "
        "derivative of its exponent.",
    ],
    inputs=lambda rng, N, D, K: {name: normal(rng, N, D) for name in ("mu", "logvar", "eps")},
    also=lambda mu, logvar, eps, y: widths(mu, logvar, y),
    formulas={
        "y": {"μ": lambda mu: mu, "σ ε": lambda sigma, eps: sigma * eps},
        "dmu": {"": lambda dy: dy},
        "dlogvar": {"": lambda dy, eps, sigma: 0.5 * dy * eps * sigma},
    },
    sizes=("N, the batch", "D, the latent dimensions"),
    wrong={
        "variance for standard deviation": Wrong(
            "σ² stands where σ belongs", {"y": lambda mu, variance, eps: mu + variance * eps}
        ),
        "logvar for σ": Wrong("logvar stands where σ belongs", {"y": lambda mu, logvar, eps: mu + logvar * eps}),
        "no noise": Wrong("term σ ε is missing", {"y": lambda mu: mu.copy()}),
        "σ forgotten": Wrong("σ is missing", {"y": lambda mu, eps: mu + eps}),
        "its own noise": Wrong(
            "its own noise", {"y": lambda mu, sigma: mu + sigma * np.random.default_rng().standard_normal(mu.shape)}
        ),
        "½ forgotten": Wrong("½ is missing", {"dlogvar": lambda right: 2 * right}),
        "σ forgotten in dlogvar": Wrong("σ is missing", {"dlogvar": lambda dy, eps: 0.5 * dy * eps}),
        "ε forgotten in dlogvar": Wrong("ε is missing", {"dlogvar": lambda dy, sigma: 0.5 * dy * sigma}),
        "σ² in dlogvar": Wrong(
            "σ² stands where σ belongs", {"dlogvar": lambda dy, eps, variance: 0.5 * dy * eps * variance}
        ),
        "the whole of z": Wrong("y stands where ε belongs", {"dlogvar": lambda dy, y, sigma: 0.5 * dy * y * sigma}),
        "dy ignored": Wrong("dy is not used", {"dmu": lambda mu: np.ones_like(mu)}),
        "ε drawn anew in backward": Wrong(
            "its own noise",
            {"dlogvar": lambda dy, sigma: 0.5 * dy * sigma * np.random.default_rng().standard_normal(dy.shape)},
        ),
    },
)

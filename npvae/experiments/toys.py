"""Experiments for which everything is known, without training."""

import numpy as np

from .. import figures
from ..autodiff import Tensor
from ..models import ProbabilisticPCA
from ..probability import ESTIMATORS, DiagonalGaussian, estimators, grid_posterior, importance_sampling, refine
from ..probability import ring as push_to_ring
from .experiment import table

NOISE_VARIANCE = 0.05  # of x about the ring
OBSERVED = np.array([1.05, 0.0])
GRID = {"extent": 3.5, "side": 280}


def ring(folder):
    """Push noise to a ring, and compare the posterior of a point near it, on a grid, with its best Gaussian.

    z ~ N(0, I₂), x = z/10 + z/‖z‖ + noise. All z on one ray from the origin give nearly the same x, so p(z | x) is
    long, and ends in a point at the origin. It is symmetric about the first axis, and so is its best Gaussian. That one
    has no correlation, so a factored Gaussian is as good as any.
    """
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2000, 2))

    def decode(z):
        return DiagonalGaussian(push_to_ring(z), float(np.log(NOISE_VARIANCE)))

    exact = grid_posterior(OBSERVED, decode, **GRID)
    start = DiagonalGaussian(np.array([[1.0, 0.0]]), np.full((1, 2), -1.0))
    q = refine(OBSERVED[None], start, decode, rng, 2000, 0.01, samples=100)
    log_q = q.log_prob(exact.z.reshape(-1, 2)).data.reshape(exact.log_density.shape)
    area = (2 * GRID["extent"] / GRID["side"]) ** 2
    divergence = float((np.exp(log_q) * (log_q - exact.log_density)).sum() * area)
    figures.pushed(z, push_to_ring(z).data, "z ~ N(0, I)", "z/10 + z/‖z‖").savefig(folder / "ring.png")
    figures.posterior(exact.z, exact.log_density, log_q).savefig(folder / "posterior.png")
    return [
        f"x = ({OBSERVED[0]}, {OBSERVED[1]}), noise of variance {NOISE_VARIANCE}",
        *table(
            ["", "nats"],
            [
                ["ln p(x), on a grid", f"{exact.log_likelihood:.3f}"],
                ["KL of the best Gaussian from the posterior", f"{divergence:.3f}"],
                ["its ELBO, the difference", f"{exact.log_likelihood - divergence:.3f}"],
            ],
        ),
    ]


DIMENSIONS = (1, 2, 4, 8, 16, 32, 64)
SAMPLES, EXAMPLES = 1000, 200
OFF = 0.2  # how far q is from the true posterior: its means by 0.2 σ, its logvar by 0.2


def dimension(folder):
    """Compare naive Monte Carlo and importance sampling with the exact ln p(x), as the dimension of z grows.

    The model is probabilistic PCA with twice as many data dimensions as latent ones. The naive estimate is the mean of
    p(x | z) over z from the prior; importance sampling draws z from a q slightly off the true posterior.
    """
    rows, errors = [], {"naive Monte Carlo": [], "importance sampling": []}
    for latent_dim in DIMENSIONS:
        rng = np.random.default_rng(latent_dim)
        oracle = ProbabilisticPCA.random(2 * latent_dim, latent_dim, rng)
        x = oracle.sample(EXAMPLES, rng)
        exact, q = oracle.log_likelihood(x), oracle.posterior(x)
        shift = OFF * np.exp(0.5 * q.logvar) * rng.choice([-1, 1], q.mu.shape)
        prior = DiagonalGaussian(*np.zeros((2, *q.mu.shape)))
        row = [latent_dim]
        for name, proposal in zip(errors, (prior, DiagonalGaussian(q.mu + shift, q.logvar + OFF))):
            found = importance_sampling(x, proposal, oracle.decode, rng, SAMPLES)
            error = np.sqrt(np.square(found.log_likelihood - exact).mean())
            errors[name].append(error)
            row += [f"{error:.3f}", f"{np.median(found.effective_sample_size):.0f}"]
        rows.append(row)
    figure = figures.lines(
        {name: (DIMENSIONS, values) for name, values in errors.items()},
        "latent dimensions", "error of ln p(x) in nats (root mean square)", log_x=True, log_y=True,
    )  # fmt: skip
    figure.savefig(folder / "dimension.png")
    return [
        f"error of ln p(x) in nats (root mean square over {EXAMPLES} examples), {SAMPLES} samples each",
        *table(["dim z", "naive", "effective", "importance", "effective"], rows),
    ]


Z_SAMPLES = 2  # in one estimate: a baseline needs at least two
ESTIMATES = 10_000


def on_the_oracle(estimator, shift=0.3):
    """Return the largest deviation of an estimator's mean from the exact gradient, and the variance of one estimate.

    The gradient is that of the ELBO of one example, for μ and logvar of q, which is the posterior with both shifted.
    The deviation is in standard errors. The variance is summed over the elements.
    """
    oracle = ProbabilisticPCA.random(10, 5, np.random.default_rng(0), logvar=0.0)
    x = np.tile(oracle.sample(1, np.random.default_rng(1)), (ESTIMATES, 1))

    def gradient(value):
        true = oracle.posterior(x)
        q = DiagonalGaussian(*(Tensor(p + shift, requires_grad=True) for p in (true.mu, true.logvar)))
        value(q).sum().backward()
        return np.concatenate([q.mu.grad, q.logvar.grad], axis=1)

    def surrogate(q):
        fixed = estimators.hold_fixed(x, q, oracle.decode, np.random.default_rng(2), Z_SAMPLES)
        return ESTIMATORS[estimator](x, q, oracle.decode, fixed).mean(axis=0)

    exact, found = gradient(lambda q: oracle.elbo(x, q).elbo)[0], gradient(surrogate)
    standard_error = found.std(axis=0) / np.sqrt(ESTIMATES)
    return np.abs((found.mean(axis=0) - exact) / standard_error).max(), found.var(axis=0).sum()

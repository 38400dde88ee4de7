"""Every layer, and every method of a distribution, as functions of Tensors."""

import numpy as np

from .. import nn
from .. import probability as p
from .check import LATENT, SAMPLES, Check, check_of_function, normal, off_zero, positive, with_random_parameters
from .operations import gaussians, levels


def parametric_layer(make):
    """Return how to build a check of the layer make(rng, N, D, K), which takes (N, D): dx and all dparameters."""

    def build(rng, N, D, K):
        return with_random_parameters(make(rng, N, D, K), rng), normal(rng, N, D)

    return build


def activation(make):
    """Return how to build a check of an activation, away from its kink."""
    return lambda rng, N, D, K: (make(), off_zero(rng, N, D))


def image_layer(make):
    """Return how to build a check of the layer make(rng), which takes images (N, D, K, 2)."""
    return lambda rng, N, D, K: (with_random_parameters(make(rng), rng), normal(rng, N, D, K, 2))


def used_batch_norm(rng):
    """Return a batch normalization in evaluation mode. Its running mean is not 0, which would hide mistakes."""
    layer = nn.BatchNorm(2)
    layer.running_mean, layer.running_variance = normal(rng, 2), positive(rng, 2)
    return layer.eval()


def three_layers(rng, N, D, K):
    """Return a Sequential inside a Sequential."""
    return nn.Sequential(nn.Dense(D, K, rng), nn.Tanh(), nn.Sequential(nn.Dense(K, LATENT, rng), nn.Sigmoid()))


LAYER_CHECKS = [
    check_of_function("Dense", "layer", parametric_layer(lambda rng, N, D, K: nn.Dense(D, K, rng))),
    check_of_function("Sequential", "layer", parametric_layer(three_layers)),
    check_of_function("Conv2d", "layer", image_layer(lambda rng: nn.Conv2d(2, 3, rng, stride=2))),
    check_of_function("ConvTranspose2d", "layer", image_layer(lambda rng: nn.ConvTranspose2d(2, 3, rng, stride=2))),
    check_of_function("BatchNorm", "layer", image_layer(lambda rng: nn.BatchNorm(2))),
    check_of_function("BatchNorm(evaluation)", "layer", image_layer(used_batch_norm)),
    check_of_function("Reshape", "layer", lambda rng, N, D, K: (nn.Reshape(K, D), normal(rng, N, D, K))),
    check_of_function("ReLU", "layer", activation(nn.ReLU)),
    check_of_function("LeakyReLU", "layer", activation(nn.LeakyReLU)),
    check_of_function("Sigmoid", "layer", activation(nn.Sigmoid)),
    check_of_function("Tanh", "layer", activation(nn.Tanh)),
    check_of_function("Softplus", "layer", activation(nn.Softplus)),
]


def of_gaussians(name, f, count, with_x=False):
    """Return a check of a DiagonalGaussian method: f takes x if `with_x`, and mu and logvar of `count` Gaussians."""

    def build(rng, N, D, K):
        return f, *([normal(rng, N, D)] if with_x else []), *gaussians(count, rng, N, D)

    return check_of_function(f"DiagonalGaussian.{name}", "distribution", build)


def bernoulli_log_prob(rng, N, D, K):
    """Return Bernoulli.log_prob as a function of the logits, and logits."""
    x = rng.random((N, D))
    return lambda logits: p.Bernoulli(logits).log_prob(x), normal(rng, N, D)


def continuous_bernoulli_log_prob(rng, N, D, K):
    """Return ContinuousBernoulli.log_prob as a function of the logits, and logits."""
    x = rng.random((N, D))
    return lambda logits: p.ContinuousBernoulli(logits).log_prob(x), normal(rng, N, D)


def discretized_logistic_log_prob(rng, N, D, K):
    """Return DiscretizedLogistic.log_prob as a function of the mean and ln s, and values of both."""
    x = levels(rng, N, D)
    return lambda mu, log_scale: p.DiscretizedLogistic(mu, log_scale).log_prob(x), rng.random((N, D)), np.array(-2.0)


Gaussian = p.DiagonalGaussian
def flow(case, of_flow):
    """Return a check of a value of a flow with two layers, for all its parameters."""

    def build(rng, N, D, K):
        flow = with_random_parameters(p.Flow(D, 2, K, rng), rng, 0.5)
        z = normal(rng, N, D)
        return (lambda: of_flow(flow, z),), {"parameters": flow.named_parameters()}

    return Check(f"Flow.{case}", "distribution", build)


DISTRIBUTION_CHECKS = [
    of_gaussians("rsample", lambda mu, logvar: Gaussian(mu, logvar).rsample(np.random.default_rng(1), SAMPLES), 1),
    of_gaussians("log_prob", lambda x, mu, logvar: Gaussian(mu, logvar).log_prob(x), 1, with_x=True),
    of_gaussians("kl_divergence", lambda m, v, mu, logvar: Gaussian(m, v).kl_divergence(Gaussian(mu, logvar)), 2),
    of_gaussians("kl_divergence(standard)", lambda mu, logvar: Gaussian(mu, logvar).kl_divergence(), 1),
    of_gaussians("entropy", lambda mu, logvar: Gaussian(mu, logvar).entropy(), 1),
    check_of_function("Bernoulli.log_prob", "distribution", bernoulli_log_prob),
    check_of_function("ContinuousBernoulli.log_prob", "distribution", continuous_bernoulli_log_prob),
    check_of_function("DiscretizedLogistic.log_prob", "distribution", discretized_logistic_log_prob),
    check_of_function("ring", "distribution", lambda rng, N, D, K: (p.ring, off_zero(rng, N, D))),
    flow("rsample", lambda flow, z: flow.rsample(np.random.default_rng(1), SAMPLES)[0]),
    flow("rsample(density)", lambda flow, z: flow.rsample(np.random.default_rng(1), SAMPLES)[1]),
    flow("log_prob", lambda flow, z: flow.log_prob(z)),
]

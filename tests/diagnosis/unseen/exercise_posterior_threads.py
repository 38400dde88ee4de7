"""Gaussians, their KL divergence and samples, the bound, and the Bernoulli likelihood: threads in the trackers of
d3rlpy, GenJAX, solutions of exercises in reinforcement learning, draw, Bayesian compression, cvae, a workshop on
latent dynamics, MONAI and its tutorials, WAP, NumPyro, PyTorch's examples, autoencoders in Theano, simd_neuralnet and
focal-loss-pytorch.
"""

import numpy as np

from npvae.probability import ELBO, DiagonalGaussian
from tests.diagnosis.mistakes import mistake

LOG_2PI = float(np.log(2 * np.pi))


@mistake("https://github.com/takuseno/d3rlpy/issues/192: the mean over the dimensions where the likelihood has their "
         "sum",
         says=[("sum or mean", "mean"), ("extra factor", "1/D"), ("extra factor", "D"), ("missing factor", "D"),
               ("missing sum", "mean"), ("other function", "mean"), ("extra factor", "mean"),
               ("missing factor", "mean")],
         exercise="gaussian")
def gaussian_averaged_over_its_dimensions(x, mu, logvar):
    inv_var = np.exp(-logvar)
    y = -0.5 * np.mean(LOG_2PI + logvar + (mu - x) ** 2 * inv_var, axis=1)
    def dmu(dy):
        return dy[:, None] * (x - mu) * inv_var
    def dx(dy):
        return -dmu(dy)
    def dlogvar(dy):
        return 0.5 * dy[:, None] * ((x - mu) ** 2 * inv_var - 1)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/genjax-community/genjax/issues/430: ln σ is in the denominator, beside the 2",
         says=[("extra term", "log_std"), ("missing term", "log_std"), ("order", "2 - log_std"),
               ("extra factor", "2 - log_std"), ("other function", "2 - log_std"), ("wrong path", "log_std"),
               ("missing term", "−½ logvar"), ("missing path", "log_std"), ("other array", "2 - log_std")],
         exercise="gaussian")
def gaussian_with_ln_sigma_in_the_denominator(x, mu, logvar):
    log_std = 0.5 * logvar
    std = np.exp(log_std)
    z = (x - mu) / std
    y = np.sum(-1.0 * (z ** 2 + LOG_2PI) / (2 - log_std), axis=-1)
    def dx(dy):
        return -dy[:, None] * z / std
    def dmu(dy):
        return dy[:, None] * z / std
    def dlogvar(dy):
        return dy[:, None] * 0.5 * (z ** 2 - 1)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/brynhayder/reinforcement_learning_an_introduction/pull/5: σ³, proposed for the σ² in the "
         "derivative by the mean",
         says=[("power", "sigma ** 3"), ("extra factor", "sigma"), ("missing factor", "sigma"), ("constant", "3"),
               ("extra factor", "σ"), ("missing factor", "σ"), ("power", "σ"), ("other function", "sigma ** 3"),
               ("other array", "σ"), ("other array", "sigma ** 3")],
         exercise="gaussian")
def gaussian_whose_mean_is_pulled_by_the_cube(x, mu, logvar):
    sigma = np.exp(0.5 * logvar)
    d = x - mu
    y = np.sum(-0.5 * LOG_2PI - np.log(sigma) - d ** 2 / (2 * sigma ** 2), axis=-1)
    def dx(dy):
        return -(d / sigma ** 2) * dy[:, None]
    def dmu(dy):
        return (d / sigma ** 3) * dy[:, None]
    def dlogvar(dy):
        return (d ** 2 / sigma ** 2 - 1) * dy[:, None] / 2
    return y, dx, dmu, dlogvar


@mistake("https://github.com/ericjang/draw/issues/2: the constant is subtracted once, and not for each dimension",
         says=[("missing factor", "D"), ("missing sum", "- 0.5"), ("missing factor", "- 0.5"), ("constant", "- 0.5"),
               ("moved", "- 0.5"), ("order", "- 0.5"), ("missing term", "−½"), ("constant", "−½"),
               ("missing factor", "−½"), ("missing factor", "shape"), ("missing term", "- 0.5")],
         exercise="kl")
def kl_that_subtracts_its_constant_once(mu, logvar):
    mu2, sigma2 = np.square(mu), np.exp(logvar)
    y = 0.5 * np.sum(mu2 + sigma2 - logvar, axis=1) - 0.5
    def dmu(dy):
        return dy[:, None] * mu
    def dlogvar(dy):
        return dy[:, None] * (sigma2 - 1) / 2
    return y, dmu, dlogvar


@mistake("https://github.com/KarenUllrich/Tutorial_BayesianCompressionForDL/issues/1: logvar is treated as if it were "
         "ln σ",
         says=[("missing factor", "log_std"), ("missing factor", "½"), ("missing factor", "0.5"),
               ("other array", "log_std"), ("constant", "log_std"), ("power", "log_std"),
               ("extra factor", "factor 2"), ("missing factor", "factor 2"), ("extra factor", "log_std"),
               ("missing term", "−½ logvar"), ("constant", "logvar"), ("power", "σ"), ("other array", "σ")],
         exercise="kl")
def kl_that_takes_logvar_for_ln_sigma(mu, logvar):
    log_std = logvar
    y = (-log_std + 0.5 * (np.exp(log_std) ** 2 + mu ** 2) - 0.5).sum(axis=-1)
    def dmu(dy):
        return np.einsum("n,nd->nd", dy, mu)
    def dlogvar(dy):
        return np.einsum("n,nd->nd", dy, 0.5 * np.exp(logvar) - 0.5)
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/RuiShu/cvae/issues/1: in which order are the gradients returned? Here "
         "in the wrong one",
         says=[("order", "return"), ("moved", "return"), ("other array", "return"), ("order", "dlogvar, dmu"),
               ("order", "exchang"), ("other array", "exchang"), ("moved", "exchang"), ("order", "other order"),
               ("order", "swap"), ("other array", "derivative of logvar"), ("other array", "dlogvar stands")],
         exercise="kl")
def kl_that_returns_its_gradients_in_another_order(mu, logvar):
    y = 0.5 * (mu ** 2 + np.exp(logvar) - logvar - 1).sum(axis=1)
    def dmu(dy):
        return mu * dy[:, None]
    def dlogvar(dy):
        return 0.5 * np.expm1(logvar) * dy[:, None]
    return y, dlogvar, dmu


@mistake("https://github.com/catniplab/latent_dynamics_workshop/issues/1: the mean is added before σ multiplies",
         says=[("extra factor", "sigma"), ("order", "(eps + mu)"), ("extra factor", "σ"), ("order", "sigma"),
               ("missing term", "μ"), ("wrong path", "mu"), ("other array", "eps + mu"),
               ("missing factor", "eps + mu"), ("extra term", "eps + mu")],
         exercise="reparameterize")
def reparameterize_that_multiplies_the_mean_too(mu, logvar, eps):
    sigma = np.sqrt(np.exp(logvar))
    z = (eps + mu) * sigma
    def dmu(dz):
        return dz.copy()
    def dlogvar(dz):
        return dz * eps * sigma / 2
    return z, dmu, dlogvar, None


@mistake("https://github.com/Project-MONAI/MONAI/issues/8413: outside of training the deviation is added without "
         "noise",
         says=[("missing factor", "eps"), ("missing factor", "ε"), ("missing path", "eps"), ("missing term", "σ ε"),
               ("missing factor", "z += mu"), ("missing factor", "z = np.exp"), ("other array", "z = np.exp"),
               ("missing term", "eps"), ("other array", "ε")],
         exercise="reparameterize")
def reparameterize_that_adds_the_deviation_itself(mu, logvar, eps):
    z = np.exp(0.5 * logvar)
    z += mu
    def dmu(dz):
        return 1.0 * dz
    def dlogvar(dz):
        return 0.5 * dz * eps * np.exp(0.5 * logvar)
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/JianshuZhang/WAP/issues/28: the derivative by the variance or by its "
         "logarithm? Here the last factor, σ², is missing",
         says=[("power", "std"), ("missing factor", "std"), ("missing factor", "var"), ("missing factor", "exp"),
               ("missing path", "np.exp"), ("missing path", "var ="), ("wrong path", "var ="), ("extra factor", "σ²"),
               ("missing factor", "σ²"), ("other array", "σ"), ("power", "σ"), ("other function", "/ std"),
               ("order", "/ std"), ("extra factor", "/ std"), ("missing factor", "σ"), ("other array", "1/σ")],
         exercise="reparameterize")
def reparameterize_with_the_derivative_by_the_variance(mu, logvar, eps):
    var = np.exp(logvar)
    std = np.sqrt(var)
    z = std * eps + mu
    def dmu(dz):
        return np.array(dz)
    def dlogvar(dz):
        return 0.5 * dz * eps / std
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/pyro-ppl/numpyro/issues/1724: the bound of all samples is overwritten; "
         "here with that of the last one",
         says=[("missing sum", "rec"), ("missing term", "rec"), ("missing sum", "samples"), ("part", "last"),
               ("other array", "last"), ("missing sum", "log_prob"), ("fault", "last"), ("missing sum", "L"),
               ("other function", "rec =")],
         exercise="elbo")
def elbo_of_the_last_sample(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    rec = 0
    for l in range(samples):
        rec = decode(z[l]).log_prob(x)
    return ELBO(rec, q.kl_divergence())


@mistake("https://github.com/pytorch/examples/issues/290: the KL term is divided by the number of pixels in the batch",
         says=[("extra factor", "x.size"), ("missing factor", "x.size"), ("extra factor", "1/N"),
               ("extra factor", "1/D"), ("extra factor", "N"), ("extra factor", "D"), ("missing factor", "N"),
               ("missing factor", "D"), ("sum or mean", "x.size")],
         exercise="elbo")
def elbo_whose_kl_is_divided_by_all_pixels(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    each = decode(z.reshape(samples * len(x), z.shape[2])).log_prob(np.tile(x, (samples, 1)))
    kl = q.kl_divergence() / x.size
    return ELBO(each.reshape(samples, len(x)).mean(axis=0), kl)


@mistake("carried over from https://github.com/Project-MONAI/tutorials/pull/2000: the KL term is not that of the "
         "encoder's two results: here the mean is passed twice",
         says=[("other array", "q.mu, q.mu"), ("missing path", "logvar"), ("other array", "logvar"),
               ("missing path", "q.mu, q.mu"), ("missing term", "logvar"), ("order", "q.mu, q.mu"),
               ("wrong path", "q.mu, q.mu")],
         exercise="elbo")
def elbo_whose_kl_sees_the_mean_twice(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    total = decode(z[0]).log_prob(x)
    for l in range(1, samples):
        total = total + decode(z[l]).log_prob(x)
    posterior = DiagonalGaussian(q.mu, q.mu)
    return ELBO(total / samples, posterior.kl_divergence())


def zeta(l):
    return np.maximum(l, 0) + np.log1p(np.exp(-np.abs(l)))


def squash(l):
    return 0.5 + 0.5 * np.tanh(0.5 * l)


@mistake("carried over from https://github.com/caglar/autoencoders/issues/5: brackets are missing around the first "
         "factor",
         says=[("order", "1 - x * off"), ("missing factor", "off"), ("missing term", "off"),
               ("extra term", "1 - x * off"), ("other function", "1 - x * off"), ("one minus", "off"),
               ("missing factor", "1 - x"), ("wrong sign", "x * off"), ("constant", "1 - x * off")],
         exercise="bernoulli")
def bernoulli_without_brackets(logits, x):
    on, off = -zeta(-logits), -zeta(logits)
    y = np.sum(x * on + 1 - x * off, axis=1)
    def dlogits(dy):
        return dy.reshape(-1, 1) * (x - squash(logits))
    return y, dlogits, None


@mistake("https://github.com/oysteijo/simd_neuralnet/issues/1: the gradient is off by the number of outputs",
         says=[("extra factor", "x.shape[1]"), ("extra factor", "1/D"), ("extra factor", "D"),
               ("missing factor", "D"), ("sum or mean", "x.shape[1]"), ("sum or mean", "D"),
               ("missing factor", "x.shape[1]")],
         exercise="bernoulli")
def bernoulli_whose_gradient_is_a_mean_over_pixels(logits, x):
    y = np.einsum("nd,nd->n", x, logits) - zeta(logits).sum(axis=1)
    def dlogits(dy):
        error = (x - squash(logits)) / x.shape[1]
        return dy[:, None] * error
    return y, dlogits, None


@mistake("carried over from https://github.com/itakurah/focal-loss-pytorch/pull/5: the sigmoid is taken of a sigmoid; "
         "here in the derivative",
         says=[("other function", "squash(squash"), ("extra factor", "squash(squash"),
               ("other array", "squash(squash"), ("wrong path", "squash(squash"), ("extra term", "squash(squash"),
               ("other function", "twice"), ("order", "squash(squash"), ("power", "squash(squash"),
               ("other array", "σ(l)"), ("missing path", "squash(squash"), ("missing term", "−σ(l)")],
         exercise="bernoulli")
def bernoulli_whose_gradient_has_a_sigmoid_of_a_sigmoid(logits, x):
    y = (x * logits - zeta(logits)).sum(-1)
    def dlogits(dy):
        return dy[:, None] * (x - squash(squash(logits)))
    return y, dlogits, None

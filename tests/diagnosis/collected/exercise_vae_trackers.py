"""The KL divergence, the reparameterization and the bound: threads in the trackers of Flux's model zoo, PyTorch-VAE,
PyTorch's examples, Keras, vgae_pytorch, PyTorch Geometric, generative-models, grammarVAE, BVAE-tf, VAE-Torch,
ibp_vae, IBMEA and others.
"""

import numpy as np

from npvae.probability import ELBO
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/DaehanKim/vgae_pytorch/issues/2: 2 log σ, but e^(log σ) without the square: log σ² "
         "is halved in one term only",
         says=[("power", "var"), ("power", "exp"), ("extra factor", "0.5"), ("constant", "0.5")],
         exercise="kl")
def kl_with_a_standard_deviation_for_the_variance(mu, logvar):
    var = np.exp(0.5 * logvar)
    y = -0.5 * np.sum(1 + logvar - mu**2 - var, axis=1)
    def dmu(dy):
        return dy[:, None] * mu
    def dlogvar(dy):
        return 0.5 * dy[:, None] * (np.exp(logvar) - 1)
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/pyg-team/pytorch_geometric/pull/1368: a term of ln σ² is counted "
         "as ln σ: in the derivative, the −1 is halved",
         says=[("constant", "0.5"), ("missing factor", "2"), ("one minus",), ("constant",),
               ("extra factor", "0.5")],
         exercise="kl")
def kl_whose_gradient_has_half_of_minus_one(mu, logvar):
    sigma2 = np.exp(logvar)
    y = 0.5 * np.sum(mu**2 + sigma2 - logvar - 1, axis=1)
    def dmu(dy):
        return dy[:, None] * mu
    def dlogvar(dy):
        return 0.5 * dy[:, None] * (sigma2 - 0.5)
    return y, dmu, dlogvar


@mistake("https://github.com/sutaoyu/IBMEA/issues/2: the exponential is taken twice",
         says=[("other function", "exp"), ("extra factor", "exp"), ("wrong path",), ("other array",)],
         exercise="reparameterize")
def reparameterize_with_two_exponentials(mu, logvar, eps):
    log_std = 0.5 * logvar
    std = np.exp(np.exp(log_std))
    z = mu + eps * std
    def total(g):
        return g if g.ndim == 2 else g.sum(axis=0)
    def dmu(dy):
        return total(dy).copy()
    def dlogvar(dy):
        return total(dy * eps) * 0.5 * np.exp(log_std)
    return z, dmu, dlogvar, None


@mistake("https://github.com/y0ast/VAE-Torch/issues/3: the 0.5 is taken for an arbitrary parameter: with log σ "
         "in mind it is left out",
         says=[("missing factor", "0.5"), ("missing factor", "2"), ("extra factor", "2")],
         exercise="reparameterize")
def reparameterize_with_the_gradient_of_log_sigma(mu, logvar, eps):
    sigma = np.exp(logvar / 2)
    z = mu + sigma * eps
    lead = tuple(range(eps.ndim - 2))
    def dmu(dz):
        return dz.sum(axis=lead) if lead else 1.0 * dz
    def dlogvar(dz):
        g = dz * eps * sigma
        return g.sum(axis=lead) if lead else g
    return z, dmu, dlogvar, None


@mistake("https://github.com/masato-ka/airc-rl-agent/issues/43: softplus is applied to what is already a "
         "logarithm of a variance",
         says=[("other function", "softplus"), ("other function", "log"), ("extra factor",),
               ("other function", "exp"), ("other array",)],
         exercise="reparameterize")
def reparameterize_with_softplus_for_the_exponential(mu, logvar, eps):
    std = np.sqrt(np.logaddexp(0, logvar))
    z = mu + std * eps
    def over_samples(g):
        return g.sum(axis=0) if g.ndim > 2 else g
    def dmu(dy):
        return over_samples(dy.copy())
    def dlogvar(dy):
        return over_samples(dy * eps) * np.exp(logvar / 2) / 2
    return z, dmu, dlogvar, None


@mistake("https://github.com/pytorch/examples/pull/419: deterministic (the noise is dropped) in evaluation mode",
         says=[("missing term", "eps"), ("missing factor", "eps"), ("missing term", "std"), ("zero",)],
         exercise="reparameterize")
def reparameterize_without_noise(mu, logvar, eps):
    std = np.exp(0.5 * logvar)
    y = np.broadcast_to(mu, eps.shape).copy()
    def dmu(dy):
        return dy.reshape((-1,) + mu.shape).sum(0)
    def dlogvar(dy):
        return (0.5 * std * eps * dy).reshape((-1,) + mu.shape).sum(0)
    return y, dmu, dlogvar, None


@mistake("https://github.com/wiseodd/generative-models/issues/43: the sign of the KL term, turned for the wrong "
         "convention",
         says=[("wrong sign", "kl"), ("wrong sign", "KL")],
         exercise="elbo")
def elbo_with_minus_the_kl(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    L, N, K = z.shape
    log_px = decode(z.reshape(L * N, K)).log_prob(np.tile(x, (L, 1))).reshape(L, N).mean(axis=0)
    return ELBO(log_px, -q.kl_divergence())


@mistake("carried over from https://github.com/Lightning-Universe/lightning-bolts/issues/328: kl_coeff; here one "
         "of 0.1, as in https://github.com/podgorskiy/VAE/issues/1",
         says=[("extra factor", "0.1"), ("constant", "0.1"), ("extra factor", "kl")],
         exercise="elbo")
def elbo_with_a_kl_coefficient(x, q, decode, rng, samples=1):
    total = 0.0
    z = q.rsample(rng, samples)
    for sample in range(samples):
        total = total + decode(z[sample]).log_prob(x)
    return ELBO(total * (1 / samples), q.kl_divergence() * 0.1)


@mistake("https://github.com/keras-team/keras/pull/3383: the reconstruction is a mean over pixels: original_dim "
         "is missing",
         says=[("missing factor", "D"), ("extra factor", "D"), ("extra factor", "1/D"),
               ("extra factor", "shape"), ("sum or mean",)],
         exercise="elbo")
def elbo_with_a_mean_over_pixels(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    log_px = decode(z.reshape(-1, z.shape[2])).log_prob(np.tile(x, (samples, 1)))
    log_px = log_px.reshape(samples, -1).mean(axis=0) * (1 / x.shape[1])
    return ELBO(log_px, q.kl_divergence())


@mistake("https://github.com/izmailovpavel/understandingbdl/issues/8: the graph is cut, so that only the KL term "
         "has a gradient",
         says=[("zero",), ("missing path",), ("missing term", "reconstruction"), ("missing path", "z")],
         exercise="elbo")
def elbo_with_a_cut_graph(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    codes = z.data.reshape(-1, z.shape[-1])
    each = decode(codes).log_prob(np.tile(x, (samples, 1)))
    return ELBO(each.reshape(samples, -1).mean(axis=0), q.kl_divergence())


@mistake("carried over from https://github.com/wiseodd/generative-models/issues/40: the mean over the batch is "
         "taken inside of the bound",
         says=[("extra sum", "mean"), ("shape",), ("extra sum",), ("axis",)],
         exercise="elbo")
def elbo_averaged_over_the_batch(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    each = decode(z.reshape(-1, z.shape[-1])).log_prob(np.tile(x, (samples, 1)))
    return ELBO(each.mean(), q.kl_divergence().mean())

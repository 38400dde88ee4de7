"""Gaussians, their KL divergence and samples, and the bound: threads in the trackers of discrete_guidance, machine-
learning examples, Pyro, PyTorch's examples, a course at Supaero, AGE, NVAE, music generation, keras_lstm_vae,
pytorch-vae, rlkit, Keras and TransVAE.
"""

import numpy as np

from npvae.probability import ELBO
from tests.diagnosis.mistakes import mistake

LOG_2PI = float(np.log(2 * np.pi))


@mistake("https://github.com/hnisonoff/discrete_guidance/issues/3: −√(2π) for −½ ln 2π",
         says=[("other function", "np.sqrt(2 * np.pi)"), ("constant", "np.sqrt(2 * np.pi)"),
               ("missing term", "ln 2π"), ("extra term", "np.sqrt(2 * np.pi)"), ("missing term", "2π"),
               ("constant", "2π"), ("other array", "np.sqrt(2 * np.pi)"), ("power", "np.sqrt(2 * np.pi)"),
               ("constant", "constant"), ("extra factor", "np.sqrt(2 * np.pi)"), ("other array", "constant"),
               ("order", "np.sqrt(2 * np.pi)")],
         exercise="gaussian")
def gaussian_with_a_root_for_its_logarithm(x, mu, logvar):
    z = (x - mu) * np.exp(-0.5 * logvar)
    constant = -float(np.sqrt(2 * np.pi))
    y = np.sum(-0.5 * z * z - 0.5 * logvar + constant, axis=-1)
    def dmu(dy):
        return dy[:, None] * z * np.exp(-0.5 * logvar)
    def dx(dy):
        return -dmu(dy)
    def dlogvar(dy):
        return 0.5 * dy[:, None] * (z * z - 1)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/jungfrau70/python-machine_learning_examples/issues/1: by which "
         "dimension of x is ln 2π multiplied? Here by the number of examples",
         says=[("constant", "x.shape[0]"), ("other array", "x.shape[0]"), ("axis", "x.shape[0]"),
               ("argument", "x.shape[0]"), ("missing term", "ln 2π"), ("extra factor", "x.shape[0]"),
               ("missing factor", "x.shape[0]"), ("other array", "len(x)"), ("extra term", "x.shape[0]"),
               ("missing term", "x.shape[0]"), ("constant", "ln 2π"), ("transposed", "x.shape[0]"),
               ("extra factor", "N"), ("missing factor", "D")],
         exercise="gaussian")
def gaussian_that_counts_the_examples_for_its_constant(x, mu, logvar):
    precision = np.exp(-logvar)
    k1 = LOG_2PI * x.shape[0]
    y = -0.5 * (k1 + np.sum(logvar + (x - mu) ** 2 * precision, axis=1))
    def dx(dy):
        return dy[:, None] * (mu - x) * precision
    def dmu(dy):
        return dy[:, None] * (x - mu) * precision
    def dlogvar(dy):
        return -0.5 * dy[:, None] * (1 - (x - mu) ** 2 * precision)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/pyro-ppl/pyro/pull/1643: the scale of a normal distribution is its variance",
         says=[("missing factor", "np.exp(logvar)"), ("power", "np.exp(logvar)"),
               ("other function", "np.exp(logvar)"), ("constant", "np.exp(logvar)"),
               ("other array", "np.exp(logvar)"), ("missing factor", "scale ="), ("other array", "σ² stands"),
               ("other array", "1/σ²"), ("missing term", "ln σ²"), ("argument", "np.exp(logvar)"),
               ("missing factor", "0.5")],
         exercise="gaussian")
def gaussian_whose_scale_is_its_variance(x, mu, logvar):
    scale = np.exp(logvar)
    z = (x - mu) / scale
    y = -np.sum(0.5 * z ** 2 + np.log(scale) + 0.5 * LOG_2PI, axis=1)
    def dx(dy):
        return -dy[:, None] * z / scale
    def dmu(dy):
        return dy[:, None] * z / scale
    def dlogvar(dy):
        return 0.5 * dy[:, None] * (z ** 2 - 1)
    return y, dx, dmu, dlogvar


@mistake("https://github.com/pytorch/examples/issues/225: σ in the place of σ², as a reader sees it",
         says=[("missing factor", "sigma"), ("power", "sigma"), ("other array", "sigma"),
               ("other array", "σ stands"), ("constant", "0.5 * logvar"), ("extra factor", "0.5 * logvar"),
               ("missing term", "σ²"), ("missing term", "sigma"), ("extra term", "sigma"), ("power", "np.exp(0.5"),
               ("other array", "σ")],
         exercise="kl")
def kl_with_a_sigma_that_is_not_squared(mu, logvar):
    sigma = np.exp(0.5 * logvar)
    y = -0.5 * np.sum(1 + logvar - mu ** 2 - sigma, axis=1)
    def dmu(dy):
        return dy[:, None] * mu
    def dlogvar(dy):
        return 0.5 * dy[:, None] * (np.exp(logvar) - 1)
    return y, dmu, dlogvar


@mistake("https://github.com/SupaeroDataScience/deep-learning/pull/6: μ² + σ² − ln σ − ½: a ½ was forgotten",
         says=[("missing factor", "mu ** 2 + sigma ** 2"), ("constant", "mu ** 2 + sigma ** 2"),
               ("missing factor", "0.5"), ("constant", "½ μ²"), ("missing term", "½ μ²"), ("missing term", "½ σ²"),
               ("extra term", "½ μ²"), ("extra term", "½ σ²"), ("missing factor", "1/2"),
               ("extra term", "mu ** 2 + sigma ** 2"), ("wrong path", "mu ** 2 + sigma ** 2"),
               ("extra factor", "factor 2"), ("missing factor", "factor ½")],
         exercise="kl")
def kl_with_a_half_too_few(mu, logvar):
    sigma = np.exp(0.5 * logvar)
    y = np.sum(mu ** 2 + sigma ** 2 - np.log(sigma) - 0.5, axis=-1)
    def dmu(dy):
        return mu * dy[:, None]
    def dlogvar(dy):
        return 0.5 * (sigma ** 2 - 1) * dy[:, None]
    return y, dmu, dlogvar


@mistake("https://github.com/DmitryUlyanov/AGE/issues/3: the variance is squared once more",
         says=[("power", "samples_var"), ("extra factor", "samples_var"), ("power", "samples_var ** 2"),
               ("power", "is squared"), ("power", "σ²"), ("constant", "samples_var ** 2"),
               ("other array", "samples_var"), ("other array", "σ⁴"), ("missing term", "σ²"),
               ("extra term", "samples_var"), ("extra factor", "σ²"), ("extra factor", "variance"),
               ("other function", "samples_var ** 2")],
         exercise="kl")
def kl_whose_variance_is_squared_again(mu, logvar):
    samples_var = np.exp(logvar)
    t1 = (samples_var ** 2 + mu ** 2) / 2
    t2 = -0.5 * logvar
    y = (t1 + t2 - 0.5).sum(axis=1)
    def dmu(dy):
        return dy[:, None] * mu
    def dlogvar(dy):
        return dy[:, None] * (samples_var - 1) / 2
    return y, dmu, dlogvar


@mistake("https://github.com/GlassyWing/nvae/issues/3: the sum has lost its dim",
         says=[("shape", "y"), ("axis", "np.sum"), ("extra sum", "axis 0"), ("extra sum", "np.sum"),
               ("argument", "np.sum"), ("extra sum", "batch"), ("shape", "np.sum"), ("shape", "expected")],
         exercise="kl")
def kl_of_all_examples_together(mu, logvar):
    var = np.exp(logvar)
    y = -0.5 * np.sum(1 + logvar - mu ** 2 - var)
    def dmu(dy):
        return dy[..., None] * mu
    def dlogvar(dy):
        return 0.5 * dy[..., None] * (var - 1)
    return y, dmu, dlogvar


@mistake("https://github.com/RetroCirce/Auto-mask-Music-Generative-Model-via-EC2-VAE-Disentanglement/issues/1: the "
         "variance is passed to Normal, which expects a deviation",
         says=[("missing factor", "np.exp(logvar)"), ("power", "np.exp(logvar)"), ("other array", "σ² stands"),
               ("constant", "np.exp(logvar)"), ("other function", "np.exp(logvar)"), ("extra factor", "σ"),
               ("power", "var"), ("other array", "var * eps"), ("extra factor", "var"),
               ("other array", "np.exp(logvar)"), ("missing factor", "½"), ("missing factor", "0.5"),
               ("other array", "σ²"), ("argument", "np.exp(logvar)"), ("power", "σ")],
         exercise="reparameterize")
def reparameterize_with_a_variance_for_the_scale(mu, logvar, eps):
    var = np.exp(logvar)
    z = mu + var * eps
    def dmu(dy):
        return dy.copy()
    def dlogvar(dy):
        return 0.5 * dy * var * eps
    return z, dmu, dlogvar, None


@mistake("https://github.com/twairball/keras_lstm_vae/issues/1: the noise is drawn, and its standard deviation, a "
         "number, is used in its place; in the sample alone",
         says=[("other array", "epsilon_std"), ("constant", "epsilon_std"), ("missing factor", "eps"),
               ("missing factor", "ε"), ("missing path", "epsilon_std"), ("missing term", "σ ε"),
               ("extra factor", "epsilon_std"), ("missing factor", "epsilon_std"), ("extra factor", "eps"),
               ("argument", "epsilon_std")],
         exercise="reparameterize")
def reparameterize_with_the_deviation_of_the_noise(mu, logvar, eps):
    epsilon_std = 1.0
    sigma = np.exp(logvar / 2)
    z = mu + sigma * epsilon_std
    def dmu(dy):
        return 1.0 * dy
    def dlogvar(dy):
        return dy * sigma * eps / 2
    return z, dmu, dlogvar, None


@mistake("https://github.com/ethanluoyc/pytorch-vae/issues/5: 'sigma do not need grad, because it present the "
         "sample'",
         says=[("zero", "dlogvar"), ("missing path", "sigma"), ("zero", "np.zeros_like"),
               ("missing term", "dlogvar"), ("other array", "np.zeros_like"), ("dy not used", "dlogvar"),
               ("missing path", "np.exp"), ("missing term", "np.zeros_like"), ("fault", "zero"),
               ("dy not used", "np.zeros_like")],
         exercise="reparameterize")
def reparameterize_whose_sigma_needs_no_gradient(mu, logvar, eps):
    sigma = np.exp(0.5 * logvar)
    y = mu + sigma * eps
    def dmu(dy):
        return dy
    def dlogvar(dy):
        return np.zeros_like(dy)
    return y, dmu, dlogvar, None


@mistake("https://github.com/rail-berkeley/rlkit/issues/119: the reconstruction is summed, not averaged; here over "
         "the samples",
         says=[("sum or mean", "sum"), ("missing factor", "L"), ("extra factor", "L, the samples"),
               ("extra factor", "factor L"), ("missing factor", "1/L"), ("missing factor", "samples"),
               ("extra factor", "L"), ("sum or mean", "L"), ("other function", "sum"), ("sum or mean", "samples")],
         exercise="elbo")
def elbo_that_adds_up_its_samples(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    log_prob = decode(z.reshape(samples * len(x), z.shape[2])).log_prob(np.tile(x, (samples, 1)))
    reconstruction = log_prob.reshape(samples, len(x)).sum(axis=0)
    return ELBO(reconstruction, q.kl_divergence())


@mistake("https://github.com/keras-team/keras/issues/6015: the mean of the KL divergence over the latent dimensions, "
         "as in a blog, or the sum, as in the script?",
         says=[("extra factor", "latent_dim"), ("extra factor", "q.mu.shape[1]"), ("missing factor", "latent_dim"),
               ("sum or mean", "latent_dim"), ("missing factor", "kl"), ("extra factor", "kl")],
         exercise="elbo")
def elbo_whose_kl_is_a_mean_over_the_latent_dimensions(x, q, decode, rng, samples=1):
    latent_dim = q.mu.shape[1]
    z = q.rsample(rng, samples)
    reconstruction = decode(z[0]).log_prob(x) / samples
    for l in range(1, samples):
        reconstruction = reconstruction + decode(z[l]).log_prob(x) / samples
    kl = q.kl_divergence() / latent_dim
    return ELBO(reconstruction, kl)


@mistake("https://github.com/oriondollar/TransVAE/pull/3: the mean of everything, regardless of the example",
         says=[("shape", "kl"), ("extra sum", "mean"), ("sum or mean", "mean"), ("shape", "mean"), ("axis", "mean"),
               ("extra sum", "kl"), ("extra factor", "mean"), ("shape", "expected")],
         exercise="elbo")
def elbo_whose_kl_is_the_mean_of_all_examples(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    log_prob = decode(z.reshape(samples * len(x), z.shape[2])).log_prob(np.tile(x, (samples, 1)))
    kl = q.kl_divergence().mean()
    return ELBO(log_prob.reshape(samples, len(x)).mean(axis=0), kl)

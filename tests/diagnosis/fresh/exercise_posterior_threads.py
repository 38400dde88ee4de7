"""Gaussians, their KL divergence, samples, and the bound: threads in the trackers of Gaussian splatting, EAST, Keras,
PyTorch's examples, UCB, an anomaly detector, a course's exercises, VAE-GAN, Chainer and PyTorch-VAE.
"""

import numpy as np

from npvae.probability import ELBO, DiagonalGaussian
from tests.diagnosis.mistakes import mistake


def fit(g, a):
    """Sum a gradient g down to the shape of a, which was broadcast."""
    g = g.sum(axis=tuple(range(g.ndim - np.ndim(a))))
    axes = tuple(i for i, n in enumerate(np.shape(a)) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


@mistake("carried over from https://github.com/graphdeco-inria/gaussian-splatting/issues/551: −0.5 from the exponent, "
         "where the chain rule gives −1",
         says=[("constant", "0.5"), ("extra factor", "0.5"), ("missing factor", "2"), ("constant", "-0.5"),
               ("extra factor", "½")],
         exercise="gaussian")
def gaussian_with_half_a_pull(x, mu, logvar):
    diff = x - mu
    conic = np.exp(-logvar)
    power = -0.5 * diff * diff * conic
    y = np.sum(power - 0.5 * logvar - 0.5 * float(np.log(2 * np.pi)), axis=-1)
    def dx(dy):
        return fit(-0.5 * dy[..., None] * conic * diff, x)
    def dmu(dy):
        return fit(dy[..., None] * conic * diff, mu)
    def dlogvar(dy):
        return fit(dy[..., None] * (-power - 0.5), logvar)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/argman/EAST/issues/288: the code neglects to square a term; here the "
         "distance from the mean",
         says=[("power", "diff"), ("missing factor", "diff"), ("power", "x - mu"), ("missing factor", "x - mu"),
               ("other array", "diff"), ("power", "scaled")],
         exercise="gaussian")
def gaussian_with_a_distance_that_is_not_squared(x, mu, logvar):
    log_two_pi = float(np.log(2 * np.pi))
    var = np.exp(logvar)
    diff = x - mu
    y = -0.5 * np.sum(log_two_pi + logvar + diff / var, axis=-1)
    def dx(dy):
        return fit(-dy[..., None] * diff / var, x)
    def dmu(dy):
        return fit(dy[..., None] * diff / var, mu)
    def dlogvar(dy):
        return fit(0.5 * dy[..., None] * (diff ** 2 / var - 1), logvar)
    return y, dx, dmu, dlogvar


@mistake("carried over from https://github.com/pytorch/examples/issues/824: 'a negative sign in front of the KLD': is "
         "it a typo? Here in the derivative for μ",
         says=[("wrong sign", "-mu"), ("wrong sign", "dmu")],
         exercise="kl")
def kl_that_pushes_the_mean_away(mu, logvar):
    y = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar), axis=1)
    def dmu(dy):
        return -mu * dy[:, None]
    def dlogvar(dy):
        return -0.5 * dy[:, None] * (1 - np.exp(logvar))
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/keras-team/keras/issues/3283: either the sample or the KL term has to "
         "change: e^(½ logvar) in a derivative of the KL, as in the sample",
         says=[("extra factor", "0.5"), ("power", "exp"), ("other array", "std"), ("missing factor", "2", "std"),
               ("other array", "var"), ("power", "std"), ("other array", "σ"), ("power", "σ")],
         exercise="kl")
def kl_whose_gradient_knows_the_standard_deviation(mu, logvar):
    std = np.exp(0.5 * logvar)
    y = 0.5 * (std ** 2 + mu ** 2 - 1 - logvar).sum(axis=-1)
    def dmu(dy):
        return mu * dy[:, np.newaxis]
    def dlogvar(dy):
        return dy[:, np.newaxis] * 0.5 * (std - 1)
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/SaynaEbrahimi/UCB/issues/5: the parameter sets σ once, and is not "
         "connected with it any more",
         says=[("missing path", "sigma2"), ("missing term", "sigma2"), ("missing term", "exp"),
               ("missing path", "exp"), ("constant", "0.5"), ("missing term", "σ")],
         exercise="kl")
def kl_whose_variance_is_a_constant(mu, logvar):
    sigma2 = np.exp(logvar)
    per_dim = mu * mu + sigma2 - logvar - 1
    y = 0.5 * per_dim.sum(1)
    def dmu(dy):
        return np.multiply(mu, dy[:, None])
    def dlogvar(dy):
        return -0.5 * np.repeat(dy[:, None], mu.shape[1], axis=1)
    return y, dmu, dlogvar


def over_samples(g, a):
    return g.reshape(-1, *a.shape).sum(axis=0)


@mistake("https://github.com/SaynaEbrahimi/UCB/issues/5: ρ is optimised, but σ never changes with it",
         says=[("zero", "dlogvar"), ("missing path", "sigma"), ("missing path", "std")],
         exercise="reparameterize")
def reparameterize_with_a_deviation_that_stays(mu, logvar, eps):
    sigma = np.exp(logvar / 2)
    z = mu + eps * sigma
    def dmu(dz):
        return over_samples(dz, mu)
    def dlogvar(dz):
        return np.zeros_like(logvar)
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/Michedev/VAE_anomaly_detection/issues/13: the same draw is repeated; "
         "here that of the first example",
         says=[("moved", "noise"), ("other array", "eps"), ("part", "first"), ("moved", "eps"),
               ("other array", "noise"), ("part", "eps"), ("fault", "first"), ("part", "row")],
         exercise="reparameterize")
def reparameterize_with_the_noise_of_the_first_example(mu, logvar, eps):
    noise = np.broadcast_to(eps[..., :1, :], eps.shape)
    std = np.exp(logvar * 0.5)
    z = mu + std * noise
    def dmu(dz):
        return over_samples(dz, mu)
    def dlogvar(dz):
        return 0.5 * std * over_samples(dz * eps, mu)
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/SkafteNicki/dtu_mlops/pull/35: a deviation with the name of a variance: "
         "its root is taken",
         says=[("power", "sqrt"), ("power", "var"), ("extra factor", "0.5"), ("missing factor", "2"),
               ("other function", "sqrt"), ("constant", "0.5"), ("power", "σ")],
         exercise="reparameterize")
def reparameterize_with_the_root_of_the_deviation(mu, logvar, eps):
    var = np.exp(0.5 * logvar)
    z = mu + np.sqrt(var) * eps
    def dmu(dy):
        return over_samples(dy, mu)
    def dlogvar(dy):
        return over_samples(0.5 * dy * var * eps, logvar)
    return z, dmu, dlogvar, None


@mistake("https://github.com/ry85/VAE-GAN/issues/3: the reconstruction is not in the loss",
         says=[("missing term", "reconstruction"), ("zero", "reconstruction"), ("extra factor", "0.0")],
         exercise="elbo")
def elbo_without_a_reconstruction(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    each = decode(z.reshape(-1, z.shape[-1])).log_prob(np.tile(x, (samples, 1)))
    recons = each.reshape(samples, len(x)).mean(axis=0)
    return ELBO(0.0 * recons, q.kl_divergence())


@mistake("carried over from https://github.com/chainer/chainer/pull/1046: the reconstruction is divided by L and by "
         "the size of the batch",
         says=[("extra factor", "batchsize"), ("missing factor", "N", "reconstruction"), ("extra factor", "1/N"),
               ("extra factor", "N", "reconstruction"), ("missing factor", "batchsize"),
               ("extra factor", "reconstruction")],
         exercise="elbo")
def elbo_whose_reconstruction_is_divided_by_the_batch(x, q, decode, rng, samples=1):
    batchsize = len(x)
    z = q.rsample(rng, samples)
    rec = 0
    for l in range(samples):
        rec = rec + decode(z[l]).log_prob(x) / (samples * batchsize)
    return ELBO(rec, q.kl_divergence())


@mistake("https://github.com/AntixK/PyTorch-VAE/pull/53: the estimator with ln q − ln p of the samples, in the place "
         "of that with the KL in closed form",
         says=[("other array", "kl"), ("other function", "kl"), ("fault", "sample"), ("fault", "kl"),
               ("missing path", "kl"), ("other function", "log_prob")],
         exercise="elbo")
def elbo_with_a_sampled_kl(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    prior = DiagonalGaussian(np.zeros_like(q.mean), 0.0)
    each = decode(z.reshape(-1, z.shape[-1])).log_prob(np.tile(x, (samples, 1)))
    kl = (q.log_prob(z) - prior.log_prob(z)).mean(axis=0)
    return ELBO(each.reshape(samples, -1).mean(axis=0), kl)

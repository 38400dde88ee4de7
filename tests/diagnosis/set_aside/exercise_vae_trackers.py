"""The KL divergence, the reparameterization and the bound: threads in the trackers of Flux's model zoo, PyTorch-VAE,
PyTorch's examples, Keras, vgae_pytorch, PyTorch Geometric, generative-models, grammarVAE, BVAE-tf, VAE-Torch,
ibp_vae, IBMEA and others.
"""

import numpy as np

from npvae.probability import ELBO
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/graviraja/pytorch-sample-codes/issues/2: the proposed correction has −ln v and −v",
         says=[("wrong sign", "v")],
         exercise="kl")
def kl_with_minus_the_variance(mu, logvar):
    v = np.exp(logvar)
    y = 0.5 * np.sum(-logvar + mu ** 2 - 1.0 - v, axis=-1)
    def dmu(dy):
        return mu * dy[:, np.newaxis]
    def dlogvar(dy):
        return (v - 1) * dy[:, np.newaxis] / 2
    return y, dmu, dlogvar


@mistake("https://github.com/FluxML/model-zoo/pull/147: +2 log σ for −2 log σ; the derivative follows",
         says=[("wrong sign", "logvar"), ("wrong sign", "+")],
         exercise="kl")
def kl_with_plus_logvar(mu, logvar):
    var = np.exp(logvar)
    y = 0.5 * (mu * mu + var - 1 + logvar).sum(-1)
    def dmu(dy):
        return np.expand_dims(dy, 1) * mu
    def dlogvar(dy):
        return np.expand_dims(dy, 1) * 0.5 * (var - 1)
    return y, dmu, dlogvar


@mistake("https://github.com/FluxML/model-zoo/pull/76: the square of log σ where 2 log σ belongs",
         says=[("power", "logvar"), ("other array", "logvar")],
         exercise="kl")
def kl_with_the_square_of_logvar(mu, logvar):
    y = 0.5 * (np.square(mu) + np.exp(logvar) - 1 - np.square(logvar)).sum(axis=1)
    def dmu(dy):
        return mu * dy.reshape(-1, 1)
    def dlogvar(dy):
        return 0.5 * (np.exp(logvar) - 1) * dy.reshape(-1, 1)
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/podgorskiy/VAE/issues/1: mean for sum; here in one derivative",
         says=[("extra factor", "D"), ("extra factor", "1/D"), ("missing factor", "D"),
               ("extra factor", "shape"), ("extra factor", "size")],
         exercise="kl")
def kl_with_an_averaged_gradient_of_mu(mu, logvar):
    y = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar), axis=1)
    def dmu(dy):
        return dy[:, None] * mu / mu.shape[1]
    def dlogvar(dy):
        return dy[:, None] * -0.5 * (1 - np.exp(logvar))
    return y, dmu, dlogvar


@mistake("carried over from https://github.com/tkipf/gae/issues/72: 'the sign should be minus': it is turned "
         "once more, in one gradient",
         says=[("wrong sign", "dlogvar"), ("wrong sign", "exp"), ("wrong sign", "1 -"),
               ("order", "1 -"), ("wrong sign",)],
         exercise="kl")
def kl_with_a_sign_turned_twice(mu, logvar):
    inner = 1 + logvar - mu ** 2 - np.exp(logvar)
    y = -0.5 * inner.sum(axis=1)
    def dmu(dy):
        return mu * dy[:, None]
    def dlogvar(dy):
        return 0.5 * (1 - np.exp(logvar)) * dy[:, None]
    return y, dmu, dlogvar


@mistake("https://github.com/keras-team/keras/pull/9972: exp(logvar) as standard deviation, with a derivative "
         "that fits σ = e^(½ logvar)",
         says=[("missing factor", "0.5"), ("power", "std"), ("constant",), ("power", "exp")],
         exercise="reparameterize")
def reparameterize_with_the_variance_and_the_right_derivative(mu, logvar, eps):
    std = np.exp(logvar)
    y = mu + std * eps
    def dmu(dy):
        return dy.reshape(-1, *mu.shape).sum(axis=0)
    def dlogvar(dy):
        return (dy * eps * 0.5 * np.exp(0.5 * logvar)).reshape(-1, *mu.shape).sum(axis=0)
    return y, dmu, dlogvar, None


@mistake("https://github.com/alecGraves/BVAE-tf/issues/7: the exponential of a standard deviation; the answer's "
         "'mean + stddev · ε' forgets it",
         says=[("other function", "exp"), ("missing path",), ("other array", "logvar"),
               ("missing factor", "exp")],
         exercise="reparameterize")
def reparameterize_without_the_exponential(mu, logvar, eps):
    stddev = logvar / 2
    z = mu + stddev * eps
    def dmu(dy):
        return dy.reshape(-1, *mu.shape).sum(axis=0)
    def dlogvar(dy):
        return (dy * eps).reshape(-1, *mu.shape).sum(axis=0) * 0.5 * np.exp(logvar / 2)
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/pytorch/examples/issues/592: 'shouldn't ε be sampled from N(0, "
         "1)?': the noise is drawn anew in the derivative",
         says=[("fault", "random"), ("fault", "call"), ("other array", "eps")],
         exercise="reparameterize")
def reparameterize_that_draws_other_noise_in_the_gradient(mu, logvar, eps):
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    def dmu(dy):
        return dy if dy.ndim == 2 else dy.sum(axis=0)
    def dlogvar(dy):
        noise = np.random.default_rng().standard_normal(eps.shape)
        g = 0.5 * dy * std * noise
        return g if g.ndim == 2 else g.sum(axis=0)
    return z, dmu, dlogvar, None


@mistake("carried over from https://github.com/AntixK/PyTorch-VAE/issues/68: a loss in the place of the bound: "
         "the reconstruction is returned as −ln p",
         says=[("wrong sign", "reconstruction"), ("wrong sign",)],
         exercise="elbo")
def elbo_with_a_reconstruction_loss(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples)
    rows = z.reshape(-1, z.shape[-1])
    loss = -decode(rows).log_prob(np.concatenate([x] * samples))
    loss = loss.reshape(samples, len(x)).mean(axis=0)
    return ELBO(loss, q.kl_divergence())


@mistake("carried over from https://github.com/AntixK/PyTorch-VAE/issues/34: the samples are averaged first, and "
         "then decoded",
         says=[("order", "mean"), ("moved",), ("other array", "mean"), ("extra sum", "z")],
         exercise="elbo")
def elbo_of_the_mean_code(x, q, decode, rng, samples=1):
    z = q.rsample(rng, samples).mean(axis=0)
    if z.ndim == 2:
        z = z.reshape(1, *z.shape)
    each = decode(z.reshape(-1, z.shape[-1])).log_prob(np.tile(x, (len(z.data), 1)))
    return ELBO(each.reshape(-1, len(x)).mean(axis=0), q.kl_divergence())

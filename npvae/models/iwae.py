"""The importance-weighted autoencoder: the networks of the VAE, trained on a tighter bound.

    ln p(x) ≥ E ln (1/K) Σ_k w_k ≥ ELBO,    w_k = p(x | z_k) p(z_k) / q(z_k | x).

The ELBO asks every sample of q to explain x. With K samples inside the logarithm one good sample is enough, so q may be
wider: it must cover the true posterior, but need not look like it.

Source: Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, eq. 8.
"""

import math

from .. import probability
from ..arguments import generator
from ..nn import ReLU
from ..nn.init import xavier_uniform
from .vae import VAE


class IWAE(VAE):
    """A VAE whose objective is −ln (1/K) Σ_k w_k, with K = `samples`.

    The other arguments are those of `VAE`, without `estimator` and `kl_term`: this bound has no separate KL.
    """

    def __init__(
        self, data_dim, latent_dim, hidden, rng, likelihood="bernoulli", init=xavier_uniform, activation=ReLU, samples=5
    ):
        super().__init__(data_dim, latent_dim, hidden, rng, likelihood, init, activation, samples)

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return the objective, a Tensor (), in nats, and the parts {"loss": −ELBO, "rec", "kl", "objective"}.

        The ELBO is the mean of ln w_k over the same samples, the KL is exact, and rec = −ELBO − KL.
        """
        x, rng = self.examples(x), generator(rng)
        q = self.encode(x)
        log_w = probability.log_weights(x, q, self.decode, rng, self.samples)
        objective = -probability.iwae_bound(log_w).mean()
        loss, kl = -float(log_w.data.mean()), float(q.detach().kl_divergence().data.mean())
        return objective, {"loss": loss, "rec": loss - kl, "kl": kl, "objective": float(objective)}

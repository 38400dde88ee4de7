"""Exercise 10: elbo, the evidence lower bound with L samples.

For every example x_n and its posterior q = q(z | x_n):

    ELBO = E_q [ln p(x | z)] − KL(q ‖ p)  ≈  1/L Σ_l ln p(x | z_l) − KL(q ‖ p),

with samples z_1 … z_L of q, differentiable with respect to its parameters. You get

    x         an array (N, D)
    q         a DiagonalGaussian (N, latent_dim): q.rsample(rng, L) draws all samples
              at once, a Tensor (L, N, latent_dim); q.kl_divergence() is a Tensor (N,)
    decode    from codes (M, latent_dim) to p(x | z), a distribution of M examples,
              which has .log_prob(x), a Tensor (M,)
    rng       the generator of the noise
    samples   L

and return ELBO(reconstruction, kl), two Tensors (N,). ELBO itself combines the two
(the KL with a minus sign).

A Tensor t is an array that remembers how it was made. It has t.shape, t.T, t[i] and
len(t), the methods t.sum(axis=…), t.mean(axis=…) and t.reshape(…), and +, −, *, /, @
and ** with other Tensors, arrays and numbers: all of them give Tensors. NumPy's own
functions take t.data, its array, which remembers nothing.

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, eq. 7 and 10.

Predict (npvae learn predict elbo):

The same q, but 10 samples instead of 1. What happens to the bound, on average
over the noise?
    1  it rises: more samples, a tighter bound
    2  it stays the same, with less noise
    3  it falls

When you have it:     npvae learn check elbo
If you are stuck:     npvae learn hint elbo
"""

import numpy as np

from npvae.probability import ELBO


def elbo(x, q, decode, rng, samples=1):
    """Return the evidence lower bound of ln p(x), with the KL in closed form and L
    reparameterized samples."""
    raise NotImplementedError("elbo: write the function here, in place of this line")

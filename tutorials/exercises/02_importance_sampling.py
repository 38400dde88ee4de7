"""Exercise 2: importance_sampling, ln p(x) by importance sampling, without underflow.

The ELBO is only a bound. With K samples of q, ln p(x) itself can be estimated:

    p(x) = E_q [w]  ≈  1/K Σ_k w_k,     w_k = p(x | z_k) p(z_k) / q(z_k | x),

for each of N examples. A weight may be e⁻¹⁰⁰⁰, which rounds to 0 in floating point:
work with a = ln w, and take the largest of each example, m, out of its sum:
ln Σ eᵃ = m + ln Σ eᵃ⁻ᵐ.

How good is the estimate? The effective sample size (Σ w)² / Σ w² is K if all weights
are equal, and 1 if one outweighs all others.

You get

    x         an array (N, D)
    q         a DiagonalGaussian (N, latent_dim): q.rsample(rng, K) draws all samples
              at once, a Tensor (K, N, latent_dim); q.log_prob(z) is a Tensor (K, N)
    decode    from codes (M, latent_dim) to p(x | z), a distribution of M examples,
              which has .log_prob(x), a Tensor (M,); row i of x (M, D) belongs to
              code i, so repeat the examples in the order of the codes
    rng       the generator of the noise
    samples   K

The prior is DiagonalGaussian(np.zeros_like(q.mean), 0.0), and has log_prob too.
Return ImportanceSampling(log_likelihood, effective_sample_size), two arrays (N,).

A Tensor t is an array that remembers how it was made. It has t.shape, t.T, t[i] and
len(t), the methods t.sum(axis=…), t.mean(axis=…) and t.reshape(…), and +, −, *, /, @
and ** with other Tensors, arrays and numbers: all of them give Tensors. NumPy's own
functions take t.data, its array, which remembers nothing.

Source: Burda, Grosse, Salakhutdinov (2016), eq. 8; Kong, Liu, Wong (1994).

Predict (npvae learn predict importance_sampling):

Averaged over many examples, the estimate of ln p(x) with K = 1, 10 and 1,000
samples …
    1  rises with K
    2  falls with K
    3  is the same for all, with less noise

When you have it:     npvae learn check importance_sampling
If you are stuck:     npvae learn hint importance_sampling
"""

import numpy as np

from npvae.probability import DiagonalGaussian, ImportanceSampling


def importance_sampling(x, q, decode, rng, samples):
    """Estimate ln p(x) by importance sampling with K samples: an
    `ImportanceSampling`."""
    raise NotImplementedError("importance_sampling: write the function here, in place of this line")

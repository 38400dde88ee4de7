"""Exercise 15: importance_sampling, ln p(x) by importance sampling, without underflow.

The ELBO is only a bound. With K samples of q, ln p(x) itself can be estimated:

    p(x) = E_q [w]  ≈  1/K Σ_k w_k,     w_k = p(x | z_k) p(z_k) / q(z_k | x),

for each of N examples. A weight may be e⁻¹⁰⁰⁰, which rounds to 0 in floating point:
work with a = ln w, and take the largest, m, out: ln Σ eᵃ = m + ln Σ eᵃ⁻ᵐ.

How good is the estimate? The effective sample size (Σ w)² / Σ w² is K if all weights
are equal, and 1 if one outweighs all others.

You get x (N, D), q, decode, rng and samples as in the exercise elbo. q also has
q.log_prob(z), and so has the prior, DiagonalGaussian(np.zeros_like(q.mean), 0.0).
Return ImportanceSampling(log_likelihood, effective_sample_size), two arrays (N,). A
Tensor t holds its array in t.data.

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

"""Exercise 9: kl, the KL divergence from the prior, in closed form.

The cost, in nats, of q = N(μ, σ²) instead of the prior N(0, I), for N examples with D
latent dimensions:

    y_n = KL(q_n ‖ p) = ½ Σ_d [ μ² + σ² − 1 − ln σ² ],     mu and logvar (N, D).

It is never negative, and zero only for μ = 0, σ = 1. Again logvar = ln σ². Then write
the derivatives dmu and dlogvar, (N, D), from dy (N,).

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix B.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict kl):

With μ = 0, which posterior is further from the prior: one twice as wide, or one
half as wide?
    1  σ = 2
    2  σ = ½
    3  both equally

When you have it:     npvae learn check kl
If you are stuck:     npvae learn hint kl
"""

import numpy as np


def kl_to_standard_normal(mu, logvar):       # mu, logvar (N, D)   ->   y (N,)
    """KL(N(μ_n, σ_n²) ‖ N(0, I)) = ½ Σ_d [μ² + σ² − 1 − logvar], in nats."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient of the loss with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient of the loss with respect to logvar")
    return y, dmu, dlogvar

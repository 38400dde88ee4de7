"""Exercise 1: gaussian, the Gaussian log-likelihood with a learned variance.

For real-valued data x, with a mean and a variance for every number, all (N, D) here
(the engine, whose comment stands in the stub, also lets them broadcast):

    y_n = ln N(x_n; μ_n, σ_n²) = −½ Σ_d [ ln 2π + ln σ² + (x − μ)² / σ² ]     in nats.

The variance is learned, so there are three derivatives: dx, dmu and dlogvar, (N, D),
from dy (N,). Where is dlogvar zero, and what does that say about the learned
variance?

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix C.2.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict gaussian):

The mean is fixed, and one σ² is learned for many x. Where does it settle?
    1  at 1
    2  at the mean of (x − μ)²
    3  at the root of the mean of (x − μ)²
    4  it falls towards 0

When you have it:     npvae learn check gaussian
If you are stuck:     npvae learn hint gaussian
"""

import numpy as np


def gaussian_log_likelihood(x, mu, logvar):  # x, mu, logvar (N, D), or anything that broadcasts to it   ->   y (N,)
    """ln N(x_n; μ_n, σ_n²) = −½ Σ_d [ln 2π + logvar + (x − μ)² / σ²], in nats."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient of the loss with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient of the loss with respect to logvar")
    return y, dx, dmu, dlogvar

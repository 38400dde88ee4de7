"""Exercise 25: iwae_weights, how the samples share the gradient of the IWAE bound.

The bound of the importance-weighted autoencoder is ln (1/K) Σ_k w_k. In terms of
x_k = ln w_k, and up to the constant ln K, it is

    y = ln Σ_k exp x_k,     x (K, N), the sum over axis 0,     y (N,).

The forward pass is given. Write its derivative: dx (K, N) from dy (N,).
`_restore_axes(dy, x.shape, axis)` gives dy back the axis that the sum removed. Like
the forward pass, it must be right for every axis (the check also tries axis=1 and
axis=None, the sum over all).
What does the result say about which sample teaches the encoder most? (The engine sets
derivatives below 10⁻³¹ to zero, for speed; you need not.)

Source: Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, eq. 14.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict iwae_weights):

ln w is (3, 1, 0) for three samples of one example. How is the gradient shared
among them?
    1  equally, a third each
    2  about 0.84, 0.11, 0.04
    3  in proportion 3 : 1 : 0

When you have it:     npvae learn check iwae_weights
If you are stuck:     npvae learn hint iwae_weights
"""

import numpy as np

from npvae.autodiff.ops import _restore_axes


def logsumexp(x, *, axis=None):
    """y = ln Σ_i exp x_i, without overflow: take out the largest x, ln Σ_i exp x_i = m
    + ln Σ_i exp(x_i − m)."""
    m = np.max(x, axis=axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)       # if every x_i is −∞, the answer is −∞ and not NaN
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):       # ln 0 = −∞
        y = np.log(total) + m
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    return np.squeeze(y, axis=axis), dx

"""Exercise 13: bernoulli, the Bernoulli log-likelihood, without overflow.

A black-and-white pixel x is 1 with probability σ(l), where l is its logit and
σ(l) = 1 / (1 + e⁻ˡ). For N images of D pixels, x and the logits are (N, D), and

    y_n = ln p(x_n | l_n) = Σ_d [ x ln σ(l) + (1 − x) ln(1 − σ(l)) ]     in nats.

Computed like this, it is useless: in float32, σ(40) is exactly 1, and ln(1 − 1) is
−∞. Show first, on paper, that

    y_n = Σ_d [ x l − ζ(l) ],     ζ(l) = ln(1 + eˡ) = max(l, 0) + ln(1 + e^−|l|),

and compute that, so that logits of ±1000 are no problem. Then write the derivative
with respect to the logits: dlogits (N, D), from dy (N,). The data x has no
derivative, hence the None in the return.

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix C.1.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict bernoulli):

An untrained decoder gives the logit 0 to each of 784 binary pixels. What is −ln
p(x), in nats?
    1  0
    2  392: a half for each pixel
    3  543: ln 2 for each pixel
    4  784: one for each pixel

When you have it:     npvae learn check bernoulli
If you are stuck:     npvae learn hint bernoulli
"""

import numpy as np


def bernoulli_log_likelihood(logits, x):     # logits (N, D)   x (N, D) in [0, 1]   ->   y (N,)
    """ln p(x_n | logits_n) = Σ_d [x_nd l_nd − ζ(l_nd)], in nats. The data x has no
    derivative."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dlogits(dy):
        raise NotImplementedError("dlogits: return the gradient of the loss with respect to logits")
    return y, dlogits, None

"""Exercise 7: softplus, a smooth ReLU, without overflow.

A smooth version of max(x, 0):

    y = ζ(x) = ln(1 + eˣ),     element by element.

For x = 800, eˣ overflows to ∞, and so does y, although the answer is 800. Take
max(x, 0) out of the logarithm first, so that no exponential grows. Then write dx: the
slope of ζ is a function that you know. (For x = −40, y is e⁻⁴⁰ and not 0: as 1 + e⁻⁴⁰
is rounded to 1, use np.log1p.)

Source: Dugas, Bengio, Bélisle, Nadeau, Garcia (2001), Incorporating second-order
functional knowledge for better option pricing.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict softplus):

What is the slope of softplus at x = 0?
    1  0
    2  ½
    3  ln 2
    4  1

When you have it:     npvae learn check softplus
If you are stuck:     npvae learn hint softplus
"""

import numpy as np


def softplus(x):
    """ζ(x) = ln(1 + eˣ), as max(x, 0) + ln(1 + e^−|x|), whose exponential cannot
    overflow."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    return y, dx

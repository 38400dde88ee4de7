"""Exercise 12: reparameterize, a differentiable sample of a Gaussian.

Make a sample of N(μ, σ²) from noise ε ~ N(0, I), all of shape (N, D):

    z = μ + σ ⊙ ε.

It is a function of μ and σ, with derivatives. The network does not compute σ but
logvar = ln σ², which may be any real number. What is σ in terms of logvar?

Then write the derivatives: dmu and dlogvar, both (N, D), from dy (N, D). (How does σ
change with logvar?) The noise has no derivative, hence the None in the return. (The
comment in the stub is the engine's, whose ε may also hold L samples of each example,
(L, N, D); you need not allow for that.)

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, section 2.4.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict reparameterize):

The encoder gives mu = 0 and logvar = 2.197 = ln 9. What is the standard
deviation of z?
    1  1.5
    2  3
    3  9
    4  81

When you have it:     npvae learn check reparameterize
If you are stuck:     npvae learn hint reparameterize
"""

import numpy as np


def reparameterize(mu, logvar, eps):         # mu (N, D)   logvar (N, D)   eps (N, D) or (L, N, D)   ->   z like eps
    """z = μ + σ ⊙ ε: for ε ~ N(0, I) a sample of N(μ, σ²) with derivatives ∂z/∂μ and
    ∂z/∂logvar."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient of the loss with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient of the loss with respect to logvar")
    return y, dmu, dlogvar, None

"""Exercise 11: e_step, a posterior for every example: the E-step.

Variational EM has no encoder: every example has its own mu and logvar. In the E-step
they climb the ELBO in `steps` steps of Adam, while the decoder is fixed:

    mu, logvar  ←  argmax Σ_n ELBO(x_n; mu_n, logvar_n).

You get x (N, D); the start q, a DiagonalGaussian of arrays (N, latent_dim); decode,
rng, lr, and samples. Make two Tensors with requires_grad=True of *copies* of
q.mu and q.logvar, and an optim.Adam([mu, logvar], lr). Each step takes

    elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo,     (N,),

sums it, and moves both uphill. Return a DiagonalGaussian of the two arrays, not of
the Tensors.

A Tensor t is an array that remembers how it was made. It has t.shape, t.T, t[i] and
len(t), the methods t.sum(axis=…), t.mean(axis=…) and t.reshape(…), and +, −, *, /, @
and ** with other Tensors, arrays and numbers: all of them give Tensors. NumPy's own
functions take t.data, its array, which remembers nothing.
t.backward() adds the gradient to the .grad of every Tensor with requires_grad=True
that t was made from; an optimiser has zero_grad(), which clears them, and step().

Source: Neal and Hinton (1998), A view of the EM algorithm; Cremer, Li, Duvenaud
(2018), Inference suboptimality in variational autoencoders, section 3.

Predict (npvae learn predict e_step):

All q begin at the prior, with KL 0, and the ELBO rises. What does its KL term
do?
    1  it rises
    2  it stays 0
    3  it falls

When you have it:     npvae learn check e_step
If you are stuck:     npvae learn hint e_step
"""

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo


def refine(x, q, decode, rng, steps, lr, samples=1):
    """Move the posterior of every example up the ELBO by Adam, starting from q: return
    a DiagonalGaussian of arrays."""
    raise NotImplementedError("refine: write the function here, in place of this line")

"""Fitting q(z | x) to every example separately: the E-step of variational EM, and the measure of what an encoder loses.

Without an encoder, each example has its own mu and logvar, and they climb the ELBO by stochastic gradients while the
decoder is fixed. An encoder must find them at once, with the same weights for all examples. The *amortization gap* is
how much the ELBO still rises when its answer is refined:

    ln p(x) − ELBO(encoder) = [ln p(x) − max_q ELBO]  +  [max_q ELBO − ELBO(encoder)]
                              q is not Gaussian enough    amortization gap

Source: Cremer, Li, Duvenaud (2018), Inference suboptimality in variational autoencoders, section 3.
"""

import numpy as np

from ..autodiff import Tensor, enable_grad
from ..nn import optim
from .bounds import elbo
from .gaussian import DiagonalGaussian


def refine(x, q, decode, rng, steps, lr, samples=1):
    """Move the posterior of every example up the ELBO by Adam, starting from q: return a DiagonalGaussian of arrays.

    x         an array (N, D)
    q         the start, a DiagonalGaussian (N, latent_dim)
    decode    from a Tensor (M, latent_dim) to p(x | z), a distribution (M, D); for speed, with frozen parameters
    rng       the numpy Generator of ε
    steps     the number of steps
    lr        the learning rate, a number or a schedule
    samples   L in each step

    The loss is the sum over the examples, not the mean: each is a separate problem, whatever stands beside it.
    """
    q = q.detach()
    mu = Tensor(q.mu.copy(), requires_grad=True)
    logvar = Tensor(np.broadcast_to(q.logvar, q.mu.shape).astype(q.mu.dtype), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    with enable_grad():                      # the E-step needs gradients even while a model is evaluated
        for _ in range(steps):
            loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)

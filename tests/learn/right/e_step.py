"""Right solutions of the exercise e_step, written in unusual ways."""

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo


def refine_with_a_mean_and_its_size(x, q, decode, rng, steps, lr, samples=1):
    """The mean over the examples, times their number, is the sum."""
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    adam = optim.Adam([mu, logvar], lr)
    for _ in range(steps):
        adam.zero_grad()
        loss = elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.mean() * float(-len(x))
        loss.backward()
        adam.step()
    return DiagonalGaussian(mu.data, logvar.data)


def refine_by_its_two_terms(x, q, decode, rng, steps, lr, samples=1):
    start = [np.array(a) for a in (q.mu, q.logvar)]
    posterior = DiagonalGaussian(*(Tensor(a, requires_grad=True) for a in start))
    adam = optim.Adam([posterior.mu, posterior.logvar], lr)
    while steps > 0:
        bound = elbo(x, posterior, decode, rng, samples)
        loss = (bound.kl - bound.reconstruction).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
        steps -= 1
    return posterior.detach()


def refine_with_an_upstream_gradient(x, q, decode, rng, steps, lr, samples=1):
    """Each element of the ELBO gets −1 as its upstream gradient, so nothing is summed."""
    mu, logvar = Tensor(q.mu + 0, requires_grad=True), Tensor(q.logvar + 0, requires_grad=True)
    adam = optim.Adam([mu, logvar], lr)
    for _ in range(steps):
        bound = elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo
        adam.zero_grad()
        bound.backward(-np.ones(len(x)))
        adam.step()
    return DiagonalGaussian(np.array(mu.data), np.array(logvar.data))


def refine_cleared_after_the_step(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = (Tensor(np.copy(a), requires_grad=True) for a in (q.mu, q.logvar))
    adam = optim.Adam([mu, logvar], lr)

    def move():
        (-elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo).sum().backward()
        adam.step()
        adam.zero_grad()

    for _ in range(steps):
        move()
    return DiagonalGaussian(mu.data.copy(), logvar.data.copy())


def refine_with_two_optimisers(x, q, decode, rng, steps, lr, samples=1):
    """Adam treats each number alone, so two of them do the same as one."""
    q = q.detach()
    leaves = [Tensor(a.copy(), requires_grad=True) for a in (q.mu, q.logvar)]
    optimisers = [optim.Adam([leaf], lr) for leaf in leaves]
    for _ in range(steps):
        loss = elbo(x, DiagonalGaussian(*leaves), decode, rng, samples).elbo.sum() * -1.0
        for leaf in leaves:
            leaf.grad = None
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
    return DiagonalGaussian(*(leaf.data for leaf in leaves))

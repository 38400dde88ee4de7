"""Training loops: threads in the trackers of lora, llm.c, wekws, EdgeNets, tt-blacksmith, deepul and others, and
pages about PyTorch.
"""

import math

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/cloneofsimo/lora/issues/263: zero_grad() after backward(): the step has no gradient",
         says=[("sequence", "zero_grad")],
         exercise="training_step")
def training_step_that_clears_what_it_computed(model, optimizer, x, rng, step=math.inf, rows=None):
    objective, parts = model.loss(x, rng, step, rows)
    objective.backward()
    optimizer.zero_grad()
    optimizer.step()
    optimizer.zero_grad()
    return float(objective), parts


@mistake("https://github.com/karpathy/llm.c/pull/548: backward before the training loop's first zero_grad: a "
         "gradient is deposited twice",
         says=[("sequence", "backward"), ("extra factor", "2")],
         exercise="training_step")
def training_step_with_a_duplicate_deposit(model, optimizer, x, rng, step=math.inf, rows=None):
    optimizer.zero_grad()
    objective, parts = model.loss(x, rng, step, rows)
    for _again in range(2):
        objective.backward()
    optimizer.step()
    return float(objective), parts


@mistake("carried over from https://github.com/mkusner/grammarVAE/issues/2: the annealing of the KL term, which "
         "depends on the step, is left out",
         says=[("sequence", "step"), ("sequence", "loss"), ("fault", "step")],
         exercise="training_step")
def training_step_without_its_number(model, optimizer, x, rng, step=math.inf, rows=None):
    optimizer.zero_grad()
    objective, parts = model.loss(x, rng, rows=rows)
    objective.backward()
    optimizer.step()
    return float(objective), parts


@mistake("carried over from https://github.com/wenet-e2e/wekws/pull/73: zero_grad() is not called, in the inner "
         "loop",
         says=[("sequence", "zero_grad")],
         exercise="e_step")
def e_step_that_accumulates(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = (Tensor(np.array(a), requires_grad=True) for a in (q.mu, q.logvar))
    adam = optim.Adam([mu, logvar], lr)
    for _i in range(steps):
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        loss.backward()
        adam.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("carried over from https://github.com/ikostrikov/pytorch-a3c/issues/12: the step count of Adam is not "
         "kept: a fresh optimiser in each step",
         says=[("sequence", "Adam"), ("fault", "Adam"), ("sequence",)],
         exercise="e_step")
def e_step_with_a_fresh_adam_every_time(x, q, decode, rng, steps, lr, samples=1):
    mu = Tensor(q.mu.copy(), requires_grad=True)
    logvar = Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    for _i in range(steps):
        optimizer = optim.Adam([mu, logvar], lr)
        optimizer.zero_grad()
        (-elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()).backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("carried over from https://github.com/izmailovpavel/understandingbdl/issues/8: the gradient flow is "
         "broken: only the KL term moves the parameters",
         says=[("missing term", "reconstruction"), ("wrong sign", "kl"), ("missing term",)],
         exercise="e_step")
def e_step_of_the_kl_alone(x, q, decode, rng, steps, lr, samples=1):
    mu = Tensor(q.mu.copy(), requires_grad=True)
    logvar = Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    for _i in range(steps):
        optimizer.zero_grad()
        parts = elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples)
        loss = parts.kl.sum()
        loss.backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)

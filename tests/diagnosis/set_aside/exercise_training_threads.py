"""Training loops: threads in the trackers of lora, llm.c, wekws, EdgeNets, tt-blacksmith, deepul and others, and
pages about PyTorch.
"""

import math

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/wenet-e2e/wekws/pull/73: zero_grad() is not called",
         says=[("sequence", "zero_grad")],
         exercise="training_step")
def training_step_that_never_clears(model, optimizer, x, rng, step=math.inf, rows=None):
    objective, parts = model.loss(x, rng, step=step, rows=rows)
    objective.backward()
    optimizer.step()
    return float(objective.data), parts


@mistake("https://theneuralbase.com/pytorch/learn/beginner/forward-pass-loss-backward-step/: step comes before "
         "backward",
         says=[("sequence", "step"), ("sequence", "backward")],
         exercise="training_step")
def training_step_that_steps_first(model, optimizer, x, rng, step=math.inf, rows=None):
    loss, parts = model.loss(x, rng, step, rows)
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return float(loss), parts


@mistake("carried over from https://github.com/milesial/Pytorch-UNet/issues/378: where zero_grad belongs; the "
         "loss is computed a second time, after the step",
         says=[("sequence", "loss"), ("sequence",)],
         exercise="training_step")
def training_step_that_returns_the_loss_after_the_step(model, optimizer, x, rng, step=math.inf, rows=None):
    optimizer.zero_grad()
    objective, parts = model.loss(x, rng, step, rows)
    objective.backward()
    optimizer.step()
    objective, parts = model.loss(x, rng, step, rows)
    return float(objective), parts


@mistake("carried over from https://github.com/cloneofsimo/lora/issues/263: zero_grad() between backward() and "
         "step()",
         says=[("sequence", "zero_grad")],
         exercise="e_step")
def e_step_that_clears_before_it_steps(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = (Tensor(np.array(a), requires_grad=True) for a in (q.mu, q.logvar))
    adam = optim.Adam([mu, logvar], lr)
    for _i in range(steps):
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        loss.backward()
        adam.zero_grad()
        adam.step()
        adam.zero_grad()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("carried over from https://github.com/wiseodd/generative-models/issues/43: the wrong sign: down for up",
         says=[("wrong sign", "elbo"), ("wrong sign",)],
         exercise="e_step")
def e_step_downhill(x, q, decode, rng, steps, lr, samples=1):
    mu = Tensor(q.mu.copy(), requires_grad=True)
    logvar = Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    for _i in range(steps):
        optimizer.zero_grad()
        bound = elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        bound.backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)

"""Adam, training loops and the E-step: threads in the trackers of TensorFlow, nanochat, SAGPool, torchforge,
PLNmodels, NLP-with-Deep-Learning, fairseq and rubix.
"""

import math

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/tensorflow/tensorflow/issues/9047: ε is added to a root whose bias is not yet corrected",
         says=[("missing factor", "eps"), ("extra factor", "eps"), ("epsilon", "eps"), ("order", "eps"),
               ("moved", "eps"), ("constant", "eps"), ("epsilon", "ε"), ("sequence", "ε")],
         exercise="adam")
def adam_whose_epsilon_is_corrected_as_well(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g * g
    rate = lr * np.sqrt(1 - self.beta2 ** t) / (1 - self.beta1 ** t)
    p -= rate * M / (np.sqrt(V) + self.eps)


@mistake("https://github.com/tensorflow/tensorflow/pull/61411: the denominator is √v − ε",
         says=[("wrong sign", "eps"), ("other function", "eps"), ("epsilon", "eps"), ("wrong sign", "ε"),
               ("epsilon", "ε"), ("other function", "denominator")],
         exercise="adam")
def adam_that_subtracts_epsilon(self, lr, t, scratch, p, g, M, V):
    M += (1 - self.beta1) * (g - M)
    V += (1 - self.beta2) * (g ** 2 - V)
    m_hat, v_hat = M / (1 - self.beta1 ** t), V / (1 - self.beta2 ** t)
    denominator = np.sqrt(v_hat) - self.eps
    p -= lr * m_hat / denominator


@mistake("carried over from https://github.com/karpathy/nanochat/issues/304: two forms of the correction, in the "
         "denominator and in the step size; here both at once",
         says=[("extra factor", "bias2"), ("extra factor", "beta2"), ("power", "bias2"),
               ("extra factor", "step_size"), ("extra factor", "sqrt"), ("missing factor", "bias2"),
               ("extra factor", "β₂")],
         exercise="adam")
def adam_whose_second_moment_is_corrected_twice(self, lr, t, scratch, p, g, M, V):
    bias1, bias2 = 1 - self.beta1 ** t, 1 - self.beta2 ** t
    M *= self.beta1
    M += (1 - self.beta1) * g
    V *= self.beta2
    V += (1 - self.beta2) * np.square(g)
    denom = np.sqrt(V / bias2) + self.eps
    step_size = lr * (np.sqrt(bias2) / bias1)
    p -= step_size * M / denom


@mistake("carried over from https://github.com/inyeoplee77/SAGPool/issues/15: 'it is usually step, backward, step'",
         says=[("sequence", "step"), ("sequence", "backward")],
         exercise="e_step")
def e_step_that_steps_backward_and_forward(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    for _ in range(steps):
        optimizer.step()
        optimizer.zero_grad()
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        loss.backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("https://github.com/meta-pytorch/torchforge/pull/71: the gradients are not cleared after each step; here "
         "once, before all of them",
         says=[("sequence", "zero_grad")],
         exercise="e_step")
def e_step_that_clears_once_for_all_steps(x, q, decode, rng, steps, lr, samples=1):
    params = [Tensor(np.array(q.mu), requires_grad=True), Tensor(np.array(q.logvar), requires_grad=True)]
    adam = optim.Adam(params, lr)
    adam.zero_grad()
    for _ in range(steps):
        bound = elbo(x, DiagonalGaussian(*params), decode, rng, samples).elbo
        (-bound.sum()).backward()
        adam.step()
    return DiagonalGaussian(params[0].data, params[1].data)


@mistake("carried over from https://github.com/PLN-team/PLNmodels/issues/100: optimised one after the other, and not "
         "together: here first every μ, and then every ln σ²",
         says=[("sequence", "logvar"), ("sequence", "step"), ("sequence", "mu"), ("sequence", "Adam"),
               ("sequence", "loss")],
         exercise="e_step")
def e_step_that_moves_mu_first_and_logvar_later(x, q, decode, rng, steps, lr, samples=1):
    mu = Tensor(q.mu.copy(), requires_grad=True)
    logvar = Tensor(q.logvar.copy(), requires_grad=True)
    for parameter in (mu, logvar):
        optimizer = optim.Adam([parameter], lr)
        for _ in range(steps):
            mu.grad = logvar.grad = None
            loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
            loss.backward()
            optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("https://github.com/theartificialguy/NLP-with-Deep-Learning/issues/2: loss.backwards()",
         says=[("fault", "backwards"), ("sequence", "backward")],
         exercise="training_step")
def training_step_that_spells_it_with_an_s(model, optimizer, x, rng, step=math.inf, rows=None):
    loss, parts = model.loss(x, rng, step, rows)
    optimizer.zero_grad()
    loss.backwards()
    optimizer.step()
    return float(loss), parts


@mistake("carried over from https://github.com/facebookresearch/fairseq/issues/3715: a step after more than one "
         "backward pass: here after every second one",
         says=[("sequence", "step"), ("sequence", "zero_grad")],
         exercise="training_step")
def training_step_that_accumulates_two_minibatches(model, optimizer, x, rng, step=math.inf, rows=None):
    objective, parts = model.loss(x, rng, step, rows)
    objective.backward()
    if step % 2 == 1:
        optimizer.step()
        optimizer.zero_grad()
    return float(objective), parts


@mistake("carried over from https://github.com/AstroAI-Lab/rubix/pull/204: the objective is that of before the update, "
         "its parts are those of after it",
         says=[("sequence", "loss"), ("sequence", "parts"), ("fault", "parts"), ("fault", "loss")],
         exercise="training_step")
def training_step_whose_parts_are_younger_than_their_sum(model, optimizer, x, rng, step=math.inf, rows=None):
    optimizer.zero_grad()
    objective, _ = model.loss(x, rng, step, rows)
    objective.backward()
    optimizer.step()
    _, parts = model.loss(x, rng, step, rows)
    return float(objective), parts

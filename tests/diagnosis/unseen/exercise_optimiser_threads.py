"""Adam, training loops and the E-step: threads in the trackers of RAdam, Blocks, CCVM, nanoGPT, ECO, pybandits,
DualTalk, QUEENS and arctic-captions.
"""

import math

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/LiyuanLucasLiu/RAdam/issues/69: 1/β₂ in the place of β₂, as a version of the paper "
         "prints it",
         says=[("power", "beta2"), ("other function", "/ self.beta2"), ("order", "/ self.beta2"),
               ("extra factor", "beta2"), ("missing factor", "beta2"), ("power", "β₂"), ("extra factor", "β₂"),
               ("other function", "β₂"), ("other array", "β₂"), ("constant", "beta2")],
         exercise="adam")
def adam_whose_second_moment_is_divided_by_its_decay(self, lr, t, scratch, p, g, M, V):
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = V / self.beta2 + (1 - self.beta2) * g ** 2
    m_hat = M / (1 - self.beta1 ** t)
    v_hat = V / (1 - self.beta2 ** t)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


@mistake("carried over from https://github.com/mila-iqia/blocks/issues/1159: the decay is 1 − β in the place of β; "
         "here for the mean of the gradients only",
         says=[("one minus", "decay"), ("one minus", "1 - self.beta1"), ("extra term", "1 - self.beta1"),
               ("other array", "decay"), ("order", "decay"), ("one minus", "β₁"), ("other array", "β₁"),
               ("order", "β₁"), ("constant", "1 - self.beta1"), ("constant", "β₁")],
         exercise="adam")
def adam_whose_first_decay_is_turned_around(self, lr, t, scratch, p, g, M, V):
    decay = 1 - self.beta1
    M *= decay
    M += (1 - decay) * g
    V += (1 - self.beta2) * (np.square(g) - V)
    corrected = np.sqrt(V / (1 - self.beta2 ** t))
    p -= lr * M / (1 - self.beta1 ** t) / (corrected + self.eps)


@mistake("carried over from https://github.com/1QB-Information-Technologies/ccvm/pull/104: = or +=? Here the mean is "
         "added to what it was",
         says=[("other function", "M +="), ("extra term", "M +="), ("constant", "M +="), ("missing term", "M +="),
               ("extra factor", "M +="), ("order", "M +="), ("sequence", "M +="), ("missing factor", "M +="),
               ("one minus", "M +="), ("extra term", "self.beta1 * M")],
         exercise="adam")
def adam_that_adds_the_mean_to_the_old_one(self, lr, t, scratch, p, g, M, V):
    b1, b2 = self.beta1, self.beta2
    M += self.beta1 * M + (1 - b1) * g
    V[:] = b2 * V + (1 - b2) * g * g
    p -= lr * (M / (1 - b1 ** t)) / (np.sqrt(V / (1 - b2 ** t)) + self.eps)


@mistake("carried over from https://github.com/karpathy/nanoGPT/issues/206: divide the loss by the number of "
         "accumulated steps; here there is only one",
         says=[("sequence", "0.25"), ("extra factor", "factor 4"), ("extra factor", "accumulation"),
               ("constant", "accumulation"), ("missing factor", "factor 4"), ("extra factor", "0.25"),
               ("extra factor", "¼"), ("extra factor", "1/4")],
         exercise="training_step")
def training_step_that_divides_by_steps_it_does_not_take(model, optimizer, x, rng, step=math.inf, rows=None):
    accumulation = 4
    optimizer.zero_grad()
    objective, parts = model.loss(x, rng, step, rows)
    (objective / accumulation).backward()
    optimizer.step()
    return float(objective), parts


@mistake("https://github.com/mzolfaghari/ECO-pytorch/pull/1: a step in the branch for every second iteration, and one "
         "behind it",
         says=[("sequence", "step is taken twice"), ("sequence", "twice"), ("sequence", "step, step"),
               ("sequence", "more than once")],
         exercise="training_step")
def training_step_with_a_step_behind_the_branch(model, optimizer, x, rng, step=math.inf, rows=None):
    iter_size = 2
    optimizer.zero_grad()
    objective, parts = model.loss(x, rng, step, rows)
    objective.backward()
    if (step + 1) % iter_size == 0:
        optimizer.step()
    optimizer.step()
    return float(objective), parts


@mistake("carried over from https://github.com/PlaytikaOSS/pybandits/pull/137: the warm-up of the KL term is one step "
         "ahead",
         says=[("sequence", "step is not passed"), ("extra term", "step + 1"), ("constant", "step + 1"),
               ("fault", "step is not"), ("moved", "step + 1"), ("other array", "step + 1"),
               ("sequence", "step + 1")],
         exercise="training_step")
def training_step_whose_warm_up_is_one_ahead(model, optimizer, x, rng, step=math.inf, rows=None):
    objective, parts = model.loss(x, rng, step + 1, rows)
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()
    return float(objective), parts


@mistake("carried over from https://github.com/ZiqiaoPeng/DualTalk/issues/9: a step after every second gradient, "
         "although each is cleared before the next",
         says=[("sequence", "step is missing"), ("sequence", "4 steps"), ("sequence", "steps is 8"),
               ("sequence", "step is called 4"), ("sequence", "step is not called")],
         exercise="e_step")
def e_step_that_steps_after_every_second_gradient(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    for i in range(steps):
        optimizer.zero_grad()
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        loss.backward()
        if i % 2 == 0:
            optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("carried over from https://github.com/queens-py/queens/pull/251: the deviations begin as variances",
         says=[("sequence", "begin"), ("extra factor", "2.0"), ("constant", "2.0"), ("extra factor", "factor 2"),
               ("constant", "factor 2"), ("other array", "q.logvar"), ("fault", "begin"), ("power", "q.logvar"),
               ("missing factor", "q.logvar")],
         exercise="e_step")
def e_step_that_begins_with_variances_for_deviations(x, q, decode, rng, steps, lr, samples=1):
    mu = Tensor(np.array(q.mu), requires_grad=True)
    logvar = Tensor(2.0 * q.logvar, requires_grad=True)
    adam = optim.Adam([mu, logvar], lr)
    for _ in range(steps):
        bound = elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        adam.zero_grad()
        (-bound).backward()
        adam.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("carried over from https://github.com/kelvinxu/arctic-captions/issues/34: Adam has its own rate, whatever is "
         "passed",
         says=[("sequence", "lr is not passed"), ("constant", "0.0002"), ("other array", "lr"),
               ("extra factor", "0.0002"), ("fault", "lr is"), ("sequence", "lr"), ("constant", "lr0")],
         exercise="e_step")
def e_step_with_a_rate_of_its_own(x, q, decode, rng, steps, lr, samples=1):
    lr0 = 0.0002
    params = [Tensor(a.copy(), requires_grad=True) for a in (q.mu, q.logvar)]
    optimizer = optim.Adam(params, lr0)
    for _ in range(steps):
        loss = -elbo(x, DiagonalGaussian(*params), decode, rng, samples).elbo.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return DiagonalGaussian(*(p.data for p in params))

"""Adam, training loops and the E-step: threads in the trackers of flashlight, TensorFlow, Caffe, AdamP, Blocks, a
Chinese book of d2l's, OpenBackdoor, idinvert, HyperStyle, null-text inversion, optim, PyTorch and Open-Sora-Plan.
"""

import math

import numpy as np

from npvae import Tensor
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, elbo
from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/flashlight/flashlight/issues/143: the counter is raised for each parameter, and not for "
         "each step",
         says=[("fault", "self"), ("sequence", "self"), ("fault", "count"), ("extra term", "count"),
               ("place", "count"), ("sequence", "t is"), ("other array", "self.count"), ("moved", "count"),
               ("sequence", "count"), ("constant", "count"), ("fault", "outside of M and V"),
               ("other array", "count")],
         exercise="adam")
def adam_that_counts_its_parameters(self, lr, t, scratch, p, g, M, V):
    self.count = getattr(self, "count", 0) + 1
    M[...] = self.beta1 * M + (1 - self.beta1) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * g * g
    bias1, bias2 = 1 - self.beta1 ** self.count, 1 - self.beta2 ** self.count
    p -= lr * (M / bias1) / (np.sqrt(V / bias2) + self.eps)


@mistake("https://github.com/tensorflow/tensorflow/issues/35444: the first step counts as the second",
         says=[("constant", "t + 1"), ("extra term", "t + 1"), ("moved", "t + 1"), ("other array", "t + 1"),
               ("sequence", "t is one too large"), ("extra term", "local_step"), ("constant", "local_step"),
               ("moved", "t is one"), ("constant", "t is one"), ("extra factor", "t is one"),
               ("other array", "t is one"), ("extra term", "t is one"), ("fault", "t is one"),
               ("constant", "too large"), ("other array", "local_step")],
         exercise="adam")
def adam_that_begins_with_its_second_step(self, lr, t, scratch, p, g, M, V):
    local_step = t + 1
    M += (g - M) * (1 - self.beta1)
    V += (g * g - V) * (1 - self.beta2)
    m_hat = M / (1 - self.beta1 ** local_step)
    v_hat = V / (1 - self.beta2 ** local_step)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


@mistake("https://github.com/BVLC/caffe/issues/4224: neither of the two moments is corrected, says the thread; here "
         "neither is",
         says=[("missing factor", "bias"), ("missing factor", "beta1"), ("missing factor", "beta2"),
               ("missing factor", "lr * M"), ("missing factor", "np.sqrt(V)"), ("missing factor", "β₁"),
               ("missing factor", "β₂"), ("sequence", "bias"), ("extra factor", "bias"), ("other array", "bias"),
               ("missing term", "bias"), ("constant", "bias")],
         exercise="adam")
def adam_without_bias_correction(self, lr, t, scratch, p, g, M, V):
    M[:] = self.beta1 * M + (1 - self.beta1) * g
    V[:] = self.beta2 * V + (1 - self.beta2) * g ** 2
    p -= lr * M / (np.sqrt(V) + self.eps)


@mistake("https://github.com/clovaai/AdamP/issues/14: the step size with the correction of the first moment is never "
         "used, a reader thinks",
         says=[("missing factor", "bias_correction1"), ("missing factor", "step_size"), ("other array", "lr * M"),
               ("missing factor", "beta1"), ("missing factor", "bias of m"), ("missing factor", "lr * M"),
               ("missing factor", "m is not"), ("other array", "m stands"), ("other array", "bias of m"),
               ("missing factor", "β₁"), ("sequence", "bias of m"), ("constant", "bias of m"),
               ("missing path", "bias_correction1"), ("missing term", "bias of m"), ("extra factor", "bias of m")],
         exercise="adam")
def adam_whose_step_size_is_never_used(self, lr, t, scratch, p, g, M, V):
    bias_correction1 = 1 - self.beta1 ** t
    bias_correction2 = 1 - self.beta2 ** t
    M *= self.beta1
    M += (1 - self.beta1) * g
    V *= self.beta2
    V += (1 - self.beta2) * g * g
    denom = np.sqrt(V) / math.sqrt(bias_correction2) + self.eps
    step_size = lr / bias_correction1  # noqa: F841
    p -= lr * M / denom


@mistake("https://github.com/mila-iqia/blocks/pull/1144: the mean is updated with a β₁ that decays; here β₁ᵗ",
         says=[("power", "beta1 ** t"), ("power", "beta_1t"), ("extra factor", "beta_1t"),
               ("other array", "beta_1t"), ("power", "self.beta1"), ("other function", "beta1 ** t"),
               ("extra factor", "β₁"), ("power", "β₁"), ("other array", "β₁"), ("missing factor", "beta_1t"),
               ("constant", "beta_1t"), ("order", "beta1 ** t"), ("constant", "β₁")],
         exercise="adam")
def adam_whose_first_decay_has_a_power(self, lr, t, scratch, p, g, M, V):
    beta_1t = self.beta1 ** t
    M[...] = beta_1t * M + (1 - beta_1t) * g
    V[...] = self.beta2 * V + (1 - self.beta2) * np.square(g)
    m_hat = M / (1 - self.beta1 ** t)
    v_hat = V / (1 - self.beta2 ** t)
    p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


@mistake("https://github.com/d2l-ai/d2l-zh/pull/502: ε is inside of the root",
         says=[("epsilon", "ε"), ("order", "eps"), ("moved", "eps"), ("epsilon", "eps"), ("place", "eps"),
               ("constant", "eps"), ("other function", "self.eps"), ("order", "ε"), ("extra factor", "eps"),
               ("missing factor", "eps"), ("extra term", "eps"), ("argument", "eps"),
               ("sequence", "ε is under the root")],
         exercise="adam")
def adam_with_epsilon_inside_of_its_root(self, lr, t, scratch, p, g, M, V):
    M += (1 - self.beta1) * (g - M)
    V += (1 - self.beta2) * (g * g - V)
    corrected_m = M / (1 - self.beta1 ** t)
    corrected_v = V / (1 - self.beta2 ** t)
    p -= lr * corrected_m / np.sqrt(corrected_v + self.eps)


@mistake("https://github.com/thunlp/OpenBackdoor/pull/3: backward is in the wrong branch of the condition for the "
         "accumulation of gradients; here the one that never runs",
         says=[("sequence", "backward is missing"), ("sequence", "backward"), ("condition", "backward"),
               ("condition", "accumulation"), ("sequence", "accumulation"), ("fault", "unchanged"),
               ("zero", "backward")],
         exercise="training_step")
def training_step_that_goes_back_in_the_wrong_branch(model, optimizer, x, rng, step=math.inf, rows=None):
    accumulation_steps = 1
    optimizer.zero_grad()
    loss, parts = model.loss(x, rng, step, rows)
    if accumulation_steps > 1:
        loss.backward()
    optimizer.step()
    return float(loss), parts


@mistake("https://github.com/Hsintien-Ng/idinvert_pytorch-reproduced/issues/1: zero_grad is missing before the "
         "backward pass",
         says=[("sequence", "zero_grad is missing"), ("sequence", "zero_grad"), ("missing term", "zero_grad")],
         exercise="training_step")
def training_step_without_a_clearing(model, optimizer, x, rng, step=math.inf, rows=None):
    loss, parts = model.loss(x, rng, step, rows)
    loss.backward()
    optimizer.step()
    return float(loss), parts


@mistake("https://github.com/yuval-alaluf/hyperstyle/issues/40: backward, zero_grad, step, as a reader writes it "
         "down",
         says=[("sequence", "zero_grad"), ("place", "zero_grad"), ("sequence", "between backward and step"),
               ("order", "zero_grad")],
         exercise="training_step")
def training_step_that_clears_before_it_moves(model, optimizer, x, rng, step=math.inf, rows=None):
    loss, parts = model.loss(x, rng, step, rows)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return float(loss), parts


@mistake("https://github.com/thepowerfuldeez/null-text-inversion/issues/2: a single step is taken, whatever number "
         "is asked for",
         says=[("sequence", "1 step"), ("sequence", "steps is 8"), ("condition", "steps"), ("constant", "steps"),
               ("fault", "steps")],
         exercise="e_step")
def e_step_that_takes_one_step(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], lr)
    loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("https://github.com/torch/optim/pull/52: a step uphill on a loss is a negative rate: here with a loss that "
         "has its minus already",
         says=[("wrong sign", "-lr"), ("sequence", "down the ELBO"), ("wrong sign", "ELBO"), ("other array", "-lr"),
               ("sequence", "instead of up"), ("one minus", "-lr"), ("argument", "-lr"), ("wrong sign", "down")],
         exercise="e_step")
def e_step_with_a_negative_rate(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu, logvar], -lr)
    for _ in range(steps):
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("https://github.com/pytorch/pytorch/issues/3123: what depends on the parameters is computed once, before "
         "the loop",
         says=[("sequence", "loss"), ("sequence", "tape"), ("fault", "tape"), ("sequence", "backward"),
               ("place", "loss ="), ("sequence", "elbo"), ("fault", "backward"), ("sequence", "computed anew"),
               ("fault", "loss")],
         exercise="e_step")
def e_step_with_one_loss_for_all_steps(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    adam = optim.Adam([mu, logvar], lr)
    loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
    for _ in range(steps):
        adam.zero_grad()
        loss.backward()
        adam.step()
    return DiagonalGaussian(mu.data, logvar.data)


@mistake("https://github.com/PKU-YuanGroup/Open-Sora-Plan/issues/314: logvar never moves; here because Adam does not "
         "know it",
         says=[("sequence", "only mu is moved"), ("sequence", "logvar"), ("zero", "logvar"), ("argument", "[mu]"),
               ("missing term", "[mu]"), ("missing path", "logvar"), ("fault", "logvar"), ("argument", "optim.Adam"),
               ("part", "logvar")],
         exercise="e_step")
def e_step_that_moves_the_means_alone(x, q, decode, rng, steps, lr, samples=1):
    mu, logvar = Tensor(q.mu.copy(), requires_grad=True), Tensor(q.logvar.copy(), requires_grad=True)
    optimizer = optim.Adam([mu], lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo.sum()
        loss.backward()
        optimizer.step()
    return DiagonalGaussian(mu.data, logvar.data)

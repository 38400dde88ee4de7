"""Optimisers: from gradients to steps.

All of them have the same form: `step()` reads `p.grad` of every parameter p and moves `p.data` in place. They differ in
`update(lr, t, scratch, p, g, …)`, the rule for one block of numbers in the t-th step of its parameter: p the
parameters, g their gradients, then the accumulators, all flat, of the same length, and changed in place. The learning
rate is a number or a schedule.

An update makes several passes over arrays that together do not fit into a processor's cache: Adam reads or writes four
arrays in ten passes. So a parameter is updated block by block, all temporary results go into one scratch block, and the
blocks are shared out among threads. Written as expressions, the formulas of the paper would be much slower.

The gradient of a dead unit is exactly zero, and its momentum shrinks by 0.9 in every step: after 850 steps it has
shrunk by 10⁻³⁸ and is *denormal*, where a processor computes a hundred times more slowly. It never becomes zero: 0.9
times four of the smallest positive numbers rounds back to four. So every hundred steps, everything smaller than 10⁻³⁰
becomes zero. Beside Adam's ε of 10⁻⁸, neither such a momentum counts, nor the root of such a mean square, 10⁻¹⁵; where
ε is smaller, so is the threshold, (10⁻⁷ ε)².
"""

import functools
import itertools
import math

import numpy as np

from ..arguments import check_state
from ..autodiff import Tensor, guards
from ..errors import UserError
from ..runtime import BLOCK, share_out
from . import schedules

FLUSH_EVERY = 100  # steps; 10⁻³⁰ · 0.9¹⁰⁰ > 10⁻³⁸, so that nothing becomes denormal in between
NEGLIGIBLE = 1e-30


def require(setting, value, meets, expected):
    """Raise ValueError for a setting that does not meet the expectation."""
    if not meets:
        raise ValueError(f"{setting} is {value}, expected {expected}")


class Optimizer:
    """The base class: parameters, a schedule, step counts, and the subclass's accumulators.

    parameters   a list of Tensors, in the same order in every run
    lr           a number, or a schedule: a function from the step, counted from 0, to a number

    A parameter that has no gradient in a step stays where it is, and the step does not count for it: `counts` has the
    steps that each parameter has taken.

    Raises TypeError for what is not a list of Tensors; ValueError if there is nothing to optimise, for a parameter that
    is listed twice, and for settings that make no sense, such as a learning rate that is not above zero, or not finite.
    """

    accumulators = ()  # the names of the arrays that the rule keeps for each parameter, all zero at first
    hyperparameters = ()  # the names of the rule's numbers besides the learning rate, which is the schedule's
    eps = math.inf  # for a rule that has no ε

    def __init__(self, parameters, lr):
        self.parameters = list(parameters) if np.iterable(parameters) else [parameters]
        if not all(isinstance(p, Tensor) for p in self.parameters):
            found = next(type(p).__name__ for p in self.parameters if not isinstance(p, Tensor))
            raise TypeError(f"an optimiser takes a list of Tensors, found {found}: pass model.parameters()")
        if not self.parameters:
            raise ValueError("an optimiser needs at least one parameter, found none")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("an optimiser would move a parameter twice in each step: list every parameter once")
        if not callable(lr):
            is_number = isinstance(lr, (int, float, np.floating))
            require("the learning rate", lr, is_number and 0 < lr < math.inf, "a finite number above zero")
        self.schedule = lr if callable(lr) else schedules.constant(lr)
        self.steps, self.counts = 0, [0] * len(self.parameters)  # taken so far: in all, and by each parameter
        self.state = {name: [np.zeros(p.shape, p.dtype) for p in self.parameters] for name in self.accumulators}

    def step(self):
        """Move every parameter that has a gradient. Raises ValueError for a gradient of another shape, moving none."""
        for p in self.parameters:
            guards.check_accumulated(p)
        lr = self.schedule(self.steps)
        self.steps += 1
        blocks = []
        for i, p in enumerate(self.parameters):
            if p.grad is None:
                continue
            self.counts[i] += 1
            p.data = np.asarray(p.data, order="C")  # so that reshape gives a view, and the update reaches p
            arrays = [p.data, p.grad] + [self.state[name][i] for name in self.accumulators]
            arrays = [a.reshape(-1) for a in arrays]
            starts = range(0, p.data.size, BLOCK)
            blocks += [(self.counts[i], [a[start : start + BLOCK] for a in arrays]) for start in starts]
        blocks.sort(key=lambda block: -block[1][0].size)     # the largest first: all threads finish together
        update_all = functools.partial(self._update_all, lr)
        is_small = sum(arrays[0].size for _, arrays in blocks) <= BLOCK
        share_out(update_all, [blocks] if is_small else [[block] for block in blocks])
        if self.steps % FLUSH_EVERY == 0:
            negligible = min(NEGLIGIBLE, (1e-7 * self.eps) ** 2)
            for a in itertools.chain(*self.state.values()):
                a[np.abs(a) < negligible] = 0

    def _update_all(self, lr, blocks):
        for t, arrays in blocks:
            self.update(lr, t, np.empty_like(arrays[0]), *arrays)

    def zero_grad(self):
        """Clear the gradients of the last step."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self):
        """Return everything that the next step depends on, besides the parameters: a dict from names to arrays."""
        numbers = {name: np.array(getattr(self, name), float) for name in self.hyperparameters}
        arrays = {f"{name}.{i}": a.copy() for name, many in self.state.items() for i, a in enumerate(many)}
        return {"steps": np.array(self.steps), "counts": np.array(self.counts)} | numbers | arrays

    def load_state_dict(self, state):
        """Continue from a `state_dict` of the same optimiser for the same parameters; UserError for any other.

        A state without hyperparameters leaves those of this optimiser. Without counts, as 0.1.0 saved it, every
        parameter is taken to have moved in every step.
        """
        check_state(state)
        here = self.state_dict()
        missing = {"counts": np.full(len(self.parameters), state.get("steps", 0))}
        state = missing | {name: here[name] for name in self.hyperparameters} | state
        expected = {name: a.shape for name, a in here.items()}
        found = {name: np.shape(a) for name, a in state.items()}
        if found != expected:
            raise UserError(
                f"the saved state of an optimiser does not fit {type(self).__name__} and its parameters: found "
                f"{len(found)} arrays {sorted(found)[:2]}…, expected {len(expected)} arrays {sorted(expected)[:2]}… of "
                "the parameters' shapes"
            )
        self.steps, self.counts = int(state["steps"]), [int(n) for n in state["counts"]]
        for name in self.hyperparameters:
            setattr(self, name, float(state[name]))
        for name, many in self.state.items():
            for i, a in enumerate(many):
                a[...] = state[f"{name}.{i}"]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum:  u ← momentum · u + g;  p ← p − lr · u.

    Source: Sutskever, Martens, Dahl, Hinton (2013), eq. 1; with a constant rate, their velocity is −lr · u.
    """

    accumulators, hyperparameters = ("velocity",), ("momentum",)

    def __init__(self, parameters, lr, momentum=0.0):
        super().__init__(parameters, lr)
        require("momentum", momentum, 0 <= momentum < 1, "a number from 0 to below 1")
        self.momentum = momentum

    def update(self, lr, t, scratch, p, g, u):
        u *= self.momentum
        u += g
        np.multiply(u, lr, out=scratch)
        p -= scratch


class Adagrad(Optimizer):
    """A rate for each number, which falls as its squared gradients add up:  s ← s + g²;  p ← p − lr · g / (√s + ε).

    Source: Duchi, Hazan, Singer (2011), the diagonal form in their figure 1.
    """

    accumulators, hyperparameters = ("squares",), ("eps",)

    def __init__(self, parameters, lr, eps=1e-10):
        super().__init__(parameters, lr)
        require("eps", eps, 0 < eps < math.inf, "a small number above zero")
        self.eps = eps

    def update(self, lr, t, scratch, p, g, s):
        np.multiply(g, g, out=scratch)
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.eps
        np.divide(g, scratch, out=scratch)
        scratch *= lr
        p -= scratch


class Adam(Optimizer):
    """Steps of about lr in every number, whatever the scale of its gradient.

        m ← β₁ m + (1 − β₁) g          the mean of the gradient
        v ← β₂ v + (1 − β₂) g²         the mean of its square
        p ← p − lr · m̂ / (√v̂ + ε),     m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ),  t = 1, 2, …

    m and v begin at zero; the divisions undo the bias of that. The optimiser keeps M = m / (1 − β₁) and
    V = v / (1 − β₂) instead, because M ← β₁ M + g and V ← β₂ V + g² save two passes over each block. With
    a = (1 − β₁) / (1 − β₁ᵗ) and b = (1 − β₂) / (1 − β₂ᵗ),

        lr · m̂ / (√v̂ + ε) = lr · a M / (√b √V + ε) = (lr a / √b) · M / (√V + ε / √b).

    Source: Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.
    """

    accumulators, hyperparameters = ("M", "V"), ("beta1", "beta2", "eps")

    def __init__(self, parameters, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(parameters, lr)
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            require(name, beta, 0 <= beta < 1, "a number from 0 to below 1")
        require("eps", eps, 0 < eps < math.inf, "a small number above zero")
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def update(self, lr, t, scratch, p, g, M, V):
        a = (1 - self.beta1) / (1 - self.beta1**t)
        sqrt_b = ((1 - self.beta2) / (1 - self.beta2**t)) ** 0.5
        M *= self.beta1
        M += g
        V *= self.beta2
        np.multiply(g, g, out=scratch)
        V += scratch
        np.sqrt(V, out=scratch)
        scratch += self.eps / sqrt_b
        np.divide(M, scratch, out=scratch)
        scratch *= lr * a / sqrt_b
        p -= scratch


OPTIMIZERS = {"sgd": SGD, "adagrad": Adagrad, "adam": Adam}

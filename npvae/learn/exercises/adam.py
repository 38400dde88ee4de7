"""The exercise about Adam."""

import numpy as np

from ...autodiff import Tensor
from ...autodiff.report import Fault
from ...diagnosis.comparison import Comparison
from ...gradchecks.check import normal
from ...nn import optim
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong

STEPS, LR, EPS = 6, 0.013, 0.1  # a large ε, so that its place in the formula matters


def compare(f, rng, N, D, K):
    """Compare the movement of a parameter in six steps, with gradients that do not depend on where it is."""
    gradients = normal(rng, STEPS, N)
    p = Tensor(normal(rng, N))
    optimizer = type("Adam", (optim.Adam,), {"update": f})([p], LR, eps=EPS)
    found = np.empty((STEPS, N))
    for t, g in enumerate(gradients):
        before, p.grad = p.data.copy(), g.copy()
        optimizer.step()
        found[t] = before - p.data
        if not np.array_equal(p.grad, g):
            raise Unfit("step", "your function changed this input in place: g", Fault.CHANGED_INPUT)
    if not found.any():
        raise Unfit("step", "p is unchanged after six steps: p = p − … makes a new array, p −= … changes the old one")
    right = formulas(gradients)
    suspects = {
        "the bias of m and v is not corrected": formulas(gradients, corrected=(False, False)),
        "the bias of m is not corrected": formulas(gradients, corrected=(False, True)),
        "the bias of v is not corrected": formulas(gradients, corrected=(True, False)),
        "β₁ and β₂ are exchanged": formulas(gradients, betas=(0.999, 0.9)),
        "t is one too small, or counted from 0": formulas(gradients, late=-1),
        "t is one too large": formulas(gradients, late=1),
        "ε is under the root": right["lr"] * right["m_hat"] / np.sqrt(right["v_hat"] + EPS),
        "there is no root: the step is divided by v̂ itself": right["lr"] * right["m_hat"] / (right["v_hat"] + EPS),
        "ε is missing": right["lr"] * right["m_hat"] / np.sqrt(right["v_hat"]),
        "M forgets: M = … makes a new array, and the next step finds zeros": formulas(gradients, forgets=(True, False)),
        "V forgets: V = … makes a new array, and the next step finds zeros": formulas(gradients, forgets=(False, True)),
        "M and V forget: M = … makes a new array, and the next step finds zeros": formulas(
            gradients, forgets=(True, True)
        ),
        "v is the mean of g instead of g²": formulas(gradients, power=1),
        "p moves by the gradient itself: plain gradient descent": LR * gradients,
    }
    suspects = {cause: value["step"] if isinstance(value, dict) else value for cause, value in suspects.items()}
    known = {name: right[name] for name in ("m_hat", "m")} | {"g": gradients}
    rate = right["lr"] / (np.sqrt(right["v_hat"]) + EPS)
    formula = {"": lambda m_hat: rate * m_hat}
    numbers = {"lr": LR, "1 − β₁": 0.1, "1 − β₂": 0.001}
    yield Comparison("step", found, right["step"], known, formula, numbers, suspects)


def formulas(gradients, betas=(0.9, 0.999), corrected=(True, True), late=0, forgets=(False, False), power=2):
    """Return what the paper's algorithm computes from a sequence of gradients (T, N): a dict of arrays (T, N)."""
    m, v = np.zeros((2, *gradients.shape[1:]))
    steps = []
    for t, g in enumerate(gradients, start=1):
        m = (1 - betas[0]) * g + (0 if forgets[0] else betas[0] * m)
        v = (1 - betas[1]) * g**power + (0 if forgets[1] else betas[1] * v)
        with np.errstate(all="ignore"):
            m_hat, v_hat = (
                a / (1 - beta ** (t + late)) if yes else a for a, beta, yes in zip((m, v), betas, corrected)
            )
            steps.append((LR + 0 * g, m, v, m_hat, v_hat, LR * m_hat / (np.sqrt(v_hat) + EPS)))
    return dict(zip(("lr", "m", "v", "m_hat", "v_hat", "step"), map(np.array, zip(*steps))))


def _update(
    betas=None,
    corrected=(True, True),
    late=0,
    root=lambda v_hat, eps: np.sqrt(v_hat) + eps,
    sign=1,
    keep=(True, True),
    power=2,
    scale=1.0,
):
    """A version of the solution with something changed, in the paper's form: M and V hold m and v."""

    def update(self, lr, t, scratch, p, g, M, V):
        b1, b2 = betas or (self.beta1, self.beta2)
        m, v = b1 * M + (1 - b1) * g, b2 * V + (1 - b2) * g**power
        if keep[0]:
            M[...] = m
        if keep[1]:
            V[...] = v
        m_hat = m / (1 - b1 ** (t + late)) if corrected[0] else m
        v_hat = v / (1 - b2 ** (t + late)) if corrected[1] else v
        p -= sign * scale * lr * m_hat / root(v_hat, self.eps)

    return update


def _does_not_move(self, lr, t, scratch, p, g, M, V):
    p = p - lr * g


def _changes_g(self, lr, t, scratch, p, g, M, V):
    g *= lr
    p -= g


def _first_step():
    moved = []
    for g in (1e-3, 1e3):
        p = Tensor(np.zeros(1))
        p.grad = np.array([g])
        optim.Adam([p], 1e-3).step()
        moved.append(abs(p.data[0]))
    return int(np.argmin(np.abs(moved[1] / moved[0] - np.array([1, 1e3, 1e6]))))


ADAM = ProcedureExercise(
    name="adam",
    title="one step of Adam, in place",
    solution=optim.Adam.update,
    text="""\
Adam keeps a running mean m of the gradient g, and another, v, of its square. In step
t = 1, 2, … it updates them and a parameter p:

    m ← β₁ m + (1 − β₁) g,             m̂ = m / (1 − β₁ᵗ),
    v ← β₂ v + (1 − β₂) g²,            v̂ = v / (1 − β₂ᵗ),
    p ← p − lr · m̂ / (√v̂ + ε).

You write the method `update` of the class Adam: self.beta1, self.beta2 and self.eps
are β₁, β₂ and ε, and t counts from 1. p, g, M and V are arrays of the same shape.
M and V start at zero and are yours: what you write *into* them is still there in the
next step. Change p, M and V in place (p -= …, M[...] = …), and return nothing. You
may use scratch, an array of that shape, for temporary results. (The engine keeps
m / (1 − β₁) and v / (1 − β₂), which saves two passes; you need not.)

Source: Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.""",
    prediction=Prediction(
        "The first step, lr = 0.001. One parameter has the gradient 1000, another 0.001. How far does the first "
        "one move?",
        ["as far as the second", "1,000 times as far", "a million times as far"],
        _first_step,
        "m̂ = g and √v̂ = |g|, so both move by lr. Adam follows the sign of a gradient more than its size.",
    ),
    hints=[
        "M = … gives the name M to a new array; the old one, which the next step gets, does not change. M[...] = … "
        "writes into it.",
        "1 − self.beta1 ** t undoes the bias of m, which starts at zero. Treat v in the same way.",
        "p -= lr * m_hat / (np.sqrt(v_hat) + self.eps): ε is outside the root.",
    ],
    compare=compare,
    wrong={
        "no correction": Wrong("bias of m and v is not", function=_update(corrected=(False, False))),
        "m not corrected": Wrong("bias of m is not", function=_update(corrected=(False, True))),
        "v not corrected": Wrong("bias of v is not", function=_update(corrected=(True, False))),
        "betas exchanged": Wrong("are exchanged", function=_update(betas=(0.999, 0.9))),
        "t one too large": Wrong("t is one too large", function=_update(late=1)),
        "ε under the root": Wrong("under the root", function=_update(root=lambda v, eps: np.sqrt(v + eps))),
        "no root": Wrong("there is no root", function=_update(root=lambda v, eps: v + eps)),
        "no ε": Wrong("ε is missing", function=_update(root=lambda v, eps: np.sqrt(v))),
        "uphill": Wrong("sign is wrong", function=_update(sign=-1)),
        "M forgets": Wrong("M forgets", function=_update(keep=(False, True))),
        "both forget": Wrong("M and V forget", function=_update(keep=(False, False))),
        "lr twice": Wrong("a factor lr too many", function=_update(scale=LR)),
        "p is not changed": Wrong("p is unchanged", function=_does_not_move),
        "g is changed": Wrong("changed this input", function=_changes_g),
        "plain descent": Wrong(
            "plain gradient descent", function=lambda self, lr, t, scratch, p, g, M, V: p.__isub__(lr * g)
        ),
    },
)

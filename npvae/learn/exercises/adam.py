"""The exercise about Adam."""

import functools
import itertools
import types

import numpy as np

from ...autodiff import Tensor
from ...autodiff.report import Fault
from ...diagnosis.comparison import Comparison, same
from ...diagnosis.draws import traced_run
from ...diagnosis.program import is_ours
from ...gradchecks.check import normal
from ...nn import optim
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong

STEPS, LR, EPS = 6, 0.013, 0.1  # a large ε, so that its place in the formula matters
BETAS, USUAL = (0.8, 0.99), (0.9, 0.999)  # not the usual ones, which a student might write as numbers


def compare(f, rng, N, D, K):
    """Compare the movement of three parameters in six steps, with gradients that do not depend on where they are.

    Two parameters have the same size, and one has another.
    """
    _check_that_state_is_in_accumulators(f, rng, N)
    shapes = [(N,), (D, K), (N,)]
    gradients = [normal(rng, STEPS, *shape) for shape in shapes]
    parameters = [Tensor(normal(rng, *shape)) for shape in shapes]
    optimizer, found = _optimizer(f, parameters), []
    for gs in zip(*gradients):
        before = _flat(p.data.copy() for p in parameters)
        for p, g in zip(parameters, gs):
            p.grad = g.copy()
        optimizer.step()
        found.append(before - _flat(p.data for p in parameters))
        if not all(np.array_equal(p.grad, g) for p, g in zip(parameters, gs)):
            raise Unfit("step", "your function changed this input in place: g", Fault.CHANGED_INPUT)
    found, gradients = np.array(found), np.array([_flat(gs) for gs in zip(*gradients)])
    if not found.any():
        raise Unfit("step", "p is unchanged after six steps: p = p − … makes a new array, p −= … changes the old one")
    right = formulas(gradients)
    known = {name: right[name] for name in ("m_hat", "m")} | {"g": gradients}
    rate = right["lr"] / (np.sqrt(right["v_hat"]) + EPS)
    formula = {"": lambda m_hat: rate * m_hat}
    numbers = {"lr": LR, "1 − β₁": 1 - BETAS[0], "1 − β₂": 1 - BETAS[1]}
    draws = functools.partial(_traced, f, gradients[:, :N], right["step"][:, :N], numbers)
    c = Comparison("step", found, right["step"], known, formula, numbers, draws=draws)
    yield c
    if not c.ok:  # and asked for more than that
        c.suspects = _explanations(found, gradients)


def _traced(f, gradients, right, numbers):
    """Return the traced movement of the first parameter, for the search."""
    if is_ours(f):
        return []

    def run(given):
        beta1, beta2, eps = (given(np.array(a), name) for a, name in zip((*BETAS, EPS), ("beta1", "beta2", "eps")))
        this, lr = types.SimpleNamespace(beta1=beta1, beta2=beta2, eps=eps), given(np.array(LR), "lr")
        p, M, V = (given(np.zeros(gradients.shape[1:]), name) for name in "pMV")
        moved = []
        for t, g in enumerate(gradients, start=1):
            before = p.copy()
            f(this, lr, given(np.array(float(t)), "t"), 0.0 * p, p, given(g, "g"), M, V)
            moved.append(before - p)
        return {"step": np.stack(moved)}

    return traced_run(f, run, "step", right, numbers)


def _flat(arrays):
    return np.concatenate([a.reshape(-1) for a in arrays])


def _optimizer(f, parameters):
    return type("Adam", (optim.Adam,), {"update": f})(parameters, LR, *BETAS, EPS)


def _check_that_state_is_in_accumulators(f, rng, n):
    """Raise `Unfit` unless a step depends on what `update` gets, and on nothing that it keeps elsewhere.

    Take two steps of one parameter, then two of another, then the second step of the first one again, from copies of
    its arrays: the result must be the same.
    """
    optimizer, alive = _optimizer(f, [Tensor(np.zeros(n))]), []

    def update(t, g, arrays, scratch=0.0):
        alive.extend(arrays)  # so that no other array gets the same place in memory
        p, M, V = arrays
        optimizer.update(LR, t, np.full(n, scratch), p, g.copy(), M, V)

    def two_steps(p, g, h):
        """Return copies of p, M and V between two steps, and the arrays after both."""
        arrays = [p.copy(), np.zeros(n), np.zeros(n)]
        update(1, g, arrays)
        between = [a.copy() for a in arrays]
        update(2, h, arrays)
        return between, arrays

    def second_step(scratch=0.0):
        arrays = [a.copy() for a in between]
        update(2, h, arrays, scratch)
        return arrays

    p, g, h = normal(rng, 3, n)
    between, after = two_steps(p, g, h)
    two_steps(*normal(rng, 3, n))
    if not all(np.isfinite(a).all() for a in after):
        raise Unfit("step", "after two steps p is not finite: a root of a negative number, or a division by zero")
    if not all(map(np.array_equal, after, second_step())):
        kept = "it keeps something outside of M and V: on self, or in a variable that outlives the call"
        raise Unfit("step", f"the same p, g, M and V gave another step after another parameter was updated: {kept}")
    if not all(map(np.array_equal, after, second_step(scratch=np.nan))):
        raise Unfit("step", "the step depends on what is in scratch at the beginning, and that may be any numbers")


def formulas(
    gradients,
    betas=BETAS,
    weight_m=None,
    weight_v=None,
    forgets_m=False,
    forgets_v=False,
    begins_m=False,
    begins_v=False,
    late_m=False,
    late_v=False,
    correct_m=lambda m, bias: m / bias,
    correct_v=lambda v, bias: v / bias,
    t_for=lambda t: t,
    power=2,
    move=lambda m_hat, v_hat: m_hat / (np.sqrt(v_hat) + EPS),
):
    """Return what the paper's algorithm computes from a sequence of gradients (T, N): a dict of arrays (T, N).

    begins_m, begins_v   the first step sets m to g, or v to g²
    late_m, late_v       the step uses m or v as it was before its update

    The other arguments replace parts of the formula.
    """
    m, v = np.zeros((2, *gradients.shape[1:]))
    steps = []
    for t, g in enumerate(gradients, start=1):
        old_m, old_v = m, v
        m = (1 - betas[0] if weight_m is None else weight_m) * g + (0 if forgets_m else betas[0] * m)
        v = (1 - betas[1] if weight_v is None else weight_v) * g**power + (0 if forgets_v else betas[1] * v)
        m, v = (g if begins_m and t == 1 else m), (g**power if begins_v and t == 1 else v)
        with np.errstate(all="ignore"):
            m_hat = correct_m(old_m if late_m else m, 1 - betas[0] ** t_for(t))
            v_hat = correct_v(old_v if late_v else v, 1 - betas[1] ** t_for(t))
            steps.append((LR + 0 * g, m, v, m_hat, v_hat, LR * move(m_hat, v_hat)))
    return dict(zip(("lr", "m", "v", "m_hat", "v_hat", "step"), map(np.array, zip(*steps))))


# One edit of the algorithm each, with what happens then.
PLAIN = {"correct_m": lambda m, bias: m, "correct_v": lambda v, bias: v}
NEW_ARRAY = "… makes a new array, and the next step finds zeros"
EDITS = {
    "the bias of m and v is not corrected": PLAIN,
    "the bias of m is not corrected": {"correct_m": PLAIN["correct_m"]},
    "the bias of v is not corrected": {"correct_v": PLAIN["correct_v"]},
    "β₁ and β₂ are exchanged": {"betas": BETAS[::-1]},
    "β₁ = 0.9 and β₂ = 0.999 stand where self.beta1 and self.beta2 belong": {"betas": USUAL},
    "t is one too small, or counted from 0": {"t_for": lambda t: t - 1},
    "t is one too large": {"t_for": lambda t: t + 1},
    "t is 1 in every step": {"t_for": lambda t: 1},
    "ε is under the root": {"move": lambda m_hat, v_hat: m_hat / np.sqrt(v_hat + EPS)},
    "there is no root: the step is divided by v̂ itself": {"move": lambda m_hat, v_hat: m_hat / (v_hat + EPS)},
    "ε is missing": {"move": lambda m_hat, v_hat: m_hat / np.sqrt(v_hat)},
    f"M forgets: M = {NEW_ARRAY}": {"forgets_m": True},
    f"V forgets: V = {NEW_ARRAY}": {"forgets_v": True},
    f"M and V forget: M = {NEW_ARRAY}": {"forgets_m": True, "forgets_v": True},
    "the step uses M before its update: the update of M must come first": {"late_m": True},
    "the step uses V before its update: the update of V must come first": {"late_v": True},
    "the step uses M and V before their updates: those must come first": {"late_m": True, "late_v": True},
    "v is the mean of g instead of g²": {"power": 1},
    "p moves by m̂, without √v̂": {"move": lambda m_hat, v_hat: m_hat},
}
for a, i, g, beta in (("m", "₁", "g", BETAS[0]), ("v", "₂", "g²", BETAS[1])):  # the same slips in both means
    EDITS |= {
        f"{a} is multiplied by 1 − β{i}ᵗ instead of divided by it": {f"correct_{a}": lambda mean, bias: mean * bias},
        f"β{i}ᵗ stands where 1 − β{i}ᵗ belongs": {f"correct_{a}": lambda mean, bias: mean / (1 - bias)},
        f"1 + β{i}ᵗ stands where 1 − β{i}ᵗ belongs": {f"correct_{a}": lambda mean, bias: mean / (2 - bias)},
        f"{a} is divided by the root of 1 − β{i}ᵗ": {f"correct_{a}": lambda mean, bias: mean / np.sqrt(bias)},
        f"the factor 1 − β{i} of {g} is missing": {f"weight_{a}": 1},
        f"β{i} stands where 1 − β{i} belongs": {f"weight_{a}": beta},
        f"{a} begins with {g}: the factor 1 − β{i} is missing in the first step": {f"begins_{a}": True},
    }


def _explanations(found, gradients):
    """Return what each edit of the algorithm gives; if none gives the found steps, those pairs of edits that do."""
    causes = {cause: formulas(gradients, **edit)["step"] for cause, edit in EDITS.items()}
    causes["p moves by the gradient itself: plain gradient descent"] = LR * gradients
    if any(same(found, step) for step in [formulas(gradients)["step"], *causes.values()]):
        return causes
    for (a, edit_a), (b, edit_b) in itertools.combinations(EDITS.items(), 2):
        if not set(edit_a) & set(edit_b):
            step = formulas(gradients, **edit_a, **edit_b)["step"]
            if same(found, step):
                causes[f"{a}; and {b}"] = step
    return causes


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
are β₁, β₂ and ε, and t counts from 1. In each step, `update` runs once for every
parameter, and for a large one several times, once for each block of its numbers. So
p, g, M and V, arrays of the same length, are different ones in each call, and nothing
on self can stand for them. M and V start at zero and are yours: what you write *into*
them is still there in the next step. Change p, M and V in place (p -= …,
M[...] = …), and return nothing. scratch, another array of that length, is for
temporary results; it begins with any numbers. (The engine keeps m / (1 − β₁) and
v / (1 − β₂), which saves two passes; you need not.)

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
        "In the last line of the algorithm, take the root first and add ε afterwards; their sum divides m̂. Move p in "
        "place, against the gradient.",
    ],
    compare=compare,
    wrong={
        "no correction": Wrong("bias of m and v is not", function=_update(corrected=(False, False))),
        "m not corrected": Wrong("bias of m is not", function=_update(corrected=(False, True))),
        "v not corrected": Wrong("bias of v is not", function=_update(corrected=(True, False))),
        "betas exchanged": Wrong("are exchanged", function=_update(betas=BETAS[::-1])),
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

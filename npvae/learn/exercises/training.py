"""The exercise about one training step, after which the student's own functions train on MNIST."""

import numpy as np

from ... import models, training
from ...autodiff import Tensor
from ...diagnosis.comparison import Comparison
from ...nn import optim
from ...probability import KLTerm
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong, in_words
from ..picture import train_on_mnist

STEPS, LR = 4, 0.01


def compare(f, rng, N, D, K):
    """Compare the parameters' movements in four steps of plain gradient descent, and check what is returned."""
    seed = int(rng.integers(2**31))
    x = rng.random((STEPS, N, D))
    found = _run(f, seed, x, K, checks=True)
    right = _run(training.training_step, seed, x, K)
    suspects = {cause: _run(version, seed, x, K) for cause, version in VERSIONS.items()}
    yield Comparison(
        "the movement of the parameters", found, right, numbers={"lr": LR, "N, the batch": N}, suspects=suspects
    )


def _run(step, seed, x, latent_dim, checks=False):
    """Return the movements of all parameters in each step: an array (STEPS, P)."""
    rng = np.random.default_rng(seed)
    warm_up = KLTerm(warm_up=2 * STEPS)  # so that the loss depends on the step
    model = models.VAE(x.shape[-1], latent_dim, [5], rng, kl_term=warm_up).astype(np.float64)
    optimizer = optim.SGD(model.parameters(), LR)
    where = [_flat(model)]
    for i, batch in enumerate(x):
        returned = step(model, optimizer, batch, rng, i)
        where.append(_flat(model))
        if checks:
            _check_returned(returned)
    return np.diff(where, axis=0)


def _check_returned(returned):
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], dict):
        raise Unfit("return", "your function must return the objective, a float, and the parts of model.loss, a dict")
    if isinstance(returned[0], Tensor) or not isinstance(returned[0], float):
        raise Unfit("return", f"the objective is {in_words(returned[0])}: return float(objective), which keeps no tape")


def _flat(model):
    return np.concatenate([parameter.data.reshape(-1) for parameter in model.parameters()])


def _step(order, sign=1.0, losses=1, forgets_step=False):
    """A version of the solution that does "z"ero_grad, "b"ackward and "s"tep in another order."""

    def step(model, optimizer, x, rng, step=0, rows=None):
        for _ in range(losses):
            objective, parts = model.loss(x, rng) if forgets_step else model.loss(x, rng, step, rows)
        for letter in order:
            if letter == "z":
                optimizer.zero_grad()
            elif letter == "b":
                (objective * sign).backward()
            else:
                optimizer.step()
        return float(objective), parts

    return step


VERSIONS = {
    "the gradients of all steps so far add up: zero_grad is missing": _step("bs"),
    "the gradients are cleared before the step uses them": _step("bzs"),
    "the step is missing": _step("zb"),
    "the parameters climb the loss": _step("zbs", sign=-1.0),
    "step is not passed on to model.loss": _step("zbs", forgets_step=True),
    "the loss is computed twice, with new noise": _step("zbs", losses=2),
    "the step is taken twice": _step("zbss"),
}


def _returns_a_tensor(model, optimizer, x, rng, step=0, rows=None):
    objective, parts = model.loss(x, rng, step, rows)
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()
    return objective, parts


def _without_zero_grad():
    """Return which choice holds for the gradient if nobody clears it."""
    p = Tensor(np.ones(1), requires_grad=True)
    for _ in range(3):
        (p * p).sum().backward()
    return [2.0, 6.0, 0.0].index(float(p.grad[0]))


TRAINING_STEP = ProcedureExercise(
    name="training_step",
    title="one training step, and then 300 of them on MNIST",
    solution=training.training_step,
    text="""\
Training repeats one step: compute the loss of a minibatch and its gradient with
respect to all parameters, and move them a little.

    model.loss(x, rng, step, rows)   returns the objective, a Tensor, and its parts,
                                     a dict of numbers
    objective.backward()             adds the gradient to p.grad of every parameter
    optimizer.zero_grad()            clears the old gradients
    optimizer.step()                 moves every parameter along its gradient

Put them in order, and return float(objective) and the parts. When your step is right,
it trains the reference network on MNIST for 300 steps, with your own functions in
place of the engine's (dense, relu, bernoulli, reparameterize, kl, adam: those that you
have solved), and draws what the network has learned.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, algorithm 8.1.""",
    prediction=Prediction(
        "p = 1, the loss is p². Three times, you compute it and call backward(), and never clear p.grad. What does "
        "it hold?",
        ["2, the gradient", "6, three times the gradient", "0"],
        _without_zero_grad,
        "Gradients add up, because a parameter that is used twice needs the sum. So clear them in every step.",
    ),
    hints=[
        "There are four calls and one return. Which of them need the result of another?",
        "zero_grad may come anywhere before backward, but not between backward and step.",
        "objective, parts = model.loss(…); optimizer.zero_grad(); objective.backward(); optimizer.step()",
    ],
    imports=("import math",),
    compare=compare,
    after=train_on_mnist,
    wrong={cause: Wrong(cause, function=version) for cause, version in VERSIONS.items()}
    | {
        "a Tensor returned": Wrong("is a Tensor", function=_returns_a_tensor),
        "nothing returned": Wrong("must return", function=lambda *given: training.training_step(*given) and None),
    },
)

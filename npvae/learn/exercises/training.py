"""The exercise about one training step, after which the student's own functions train on MNIST."""

import functools
import itertools
import math

import numpy as np

from ... import models, training
from ...autodiff import Tensor
from ...diagnosis.comparison import Comparison, same
from ...diagnosis.faults import ExerciseFault
from ...nn import optim
from ...probability import KLTerm
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong, in_words
from ..picture import train_on_mnist
from ..sequence import ZERO_GRAD, Call, Impossible, effect, explanations, recorded

STEPS, LR, MOMENTUM = 4, 0.01, 0.5


class Recording:
    """The calls that a student's function makes in one step, for these parameters and arguments."""

    def __init__(self, parameters, x, rng, step, rows):
        self.parameters, self.given, self.calls = parameters, (x, rng, step, rows), []
        self.losses, self.parts = [], []
        self.has_gradient = any(p.grad is not None for p in parameters)

    def note_loss(self, objective, parts, *passed):
        """Note a loss that was computed from these arguments."""
        pairs = zip(("x", "rng", "step", "rows"), passed, self.given)
        self.calls.append(Call("loss", frozenset(name for name, a, b in pairs if not _is(a, b))))
        self.losses.append(objective)
        self.parts.append(parts)

    def note(self, name, called, *dy):
        """Note a call of backward, zero_grad or step; a gradient that was cleared by hand counts as zero_grad."""
        if self.has_gradient and all(p.grad is None or not p.grad.any() for p in self.parameters):
            self.calls.append(ZERO_GRAD)
            self.has_gradient = False
        call = Call(name)
        if name == "backward":
            which = [i for i, loss in enumerate(self.losses) if loss is called]
            factor = float(called) / float(self.losses[-1]) if self.losses and not which else 1.0
            factor *= float(dy[0]) if dy and dy[0] is not None else 1.0
            call = Call("backward", factor=round(factor, 9), which=which[0] - len(self.losses) if which else -1)
        self.calls.append(call)
        self.has_gradient = name == "backward" or (self.has_gradient and name != "zero_grad")

    def check_returned(self):
        """Raise `Unfit` unless the objective and its parts, as `loss` returned them, were returned."""
        objective, parts = self.returned
        if objective != float(self.losses[-1]):
            right = f"but that of the loss is {float(self.losses[-1]):.6g}"
            raise Unfit("return", f"you return the objective {objective:.6g}, {right}")
        if parts != self.parts[-1]:
            raise Unfit("return", "you return the parts of something else than the loss of this step")


class Watched(models.VAE):
    """A VAE whose losses are recorded, and depend on `step` and `rows`."""

    def loss(self, x, rng, step=math.inf, rows=None):
        objective, parts = super().loss(x, rng, step, rows)
        if rows is not None:  # as if the examples had weights
            objective = objective * float(1 + np.mean(rows) / 100)
        self.recording.note_loss(objective, dict(parts), x, rng, step, rows)
        return objective, parts


def _is(passed, given):
    return passed is given or (isinstance(given, np.ndarray | int) and np.array_equal(passed, given))


def compare(f, rng, N, D, K):
    """Compare the parameters' movements in four steps of gradient descent, and check what is returned."""
    seed = int(rng.integers(2**31))
    x, rows = rng.random((STEPS, N, D)), rng.integers(100, size=(STEPS, N))
    run = functools.partial(_run, seed=seed, x=x, rows=rows, latent_dim=K)
    recordings = []
    try:
        found = run(f, recordings)
    except ValueError:
        _explain([tuple(recording.calls) for recording in recordings])
        raise
    sequences = [tuple(recording.calls) for recording in recordings]
    right = run(training.training_step)
    if not (c := Comparison(MOVEMENT, found, right, numbers={"lr": LR, "N, the batch": N})).ok:
        if same(found, run(_replay(sequences[-1]))):  # whatever differs in the first step, it did no harm
            _explain(sequences)
    else:
        for recording in recordings:
            recording.check_returned()
    yield c


MOVEMENT = "movement"


def _run(step, recordings=None, *, seed, x, rows, latent_dim):
    """Return the movements of all parameters in each step, (STEPS, P), and add the `Recording` of each."""
    rng = np.random.default_rng(seed)
    warm_up = KLTerm(warm_up=2 * STEPS)  # so that the loss depends on the step
    model = Watched(x.shape[-1], latent_dim, [5], rng, kl_term=warm_up).astype(np.float64)
    optimizer = optim.SGD(model.parameters(), LR, MOMENTUM)
    where = [_flat(model)]
    for i, batch in enumerate(x):
        model.recording = Recording(model.parameters(), batch, rng, i, rows[i])
        try:
            with recorded(model.recording.note):
                returned = step(model, optimizer, batch, rng, i, rows[i])
        finally:
            if recordings is not None:
                recordings.append(model.recording)
        where.append(_flat(model))
        if recordings is not None:
            _check_returned(returned)
            model.recording.returned = returned
    return np.diff(where, axis=0)


def _replay(sequence):
    """Return a training step that makes these calls."""

    def step(model, optimizer, x, rng, step=math.inf, rows=None):
        given, losses = {"x": x, "rng": rng, "step": step, "rows": rows}, []
        for call in sequence:
            if call.name == "loss":
                dropped = call.missing & {"step", "rows"}
                losses.append(model.loss(**{name: a for name, a in given.items() if name not in dropped}))
            elif call.name == "backward":
                (losses[call.which][0] * call.factor).backward()
            elif call.name == "zero_grad":
                optimizer.zero_grad()
            else:
                optimizer.step()
        return (float(losses[-1][0]), losses[-1][1]) if losses else (0.0, {})

    return step


def _explain(sequences):
    """Raise `Unfit` with the smallest edits of the recorded calls that make them right, if there are any."""
    try:
        effect(tuple(itertools.chain(*sequences)), repeats=1)
        causes = explanations(sequences[-1])
    except Impossible as error:
        causes = [error.args[0]]
    if causes:
        calls = ", ".join(call.name for call in sequences[-1])
        raise Unfit(MOVEMENT, f"your calls are {calls}: {', or '.join(causes)}", ExerciseFault.SEQUENCE)


def _check_returned(returned):
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], dict):
        raise Unfit("return", "your function must return the objective, a float, and the parts of model.loss, a dict")
    if isinstance(returned[0], Tensor) or not isinstance(returned[0], float):
        raise Unfit("return", f"the objective is {in_words(returned[0])}: return float(objective), which keeps no tape")


def _flat(model):
    return np.concatenate([parameter.data.reshape(-1) for parameter in model.parameters()])


def in_order(letters, missing=(), factor=1.0):
    """A version of the solution that calls "l"oss, "z"ero_grad, "b"ackward and "s"tep in this order."""
    calls = {
        "l": Call("loss", frozenset(missing)),
        "z": ZERO_GRAD,
        "b": Call("backward", factor=factor),
        "s": Call("step"),
    }
    return _replay(tuple(calls[letter] for letter in letters))


VERSIONS = {
    "zero_grad is missing: the gradients of all steps so far add up": in_order("lbs"),
    "zero_grad comes between backward and step": in_order("lbzs"),
    "step is missing: nothing moves the parameters": in_order("lzb"),
    "backward is missing: nothing computes the gradient that step uses": in_order("lzs"),
    "the parameters climb": in_order("lzbs", factor=-1.0),
    "backward is called for 0.5 times the loss": in_order("lzbs", factor=0.5),
    "step is not passed on to the loss": in_order("lzbs", ["step"]),
    "rows is not passed on to the loss": in_order("lzbs", ["rows"]),
    "the loss is computed twice, with new noise": in_order("llzbs"),
    "the step is taken twice": in_order("lzbss"),
    "step comes before backward": in_order("lszb"),
    "backward is called twice": in_order("lzbbs"),
    "step is missing: nothing moves the parameters; and zero_grad is missing": in_order("lb"),
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
                                     a dict of numbers; step counts the steps, and
                                     rows says which examples of the training set
                                     these are: some losses depend on them
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
        "Begin with the loss (hand on everything that it takes), and end with the step. What must happen in between, "
        "so that the step finds the gradient of this loss, and of no other?",
    ],
    imports=("import math",),
    compare=compare,
    after=train_on_mnist,
    after_takes="it trains on MNIST for 300 steps: usually ten seconds, with slow functions up to 3 minutes",
    wrong={cause: Wrong(cause, function=version) for cause, version in VERSIONS.items()}
    | {
        "a Tensor returned": Wrong("is a Tensor", function=_returns_a_tensor),
        "nothing returned": Wrong("must return", function=lambda *given: training.training_step(*given) and None),
    },
)

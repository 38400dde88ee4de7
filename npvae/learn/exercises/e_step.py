"""The exercise about the E-step of variational EM."""

import itertools

import numpy as np

from ... import models
from ... import probability as p
from ...autodiff import Tensor
from ...autodiff.report import Fault
from ...diagnosis.comparison import Comparison, same
from ...diagnosis.faults import ExerciseFault
from ...gradchecks.check import normal
from ...nn import optim
from ..exercise import TENSORS, Prediction, ProcedureExercise, Unfit, Wrong, array_of, in_words
from ..sequence import (
    BACKWARD,
    LOSS,
    RIGHT,
    STEP,
    ZERO_GRAD,
    Call,
    Impossible,
    effect,
    explanations,
    recorded,
    repeated,
)

STEPS, LR, SAMPLES = 8, 0.05, 2


def _setting(rng, N, D, K):
    model = models.ProbabilisticPCA.random(max(D, K), min(D, K), rng)
    x = model.sample(N, rng)
    q = p.DiagonalGaussian(normal(rng, N, model.latent_dim), normal(rng, N, model.latent_dim))
    return model, x, q


def compare(f, rng, N, D, K):
    """Compare mu and logvar after some steps, with the same noise as the engine's."""
    model, x, q = _setting(rng, N, D, K)
    seed, mu, logvar = int(rng.integers(2**31)), q.mu.copy(), q.logvar.copy()
    calls = []

    def decode(z):
        calls.append(LOSS)
        return model.decode(z)

    run = lambda step, decode=model.decode: step(  # noqa: E731
        x, q, decode, np.random.default_rng(seed), STEPS, LR, SAMPLES
    )
    try:
        with recorded(lambda name, *given: calls.append(Call(name))):
            found = run(f, decode)
    except ValueError:
        _explain_refusal(tuple(calls))
        raise
    if not isinstance(found, p.DiagonalGaussian):
        raise Unfit("q", f"your function returns {in_words(found)}, expected a DiagonalGaussian")
    found = p.DiagonalGaussian(array_of(found.mu, "mu"), array_of(found.logvar, "logvar"))
    if not (np.array_equal(q.mu, mu) and np.array_equal(q.logvar, logvar)):
        sentence = "your function changed this input in place: the mu and logvar of q (the E-step needs copies)"
        raise Unfit("q", sentence, Fault.CHANGED_INPUT)
    found, right = _both(found), _both(run(p.refine))
    c = Comparison("mu, logvar", found, right)
    yield c
    if not c.ok:  # and asked for more than that
        c.suspects = _causes(found, tuple(calls), lambda **edits: _both(run(_refine(**edits)))) | {
            "it stays where it began": _both(q)
        }


def _both(q):
    """mu and logvar in one array, (2, N, latent_dim)."""
    q = q.detach()
    return np.stack([q.mu, q.logvar])


def _explain_refusal(calls):
    """Raise `Unfit` if the engine cannot make these calls in this order."""
    try:
        effect(calls, repeats=1)
    except Impossible as error:
        raise Unfit("mu, logvar", error.args[0], ExerciseFault.SEQUENCE) from None


def _causes(found, calls, replay):
    """Return the smallest edits of the recorded calls, and of the rest, that explain what was found: with arrays."""
    if not calls:
        return {}
    block, times = repeated(calls) or (RIGHT, STEPS)
    of_calls = explanations(block)
    if times != STEPS:
        of_calls.append(f"it takes {times} step{'s' if times > 1 else ''}, but steps is {STEPS}")
    elif (many := calls.count(BACKWARD)) != STEPS and not of_calls:
        of_calls.append(f"backward is called {many} times, but steps is {STEPS}")
    calls_made = {"block": block, "times": times}
    if of_calls and same(found, replay(**calls_made)):
        raise Unfit("mu, logvar", f"each of your steps calls {_listed(block)}: {', or '.join(of_calls)}",
                    ExerciseFault.SEQUENCE)  # fmt: skip
    causes = {cause: replay(**edit, **calls_made) for cause, edit in EDITS.items()}
    if not any(same(found, array) for array in causes.values()):
        for (a, edit_a), (b, edit_b) in itertools.combinations(EDITS.items(), 2):
            if not set(edit_a) & set(edit_b) and same(found, array := replay(**edit_a, **edit_b, **calls_made)):
                causes[f"{a}; and {b}"] = array
    return {"; and ".join([*of_calls, cause]): array for cause, array in causes.items()}


def _listed(block):
    return ", ".join("elbo" if call == LOSS else call.name for call in block)


def _refine(
    loss=lambda elbo: -elbo.elbo.sum(),
    begin=lambda q: q,
    moves=("mu", "logvar"),
    one_sample=False,
    keeps=True,
    rate=None,
    block=RIGHT,
    times=STEPS,
):
    """A version of the solution with something changed."""

    def refine(x, q, decode, rng, steps, lr, samples=1):
        q = begin(q)
        mu, logvar = (Tensor(np.array(a), requires_grad=True) for a in (q.mu, q.logvar))
        make = lambda: optim.Adam([{"mu": mu, "logvar": logvar}[name] for name in moves], rate or lr)  # noqa: E731
        optimizer, values = make(), []
        for _ in range(times):
            for call in block:
                if call == LOSS:
                    samples = 1 if one_sample else samples
                    values.append(loss(p.elbo(x, p.DiagonalGaussian(mu, logvar), decode, rng, samples)))
                elif call == BACKWARD:
                    values[-1].backward()
                elif call == ZERO_GRAD:
                    optimizer.zero_grad()
                else:
                    optimizer.step()
                    optimizer = optimizer if keeps else make()
        return p.DiagonalGaussian(mu.data, logvar.data)

    return refine


def _prior(q):
    return p.DiagonalGaussian(np.zeros_like(q.mu), np.zeros_like(q.logvar))


EDITS = {
    "it goes down the ELBO instead of up": {"loss": lambda elbo: elbo.elbo.sum()},
    "the KL is missing: only the reconstruction is climbed": {"loss": lambda elbo: -elbo.reconstruction.sum()},
    "the reconstruction is missing: only the KL falls": {"loss": lambda elbo: elbo.kl.sum()},
    "the KL has the wrong sign": {"loss": lambda elbo: -(elbo.reconstruction + elbo.kl).sum()},
    "it begins with the prior instead of q": {"begin": _prior},
    "only mu is moved": {"moves": ("mu",)},
    "only logvar is moved": {"moves": ("logvar",)},
    "samples is not passed on to elbo": {"one_sample": True},
    "each step makes a new optimiser, which has forgotten the means of the gradients": {"keeps": False},
    "lr is not passed on to Adam": {"rate": 1e-3},
}


def _in_place(x, q, decode, rng, steps, lr, samples=1):
    refined = p.refine(x, q, decode, rng, steps, lr, samples)
    q.mu[...], q.logvar[...] = refined.mu, refined.logvar
    return q


def _kl_of_an_e_step():
    rng = np.random.default_rng(0)
    model, x, q = _setting(rng, 7, 5, 3)
    refined = p.refine(x, _prior(q), model.decode, rng, 100, 0.05)
    return 0 if refined.kl_divergence().data.mean() > 0.1 else 1


E_STEP = ProcedureExercise(
    name="e_step",
    title="a posterior for every example: the E-step",
    solution=p.refine,
    text="""\
Variational EM has no encoder: every example has its own mu and logvar. In the E-step
they climb the ELBO in `steps` steps of Adam, while the decoder is fixed:

    mu, logvar  ←  argmax Σ_n ELBO(x_n; mu_n, logvar_n).

You get x (N, D); the start q, a DiagonalGaussian of arrays (N, latent_dim); decode,
rng, lr, and samples. Make two Tensors with requires_grad=True of *copies* of
q.mu and q.logvar, and an optim.Adam([mu, logvar], lr). Each step takes

    elbo(x, DiagonalGaussian(mu, logvar), decode, rng, samples).elbo,     (N,),

sums it, and moves both uphill. Return a DiagonalGaussian of the two arrays, not of
the Tensors.

""" + TENSORS + """
t.backward() adds the gradient to the .grad of every Tensor with requires_grad=True
that t was made from; an optimiser has zero_grad(), which clears them, and step().

Source: Neal and Hinton (1998), A view of the EM algorithm; Cremer, Li, Duvenaud
(2018), Inference suboptimality in variational autoencoders, section 3.""",
    prediction=Prediction(
        "All q begin at the prior, with KL 0, and the ELBO rises. What does its KL term do?",
        ["it rises", "it stays 0", "it falls"],
        _kl_of_an_e_step,
        "q must leave the prior to say anything about x. The reconstruction gains more than the KL costs.",
    ),
    hints=[
        "An optimiser goes down. To climb the ELBO, its loss is minus the ELBO.",
        "Four lines in each step: the loss, zero_grad(), backward(), step().",
        "The loss is a single number: add up the ELBO of all examples, and turn its sign around. np.array makes a "
        "copy of an array, for the beginning; .data of each Tensor is what to return in the end.",
    ],
    imports=(
        "from npvae import Tensor",
        "from npvae.nn import optim",
        "from npvae.probability import DiagonalGaussian, elbo",
    ),
    compare=compare,
    wrong={cause: Wrong(cause, function=_refine(**edit)) for cause, edit in EDITS.items()}
    | {
        "no zero_grad": Wrong("zero_grad is missing", function=_refine(block=(LOSS, BACKWARD, STEP))),
        "no backward": Wrong("backward is missing", function=_refine(block=(LOSS, ZERO_GRAD, STEP))),
        "no step": Wrong("step is missing", function=_refine(block=(LOSS, ZERO_GRAD, BACKWARD))),
        "cleared too late": Wrong(
            "zero_grad comes between", function=_refine(block=(LOSS, BACKWARD, ZERO_GRAD, STEP))
        ),
        "step before backward": Wrong(
            "step comes before backward", function=_refine(block=(LOSS, STEP, ZERO_GRAD, BACKWARD))
        ),
        "two steps at once": Wrong("the step is taken twice", function=_refine(block=(*RIGHT, STEP))),
        "one step too few": Wrong("it takes 7 steps, but steps is 8", function=_refine(times=STEPS - 1)),
        "one step too many": Wrong("it takes 9 steps, but steps is 8", function=_refine(times=STEPS + 1)),
        "one step": Wrong("it takes 1 step, but steps is 8", function=_refine(times=1)),
        "no step at all": Wrong("it stays where it began", function=lambda x, q, *more: q),
        "q itself is moved": Wrong("changed this input", function=_in_place),
    },
)

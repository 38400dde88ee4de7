"""The exercise about the E-step of variational EM."""

import numpy as np

from ... import models
from ... import probability as p
from ...autodiff import Tensor
from ...autodiff.report import Fault
from ...diagnosis.comparison import Comparison
from ...gradchecks.check import normal
from ...nn import optim
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong, array_of, in_words

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
    run = lambda step: step(x, q, model.decode, np.random.default_rng(seed), STEPS, LR, SAMPLES)  # noqa: E731
    found = run(f)
    if not isinstance(found, p.DiagonalGaussian):
        raise Unfit("q", f"your function returns {in_words(found)}, expected a DiagonalGaussian")
    found = p.DiagonalGaussian(array_of(found.mu, "mu"), array_of(found.logvar, "logvar"))
    if not (np.array_equal(q.mu, mu) and np.array_equal(q.logvar, logvar)):
        sentence = "your function changed this input in place: the mu and logvar of q (the E-step needs copies)"
        raise Unfit("q", sentence, Fault.CHANGED_INPUT)
    suspects = {cause: _both(run(version)) for cause, version in VERSIONS.items()} | {
        "it stays where it began": _both(q)
    }
    yield Comparison("mu, logvar", _both(found), _both(run(p.refine)), suspects=suspects)


def _both(q):
    """mu and logvar in one array, (2, N, latent_dim)."""
    q = q.detach()
    return np.stack([q.mu, q.logvar])


def _refine(
    loss=lambda elbo: -elbo.elbo.sum(),
    begin=lambda q: q,
    clears=True,
    moves=("mu", "logvar"),
    steps_more=0,
    one_sample=False,
):
    """A version of the solution with something changed."""

    def refine(x, q, decode, rng, steps, lr, samples=1):
        q = begin(q)
        mu, logvar = (Tensor(np.array(a), requires_grad=True) for a in (q.mu, q.logvar))
        optimizer = optim.Adam([{"mu": mu, "logvar": logvar}[name] for name in moves], lr)
        for _ in range(steps + steps_more):
            value = loss(p.elbo(x, p.DiagonalGaussian(mu, logvar), decode, rng, 1 if one_sample else samples))
            if clears:
                optimizer.zero_grad()
            value.backward()
            optimizer.step()
        return p.DiagonalGaussian(mu.data, logvar.data)

    return refine


def _prior(q):
    return p.DiagonalGaussian(np.zeros_like(q.mu), np.zeros_like(q.logvar))


VERSIONS = {
    "it goes down the ELBO instead of up": _refine(lambda elbo: elbo.elbo.sum()),
    "the gradients of all steps add up: zero_grad is missing": _refine(clears=False),
    "the KL is missing: only the reconstruction is climbed": _refine(lambda elbo: -elbo.reconstruction.sum()),
    "the KL has the wrong sign": _refine(lambda elbo: -(elbo.reconstruction + elbo.kl).sum()),
    "it begins with the prior instead of q": _refine(begin=_prior),
    "only mu is moved": _refine(moves=("mu",)),
    "only logvar is moved": _refine(moves=("logvar",)),
    "samples is not passed on to elbo": _refine(one_sample=True),
    "it takes one step too few": _refine(steps_more=-1),
    "it takes one step too many": _refine(steps_more=1),
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

sums it, and moves both uphill. Return a DiagonalGaussian of the two arrays.

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
        "loss = -elbo(…).elbo.sum(). np.array(q.mu) is a copy; mu.data is the array of a Tensor.",
    ],
    imports=(
        "from npvae import Tensor",
        "from npvae.nn import optim",
        "from npvae.probability import DiagonalGaussian, elbo",
    ),
    compare=compare,
    wrong={cause: Wrong(cause, function=version) for cause, version in VERSIONS.items()}
    | {
        "no step at all": Wrong("it stays where it began", function=lambda x, q, *more: q),
        "q itself is moved": Wrong("changed this input", function=_in_place),
    },
)

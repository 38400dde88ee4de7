"""The exercise about the evidence lower bound."""

import numpy as np

from ... import models
from ... import probability as p
from ...autodiff import Tensor, no_grad, ops
from ...diagnosis.comparison import Comparison
from ...gradchecks.check import normal
from ..exercise import TENSORS, Prediction, ProcedureExercise, Unfit, Wrong, in_words


def _setting(rng, N, D, K):
    """Binary x (N, D), q (N, K) whose parameters require gradients, and a decoder of one layer."""
    x = rng.integers(0, 2, (N, D)) * 1.0
    q = p.DiagonalGaussian(*(Tensor(normal(rng, N, K), requires_grad=True) for _ in range(2)))
    W, b = normal(rng, K, D), normal(rng, D)
    return x, q, lambda z: p.Bernoulli(z @ W + b)


def compare(f, rng, N, D, K):
    """Compare both terms of the bound, and its gradients with respect to mu and logvar, for one sample and several."""
    x, q, decode = _setting(rng, N, D, K)
    seed = int(rng.integers(2**31))
    for L in (1, 13):
        for c in _values(f, x, q, decode, seed, L):
            yield c
            if not c.ok:
                return
        yield from _gradients(f, x, q, decode, seed, L)


def _values(f, x, q, decode, seed, L):
    found = f(x, q, decode, np.random.default_rng(seed), L)
    if not isinstance(found, p.ELBO):
        raise Unfit("elbo", f"your function returns {in_words(found)}, expected ELBO(reconstruction, kl)")
    for name, part in found._asdict().items():
        if not isinstance(part, Tensor):
            raise Unfit(name, f"this is {in_words(part)}, expected a Tensor, which remembers how it was made")
    with no_grad():
        right = p.elbo(x, q, decode, np.random.default_rng(seed), L)
        z = q.rsample(np.random.default_rng(seed), L)
        each = np.stack([decode(z.data[i]).log_prob(x).data for i in range(L)])
        at_mean = decode(q.mean).log_prob(x).data
    numbers = {"L, the samples": L, "N, the batch": len(x), "D, the pixels": x.shape[1]}
    suspects = (
        {}
        if L == 1
        else {
            "the mean is taken of the probabilities, not of their logarithms": ops.logsumexp.raw(each, axis=0)[0]
            - np.log(L),
            "one and the same sample is used L times": each[0],
        }
        | _wrongly_paired(x, z.data, decode)
    )
    suspects["z is the mean of q, without noise"] = at_mean
    suspects["the KL is already subtracted here"] = right.elbo.data
    name = "reconstruction" if L == 1 else f"reconstruction (L = {L})"
    yield Comparison(name, found.reconstruction.data, right.reconstruction.data, numbers=numbers, suspects=suspects)
    yield Comparison("kl" if L == 1 else f"kl (L = {L})", found.kl.data, right.kl.data, numbers=numbers)


def _wrongly_paired(x, z, decode):
    """Return the reconstructions if samples and examples, or their log-likelihoods, are in different orders."""
    L, N, _ = z.shape
    codes = z.reshape(L * N, -1)
    tiled, repeated = (decode(codes).log_prob(a).data for a in (np.tile(x, (L, 1)), np.repeat(x, L, axis=0)))
    tile, repeat = "np.tile(x, (L, 1)) repeats the examples in that order", "np.repeat(x, L, axis=0) does not"
    wrong = f"the samples are paired with the wrong examples: row i of the codes belongs to example i mod N; {tile}"
    return {
        f"{wrong}, {repeat}": repeated.reshape(L, N).mean(axis=0),
        f"{wrong}, {repeat} (and the mean runs over the rows of reshape(N, L))": repeated.reshape(N, L).mean(axis=1),
        "the mean runs over different examples: row i of the codes belongs to example i mod N, so the L samples of an "
        "example are a column of reshape(L, N)": tiled.reshape(N, L).mean(axis=1),
    }


def _gradients(f, x, q, decode, seed, L):
    """Compare the gradients of the summed bound with respect to mu and logvar, each in its two parts."""

    def gradients(value):
        q.mu.grad = q.logvar.grad = None
        if value.record is not None:
            value.backward()
        return [np.zeros(t.shape) if t.grad is None else t.grad for t in (q.mu, q.logvar)]

    found = gradients(f(x, q, decode, np.random.default_rng(seed), L).elbo.sum())
    right = p.elbo(x, q, decode, np.random.default_rng(seed), L)
    parts = gradients(right.reconstruction.sum()), gradients(-right.kl.sum())
    for name, dx, reconstruction, kl in zip(("dmu", "dlogvar"), found, *parts):
        yield Comparison(
            name,
            dx,
            reconstruction + kl,
            {},
            {"reconstruction": lambda value=reconstruction: value, "KL": lambda value=kl: value},
            {"L, the samples": L, "N, the batch": len(x)},
        )


def _changed(reconstruction=lambda each: each.mean(axis=0), kl=lambda q, L: q.kl_divergence(), draw=None):
    """A wrong version: the bound with one of its parts computed in another way."""

    def elbo(x, q, decode, rng, samples=1):
        z = q.rsample(rng, samples) if draw is None else draw(q, rng, samples)
        return p.ELBO(reconstruction(p.bounds.log_likelihood_of_samples(x, z, decode)), kl(q, samples))

    return elbo


def _paired(repeat, x, q, decode, rng, samples=1):
    """A wrong version: the examples are repeated in another order; or the samples of an example are taken for rows."""
    z = q.rsample(rng, samples)
    L, N, latent_dim = z.shape
    rows = np.tile(x, (L, 1)) if repeat is None else repeat(x, L, axis=0)
    each = decode(z.reshape(L * N, latent_dim)).log_prob(rows)
    mean = each.reshape(N, L).mean(axis=1) if repeat is None else each.reshape(L, N).mean(axis=0)
    return p.ELBO(mean, q.kl_divergence())


def _same_sample(q, rng, samples):
    return p.reparameterize(q.mu, q.logvar, np.repeat(rng.standard_normal((1, *q.mean.shape)), samples, axis=0))


def _more_samples():
    """Return whether the bound rises with L, from its mean over many draws with 1 and with 10 samples."""
    rng = np.random.default_rng(0)
    model = models.ProbabilisticPCA.random(5, 2, rng)
    x, q = model.sample(4, rng), p.DiagonalGaussian(np.zeros((4, 2)), np.zeros((4, 2)))
    means = [np.mean([p.elbo(x, q, model.decode, rng, L).elbo.data for _ in range(2000 // L)]) for L in (1, 10)]
    noise = np.std([p.elbo(x, q, model.decode, rng, 1).elbo.data.mean() for _ in range(200)]) / np.sqrt(2000)
    return 1 if abs(means[1] - means[0]) < 5 * noise else (0 if means[1] > means[0] else 2)


ELBO = ProcedureExercise(
    name="elbo",
    title="the evidence lower bound with L samples",
    solution=p.elbo,
    text="""\
For every example x_n and its posterior q = q(z | x_n):

    ELBO = E_q [ln p(x | z)] − KL(q ‖ p)  ≈  1/L Σ_l ln p(x | z_l) − KL(q ‖ p),

with samples z_1 … z_L of q, differentiable with respect to its parameters. You get

    x         an array (N, D)
    q         a DiagonalGaussian (N, latent_dim): q.rsample(rng, L) draws all samples
              at once, a Tensor (L, N, latent_dim); q.kl_divergence() is a Tensor (N,)
    decode    from codes (M, latent_dim) to p(x | z), a distribution of M examples,
              which has .log_prob(x), a Tensor (M,)
    rng       the generator of the noise
    samples   L

and return ELBO(reconstruction, kl), two Tensors (N,). ELBO itself combines the two
(the KL with a minus sign).

""" + TENSORS + """

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, eq. 7 and 10.""",
    prediction=Prediction(
        "The same q, but 10 samples instead of 1. What happens to the bound, on average over the noise?",
        ["it rises: more samples, a tighter bound", "it stays the same, with less noise", "it falls"],
        _more_samples,
        "A mean of L samples has the same expectation as one of them. The bound gets tighter only where the samples "
        "are inside the logarithm, as in the importance-weighted autoencoder.",
    ),
    hints=[
        "A decoder takes a matrix of codes. z.reshape(L * N, latent_dim) stacks the samples, and "
        "np.tile(x, (L, 1)) repeats the examples in the same order; or go through the samples in a loop, z[l].",
        "log_prob gives one number for each row: bring them into the shape (L, N), and take the mean over the samples.",
        "Row l · N + n of the codes holds sample l of example n, so after a reshape the samples of an example stand "
        "in a column. The KL needs no samples at all: q knows it in closed form.",
    ],
    imports=("from npvae.probability import ELBO",),
    compare=compare,
    wrong={
        "sum over the samples": Wrong("a factor L too many", function=_changed(lambda each: each.sum(axis=0))),
        "KL for every sample": Wrong(
            "a factor L too many", function=_changed(kl=lambda q, L: q.kl_divergence() * float(L))
        ),
        "mean inside the logarithm": Wrong(
            "mean is taken of the probabilities",
            function=_changed(lambda each: ops.logsumexp(each, axis=0) - float(np.log(len(each)))),
        ),
        "a loss instead of a likelihood": Wrong("sign is wrong", function=_changed(lambda each: -each.mean(axis=0))),
        "the KL's sign": Wrong("sign is wrong", function=_changed(kl=lambda q, L: -q.kl_divergence())),
        "no noise": Wrong(
            "z is the mean of q", function=_changed(draw=lambda q, rng, L: ops.add(np.zeros((L, 1, 1)), q.mu))
        ),
        "one sample for all": Wrong("one and the same sample", function=_changed(draw=_same_sample)),
        "repeat for tile": Wrong("paired with the wrong examples", function=lambda *given: _paired(np.repeat, *given)),
        "rows for columns": Wrong("mean runs over different examples", function=lambda *given: _paired(None, *given)),
        "one number for the batch": Wrong("averaged over axis 0", function=_changed(lambda each: each.mean())),
        "detached samples": Wrong(
            "the term reconstruction is missing", function=_changed(draw=lambda q, rng, L: q.rsample(rng, L).detach())
        ),
        "KL of a detached q": Wrong(
            "the term KL is missing", function=_changed(kl=lambda q, L: q.detach().kl_divergence())
        ),
        "only their difference": Wrong("a Tensor", function=lambda *given: p.elbo(*given).elbo),
    },
)

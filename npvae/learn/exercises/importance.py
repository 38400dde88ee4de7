"""The exercises about importance weights: the log-likelihood, and the gradient weights of the IWAE bound."""

import numpy as np

from ... import models
from ... import probability as p
from ...autodiff import Tensor, no_grad, ops
from ...diagnosis.comparison import Comparison
from ...diagnosis.faults import ValueFault
from ...gradchecks.check import normal
from ..answers import is_alike, right_answers
from ..exercise import TENSORS, Prediction, ProcedureExercise, Unfit, Wrong, array_of, in_words
from ..recorder import Recorder

K = 13


def compare(f, rng, N, D, latent_dim):
    """Compare both results, from the codes that the function drew; then for examples that are thousands of nats apart.

    Their ln w differ by more than 2,000: the weights of one example, beside those of another, are 0.
    """
    yield from _compare(f, rng, N, D, min(D, latent_dim), logvar=-1.0)
    yield from _compare(f, rng, N, 1000, 2, logvar=1.0, outliers=True)


def _compare(f, rng, N, D, latent_dim, logvar, outliers=False):
    model = models.ProbabilisticPCA.random(D, latent_dim, rng, logvar)
    x = model.sample(N, rng)
    if outliers:
        x *= 1 + 2.0 * np.arange(N)[:, None]
    posterior = model.posterior(x)
    q = p.DiagonalGaussian(posterior.mu + 0.3 * normal(rng, N, latent_dim), posterior.logvar + 0.5)
    decode = Recorder(model.decode, q, K)
    found = f(x, q, decode, np.random.default_rng(int(rng.integers(2**31))), K)
    if not isinstance(found, p.ImportanceSampling):
        expected = "expected ImportanceSampling(log_likelihood, effective_sample_size)"
        raise Unfit("log_likelihood", f"your function returns {in_words(found)}, {expected}")
    z = decode.codes(x)
    decode.check_proposal(z)
    with no_grad():
        likelihood = np.stack([model.decode(z_k).log_prob(x).data for z_k in z])
        prior = p.bounds.standard_normal_like(q).log_prob(z).data
        log_q = q.log_prob(z).data
    log_w = likelihood + prior - log_q
    mean = lambda a: ops.logsumexp.raw(a, axis=0)[0] - np.log(K)  # noqa: E731
    w = np.exp(log_w - log_w.max(axis=0))
    ess = w.sum(axis=0) ** 2 / (w * w).sum(axis=0)
    plain = [array_of(part, name) for name, part in found._asdict().items()]
    if outliers:
        for name, part in zip(found._fields, plain):
            _check_finite(name, part, log_w)
    yield Comparison(
        "log_likelihood",
        plain[0],
        mean(log_w),
        numbers={"K, the samples": K},
        suspects={
            "the mean is taken of ln w: this is the ELBO": log_w.mean(axis=0),
            "the weights are summed: ln K is not subtracted": mean(log_w) + np.log(K),
            "the prior is missing from the weights": mean(likelihood - log_q),
            "q is missing from the weights": mean(likelihood + prior),
            "q is multiplied into the weights instead of divided out": mean(likelihood + prior + log_q),
            "p(x | z) is averaged as if z came from the prior": mean(likelihood),
            "only the largest weight counts": log_w.max(axis=0),
        },
    )
    yield Comparison(
        "effective_sample_size",
        plain[1],
        ess,
        numbers={"K, the samples": K},
        suspects={
            "upside down: Σ w² / (Σ w)²": 1 / ess,
            "without the squares: 1 for every example": np.ones(N),
            "it is K: the weights were not used": np.full(N, float(K)),
            "the square of Σ w is missing": w.sum(axis=0) / (w * w).sum(axis=0),
        },
    )


def _check_finite(name, found, log_w):
    """Raise `Unfit` for a result that is not finite; where one maximum serves all examples, say so."""
    is_lost = ~np.isfinite(found)
    if not is_lost.any():
        return
    below = log_w.max() - log_w.max(axis=0)  # of each example, how far its weights lie below the largest of all
    if is_lost.shape == below.shape and not is_lost[below < 300].any() and is_lost[below > 760].all():
        where = "for the examples whose ln w are far below those of another example"
        cause = "one maximum for all examples leaves only zeros in a sum"
        raise Unfit(name, f"is not finite {where}: {cause}, and each needs its own", ValueFault.NOT_FINITE)
    sentence = f"is not finite where ln w is about {log_w.max():.0f} and less: found {found.tolist()}"
    raise Unfit(name, sentence, ValueFault.NOT_FINITE)


def _estimate(
    log_w=lambda likelihood, prior, log_q: likelihood + prior - log_q,
    ess=lambda ess: ess,
    mean=lambda log_w: ops.logsumexp.raw(log_w, axis=0)[0] - np.log(len(log_w)),
    samples_less=0,
    draw=lambda q, rng, samples: q.rsample(rng, samples),
):
    """A version of the solution with something changed."""

    def importance_sampling(x, q, decode, rng, samples):
        with no_grad():
            z = draw(q, rng, samples - samples_less)
            likelihood = p.bounds.log_likelihood_of_samples(x, z, decode).data
            prior, log_q = p.bounds.standard_normal_like(q).log_prob(z).data, q.log_prob(z).data
        weights = np.exp(likelihood + prior - log_q - (likelihood + prior - log_q).max(axis=0))
        size = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
        return p.ImportanceSampling(mean(log_w(likelihood, prior, log_q)), ess(size))

    return importance_sampling


def _from_the_prior(q, rng, samples):
    return Tensor(rng.standard_normal((samples, *q.mean.shape)))


def _overflowing(log_w):
    with np.errstate(divide="ignore"):
        return np.log(np.exp(log_w).mean(axis=0))


def _rises_with_K():
    rng = np.random.default_rng(0)
    model = models.ProbabilisticPCA.random(5, 2, rng)
    x, q = model.sample(200, rng), p.DiagonalGaussian(np.zeros((200, 2)), np.zeros((200, 2)))
    means = [p.importance_sampling(x, q, model.decode, rng, k).log_likelihood.mean() for k in (1, 10, 1000)]
    return 0 if means[0] < means[1] < means[2] else (1 if means[0] > means[2] else 2)


class ImportanceSamplingExercise(ProcedureExercise):
    """The exercise whose right answers depend on the codes that the function drew: these are answers, too."""

    def answers(self, f, seed=0):
        codes = []

        def noting(x, q, decode, rng, samples):
            found = f(x, q, decode, rng, samples)
            codes.append(decode.codes(x))
            return found

        answers = super().answers(noting, seed)
        return answers | {f"codes {i}": z for i, z in enumerate(codes)}

    def wrong_answers(self, answers, seed=0):
        right = right_answers(self, seed)
        if wrong := [name for name in right if name not in answers or not is_alike(answers[name], right[name])]:
            return wrong
        try:
            return [c.name for c in self.comparisons(_repeating(answers), seed) if not c.ok]
        except Unfit as error:  # these codes are not samples of q
            return [error.args[0]]


def _repeating(answers):
    """Return a function that compares the given codes, call by call, and returns the given estimates."""
    codes = (z for name, z in answers.items() if name.startswith("codes"))
    estimates = iter([a for name, a in answers.items() if not name.startswith("codes")])

    def importance_sampling(x, q, decode, rng, samples):
        for z in next(codes):
            decode(z).log_prob(x)
        return p.ImportanceSampling(next(estimates), next(estimates))

    return importance_sampling


IMPORTANCE_SAMPLING = ImportanceSamplingExercise(
    name="importance_sampling",
    title="ln p(x) by importance sampling, without underflow",
    solution=p.importance_sampling,
    text="""\
The ELBO is only a bound. With K samples of q, ln p(x) itself can be estimated:

    p(x) = E_q [w]  ≈  1/K Σ_k w_k,     w_k = p(x | z_k) p(z_k) / q(z_k | x),

for each of N examples. A weight may be e⁻¹⁰⁰⁰, which rounds to 0 in floating point:
work with a = ln w, and take the largest of each example, m, out of its sum:
ln Σ eᵃ = m + ln Σ eᵃ⁻ᵐ.

How good is the estimate? The effective sample size (Σ w)² / Σ w² is K if all weights
are equal, and 1 if one outweighs all others.

You get

    x         an array (N, D)
    q         a DiagonalGaussian (N, latent_dim): q.rsample(rng, K) draws all samples
              at once, a Tensor (K, N, latent_dim); q.log_prob(z) is a Tensor (K, N)
    decode    from codes (M, latent_dim) to p(x | z), a distribution of M examples,
              which has .log_prob(x), a Tensor (M,); row i of x (M, D) belongs to
              code i, so repeat the examples in the order of the codes
    rng       the generator of the noise
    samples   K

The prior is DiagonalGaussian(np.zeros_like(q.mean), 0.0), and has log_prob too.
Return ImportanceSampling(log_likelihood, effective_sample_size), two arrays (N,).

""" + TENSORS + """

Source: Burda, Grosse, Salakhutdinov (2016), eq. 8; Kong, Liu, Wong (1994).""",
    prediction=Prediction(
        "Averaged over many examples, the estimate of ln p(x) with K = 1, 10 and 1,000 samples …",
        ["rises with K", "falls with K", "is the same for all, with less noise"],
        _rises_with_K,
        "The estimate of p(x) is unbiased, but the logarithm is concave (Jensen): ln of a noisy mean is too small on "
        "average, and the less noise, the less so. With K = 1 it is the ELBO.",
    ),
    hints=[
        "ln w = ln p(x | z) + ln p(z) − ln q(z | x): three log_probs of the same z, each of shape (K, N).",
        "Take the largest ln w of each example, over its K samples: without it, no exponential can overflow, and one "
        "of them is 1. For the mean over K, take the sum, and subtract ln K after the logarithm.",
        "In (Σ w)² / Σ w², a factor that all weights of an example share cancels. So the relative weights, which you "
        "have already, will do for both sums.",
    ],
    imports=("from npvae.probability import DiagonalGaussian, ImportanceSampling",),
    compare=compare,
    wrong={
        "mean of ln w": Wrong("this is the ELBO", function=_estimate(mean=lambda log_w: log_w.mean(axis=0))),
        "ln K forgotten": Wrong(
            "ln K is not subtracted", function=_estimate(mean=lambda log_w: ops.logsumexp.raw(log_w, axis=0)[0])
        ),
        "prior forgotten": Wrong(
            "prior is missing", function=_estimate(lambda likelihood, prior, log_q: likelihood - log_q)
        ),
        "q forgotten": Wrong("q is missing", function=_estimate(lambda likelihood, prior, log_q: likelihood + prior)),
        "q's sign": Wrong(
            "q is multiplied", function=_estimate(lambda likelihood, prior, log_q: likelihood + prior + log_q)
        ),
        "only p(x | z)": Wrong(
            "as if z came from the prior", function=_estimate(lambda likelihood, prior, log_q: likelihood)
        ),
        "the largest": Wrong("only the largest weight", function=_estimate(mean=lambda log_w: log_w.max(axis=0))),
        "underflow": Wrong("is not finite", function=_estimate(mean=_overflowing)),
        "samples of the prior": Wrong("not samples of q", function=_estimate(draw=_from_the_prior)),
        "one sample too few": Wrong("with 12 codes", function=_estimate(samples_less=1)),
        "upside down": Wrong("upside down", function=_estimate(ess=lambda ess: 1 / ess)),
        "as a part of K": Wrong("1/K", function=_estimate(ess=lambda ess: ess / K)),
        "only the estimate": Wrong("an ndarray", function=lambda *given: _estimate()(*given).log_likelihood),
    },
)

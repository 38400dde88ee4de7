"""Proves that the VAE is assembled correctly: its shapes and its bound are right, and it can overfit one batch.

These tests would catch an encoder and decoder that do not fit together, a loss that is not the mean of the reported
parts, and noise that repeats. tests/gradchecks/test_gradchecks.py proves that every parameter of the bound has the
right derivative.
"""

import numpy as np
import pytest

from npvae import probability
from npvae.errors import UserError
from npvae.models import VAE
from npvae.nn import optim
from npvae.probability import ESTIMATORS, LIKELIHOODS, KLTerm


@pytest.fixture
def x(rng):
    return (rng.random((13, 20)) < 0.3).astype(np.float32)


def elbo(model, x, rng, samples=1):
    return probability.elbo(x, model.encode(x), model.decode, rng, samples)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_shapes(rng, x, likelihood):
    model = VAE(20, 3, [11, 7], rng, likelihood)
    assert [p.shape for name, p in model.named_parameters() if name.endswith("W")] == [
        (20, 11), (11, 7), (7, 3), (7, 3), (3, 7), (7, 11), (11, 20),
    ]  # fmt: skip
    q = model.encode(x)
    assert q.mu.shape == q.logvar.shape == (13, 3)
    assert model.decode(q.rsample(rng)).mean.shape == (13, 20)
    assert elbo(model, x, rng, samples=5).elbo.shape == (13,)
    assert model.reconstruct(x).shape == (13, 20)
    assert model.sample(4, rng).shape == (4, 20)
    assert model.importance_sampling(x, rng, 10).log_likelihood.shape == (13,)
    assert model.reconstruct(x).dtype == np.float32


def test_the_loss_is_minus_the_mean_elbo_and_the_sum_of_its_parts(rng, x):
    model = VAE(20, 3, [11], rng)
    loss, parts = model.loss(x, np.random.default_rng(1))
    bound = elbo(model, x, np.random.default_rng(1))
    assert float(loss) == pytest.approx(-bound.elbo.data.mean(), rel=1e-6)
    assert float(loss) == pytest.approx(parts["rec"] + parts["kl"], rel=1e-6)
    assert parts["kl"] == pytest.approx(bound.kl.data.mean(), rel=1e-6)
    assert list(parts) == ["loss", "rec", "kl"] and parts["loss"] == pytest.approx(float(loss), rel=1e-6)


def test_the_number_of_samples_reaches_the_loss(rng, x):
    model = VAE(20, 3, [11], rng, samples=7)
    expected = elbo(model, x, np.random.default_rng(1), samples=7)
    assert model.loss(x, np.random.default_rng(1))[1]["loss"] == pytest.approx(-expected.elbo.data.mean(), rel=1e-6)


def test_refinement_takes_rates_that_decay_to_zero_and_the_models_samples(rng, x, monkeypatch):
    given = []
    note = lambda x, q, decode, rng, steps, lr, samples: given.append((lr, samples))  # noqa: E731
    monkeypatch.setattr(probability, "refine", note)
    model = VAE(20, 3, [11], rng, samples=7)
    model.refine(x, model.posteriors(x), rng, 100, 0.2)
    (lr, samples), = given
    assert lr(0) == 0.2 and lr(50) == pytest.approx(0.1) and lr(100) == pytest.approx(0, abs=1e-12) and samples == 7


def test_an_annealed_loss_never_replaces_the_elbo_in_the_report(rng, x):
    plain, weighted = (VAE(20, 3, [11], np.random.default_rng(1), kl_term=term) for term in (KLTerm(), KLTerm(4.0, 10)))
    expected = plain.loss(x, np.random.default_rng(1))[1]
    for step, weight in ((0, 0), (5, 2), (10, 4)):
        objective, parts = weighted.loss(x, np.random.default_rng(1), step)
        assert {name: parts[name] for name in expected} == expected
        assert parts["objective"] == float(objective)
        assert float(objective) == pytest.approx(expected["rec"] + weight * expected["kl"], rel=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_with_every_estimator_the_elbo_is_reported_and_the_decoder_learns(rng, x, estimator):
    model = VAE(20, 3, [11], rng, estimator=estimator, samples=20)
    loss, parts = model.loss(x, rng)
    expected = elbo(model, x, rng, samples=2000)
    assert parts["loss"] == pytest.approx(-expected.elbo.data.mean(), abs=0.2)
    assert parts["kl"] == pytest.approx(expected.kl.data.mean(), rel=1e-5)
    loss.backward()
    assert all(np.any(p.grad != 0) for p in model.decoder.parameters())


def test_an_encoder_with_the_naive_estimator_gets_noise_only(rng, x):
    """Its mean gradient over 20,000 samples is far smaller than the true one."""
    norms = {}
    for estimator in ("naive", "analytic-kl"):
        model = VAE(20, 3, [11], np.random.default_rng(1), estimator=estimator, samples=20_000)
        model.loss(x, rng)[0].backward()
        norms[estimator] = np.linalg.norm(model.mu.b.grad)
    assert norms["naive"] < 0.1 * norms["analytic-kl"]


def test_noise_comes_from_the_generator_alone(rng, x):
    model = VAE(20, 3, [11], rng)
    generator = np.random.default_rng(1)
    first, second = (float(model.loss(x, generator)[0]) for _ in range(2))
    assert first != second
    assert first == float(model.loss(x, np.random.default_rng(1))[0])


def test_the_elbo_is_below_the_importance_sampled_likelihood(rng, x):
    model = VAE(20, 3, [11], rng)
    bound = elbo(model, x, rng, samples=500).elbo.data
    log_p = model.importance_sampling(x, rng, 2000).log_likelihood
    assert (bound < log_p).all()


def test_a_batch_can_be_learned(rng, x):
    model = VAE(20, 5, [64], rng)
    optimizer = optim.Adam(model.parameters(), 1e-2)
    first = float(model.loss(x, rng)[0])
    for _ in range(300):
        optimizer.zero_grad()
        loss, _ = model.loss(x, rng)
        loss.backward()
        optimizer.step()
    last = np.mean([float(model.loss(x, rng)[0]) for _ in range(20)])
    assert first > 10
    assert last < np.log(13) + 3                            # ln 13 nats are needed to say which of 13 images it is


def test_the_prior_is_a_standard_normal(rng, monkeypatch):
    model = VAE(20, 3, [11], rng)
    codes = []
    monkeypatch.setattr(model, "generate", codes.append)
    model.sample(50_000, rng)
    assert np.abs(codes[0].mean(axis=0)).max() < 5 / np.sqrt(50_000)
    assert np.abs(codes[0].var(axis=0) - 1).max() < 5 * np.sqrt(2 / 50_000)


def test_what_is_refused(rng):
    for message, options in {
        "unknown likelihood 'bernouli': did you mean 'bernoulli'": {"likelihood": "bernouli"},
        "unknown estimator 'naiv': did you mean 'naive'": {"estimator": "naiv"},
        "samples is 0, expected a whole number from 1 on": {"samples": 0},
        "take at least 2 samples, found 1": {"estimator": "score-function-baseline"},
        "which naive does not have: choose analytic-kl": {"estimator": "naive", "kl_term": KLTerm(beta=2)},
    }.items():
        with pytest.raises(UserError, match=message):
            VAE(20, 3, [11], rng, **options)
    with pytest.raises(TypeError, match=r"kl_term is 2\.0, expected a KLTerm"):
        VAE(20, 3, [11], rng, kl_term=2.0)
    with pytest.raises(UserError, match="latent_dim is 0"):
        VAE(20, 0, [11], rng)
    with pytest.raises(UserError, match="at least one hidden layer"):
        VAE(20, 3, [], rng)

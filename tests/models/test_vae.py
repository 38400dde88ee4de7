"""Proves that the VAE is put together rightly: shapes, the bound, and that one overfitted batch is learned.

That every parameter of the bound has the right derivative is proved in tests/test_checks.py. This would catch an
encoder and decoder that do not fit together, a loss that is not the mean of the reported parts, and noise that is not
drawn anew.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import VAE
from npvae.nn import optim


@pytest.fixture
def x(rng):
    return (rng.random((13, 20)) < 0.3).astype(np.float32)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_shapes(rng, x, likelihood):
    model = VAE(20, 3, [11, 7], rng, likelihood)
    assert [p.shape for name, p in model.named_parameters() if name.endswith("W")] == [
        (20, 11), (11, 7), (7, 3), (7, 3), (3, 7), (7, 11), (11, 20),
    ]  # fmt: skip
    q = model.encode(x)
    assert q.mu.shape == q.logvar.shape == (13, 3)
    assert model.decode(q.rsample(rng)).mean.shape == (13, 20)
    assert model.elbo(x, rng, samples=5).elbo.shape == (13,)
    assert model.reconstruct(x).shape == (13, 20)
    assert model.sample(4, rng).shape == (4, 20)
    assert model.log_likelihood(x, rng, 10).shape == (13,)
    assert model.reconstruct(x).dtype == np.float32


def test_the_loss_is_minus_the_mean_elbo_and_the_sum_of_its_parts(rng, x):
    model = VAE(20, 3, [11], rng)
    loss, parts = model.loss(x, np.random.default_rng(1))
    bound = model.elbo(x, np.random.default_rng(1))
    assert float(loss) == pytest.approx(-bound.elbo.data.mean(), rel=1e-6)
    assert float(loss) == pytest.approx(parts["rec"] + parts["kl"], rel=1e-6)
    assert parts["kl"] == pytest.approx(bound.kl.data.mean(), rel=1e-6)


def test_noise_comes_from_the_generator_alone(rng, x):
    model = VAE(20, 3, [11], rng)
    generator = np.random.default_rng(1)
    first, second = (float(model.loss(x, generator)[0]) for _ in range(2))
    assert first != second
    assert first == float(model.loss(x, np.random.default_rng(1))[0])


def test_the_elbo_is_below_the_importance_sampled_likelihood(rng, x):
    model = VAE(20, 3, [11], rng)
    elbo = model.elbo(x, rng, samples=500).elbo.data
    log_p = model.log_likelihood(x, rng, 2000)
    assert (elbo < log_p).all()


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
    monkeypatch.setattr(model, "generate", lambda z: codes.append(z))
    model.sample(50_000, rng)
    assert np.abs(codes[0].mean(axis=0)).max() < 5 / np.sqrt(50_000)
    assert np.abs(codes[0].var(axis=0) - 1).max() < 5 * np.sqrt(2 / 50_000)


def test_an_unknown_likelihood_is_named(rng):
    with pytest.raises(UserError, match="unknown likelihood 'bernouli': did you mean 'bernoulli'"):
        VAE(20, 3, [11], rng, "bernouli")

"""Proves that variational EM climbs the bound in both of its steps, without an encoder.

It would catch an E-step that forgets what it found, one that is written to another example's row, and an M-step that
moves q.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import VariationalEM
from npvae.nn import optim, schedules

N, D = 40, 20


@pytest.fixture
def x(rng):
    return np.repeat((rng.random((8, D)) < 0.5).astype(np.float32), 5, axis=0)


@pytest.fixture
def model(rng):
    return VariationalEM(N, D, 4, [32], rng, e_steps=5, e_lr=0.1)


def test_the_e_step_goes_into_the_rows_of_the_table(model, x, rng):
    rows = np.array([7, 3, 20])
    model.loss(x[rows], rng, step=0, rows=rows)
    others = np.setdiff1d(np.arange(N), rows)
    assert np.all(model.mu[others] == 0) and np.all(model.logvar[others] == 0)
    assert np.all(model.mu[rows] != 0) and np.all(model.logvar[rows] != 0)


def test_the_e_step_goes_on_from_the_table_and_climbs(model, x, rng):
    rows = np.arange(N)
    for name, p in model.named_parameters():
        if name.endswith("W"):
            p.data *= 3                                     # a decoder that listens to z
    losses = [model.loss(x, rng, step=0, rows=rows)[1]["loss"] for _ in range(60)]
    assert np.mean(losses[-10:]) < losses[0] - 1
    unseen = model.loss(x, rng)[1]["loss"]                  # from the prior on, in new_steps
    assert unseen == pytest.approx(np.mean(losses[-10:]), abs=1)


def test_the_gradient_is_that_of_the_whole_data_set(model, x, rng):
    """Minibatches, scaled to N: with the same q, the sum over all minibatches of their share is the whole gradient."""
    model.e_steps = 0

    def gradient(rows):
        model.zero_grad()
        model.loss(x[rows], rng, step=0, rows=rows)[0].backward()
        return model.decoder.layers[1].b.grad.copy()

    model.logvar[...] = -30                                 # no noise in z
    whole = gradient(np.arange(N))
    parts = np.mean([gradient(np.arange(i, i + 10)) for i in range(0, N, 10)], axis=0)
    assert np.allclose(whole, parts, atol=1e-4)
    assert np.abs(whole).max() > 1                          # a sum over 40 examples


def test_it_learns(model, x, rng):
    optimizer = optim.Adam(model.parameters(), schedules.polynomial_decay(1e-2, scale=500))
    losses = []
    for step in range(1000):
        rows = rng.permutation(N)[:20]
        optimizer.zero_grad()
        objective, parts = model.loss(x[rows], rng, step, rows)
        objective.backward()
        optimizer.step()
        losses.append(parts["loss"])
    assert losses[0] > 13 and np.mean(losses[-20:]) < np.log(8) + 4      # ln 8 nats say which pattern it is
    assert model.loss(x, rng)[1]["loss"] < np.log(8) + 4
    codes = model.codes(x)
    assert np.array_equal(codes, model.codes(x))            # the same x has the same code


def test_the_table_is_in_the_state(model, x, rng):
    model.loss(x, rng, step=0, rows=np.arange(N))
    other = VariationalEM(N, D, 4, [32], rng)
    other.load_state_dict(model.state_dict())
    assert np.array_equal(other.mu, model.mu) and np.array_equal(other.logvar, model.logvar)
    assert "mu" not in dict(model.named_parameters())


def test_without_a_hidden_layer_it_is_refused(rng):
    with pytest.raises(UserError, match="at least one hidden layer"):
        VariationalEM(N, D, 4, [], rng)

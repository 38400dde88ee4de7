"""Proves that variational EM climbs the bound in both of its steps, without an encoder.

These tests would catch an E-step that forgets its result, one that writes to another example's row, and an M-step that
moves q.
"""

import numpy as np
import pytest

from npvae import probability
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
    assert np.all(model.mu_table[others] == 0) and np.all(model.logvar_table[others] == 0)
    assert np.all(model.mu_table[rows] != 0) and np.all(model.logvar_table[rows] != 0)


def test_the_e_step_goes_on_from_the_table_and_climbs(model, x, rng):
    rows = np.arange(N)
    for name, p in model.named_parameters():
        if name.endswith("W"):
            p.data *= 3                                     # a decoder that uses z
    losses = [model.loss(x, rng, step=0, rows=rows)[1]["loss"] for _ in range(60)]
    assert np.mean(losses[-10:]) < losses[0] - 1
    unseen = model.loss(x, rng)[1]["loss"]                  # starts from the prior, in new_steps
    assert unseen == pytest.approx(np.mean(losses[-10:]), abs=1)


def test_the_gradient_is_that_of_the_whole_data_set(model, x, rng):
    """A minibatch's gradient is scaled to N: for the same q, its mean over all minibatches is the whole gradient."""
    model.e_steps = 0

    def gradient(rows):
        model.zero_grad()
        model.loss(x[rows], rng, step=0, rows=rows)[0].backward()
        return model.decoder.layers[1].b.grad.copy()

    model.logvar_table[...] = -30                                 # no noise in z
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
    assert losses[0] > 13 and np.mean(losses[-20:]) < np.log(8) + 4      # ln 8 nats tell the eight patterns apart
    assert model.loss(x, rng)[1]["loss"] < np.log(8) + 4
    codes = model.codes(x)
    assert np.array_equal(codes, model.codes(x))            # equal x have equal codes


def test_the_table_is_in_the_state(model, x, rng):
    model.loss(x, rng, step=0, rows=np.arange(N))
    other = VariationalEM(N, D, 4, [32], rng)
    other.load_state_dict(model.state_dict())
    assert np.array_equal(other.mu_table, model.mu_table) and np.array_equal(other.logvar_table, model.logvar_table)
    assert "mu_table" not in dict(model.named_parameters())


def test_evaluation_mode_still_finds_the_q_of_new_examples(model, x):
    """Evaluation mode records no tape; without one, every q would silently stay the prior."""
    with model.evaluating():
        q = model.encode(x)
    assert np.abs(q.mean).mean() > 0.01
    assert np.abs(model.codes(x)).mean() > 0.01


def test_the_settings_of_both_steps_reach_the_refinement(model, x, rng, monkeypatch):
    """The rate decays with the steps of training; after infinitely many steps it is zero."""
    calls = []
    refine = probability.refine

    def note(x, q, decode, rng, steps, lr, samples):
        is_recorded = model.decoder(q.mu).record is not None
        calls.append((steps, lr(0), lr(steps), samples, model.training, is_recorded))
        return refine(x, q, decode, rng, steps, lr, samples)

    monkeypatch.setattr(probability, "refine", note)
    monkeypatch.setattr(probability, "elbo", lambda *a, f=probability.elbo: calls.append(a[-1]) or f(*a))
    model.samples, rows = 3, np.arange(5)
    for step in (0, 1000, np.inf):
        model.loss(x[:5], rng, step, rows)
    assert calls[0] == (5, 0.1, 0.1, 3, False, False)
    assert calls[1] == 3                                    # samples of the M-step
    assert calls[2][1] == pytest.approx(0.1 * 2**-0.75) and calls[4][1] == 0
    calls.clear()
    model.encode(x)
    assert calls[0] == (200, 0.1, pytest.approx(0, abs=1e-12), 3, False, False)


def test_the_posteriors_that_are_judged_are_those_of_the_table(model, x):
    assert model.posteriors(x).mu is model.mu_table and model.posteriors(x).logvar is model.logvar_table


def test_without_a_hidden_layer_the_decoder_is_linear(rng):
    assert len(VariationalEM(N, D, 4, [], rng).parameters()) == 2

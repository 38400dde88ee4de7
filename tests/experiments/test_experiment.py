"""Proves that experiments can be repeated and taken up again, and that each prints the table that it promises.

Those that train networks are run here with small networks on a small set: what they find there means nothing, but they
are run. What they find on MNIST stands in the README; `pytest -m slow` repeats a part of it.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.experiments import EXPERIMENTS, mnist, toys
from npvae.experiments.experiment import table, trained

SMALL = {"data": "bars", "hidden": [8]}


def test_table():
    assert table(["", "b"], [["one", 1], ["a", 22]]) == ["|     | b  |", "|-----|----|", "| one | 1  |", "| a   | 22 |"]


def test_a_trained_network_is_kept_and_taken_up_again(tmp_path):
    prepared = []
    prepare = lambda run: prepared.append(run.training.step)  # noqa: E731
    run = trained(tmp_path / "a", 20, prepare, **SMALL)
    assert run.training.step == 20 and prepared == [0]
    del run                                                 # and its lock with it
    again = trained(tmp_path / "a", 30, prepare, **SMALL)
    whole = trained(tmp_path / "b", 30, **SMALL)
    assert prepared == [0] and again.training.step == 30
    state = whole.model.state_dict()
    assert all(np.array_equal(a, state[name]) for name, a in again.model.state_dict().items())
    del again
    with pytest.raises(UserError, match="trained for 30 steps, expected 20"):
        trained(tmp_path / "a", 20, **SMALL)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_and_prints_a_table(npvae_, monkeypatch, name):
    given, decoders = mnist.with_the_decoder_of_the_vae, []

    def small(folder, steps, prepare=None, **chosen):
        chosen["data"] = "bars"
        if "hidden" in chosen or chosen.get("model", "vae") in ("ae", "dae", "vae"):
            chosen["hidden"] = [8]
        return trained(folder, min(steps, 200), prepare, **chosen)

    monkeypatch.setattr(mnist, "trained", small)
    monkeypatch.setattr(mnist, "with_the_decoder_of_the_vae", lambda run: given(run) or decoders.append(run.model))
    for number in ("REPETITIONS", "GAP_STEPS"):
        monkeypatch.setattr(mnist, number, 3)
    monkeypatch.setattr(toys, "EXAMPLES", 20)
    if name == "likelihood":
        monkeypatch.setattr(mnist, "evaluate", lambda model, x, rng, K, f=mnist.evaluate: f(model, x, rng, 20))
    status, out, _ = npvae_("experiment", name, "--out", "somewhere")
    assert len(decoders) == (name == "amortization")
    assert status == 0 and out.count("\n|") > 3 and "table.md" in out
    assert max(len(line) for line in out.splitlines() if line.startswith("|")) <= 100


def test_the_list_and_a_name_that_is_not_on_it(npvae_, refuse):
    status, out, _ = npvae_("experiment")
    assert status == 0 and [line.split()[0] for line in out.splitlines()] == list(EXPERIMENTS)
    assert max(len(line) for line in out.splitlines()) <= 90
    assert "unknown experiment 'rign': did you mean 'ring'?" in refuse("experiment", "rign")


def test_naive_monte_carlo_fails_as_the_dimension_grows(tmp_path):
    rows = [line.split("|")[1:-1] for line in toys.dimension(tmp_path)[3:]]
    naive, importance = (np.array([float(row[i]) for row in rows]) for i in (1, 3))
    assert (np.diff(naive) > 0).all() and naive[-1] > 50 and importance[-1] < 0.3

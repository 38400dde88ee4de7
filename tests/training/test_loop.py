"""Proves that an interrupted run continues with the same bits, that it stops early where it should, and that the loop
traces a loss that is not a number to the operation where NaN began.

These tests would catch a random state, an accumulator or an epoch's order that is not saved; a checkpoint of spoilt
parameters; and an early stop that keeps the last parameters instead of the best.
"""

import os
import signal

import numpy as np
import pytest

from npvae.autodiff import ops
from npvae.datasets import load_bars
from npvae.errors import UserError
from npvae.models import VAE, VariationalEM
from npvae.nn import optim
from npvae.probability import DiagonalGaussian, KLTerm
from npvae.training import loop, warnings
from npvae.training.loop import Diverged, Training, interruptible

BARS = load_bars(side=4, N=203)                             # 203: the last minibatch of an epoch is not full


def training(seed=0, model=None, lr=1e-3, **options):
    rng = np.random.default_rng(seed)
    model = model or VAE(16, 2, [11], rng)
    return Training(model, optim.Adam(model.parameters(), lr), BARS.x_train, 20, rng, **options)


def weights(run):
    return run.model.state_dict()


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_the_same_seed_gives_the_same_bits():
    a, b, c = training(), training(), training(seed=1)
    for run in (a, b, c):
        run.run(30)
    assert same(weights(a), weights(b)) and not same(weights(a), weights(c))
    assert a.history == b.history


@pytest.mark.parametrize("interrupted_at", [0, 1, 7, 11, 25])
def test_an_interrupted_run_ends_with_the_same_bits(interrupted_at):
    whole = training()
    whole.run(30)
    first = training()
    for _ in range(interrupted_at):
        first.take_step()
    second = training(seed=99)                              # another initialization, which must not matter
    second.load_state(*first.state())
    second.run(30)
    assert same(weights(whole), weights(second))
    assert whole.history == second.history


def test_twenty_examples_are_learned_and_every_step_is_in_the_history():
    """At 0.69 nats each, 16 pixels cost 11 nats; telling 20 examples apart costs ln 20 = 3."""
    rng = np.random.default_rng(0)
    model = VAE(16, 4, [64], rng)
    run = Training(model, optim.Adam(model.parameters(), 1e-2), BARS.x_train[:20], 20, rng)
    run.run(1000)
    assert run.columns == ["loss", "rec", "kl"] and len(run.history) == 1000
    losses = np.array(run.history)[:, 0]
    assert losses[0] > 10 and losses[-50:].mean() < 6


def test_it_saves_in_the_beginning_regularly_and_at_the_end():
    saved = []
    training().run(25, save=lambda arrays, settings: saved.append(settings["step"]), every=10)
    assert saved == [0, 10, 20, 25]


def test_the_log_has_the_means_since_the_last_line(capsys):
    run = training()
    run.run(25, every=10)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == ["1", "10", "20", "25"]
    losses = np.array(run.history)[:, 0]
    expected = [losses[0], losses[:10].mean(), losses[10:20].mean(), losses[20:].mean()]
    assert [float(line[3]) for line in lines] == pytest.approx(expected, abs=0.006)


def test_early_stop_goes_back_to_the_best_parameters():
    """With 20 training examples, the validation loss has an early minimum."""
    rng = np.random.default_rng(0)
    model = VAE(16, 2, [64], rng)
    run = Training(
        model, optim.Adam(model.parameters(), 1e-2), BARS.x_train[:20], 20, rng, BARS.x_test[:50], patience=3
    )
    run.run(5000, every=20)
    steps, losses = zip(*run.validations)
    best = int(np.argmin(losses))
    assert run.step < 5000 and run.step == steps[-1] and len(losses) - 1 - best == 3
    assert same(run.best, weights(run))
    assert run.best and not same(run.best, training().model.state_dict())
    state = run.state()
    run.run(6000, every=20)                                 # it stays stopped
    assert run.state()[1]["step"] == state[1]["step"]


def test_a_validation_does_not_disturb_the_training():
    a, b = training(), training(x_validation=BARS.x_test)
    for run in (a, b):
        run.run(30, every=10)
    assert same(weights(a), weights(b))
    assert len(b.validations) == 3


class Explodes(VAE):
    """A VAE that takes the logarithm of zero in one step."""

    def __init__(self, rng, step):
        super().__init__(16, 2, [11], rng)
        self.calls, self.step = 0, step

    def loss(self, x, rng, step=0, rows=None):
        loss, parts = super().loss(x, rng)
        self.calls += 1
        return (ops.log(loss * 0.0) if self.calls >= self.step else loss), parts


def test_a_loss_that_becomes_nan_is_traced_to_its_operation():
    saved = []
    run = training(model=Explodes(np.random.default_rng(0), step=13))
    first = r"the objective became -inf in step 13: in step \d+, log gave the first infinity \(called at"
    with pytest.raises(UserError, match=first) as e:
        run.run(30, save=lambda *state: saved.append(state), every=5)
    assert "what was saved after step 10 is good and was kept" in str(e.value)
    assert [settings["step"] for _, settings in saved] == [0, 5, 10]
    assert all(np.isfinite(a).all() for a in saved[-1][0].values())
    assert run.step == 10


def test_after_a_resume_too():
    first = training(model=Explodes(np.random.default_rng(0), step=1000))
    for _ in range(7):
        first.take_step()
    second = training(model=Explodes(np.random.default_rng(1), step=4))
    second.load_state(*first.state())
    with pytest.raises(UserError, match=r"-inf in step 11: in step 8, log gave the first infinity") as raised:
        second.run(30)
    assert "what was saved after step 7" in str(raised.value)


class NotANumber(VAE):
    """A VAE whose loss becomes NaN without an operation."""

    def loss(self, x, rng, step=0, rows=None):
        objective, parts = super().loss(x, rng, step, rows)
        objective.data = np.full((), np.nan, np.float32)
        return objective, parts | {"loss": np.nan}


def test_a_nan_that_no_operation_made():
    with pytest.raises(UserError, match="outside of all operations"):
        training(model=NotANumber(16, 2, [11], np.random.default_rng(0))).run(3)


def test_a_validation_loss_that_is_not_a_number(monkeypatch):
    monkeypatch.setattr(loop, "mean_loss", lambda *arguments: {"loss": np.nan})
    run = training(x_validation=BARS.x_test)
    with pytest.raises(UserError, match="validation loss became nan"):
        run.run(10, every=5)


def test_the_same_model_is_validated_with_the_same_noise():
    run = training(x_validation=BARS.x_test)
    for _ in range(2):
        run._validate()
    assert run.validations[0] == run.validations[1]


def test_an_early_stop_survives_an_interruption():
    """A checkpoint holds the best parameters and the validations so far; a call that ends does not count as one."""

    def overfitting(seed):
        rng = np.random.default_rng(seed)
        model = VAE(16, 2, [64], rng)
        adam = optim.Adam(model.parameters(), 1e-2)
        return Training(model, adam, BARS.x_train[:20], 20, rng, BARS.x_test[:50], patience=3)

    whole = overfitting(0)
    whole.run(5000, every=20)
    for stop in (whole.step - 45, whole.step - 1):
        first, second = overfitting(0), overfitting(1)
        first.run(stop, every=20)
        second.load_state(*first.state())
        second.run(5000, every=20)
        assert second.validations == whole.validations and same(weights(second), weights(whole))


def test_an_explosion_by_the_learning_rate_is_explained():
    run = training(lr=1e30)
    with pytest.raises(UserError, match=r"gave the first (NaN|infinity).*smaller learning rate"):
        run.run(300, every=100)
    assert run.step == 0 and all(np.isfinite(a).all() for a in weights(run).values())


def test_spoilt_parameters_are_never_saved():
    saved = []
    run = training()
    run.run(5, save=lambda *state: saved.append(state), every=5)
    run.model.mu.b.data[0] = np.nan
    with pytest.raises(UserError, match=r"mu\.b is no longer finite"):
        run._save(lambda *state: saved.append(state))
    assert len(saved) == 2


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_spoilt_array_of_the_optimiser_is_never_saved(value):
    """Loading would refuse it; and where V is infinite, the parameter stands still for ever."""
    run = training()
    run.run(5, every=5)
    run.optimizer.state["V"][0].flat[0] = value
    with pytest.raises(Diverged, match=r"the optimiser's V of encoder\.\S+ is no longer finite after step 5"):
        run._save(lambda *state: None)


def test_a_spoilt_buffer_is_never_saved():
    run = training(model=VariationalEM(203, 16, 2, [11], np.random.default_rng(0)))
    run.model.logvar_table[3, 1] = np.inf
    with pytest.raises(UserError, match="logvar_table is no longer finite"):
        run._save(lambda *state: None)


def test_a_warning_does_not_disturb_the_training():
    a, b = (training(transform=dimmed) for _ in range(2))
    a.run(30, every=10)
    b.run(30, every=30)
    assert same(weights(a), weights(b))


class Asks(VAE):
    """A VAE that records the loop's arguments and its own mode."""

    def __init__(self):
        super().__init__(16, 2, [11], np.random.default_rng(0))
        self.told = []

    def loss(self, x, rng, step=0, rows=None):
        self.told.append((x, step, rows, self.training))
        return super().loss(x, rng)

    def posteriors(self, x):
        """Return posteriors of the kinds that the warnings are about, in turn."""
        mu = np.full((len(x), 2), 0.0 if not 20 < len(self.told) <= 40 else 20.0)
        return DiagonalGaussian(mu, np.zeros_like(mu))


def test_the_model_is_told_the_step_and_the_rows_and_is_in_training_mode():
    model = Asks()
    run = training(model=model)
    model.eval()
    run.run(15)
    for step, (x, told, rows, mode) in enumerate(model.told):
        assert told == step and np.array_equal(x, BARS.x_train[rows]) and mode


def dimmed(x, rng):
    return x * np.float32(rng.integers(5, 9) / 10)


def test_minibatches_are_transformed_with_the_generator_of_the_run():
    model = Asks()
    run = training(model=model, transform=dimmed)
    run.run(3)
    factors = [np.unique(x[BARS.x_train[rows] == 1]).item() for x, _, rows, _ in model.told]
    again = Asks()
    training(model=again, transform=dimmed).run(3)
    assert all(0.5 <= factor < 0.9 for factor in factors)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(model.told, again.told))


def test_a_warning_is_printed_once_when_it_begins(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "FEW_STEPS", 0)
    training(model=Asks()).run(50, every=10)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if "has collapsed" in line] == ["10", "50"]    # and again when it returns
    assert [line.split()[1] for line in lines if "have left the prior" in line] == ["30"]


def test_without_the_kl_and_with_too_much_of_it_the_loop_says_so(capsys):
    for beta, word in ((0.0, "have left the prior"), (1000.0, "has collapsed")):
        rng = np.random.default_rng(0)
        model = VAE(16, 2, [32], rng, kl_term=KLTerm(beta=beta))
        run = Training(model, optim.Adam(model.parameters(), 1e-2), BARS.x_train, 20, rng)
        run.run(1000)
        printed = capsys.readouterr().out
        assert word in " ".join(printed.split())
        assert max(len(line) for line in printed.splitlines()) <= 80
        columns = dict(zip(run.columns, run.history[-1]))
        assert columns["loss"] == pytest.approx(columns["rec"] + columns["kl"])     # the report has the true ELBO
        assert columns["objective"] == pytest.approx(columns["rec"] + beta * columns["kl"], rel=1e-4)


def test_an_interrupt_finishes_the_step_and_saves():
    saved = []
    run = training()
    take_step = run.take_step

    def step_with_signal():
        if run.step == 6:
            os.kill(os.getpid(), signal.SIGINT)
        take_step()

    run.take_step = step_with_signal
    with pytest.raises(KeyboardInterrupt):
        run.run(30, save=lambda *state: saved.append(state), every=500)
    assert [settings["step"] for _, settings in saved] == [0, 7]
    whole, rest = training(), training(seed=5)
    whole.run(30)
    rest.load_state(*saved[-1])
    rest.run(30)
    assert same(weights(whole), weights(rest))


def test_a_second_interrupt_does_not_wait():
    with interruptible() as interrupted:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("error")
def test_data_whose_mean_is_too_large_gives_one_sentence_and_no_warning():
    model, x = VAE(16, 2, [11], 0, likelihood="gaussian"), np.full((40, 16), -3e38, np.float32)
    with pytest.raises(UserError, match="gave the first infinity"):
        Training(model, optim.Adam(model.parameters(), 1e-3), x, 20, 0).run(3)

"""Proves that experiments can be repeated and resumed, and that each prints the table that it promises.

Here, those that train networks use small networks on a small set: the results mean nothing, but the programs run.
tutorials/results.md has the results on MNIST, and `pytest -m slow` repeats some of them.
"""

import pathlib
import sys
import types

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.experiments import EXPERIMENTS, burda, diagnosis, kingma_welling, mnist, published, toys, vanilla
from npvae.experiments.experiment import Experiment, table, trained
from npvae.nn.optim import Adam
from npvae.probability import DiagonalGaussian, log_weights, refine, ring
from npvae.training import Run

SMALL = {"data": "bars", "hidden": [8]}


def test_table():
    assert table(["", "b"], [["one", 1], ["a", 22]]) == ["|     | b  |", "|-----|----|", "| one | 1  |", "| a   | 22 |"]


def test_a_trained_network_is_kept_and_taken_up_again(tmp_path):
    begun_at = []
    initialize = lambda run: begun_at.append(run.training.step)  # noqa: E731
    run = trained(tmp_path / "a", 20, initialize, **SMALL)
    assert run.training.step == 20 and begun_at == [0]
    del run                                                 # releases its lock, too
    again = trained(tmp_path / "a", 30, initialize, **SMALL)
    whole = trained(tmp_path / "b", 30, **SMALL)
    assert begun_at == [0] and again.training.step == 30
    state = whole.model.state_dict()
    assert all(np.array_equal(a, state[name]) for name, a in again.model.state_dict().items())
    del again
    with pytest.raises(UserError, match="trained for 30 steps, expected 20"):
        trained(tmp_path / "a", 20, **SMALL)


def shrink_vanilla(monkeypatch):
    """Let the experiment `vanilla` take five steps with a small network."""
    for number, value in {"STEPS": 5, "CHANNELS": [4, 5], "LATENT_DIM": 3, "BATCH": 4, "SHOWN": (1, 5)}.items():
        monkeypatch.setattr(vanilla, number, value)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_and_prints_a_table(npvae_, monkeypatch, name):
    if name == "vanilla":
        pytest.importorskip("torch")
        pytest.importorskip("safetensors")
    given, decoders = mnist.with_the_decoder_of_the_vae, []

    def small(folder, steps, initialize=None, **chosen):
        chosen["data"] = "bars"
        if "hidden" in chosen or chosen.get("model", "vae") in ("ae", "dae", "vae"):
            chosen["hidden"] = [8]
        return trained(folder, min(steps, 1000 if name == "kingma-welling" else 200), initialize, **chosen)

    for module in (mnist, published, kingma_welling):
        monkeypatch.setattr(module, "trained", small)
    monkeypatch.setattr(published, "EPOCH", 20)
    monkeypatch.setattr(published, "LOG", {0: (545.4, 0.23), 100: (130.9, 11.6)})
    monkeypatch.setattr(published, "IMPORTANCE_SAMPLES", 5)
    monkeypatch.setattr(kingma_welling, "HELD_OUT", 50)
    monkeypatch.setattr(burda, "EPOCH", 2)
    monkeypatch.setattr(burda, "IMPORTANCE_SAMPLES", 5)
    monkeypatch.setattr(burda, "NETWORKS", {"VAE, k = 1": ("vae", 1), "IWAE, k = 5": ("iwae", 5)})
    monkeypatch.setattr(mnist, "with_the_decoder_of_the_vae", lambda run: given(run) or decoders.append(run.model))
    for number in ("REPETITIONS", "GAP_STEPS"):
        monkeypatch.setattr(mnist, number, 3)
    shrink_vanilla(monkeypatch)
    monkeypatch.setattr(toys, "EXAMPLES", 20)
    monkeypatch.setattr(diagnosis, "EXERCISES", diagnosis.EXERCISES[:3])    # test_planted.py takes all of them
    monkeypatch.setattr(diagnosis, "ROUNDS", 1)
    monkeypatch.setattr(diagnosis, "UNEXPLAINED", 5)
    if name == "likelihood":
        monkeypatch.setattr(mnist, "evaluate", lambda model, x, rng, K, f=mnist.evaluate: f(model, x, rng, 20))
    status, out, _ = npvae_("experiment", name, "--out", "somewhere")
    assert len(decoders) == (name == "amortization")
    assert status == 0 and out.count("\n|") > 3 and "table.md" in out
    assert max(len(line) for line in out.splitlines() if line.startswith("|")) <= 100


def test_the_list_and_a_name_that_is_not_on_it(npvae_, refuse):
    status, out, _ = npvae_("experiment")
    assert status == 0 and [line.split()[0] for line in out.splitlines()[::2]] == list(EXPERIMENTS)
    assert max(len(line) for line in out.splitlines()) <= 80
    pathlib.Path("file").write_text("")
    assert "file is a file, expected the name of a folder" in refuse("experiment", "ring", "--out", "file")
    assert "unknown experiment 'rign': did you mean 'ring'?" in refuse("experiment", "rign")


def test_an_interrupted_experiment_says_how_to_continue(npvae_, monkeypatch):
    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setitem(EXPERIMENTS, "ring", Experiment("", "", interrupted))
    status, out, _ = npvae_("experiment", "ring")
    assert status == 130 and "repeat the command to continue" in out


def test_vanilla_without_pytorch_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="this needs the package torch"):
        vanilla.vanilla(tmp_path)
    assert not list(tmp_path.iterdir())


def test_naive_monte_carlo_fails_as_the_dimension_grows(tmp_path):
    rows = [line.split("|")[1:-1] for line in toys.dimension(tmp_path)[3:]]
    naive, importance = (np.array([float(row[i]) for row in rows]) for i in (1, 3))
    assert (np.diff(naive) > 0).all() and naive[-1] > 50 and importance[-1] < 0.3


def test_what_the_ring_prints_adds_up(tmp_path):
    """ln p(x) − KL(q ‖ p(z | x)) is the ELBO; this test estimates it in another way, by sampling q."""
    lines = toys.ring(tmp_path)
    log_p, kl, elbo = (float(line.split("|")[2]) for line in lines[3:])
    assert elbo == pytest.approx(log_p - kl, abs=0.002) and 0.1 < kl < 1
    decode = lambda z: DiagonalGaussian(ring(z), float(np.log(toys.NOISE_VARIANCE)))  # noqa: E731
    x, rng = toys.OBSERVED[None], np.random.default_rng(5)
    start = DiagonalGaussian(np.array([[1.0, 0.0]]), np.full((1, 2), -1.0))
    q = refine(x, start, decode, rng, 1000, 0.01, samples=100)
    sampled = log_weights(x, q, decode, rng, 50_000).data
    assert sampled.mean() == pytest.approx(elbo, abs=0.02)


def test_the_deviation_is_in_standard_errors():
    """For an unbiased estimator, the largest of ten is about 1.5; in other units it would be 100 times smaller."""
    assert 0.5 < toys.on_the_oracle("analytic-kl")[0] < 4.5
    assert toys.on_the_oracle("naive")[0] > 50


def test_the_second_moment_of_the_codes(tmp_path, monkeypatch):
    """Without training, E[μ² + σ²] and E[μ² + σ] are both near 1; a small σ tells them apart."""
    def shrunken(folder, steps, **chosen):
        run = trained(folder, 1, **(chosen | SMALL))
        run.model.logvar.b.data[...] = np.log(1e-2)
        return run

    monkeypatch.setattr(mnist, "trained", shrunken)
    cells = mnist.kl(tmp_path)[3].split("|")
    run = shrunken(tmp_path / "again", 1, beta=0.0)
    q = run.model.encode(run.x_test[:1000]).detach()
    expected = np.mean(q.mu**2 + np.exp(q.logvar))
    assert float(cells[5]) == pytest.approx(expected, abs=0.006)
    assert float(cells[6]) == pytest.approx(0.1, abs=0.05)


def test_burdas_protocol(tmp_path, monkeypatch):
    assert burda.epochs_until(4) == 121 and burda.epochs_until(7) == 3280
    assert burda.rate(0) == 0.001 and burda.rate(7) == pytest.approx(0.0001)
    assert burda.extrapolated([100, 92, 88], 3) == pytest.approx(86)              # differences −8, −4, −2
    assert burda.extrapolated([100, 92, 88], 5) == pytest.approx(84.5)            # … −1, −½
    assert burda.extrapolated([100, 90, 91], 5) == 91                             # it does not go on falling
    values = {"EPOCH": 2, "IMPORTANCE_SAMPLES": 3, "CURVE_IMAGES": 10, "STAGES": 2, "ALL_STAGES": 3}
    for name, value in values.items():
        monkeypatch.setattr(burda, name, value)
    first = burda._measured(tmp_path / "run", 2, "vae", 1)
    assert burda._measured(tmp_path / "run", 2, "vae", 1) == first                # nothing is trained again
    more = burda._measured(tmp_path / "run", 3, "vae", 1)
    assert more["curve"][:2] == first["curve"] and more["test"].keys() == {"2", "3"}
    run = burda._trained(tmp_path / "run", 2, "vae", 1)
    assert run.step == 13 * 2 and run.settings["lr"] == burda.rate(2) and run.optimizer.eps == 5e-6
    assert run.optimizer.schedule(run.step) == burda.rate(2)
    del run
    with pytest.raises(UserError, match="trained for 26 steps, expected at most 8"):
        burda._trained(tmp_path / "run", 1, "vae", 1)


def test_burdas_program(tmp_path, monkeypatch):
    """The first biases and second moments are those of the program, and with k = 1 its VAE is its IWAE."""
    monkeypatch.setattr(burda, "EPOCH", 2)
    run = Run.create(tmp_path / "start", {"model": "vae", "hidden": [8], "binarization": "dynamic"})
    burda._start(run, burda.PROGRAM)
    decoded = run.model.decode(np.zeros((1, run.model.latent_dim), "float32")).mean[0]
    blank = run.x_train.max(axis=0) == 0
    assert decoded[~blank] == pytest.approx(run.x_train.mean(axis=0)[~blank].clip(0.001, 0.999), rel=1e-4)
    assert decoded[blank] == pytest.approx(0.001, rel=1e-4)
    for V in run.optimizer.state["V"]:
        assert V * (1 - run.optimizer.beta2) * 20**2 == pytest.approx(np.ones(V.shape))
    vae, iwae = (burda._trained(tmp_path / model, 1, model, 1).model for model in ("vae", "iwae"))
    for name, a in vae.state_dict().items():
        assert iwae.state_dict()[name] == pytest.approx(a, abs=1e-5), name
    paper = burda._trained(tmp_path / "paper", 1, "vae", 1, burda.PAPER)
    assert paper.optimizer.beta1 == 0.9 and paper.settings["estimator"] == "analytic-kl"


def test_burdas_full_protocol_interrupted(tmp_path, monkeypatch):
    """The next call continues it, also without --full: it must not print a table of stages that were not measured."""
    values = {"NETWORKS": {"VAE, k = 1": ("vae", 1)}, "STAGES": 2, "ALL_STAGES": 4, "EPOCH": 1, "CURVE_IMAGES": 10}
    for name, value in (values | {"IMPORTANCE_SAMPLES": 3}).items():
        monkeypatch.setattr(burda, name, value)
    given = burda._trained

    def stopped(folder, stage, *network):
        if stage == 3:
            raise KeyboardInterrupt("at stage 3")
        return given(folder, stage, *network)

    monkeypatch.setattr(burda, "_trained", stopped)
    with pytest.raises(KeyboardInterrupt, match="at stage 3"):  # and no signal from outside, which training catches
        burda.full(tmp_path)
    monkeypatch.setattr(burda, "_trained", given)
    lines = burda.burda(tmp_path, 2)
    assert [cell.strip() for cell in lines[4].split("|")[2:6]] == ["1", "4", "13", "40"]
    assert burda._kept(tmp_path / "vae-1.json")["test"].keys() == {"2", "4"}


def test_kingma_and_wellings_protocol(tmp_path, monkeypatch):
    """The best of three rates; the training bound is the mean over the last fifth; all parameters from N(0, 0.01)."""
    asked = []

    def fake(folder, steps, initialize, lr, **chosen):
        asked.append((folder.parent.name, steps, chosen))
        is_first = folder.parent.name == "rates"
        losses = [{0.01: 3.0, 0.02: 1.0, 0.1: 2.0}[lr]] * steps if is_first else range(steps)
        history, validations = [(loss,) for loss in losses], [(500, 104.0), (2000, 105.5)]
        training = types.SimpleNamespace(history=history, validations=validations)
        return types.SimpleNamespace(training=training, model=None, x_train=102.0, x_test=103.0)

    monkeypatch.setattr(kingma_welling, "trained", fake)
    monkeypatch.setattr(kingma_welling, "mean_loss", lambda model, x, rng: {"loss": x, "kl": 20.0})
    lines = kingma_welling.kingma_welling(tmp_path, 200_000)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[5:10]]
    assert cells[0] == ["3", "0.02", "-102.0", "-105.5", "-103.0", "1.50", "20.0"]
    assert [row[0] for row in cells] == ["3", "5", "10", "20", "200"]
    assert [steps for _, steps, _ in asked[:4]] == [1000, 1000, 1000, 2000]
    expected = {"hidden": [500], "activation": "tanh", "optimizer": "adagrad", "batch_size": 100}
    assert all(chosen.items() >= expected.items() for _, _, chosen in asked)
    run = Run.create(tmp_path / "run", {"data": "bars", "hidden": [500]})
    kingma_welling._draw_all(run)
    drawn = np.concatenate([p.data.ravel() for p in run.model.parameters()])
    assert drawn.std() == pytest.approx(0.1, rel=0.02) and all(p.data.any() for p in run.model.parameters())


def test_the_log_of_the_readmes_network(tmp_path, monkeypatch):
    """Each published minibatch stands beside ours around the same step, and the first one beside the first alone."""
    def fake(folder, steps, seed):
        history = np.arange(steps)[:, None] + np.full(3, seed)
        training = types.SimpleNamespace(history=history)
        return types.SimpleNamespace(training=training, model=seed, x_test=None)

    monkeypatch.setattr(published, "trained", fake)
    monkeypatch.setattr(published, "evaluate", lambda model, x, rng: {"loss": 100.0 + model})
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in published.summary(tmp_path) if "|" in line]
    assert rows[2][:4] == ["0", "545.4", "2.00 ± 1.58", "-343.7"]
    assert rows[3][0] == "500" and rows[3][2].startswith("502.00 ± 29.")
    assert rows[10][2] == "9501.50" and rows[13][2:4] == ["102.00", "1.58"]


def test_pytorch_vaes_loss_here_and_in_pytorch(tmp_path, monkeypatch):
    """In float64, five steps agree to rounding; with the same ε of Adam for gradients D times as large, they do not."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")

    def largest(name, precision):
        (tmp_path / name).mkdir()
        rows = [line.split("|")[1:-1] for line in vanilla.vanilla(tmp_path / name) if f"{precision}, largest" in line]
        return float(rows[0][4])

    shrink_vanilla(monkeypatch)
    assert largest("same", "float64") < 1e-10 and largest("again", "float32") < 1e-3
    monkeypatch.setattr(vanilla, "Adam", lambda parameters, lr, eps: Adam(parameters, lr, eps=vanilla.EPS))
    assert largest("other", "float64") > 1e-7


def test_how_far_apart_two_numbers_are():
    """With n runs of standard deviation s, the difference to one published run has the variance s² (1 + 1/n)."""
    assert published.beside("a", 10.0, [11.0, 12.0, 13.0]) == ["a", "10", "12.00", "1.00", "+1.7"]


def test_full(refuse):
    assert "fashion already follows its whole protocol: leave out --full" in refuse("experiment", "fashion", "--full")

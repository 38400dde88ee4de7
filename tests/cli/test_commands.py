"""Proves that the command line does what it says, and that a run survives Ctrl-C, SIGKILL and a second process.

These tests would catch a picture that is not written, a number that changes when it is measured again, and a killed run
whose bits differ in the end from those of an uninterrupted one. Mistakes of the user are in test_bad_input.py.
"""

import csv
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from npvae import __version__, gradchecks
from npvae.autodiff import op
from npvae.training import Run, checkpoint, settings

SMALL = ["--data", "bars", "--hidden", "16", "--steps", "30"]
PICTURES = {"history.png", "reconstructions.png", "samples.png", "interpolations.png", "traversals.png"}


def files(folder):
    return {path.name for path in pathlib.Path(folder).iterdir()}


def test_train_evaluate_and_draw(npvae_):
    status, out, _ = npvae_("train", *SMALL, "--latent-dim", 2)
    assert status == 0 and "test set of bars, 500 examples" in out and "active units" in out
    assert files("runs/bars") == PICTURES | {"model.npz", "history.csv", "manifold.png", "latent.png"}
    with open("runs/bars/history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == [str(n) for n in range(1, 31)]
    assert float(rows[-1]["loss"]) == pytest.approx(float(rows[-1]["rec"]) + float(rows[-1]["kl"]), abs=1e-3)

    status, evaluated, _ = npvae_("evaluate", "runs/bars", "--importance-samples", 5)
    assert status == 0 and "(5 importance samples," in evaluated
    loss = next(line for line in out.splitlines() if "loss = -ELBO" in line)
    assert loss in evaluated                                # the same noise: the same number
    assert "convention" not in out                          # the bars are black and white

    os.remove("runs/bars/samples.png")
    status, out, _ = npvae_("draw", "runs/bars")
    assert status == 0 and "samples.png" in out and "samples.png" in files("runs/bars")


EXTRA = {"pca": [], "dae": ["restored.png"]}


@pytest.mark.parametrize("model", settings.MODELS)
def test_every_model_is_trained_evaluated_drawn_and_resumed(npvae_, model):
    train = ["train", "--model", model, "--data", "bars", "--latent-dim", 3]
    steps = [] if model == "pca" else ["--steps", 20]
    status, out, _ = npvae_(*train, *steps)
    folder = "runs/bars" if model == "vae" else f"runs/{model}-bars"
    assert status == 0 and max(len(line) for line in out.splitlines()) <= 80
    assert f"model {model}" in out and "squared error" in out
    expected = PICTURES | {"model.npz", "history.csv"} | set(EXTRA.get(model, ()))
    assert files(folder) == (expected - {"history.csv", "history.png"} if model == "pca" else expected)
    is_vae = Run.load(folder).model.has_bound
    status, evaluated, _ = npvae_("evaluate", folder, *(["--importance-samples", 3, "--refine", 3] if is_vae else []))
    assert status == 0 and max(len(line) for line in evaluated.splitlines()) <= 80
    for word in ("-log p(x", "effective", "amortization", "active units", "binarization none"):
        assert (word in evaluated) == is_vae
    assert npvae_("draw", folder, "--between", 0, 1)[0] == 0 and "between-0-1.png" in files(folder)
    assert npvae_("train", "--out", folder, *(steps and ["--steps", 25]), "--resume")[0] == 0
    assert npvae_("draw", folder)[0] == 0


def test_samples_of_a_label_are_drawn(npvae_, refuse):
    npvae_("train", "--model", "cvae", *SMALL)
    status, out, _ = npvae_("draw", "runs/cvae-bars", "--label", 3)
    assert status == 0 and "label-3.png" in out and "label-3.png" in files("runs/cvae-bars")
    assert "there is no label 8: expected one of 1, 2, 3, 4" in refuse("draw", "runs/cvae-bars", "--label", 8)
    assert "choose one of them" in refuse("draw", "runs/cvae-bars", "--label", 3, "--between", 0, 1)
    npvae_("train", *SMALL)
    assert "the model vae knows no labels" in refuse("draw", "runs/bars", "--label", 3)


def test_squared_errors_are_those_of_pixels_in_their_own_range(npvae_):
    """The screen names the range of the density, but the squared error is that of pixels in [0, 1]."""
    _, out, _ = npvae_("train", "--model", "conv-vae", "--data", "bars", "--steps", 20)
    run = Run.load("runs/conv-vae-bars")
    error = np.square(run.model.reconstruct(run.x_test) - run.x_test).sum(axis=1).mean()
    assert f"squared error  {error:8.2f}" in out
    assert "pixels rescaled to [-1, 1]" in out


def test_version(npvae_, capsys):
    with pytest.raises(SystemExit):
        npvae_("--version")
    assert capsys.readouterr().out == f"npvae {__version__}\n"


def test_the_purpose_of_the_kl_term_is_printed(npvae_):
    train = ["train", "--data", "bars", "--hidden", 32, "--steps", 600, "--lr", "1e-2", "--out"]
    for beta, words in ((0, "the codes have left the prior"), (1000, "the posterior has collapsed")):
        _, out, _ = npvae_(*train, f"run{beta}", "--beta", beta)
        assert " ".join(out.split()).count(words) == 2      # during training, and at its end
        assert words in " ".join(npvae_("evaluate", f"run{beta}")[1].split())
    _, out, _ = npvae_(*train, "run1")
    assert "the codes" not in out and "collapsed" not in out


def test_dynamic_binarization(npvae_, rng):
    np.savez("mine.npz", x=rng.random((50, 9)))
    train = ["train", "--data", "mine.npz", "--hidden", 8, "--steps", 5, "--binarization", "dynamic"]
    _, out, _ = npvae_(*train)
    assert "binarization dynamic" in out and "convention" not in out


def test_your_own_data_with_a_gaussian_likelihood(npvae_, rng):
    np.savez("mine.npz", x=rng.normal(3, 5, (50, 4, 6)))
    train = ["train", "--data", "mine.npz", "--hidden", 8, "--steps", 5, "--likelihood", "gaussian"]
    assert npvae_(*train)[0] == 0 and files("runs/mine") == PICTURES | {"model.npz", "history.csv"}
    os.chdir("runs")                                        # the run knows where its data is
    assert npvae_("evaluate", "mine")[0] == 0


def test_the_screen_says_what_was_decided_about_your_own_data(npvae_, rng):
    x = rng.integers(0, 256, (50, 9), dtype=np.uint8)
    np.savez("mine.npz", images=x, label=np.array(["a rather long name", "another"])[np.arange(50) % 2], other=x)
    _, out, _ = npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 2)
    text = " ".join(out.split())
    for words in (
        f"drawn as an image of 3 × 3; uint8 from {x.min()} to {x.max()}, divided by 255: now from", "left out other",
        "x_train is taken from 'images'", "the labels are 2 classes: a rather long name, another",
        "the test set is 5 of them, chosen at random, the same in every run",
    ):  # fmt: skip
        assert words in text
    assert all(len(line) <= 80 for line in out.splitlines() if "/" not in line)  # a path is not broken


def test_the_screen_says_that_grey_pixels_are_a_convention(npvae_, rng):
    np.savez("mine.npz", x=rng.random((50, 9)))
    assert "a convention" in npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 5)[1]


def test_resume_ends_with_the_same_bits_and_can_go_further(npvae_):
    npvae_("train", *SMALL, "--out", "whole")
    npvae_("train", "--data", "bars", "--hidden", 16, "--steps", 20, "--out", "part")
    status, out, _ = npvae_("train", "--out", "part", "--steps", 30, "--resume")
    assert status == 0 and "continuing from step 20" in out
    whole, part = (checkpoint.load(f"{run}/model.npz")[0] for run in ("whole", "part"))
    assert whole.keys() == part.keys() and all(np.array_equal(whole[name], part[name]) for name in whole)
    assert npvae_("train", "--out", "part", "--steps", 30, "--resume")[0] == 0      # no steps are left


def test_an_early_stop(npvae_):
    status, out, _ = npvae_(
        "train", "--data", "bars", "--hidden", 256, "--latent-dim", 8, "--lr", "3e-3", "--steps", 40_000,
        "--validation", 1900, "--patience", 2,
    )  # fmt: skip
    assert status == 0 and "early stop: 2 validations" in out
    assert np.isfinite([row[1] for row in Run.load("runs/bars").training.validations]).all()


# --- gradcheck and data -----------------------------------------------------------------------------------------------


def test_gradcheck(npvae_, monkeypatch):
    monkeypatch.setattr(gradchecks, "ALL", gradchecks.ALL[::5])          # tests/gradchecks runs all of them
    status, out, _ = npvae_("gradcheck")
    assert status == 0 and out.count(" ok  ") == len(gradchecks.ALL)
    assert f"{len(gradchecks.ALL)} passed, 0 failed" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    status, out, _ = npvae_("gradcheck", "dense")
    assert status == 0 and "gradcheck dense: ok" in out and "analytic" in out


def test_gradcheck_of_a_wrong_operation_has_status_1(npvae_, monkeypatch):
    @op
    def halve(x):
        return x / 2, lambda dy: dy

    inputs = gradchecks.operations.one(gradchecks.check.normal)
    monkeypatch.setattr(gradchecks, "ALL", [gradchecks.check.check_of_operation(halve, inputs)])
    status, out, _ = npvae_("gradcheck")
    assert status == 1 and "halve: FAILED" in out and "0 passed, 1 failed" in out


def test_data(npvae_):
    status, out, _ = npvae_("data", "bars")
    assert status == 0 and "8 × 8 × 1" in out
    status, out, _ = npvae_("data", "mnist")
    assert status == 0 and "checksums verified" in out and "60000 training" in out


# --- processes --------------------------------------------------------------------------------------------------------


def start(folder, *arguments):
    command = [sys.executable, "-m", "npvae", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_ten_times_at_random_moments_it_ends_with_the_same_bits(tmp_path):
    train = ["train", "--data", "bars", "--hidden", 16, "--steps", 8000, "--batch-size", 50]
    assert start(tmp_path, *train, "--out", "whole").wait() == 0
    moments, resumed, steps = random.Random(0), [], set()
    for _ in range(10):
        process = start(tmp_path, *train, "--out", "killed", *resumed)
        for _ in range(moments.randrange(3)):               # lines of the log: slow and fast machines get equally far
            any("loss" in line for line in process.stdout)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        if (tmp_path / "killed").exists():
            resumed = ["--resume"]
        if (tmp_path / "killed" / "model.npz").exists():
            steps.add(checkpoint.load(tmp_path / "killed" / "model.npz")[1]["training"]["step"])    # never half written
    assert len(steps) > 3, steps                            # the run resumed from different steps
    last = start(tmp_path, *train, "--out", "killed", *resumed)
    _, errors = last.communicate()
    assert last.returncode == 0, errors
    whole, killed = (checkpoint.load(tmp_path / run / "model.npz")[0] for run in ("whole", "killed"))
    assert whole.keys() == killed.keys() and all(np.array_equal(whole[name], killed[name]) for name in whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path, number):
    process = start(tmp_path, "train", "--data", "bars", "--hidden", 16, "--steps", 1_000_000)
    assert any("step    500" in line for line in process.stdout)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "continue with: npvae train --out runs/bars --steps 1000000 --resume" in errors and "Traceback" not in errors
    step = checkpoint.load(tmp_path / "runs/bars/model.npz")[1]["training"]["step"]
    assert f"stopped; step {step} is saved;" in errors and step >= 500


def test_a_pipe_whose_reader_leaves(tmp_path):
    process = start(tmp_path, "gradcheck")
    process.stdout.readline()
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait()


def test_two_processes_in_one_folder(refuse, npvae_):
    npvae_("train", *SMALL)
    other = start(".", "train", "--out", "runs/bars", "--steps", 1_000_000, "--resume")
    assert any("continuing" in line for line in other.stdout)
    try:
        train = ["train", "--steps", 50, "--resume", "--out", "runs/bars"]
        assert "another process is training in runs/bars" in refuse(*train)
        assert npvae_("evaluate", "runs/bars")[0] == 0       # looking is allowed
    finally:
        other.kill()
        other.communicate()


def test_the_way_from_the_command_to_the_kl_is_short(npvae_):
    """These are the frames that a reader follows from `npvae train` to the line that computes the KL."""
    way = []

    def watch(frame, event, _):
        if event == "call" and frame.f_code.co_name == "kl_to_standard_normal" and not way:
            while frame.f_code.co_name != "main":
                way.append(frame.f_code)
                frame = frame.f_back
            way.append(frame.f_code)

    sys.setprofile(watch)
    try:
        npvae_("train", "--data", "bars", "--hidden", 16, "--steps", 1)
    finally:
        sys.setprofile(None)
    names = [code.co_name for code in way]
    assert len(way) <= 9 and len({code.co_filename for code in way}) <= 5, names


def test_ctrl_c_before_anything_is_saved_is_one_sentence(npvae_, monkeypatch):
    def interrupted(self, x):
        raise KeyboardInterrupt

    monkeypatch.setattr("npvae.models.PCA.fit", interrupted)
    status, _, error = npvae_("train", "--model", "pca", "--data", "bars")
    assert status == 130 and error.strip().endswith("npvae: interrupted")


def test_names_in_capitals_and_with_underscores(npvae_):
    choices = ("--data", "BARS", "--latent-dim", 2, "--steps", 2)
    status, _, error = npvae_("train", *choices, "--model", "Linear_AE", "--init", "Xavier-Uniform")
    assert status == 0 and os.listdir("runs") == ["linear-ae-bars"], error
    assert Run.load("runs/linear-ae-bars").settings["init"] == "xavier_uniform"
    assert npvae_("train", "--model", "LINEAR-AE", "--data", "bars", "--steps", 3, "--resume")[0] == 0
    assert npvae_("data", "Bars")[1].startswith("bars ")


def test_gradcheck_finds_what_has_the_word_in_its_name(npvae_):
    status, out, _ = npvae_("gradcheck", "divergence")
    first, *lines, last = out.splitlines()
    assert status == 0 and "no check is called 'divergence': these have it" in first
    assert last.startswith(f"{len(lines)} passed") and all("divergence" in line for line in lines)
    status, out, _ = npvae_("gradcheck", "to_standard")
    assert status == 0 and out.startswith("gradcheck kl_to_standard_normal: ok")
    assert npvae_("gradcheck", "Batch-Norm")[1].startswith("gradcheck batch_norm: ok")

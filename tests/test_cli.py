"""Proves that the command line does what it says, and meets what people get wrong with one sentence and status 2.

It would catch a traceback that a person sees, a run that is overwritten, a picture that is not written, and a run that
was killed and does not end with the bits of one that was not.
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

from npvae import checkpoint, checks, runs
from npvae.autodiff import op
from npvae.cli import main

SMALL = ["--data", "bars", "--hidden", "16", "--steps", "30"]
PICTURES = {"history.png", "reconstructions.png", "samples.png", "interpolations.png"}


@pytest.fixture
def npvae_(capsys, tmp_path, monkeypatch):
    """npvae_("train", …) runs the command in an empty folder and returns its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def refuse(npvae_):
    """refuse("train", …) asserts that the command ends with status 2 and one sentence, which it returns."""

    def refuse(*arguments):
        status, _, error = npvae_(*arguments)
        lines = [line for line in error.splitlines() if "it/s" not in line]
        assert status == 2 and len(lines) == 1 and lines[0].startswith("npvae: "), error
        return lines[0]

    return refuse


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


def test_a_persons_own_data_with_a_gaussian_likelihood(npvae_, rng):
    np.savez("mine.npz", x=rng.normal(3, 5, (50, 4, 6)))
    train = ["train", "--data", "mine.npz", "--hidden", 8, "--steps", 5, "--likelihood", "gaussian"]
    assert npvae_(*train)[0] == 0 and files("runs/mine") == PICTURES | {"model.npz", "history.csv"}
    os.chdir("runs")                                        # the run knows where its data is
    assert npvae_("evaluate", "mine")[0] == 0


def test_grey_pixels_are_said_to_be_a_convention(npvae_, rng):
    np.savez("mine.npz", x=rng.random((50, 9)))
    assert "a convention" in npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 5)[1]


def test_resume_ends_with_the_same_bits_and_can_go_further(npvae_):
    npvae_("train", *SMALL, "--out", "whole")
    npvae_("train", "--data", "bars", "--hidden", 16, "--steps", 20, "--out", "part")
    status, out, _ = npvae_("train", "--out", "part", "--steps", 30, "--resume")
    assert status == 0 and "going on from step 20" in out
    whole, part = (checkpoint.load(f"{run}/model.npz")[0] for run in ("whole", "part"))
    assert whole.keys() == part.keys() and all(np.array_equal(whole[name], part[name]) for name in whole)
    assert npvae_("train", "--out", "part", "--steps", 30, "--resume")[0] == 0      # nothing is left to do


def test_an_early_stop(npvae_):
    status, out, _ = npvae_(
        "train", "--data", "bars", "--hidden", 256, "--latent-dim", 8, "--lr", "3e-3", "--steps", 40_000,
        "--validation", 1900, "--patience", 2,
    )  # fmt: skip
    assert status == 0 and "early stop: 2 validations" in out
    assert np.isfinite([row[1] for row in runs.load("runs/bars").training.validations]).all()


# --- what people get wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--steps", "--batch-size", "--latent-dim", "--lr", "--hidden", "--validation"])
@pytest.mark.parametrize("value", ["0", "-3", "many", "nan", "100000000000000000000"])
def test_numbers_that_must_be_above_zero(refuse, option, value):
    assert f"argument {option}: found '{value}', expected a" in refuse("train", f"{option}={value}")
    assert files(".") == set()


def test_seeds(refuse):
    assert "found '-1', expected a whole number from 0 on" in refuse("train", "--seed=-1")


def test_unknown_names(refuse):
    assert "unknown data set 'mnits': did you mean 'mnist'?" in refuse("train", "--data", "mnits")
    assert "unknown optimiser 'adma': did you mean 'adam'?" in refuse("train", "--data", "bars", "--optimizer", "adma")
    assert "did you mean 'gaussian'?" in refuse("train", "--data", "bars", "--likelihood", "gausian")
    assert "did you mean 'he_normal'?" in refuse("train", "--data", "bars", "--init", "he_norml")
    assert "unknown operation 'densse': did you mean 'dense'?" in refuse("gradcheck", "densse")
    assert "unknown data set 'minst': did you mean 'mnist'?" in refuse("data", "minst")
    assert "invalid choice: 'trian'" in refuse("trian")
    assert "unrecognized arguments: --stepps" in refuse("train", "--stepps", "3")
    assert "required" in refuse()
    assert files(".") == set()


def test_run_folders(refuse, npvae_):
    assert "there is no folder runs/none" in refuse("evaluate", "runs/none")
    assert "there is no folder runs/none" in refuse("draw", "runs/none")
    assert "there is no folder runs/none" in refuse("train", "--out", "runs/none", "--resume")
    os.mkdir("empty")
    assert "there is no checkpoint empty/model.npz" in refuse("evaluate", "empty")
    npvae_("train", *SMALL)
    before = checkpoint.load("runs/bars/model.npz")[0]
    assert "runs/bars is already there: go on with --resume" in refuse("train", *SMALL)
    after = checkpoint.load("runs/bars/model.npz")[0]
    assert all(np.array_equal(before[name], after[name]) for name in before)
    pathlib.Path("file").write_text("")
    assert "file is a file, expected the name of a new folder" in refuse("train", *SMALL, "--out", "file")
    assert "file/run: Not a directory" in refuse("train", *SMALL, "--out", "file/run")
    assert "File name too long" in refuse("train", *SMALL, "--out", "x" * 300)


def test_a_run_that_was_killed_before_its_first_checkpoint_can_be_begun_again(npvae_):
    os.makedirs("runs/bars")
    assert npvae_("train", *SMALL, "--resume")[0] == 0


def test_resume_with_another_network_or_a_damaged_checkpoint(refuse, npvae_):
    npvae_("train", *SMALL)
    message = refuse("train", "--data", "bars", "--hidden", 17, "--resume")
    assert "was trained with hidden = [16], but [17] is asked for" in message

    arrays, settings = checkpoint.load("runs/bars/model.npz")
    settings["run"]["latent_dim"] = 11                      # a checkpoint whose settings are another network's
    checkpoint.save("runs/bars/model.npz", arrays, settings)
    assert "they are different networks" in refuse("evaluate", "runs/bars")

    content = pathlib.Path("runs/bars/model.npz").read_bytes()
    for damaged in (content[:-1], content[:100], b"", content[:500] + b"?" + content[501:]):
        pathlib.Path("runs/bars/model.npz").write_bytes(damaged)
        for command in (["train", "--data", "bars", "--resume"], ["evaluate", "runs/bars"], ["draw", "runs/bars"]):
            assert "is damaged or cut off" in refuse(*command)
        assert pathlib.Path("runs/bars/model.npz").read_bytes() == damaged


def test_data_that_does_not_fit(refuse, rng):
    np.savez("bytes.npz", x=rng.integers(0, 255, (20, 4)))
    assert "expects values in [0, 1]" in refuse("train", "--data", "bytes.npz")
    assert "there is no file" in refuse("train", "--data", "none.npz")
    np.savez("nan.npz", x=np.full((20, 4), np.nan))
    assert "NaN" in refuse("train", "--data", "nan.npz")
    assert "cannot have 5000 of 2000" in refuse("train", "--data", "bars", "--validation", 5000)
    assert "needs a validation set" in refuse("train", "--data", "bars", "--patience", 5)
    assert "runs" not in files(".")


def test_a_checkpoint_of_another_program(refuse):
    os.makedirs("runs/bars")
    for settings in ({}, {"run": {}}, {"run": dict(runs.DEFAULTS, data="bars"), "training": {}, "fingerprint": ""}):
        checkpoint.save("runs/bars/model.npz", {}, settings)
        assert "train" in refuse("evaluate", "runs/bars")


def test_two_processes_in_one_folder(refuse, npvae_):
    npvae_("train", *SMALL)
    other = start(".", "train", "--out", "runs/bars", "--steps", 1_000_000, "--resume")
    assert any("going on" in line for line in other.stdout)
    try:
        train = ["train", "--steps", 50, "--resume", "--out", "runs/bars"]
        assert "another process is training in runs/bars" in refuse(*train)
        assert npvae_("evaluate", "runs/bars")[0] == 0       # looking is allowed
    finally:
        other.kill()
        other.communicate()


def test_data_that_has_changed(refuse, npvae_, rng):
    np.savez("mine.npz", x=rng.random((50, 9)))
    npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 5)
    np.savez("mine.npz", x=rng.random((500, 9)))
    assert "mine.npz has changed since runs/mine was trained on it" in refuse("evaluate", "runs/mine")
    assert "has changed" in refuse("train", "--data", "mine.npz", "--steps", 9, "--resume")


def test_data_whose_numbers_are_too_large(refuse, rng):
    np.savez("mine.npz", x=rng.random((50, 784)) * 60_000)
    message = refuse("train", "--data", "mine.npz", "--likelihood", "gaussian")
    assert "gave the first" in message and "rescale the data, which runs from" in message


@pytest.mark.parametrize("shape", [(10, 9), (50, 7), (50, 600, 1), (20, 5, 5, 3), (19, 5000)])
def test_data_of_unusual_shapes_is_trained_and_drawn(npvae_, rng, shape):
    np.savez("mine.npz", x=rng.random(shape))
    assert npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 2, "--latent-dim", 2)[0] == 0
    assert {"history.png", "latent.png"} <= files("runs/mine")


def test_a_run_without_a_step_can_be_drawn_and_evaluated(npvae_):
    npvae_("train", *SMALL, "--lr", "1e9")                  # explodes, and leaves the checkpoint of step 0
    assert npvae_("draw", "runs/bars")[0] == npvae_("evaluate", "runs/bars")[0] == 0


def test_data_that_has_moved(refuse, npvae_, rng):
    np.savez("mine.npz", x=rng.random((50, 9)))
    npvae_("train", "--data", "mine.npz", "--hidden", 8, "--steps", 5)
    os.remove("mine.npz")
    assert "there is no file" in refuse("evaluate", "runs/mine")


def test_an_explosion(refuse):
    message = refuse("train", *SMALL, "--lr", "1e9")
    assert "gave the first" in message and "what was saved after step 0 is good and was kept" in message
    assert all(np.isfinite(a).all() for a in checkpoint.load("runs/bars/model.npz")[0].values())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_fills_up(tmp_path):
    """The limit is set after the first checkpoint, as a disk fills up during a run: the first one stays."""
    program = (
        "import resource, sys; from npvae import cli, runs; save = runs.Run.save\n"
        "def full(self, arrays, settings):\n"
        "    if settings['step']: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "    save(self, arrays, settings)\n"
        "runs.Run.save = full; sys.exit(cli.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "train", *SMALL], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and "could not be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert checkpoint.load(tmp_path / "runs/bars/model.npz")[1]["training"]["step"] == 0


# --- gradcheck and data -----------------------------------------------------------------------------------------------


def test_gradcheck(npvae_):
    status, out, _ = npvae_("gradcheck")
    assert status == 0 and out.count(" ok  ") == len(checks.ALL)
    assert f"{len(checks.ALL)} passed, 0 failed" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    status, out, _ = npvae_("gradcheck", "dense")
    assert status == 0 and "gradcheck dense: ok" in out and "analytic" in out


def test_gradcheck_of_a_wrong_operation_has_status_1(npvae_, monkeypatch):
    @op
    def halve(x):
        return x / 2, lambda dy: dy

    monkeypatch.setattr(checks, "ALL", [checks.operation(halve, checks.one(checks.normal))])
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
        for _ in range(moments.randrange(3)):               # lines of the log: a slow machine gets as far as a fast one
            any("loss" in line for line in process.stdout)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        if (tmp_path / "killed").exists():
            resumed = ["--resume"]
        if (tmp_path / "killed" / "model.npz").exists():
            steps.add(checkpoint.load(tmp_path / "killed" / "model.npz")[1]["training"]["step"])    # never half written
    assert len(steps) > 3, steps                            # it was resumed from different steps
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
    assert "go on with: npvae train --out runs/bars --steps 1000000 --resume" in errors and "Traceback" not in errors
    step = checkpoint.load(tmp_path / "runs/bars/model.npz")[1]["training"]["step"]
    assert f"stopped; step {step} is saved;" in errors and step >= 500


def test_a_pipe_whose_reader_leaves(tmp_path):
    process = start(tmp_path, "gradcheck")
    process.stdout.readline()
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait()

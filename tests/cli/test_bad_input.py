"""Proves that the command line answers a mistake of the user with one sentence and status 2, and loses nothing.

These tests would catch a traceback on the screen, a run that is overwritten, and a checkpoint of another network that
is loaded anyway. The tests of damaged data files are in tests/datasets/.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from npvae.training import checkpoint
from npvae.training import settings as settings_
from tests.cli.test_commands import SMALL, files


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
    assert "runs/bars already exists: continue with --resume" in refuse("train", *SMALL)
    after = checkpoint.load("runs/bars/model.npz")[0]
    assert all(np.array_equal(before[name], after[name]) for name in before)
    pathlib.Path("file").write_text("")
    assert "file is a file, expected the name of a folder" in refuse("train", *SMALL, "--out", "file")
    assert "file is a file, expected the name of a folder" in refuse("draw", "runs/bars", "--out", "file")
    assert "file/run: Not a directory" in refuse("train", *SMALL, "--out", "file/run")
    assert "File name too long" in refuse("train", *SMALL, "--out", "x" * 300)


def test_a_run_that_was_killed_before_its_first_checkpoint_can_be_begun_again(npvae_):
    os.makedirs("runs/bars")
    assert npvae_("train", *SMALL, "--resume")[0] == 0


def test_resume_with_another_network_or_a_damaged_checkpoint(refuse, npvae_):
    npvae_("train", *SMALL)
    message = refuse("train", "--data", "bars", "--hidden", 17, "--resume")
    assert "was trained with hidden = [16], but [17] is requested" in message

    arrays, settings = checkpoint.load("runs/bars/model.npz")
    settings["run"]["latent_dim"] = 11                      # a checkpoint with the settings of another network
    checkpoint.save("runs/bars/model.npz", arrays, settings)
    assert "they are different networks" in refuse("evaluate", "runs/bars")

    content = pathlib.Path("runs/bars/model.npz").read_bytes()
    for damaged in (content[:-1], content[:100], b"", content[:500] + b"?" + content[501:]):
        pathlib.Path("runs/bars/model.npz").write_bytes(damaged)
        for command in (["train", "--data", "bars", "--resume"], ["evaluate", "runs/bars"], ["draw", "runs/bars"]):
            assert "is damaged or cut off" in refuse(*command)
        assert pathlib.Path("runs/bars/model.npz").read_bytes() == damaged


def test_data_that_does_not_fit(refuse, rng):
    np.savez("wide.npz", x=rng.standard_normal((20, 4)))
    assert "expects values in [0, 1]" in refuse("train", "--data", "wide.npz")
    np.savez("levels.npz", x=rng.integers(0, 16, (20, 4)))
    assert "the scale is in doubt" in refuse("train", "--data", "levels.npz")
    assert "there is no file" in refuse("train", "--data", "none.npz")
    np.savez("nan.npz", x=np.full((20, 4), np.nan))
    assert "NaN" in refuse("train", "--data", "nan.npz")
    assert "cannot have 5000 of 2000" in refuse("train", "--data", "bars", "--validation", 5000)
    assert "needs a validation set" in refuse("train", "--data", "bars", "--patience", 5)
    assert "runs" not in files(".")


def test_settings_that_a_model_does_not_have(refuse):
    assert "unknown model 'conv-vea': did you mean 'conv-vae'?" in refuse("train", "--model", "conv-vea")
    message = refuse("train", "--model", "ae", "--data", "bars", "--beta", 4)
    assert "the model ae has no beta: leave it out, or choose one of vae, cvae, conv-vae" in message
    assert "has no lr" in refuse("train", "--model", "pca", "--data", "bars", "--lr", 1)
    assert "has no warm-up" in refuse("train", "--model", "iwae", "--data", "bars", "--warm-up", 1)
    assert "choose one of them" in refuse("train", "--data", "bars", "--free-bits", 1, "--capacity", 2)
    assert "need the KL apart" in refuse("train", "--data", "bars", "--estimator", "naive", "--beta", 2)
    assert "at least 2 samples" in refuse("train", "--data", "bars", "--estimator", "score-function-baseline")
    assert files(".") == set()


@pytest.mark.parametrize("option", ["--samples", "--e-steps"])
def test_no_samples(refuse, option):
    model = "vem" if option == "--e-steps" else "iwae"
    assert f"argument {option}: found '0', expected a" in refuse("train", "--model", model, option, 0)
    assert "argument --importance-samples: found '0'" in refuse("evaluate", "runs/none", "--importance-samples", 0)


def test_images_that_a_convolution_cannot_halve(refuse, rng):
    message = refuse("train", "--model", "conv-vae", "--data", "mnist", "--channels", 8, 8, 8)
    assert "3 times: 28 × 28 → 14 × 14 → 7 × 7 has an odd side; give the channels of 2" in message
    np.savez("odd.npz", x=rng.random((50, 9, 8)))
    assert "9 × 8 has an odd side" in refuse("train", "--model", "conv-ae", "--data", "odd.npz")
    np.savez("vectors.npz", x=rng.random((50, 10)))
    assert "holds vectors of 10 numbers" in refuse("train", "--model", "conv-vae", "--data", "vectors.npz")
    assert not any(path.name == "runs" for path in pathlib.Path(".").iterdir())


def test_a_likelihood_that_does_not_fit_the_data(refuse, rng):
    np.savez("grey.npz", x=rng.random((50, 9)))
    np.savez("wide.npz", x=rng.random((50, 4, 4)) * 3 - 1)
    grey, wide = ["train", "--data", "grey.npz"], ["train", "--data", "wide.npz"]
    assert "expects the 256 levels" in refuse(*grey, "--likelihood", "discretized-logistic")
    assert "expects values in [0, 1]" in refuse(*wide, "--likelihood", "continuous-bernoulli")
    assert "this model expects values in [0, 1]: rescale" in refuse(*wide, "--model", "conv-vae")
    message = refuse(*grey, "--likelihood", "gaussian", "--binarization", "dynamic")
    assert "a gaussian likelihood is for grey values: leave out the dynamic" in message
    assert "did you mean 'dynamic'" in refuse(*grey, "--binarization", "dynamik")
    message = refuse(*wide, "--likelihood", "bernoulli", "--binarization", "static")
    assert "expects values in [0, 1]" in message
    message = refuse(*grey, "--model", "vem", "--binarization", "dynamic")
    assert "dynamic binarization redraws the image: choose static" in message
    assert "has only 9 dimensions" in refuse(*grey, "--model", "pca")


def test_options_that_would_do_nothing(refuse, npvae_):
    assert "pca is computed in closed form and takes no steps" in refuse("train", "--model", "pca", "--steps", 5)
    npvae_("train", "--model", "pca", "--data", "bars")
    for option in ("--importance-samples", "--refine"):
        assert "pca has no likelihood: leave out" in refuse("evaluate", "runs/pca-bars", option, 5)


@pytest.mark.filterwarnings("error::RuntimeWarning")  # and no other: garbage of an earlier test may warn here
def test_numbers_that_no_model_can_deal_with(refuse, rng):
    np.savez("huge.npz", x=rng.standard_normal((200, 16)) * 1e30)
    message = refuse("train", "--model", "pca", "--data", "huge.npz", "--latent-dim", 2)
    assert "squared error of the test set is" in message and "rescale the data, which runs from" in message


def test_an_interpolation_between_images_that_are_not_there(refuse, npvae_, rng):
    npvae_("train", *SMALL)
    assert "no test image 500: expected one from 0 to 499" in refuse("draw", "runs/bars", "--between", 3, 500)
    assert "argument --between: found '-1'" in refuse("draw", "runs/bars", "--between", -1, 3)
    assert "found '0', expected a" in refuse("draw", "runs/bars", "--between", 3, 4, "--steps", 0)
    assert "1 steps, expected from 2" in refuse("draw", "runs/bars", "--between", 3, 4, "--steps", 1)
    assert "with --between I J" in refuse("draw", "runs/bars", "--steps", 5)
    np.savez("vectors.npz", x=rng.random((50, 10)))
    npvae_("train", "--model", "pca", "--data", "vectors.npz", "--latent-dim", 2)
    assert "there is nothing to draw" in refuse("draw", "runs/pca-vectors", "--between", 0, 1)


def test_a_checkpoint_of_another_program(refuse):
    os.makedirs("runs/bars")
    for settings in ({}, {"run": {}}, {"run": settings_.complete({"data": "bars"}), "training": {}, "fingerprint": ""}):
        checkpoint.save("runs/bars/model.npz", {}, settings)
        assert "train" in refuse("evaluate", "runs/bars")


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
    npvae_("train", *SMALL, "--lr", "1e9")                  # explodes, and leaves the checkpoint of step 0 behind
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
    """A limit after the first checkpoint acts like a disk that fills up during a run: the first checkpoint stays."""
    program = (
        "import resource, sys; from npvae import cli; from npvae.training import Run; save = Run.save\n"
        "def full(self, arrays, settings):\n"
        "    if settings['step']: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "    save(self, arrays, settings)\n"
        "Run.save = full; sys.exit(cli.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "train", *SMALL], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and "could not be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert checkpoint.load(tmp_path / "runs/bars/model.npz")[1]["training"]["step"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_no_file_of_a_run_is_written_through_a_link(npvae_):
    npvae_("train", *SMALL, "--latent-dim", 2)
    written = files("runs/bars")
    for name in written:
        os.rename(f"runs/bars/{name}", f"elsewhere-{name}")
        os.symlink(f"../../elsewhere-{name}", f"runs/bars/{name}")
    before = {name: pathlib.Path(f"elsewhere-{name}").read_bytes() for name in written}
    assert npvae_("train", "--out", "runs/bars", "--steps", 35, "--resume")[0] == 0
    assert all(pathlib.Path(f"elsewhere-{name}").read_bytes() == before[name] for name in written)
    assert files("runs/bars") == written and not any(path.is_symlink() for path in pathlib.Path("runs/bars").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_a_killed_run_left_unfinished_is_removed_by_the_next(npvae_):
    npvae_("train", *SMALL)
    left = pathlib.Path("runs/bars/model.npz.12345.partial")
    left.write_bytes(b"half")
    assert npvae_("evaluate", "runs/bars")[0] == 0 and left.exists()     # only looks
    assert npvae_("train", "--out", "runs/bars", "--steps", 35, "--resume")[0] == 0 and not left.exists()
    os.mkdir("again")
    pathlib.Path("again/model.npz.12345.partial").write_bytes(b"half")
    assert npvae_("train", *SMALL, "--out", "again")[0] == 0 and files("again") == files("runs/bars")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_predict_without_a_standard_input(npvae_):
    npvae_("learn", "init", "mine")
    command = f"{sys.executable} -m npvae learn predict relu <&-"
    done = subprocess.run(command, shell=True, cwd="mine", capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("npvae: no answer was given"), done.stderr
    assert done.stderr.count("\n") == 1


def test_no_message_is_longer_than_300_characters_or_one_line(refuse):
    for name in ("x" * 2000, "y\n\x1b[2J" * 90):
        for command in ("evaluate", "data", "train --model", "train --seed", ""):
            message = refuse(*command.split(), name)
            assert len(message) <= 300 and message.isprintable()


@pytest.mark.parametrize("error", [
    MemoryError(), ImportError("libtiff.so: failed to map segment from shared object"),
    RuntimeError("can't start new thread"),
])
def test_a_lack_of_memory_is_one_sentence(refuse, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("npvae.figures.pictures.draw", fail)
    assert "not enough memory" in refuse("train", *SMALL)

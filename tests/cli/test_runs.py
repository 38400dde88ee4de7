"""Proves that the commands about runs do without the data what they can, and write where they are told to.

These tests would catch a change of a setting that nobody sees, and codes of other examples than the labels beside them.
"""

import os
import pathlib

import numpy as np
import pytest

from npvae.cli import main
from npvae.training import Run, checkpoint, settings
from tests.cli.test_commands import PICTURES, SMALL, files

MINE = ["train", "--data", "mine.npz", "--hidden", 8, "--steps", 5]


@pytest.fixture
def mine(rng):
    return {"x": rng.random((60, 4, 4)), "y": rng.integers(0, 3, 60)}


def test_without_its_data_a_run_is_drawn_as_far_as_possible(npvae_, refuse, mine):
    np.savez("mine.npz", **mine)
    npvae_(*MINE, "--latent-dim", 2)
    os.rename("mine.npz", "renamed.npz")
    status, out, _ = npvae_("draw", "runs/mine", "--out", "pictures")
    assert status == 0 and "say with --data" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "/" not in line)       # a path is not broken
    assert files("pictures") == {"history.png", "samples.png", "traversals.png", "manifold.png"}
    resume = ["train", "--out", "runs/mine", "--resume", "--steps", 8]
    for command in (["evaluate", "runs/mine"], ["draw", "runs/mine", "--between", 0, 1], resume):
        assert "there is no file" in refuse(*command) and "say with --data" in refuse(*command)
    for command in (["evaluate", "runs/mine"], ["draw", "runs/mine"], resume):
        assert npvae_(*command, "--data", "renamed.npz")[0] == 0
    assert npvae_("evaluate", "runs/mine")[0] == 0          # the resumed run remembers the place


@pytest.mark.parametrize("model", settings.MODELS)
def test_every_model_is_drawn_without_its_data(npvae_, model, mine):
    np.savez("mine.npz", **mine)
    steps = [] if model == "pca" else ["--steps", 3]
    npvae_("train", "--model", model, "--data", "mine.npz", "--latent-dim", 3, *steps, "--out", "run")
    os.remove("mine.npz")
    assert npvae_("draw", "run", "--out", "pictures")[0] == 0
    assert files("pictures") >= {"samples.png", "traversals.png"}


def test_the_learning_rate_may_change_and_the_change_is_kept(npvae_, refuse):
    npvae_("train", *SMALL)
    resume = ["train", "--out", "runs/bars", "--resume", "--steps"]
    status, out, _ = npvae_(*resume, 35, "--lr", "0.0001", "--batch-size", 50)
    assert status == 0 and "lr 0.001 until step 30, then 0.0001" in out
    run = Run.load("runs/bars")
    assert run.training.optimizer.schedule(0) == 0.0001 and run.training.batches.batch_size == 50
    assert "lr 0.001 until step 30, then 0.0001" in npvae_(*resume, 40)[1]      # it is not forgotten
    assert npvae_(*resume, 45, "--lr", "0.0002", "--schedule", "polynomial")[0] == 0
    changes = checkpoint.load("runs/bars/model.npz")[1]["changes"]
    found = [tuple(each[name] for name in ("step", "setting", "before", "after")) for each in changes]
    assert found == [
        (30, "batch_size", 100, 50), (30, "lr", 0.001, 0.0001),
        (40, "lr", 0.0001, 0.0002), (40, "schedule", "constant", "polynomial"),
    ]  # fmt: skip
    assert "was trained with latent_dim = 10, but 3 is requested" in refuse(*resume, 50, "--latent-dim", 3)
    assert "needs a validation set" in refuse(*resume, 50, "--patience", 3)
    assert "was trained with optimizer = adam" in refuse(*resume, 50, "--optimizer", "sgd")


def test_a_change_has_the_effect_of_that_setting(npvae_):
    """A rate that changes before the first step gives the run that has always had it."""
    npvae_("train", *SMALL, "--lr", "0.01", "--out", "whole")
    run = Run.create("changed", {"data": "bars", "hidden": [16]})
    run.save(*run.training.state())
    del run
    npvae_("train", "--out", "changed", "--resume", "--steps", 30, "--lr", "0.01")
    whole, changed = (checkpoint.load(f"{folder}/model.npz")[0] for folder in ("whole", "changed"))
    assert whole.keys() == changed.keys() and all(np.array_equal(whole[name], changed[name]) for name in whole)


def test_a_minibatch_larger_than_the_training_set_is_mentioned(npvae_):
    _, out, _ = npvae_("train", *SMALL, "--batch-size", 999_999_999)
    assert "a minibatch of 999999999 is larger than the training set" in " ".join(out.split())
    assert "larger" not in npvae_("train", *SMALL, "--batch-size", 2000, "--out", "other")[1]


def test_pictures_go_where_they_are_told_to(npvae_, refuse):
    npvae_("train", *SMALL)
    before = {path: path.stat().st_mtime_ns for path in pathlib.Path("runs/bars").iterdir()}
    assert npvae_("draw", "runs/bars", "--out", "here/there")[0] == 0 and files("here/there") == PICTURES
    assert npvae_("draw", "runs/bars", "--out", "between", "--between", 0, 1)[0] == 0
    assert files("between") == {"between-0-1.png"}
    assert {path: path.stat().st_mtime_ns for path in pathlib.Path("runs/bars").iterdir()} == before
    pathlib.Path("file").write_text("")
    assert "file" in refuse("draw", "runs/bars", "--out", "file")


def test_an_out_that_cannot_be_written_is_found_before_the_work(npvae_, refuse, monkeypatch):
    npvae_("train", *SMALL)

    def work(*arguments, **options):
        raise AssertionError("the work had begun")

    for name in ("pictures.draw", "evaluation.encoded", "Run.examples"):
        monkeypatch.setattr(f"npvae.cli.commands.{name}", work)
    pathlib.Path("file").write_text("")
    encode = ["encode", "runs/bars", "--out"]
    assert "file/codes.npz cannot be written: Not a directory" in refuse(*encode, "file/codes.npz")
    assert "is a folder" in refuse(*encode, "runs")
    assert "none/codes.npz cannot be written: No such" in refuse(*encode, "none/codes.npz")
    assert "file" in refuse("draw", "runs/bars", "--out", "file")
    assert "file" in refuse("draw", "runs/bars", "--out", "file/pictures")


@pytest.mark.parametrize("model", settings.MODELS)
def test_codes(npvae_, model, mine):
    np.savez("mine.npz", **mine)
    steps = [] if model == "pca" else ["--steps", 3]
    npvae_("train", "--model", model, "--data", "mine.npz", "--latent-dim", 3, *steps, "--out", "run")
    status, out, _ = npvae_("encode", "run", "--out", "codes.npz")
    assert status == 0 and "codes_train" in out and "wrote the codes of mine to codes.npz" in out
    run = Run.load("run")
    with np.load("codes.npz") as found:
        expected = {"codes_train", "codes_test", "y_train", "y_test"}
        assert {*found} == expected | ({"logvar_train", "logvar_test"} if run.model.has_bound else set())
        assert np.array_equal(found["y_train"], run.dataset.y_train)
        assert np.array_equal(found["codes_test"], run.given(slice(None)).codes(run.x_test))
        assert found["codes_train"].shape == (54, 3)
        if run.model.has_bound:
            with run.model.evaluating():
                assert np.allclose(found["logvar_test"], run.given(slice(None)).encode(run.x_test).detach().logvar)


def test_codes_of_other_data(npvae_, refuse, mine, rng):
    np.savez("mine.npz", x=mine["x"])
    npvae_(*MINE, "--binarization", "dynamic")
    np.savez("other.npz", x=rng.random((40, 4, 4)))
    assert npvae_("encode", "runs/mine", "--out", "codes.npz", "--data", "other.npz")[0] == 0
    with np.load("codes.npz") as found:
        assert {*found} == {"codes_train", "codes_test", "logvar_train", "logvar_test"}
        assert found["codes_train"].shape == (36, 10)
    np.savez("wide.npz", x=rng.random((40, 5, 5)))
    message = refuse("encode", "runs/mine", "--out", "new.npz", "--data", "wide.npz")
    assert "the examples of wide have 25 numbers, expected 16" in message and not os.path.exists("new.npz")


def test_codes_of_other_data_with_labels_that_stand_for_something_else_are_refused(npvae_, refuse, rng):
    def save(path, names):
        np.savez(path, x=rng.random((60, 9)), **({"y": np.resize(names, 60)} if names else {}))

    save("mine.npz", ["cat", "dog", "owl"])
    npvae_(*MINE, "--model", "cvae", "--out", "run")
    encode = ["encode", "run", "--out", "codes.npz"]
    save("same.npz", ["owl", "dog", "cat"])
    assert npvae_(*encode)[0] == npvae_("encode", "run", "--out", "same-codes.npz", "--data", "same.npz")[0] == 0
    assert "codes.npz already exists: choose another --out" in refuse(*encode)
    encode[-1] = "new-codes.npz"
    for names, message in (
        (["dog", "owl"], "stand for dog, owl, expected cat, dog, owl"),
        ([0, 1, 2], "stand for whole numbers, expected cat, dog, owl"),
        ([], "the model needs labels, and other has none"),
    ):
        save("other.npz", names)
        assert message in refuse(*encode, "--data", "other.npz")
    os.remove("mine.npz")
    assert "restore it to encode other data" in refuse(*encode, "--data", "same.npz")


def test_explore_writes_a_page_and_replaces_none(tmp_path, capsys):
    train = ["train", "--data", "bars", "--hidden", "8", "--steps", "2", "--out", str(tmp_path / "run")]
    assert main(train) == 0
    page = tmp_path / "run" / "explorer.html"
    assert main(["explore", str(tmp_path / "run")]) == 0 and page.stat().st_size > 10_000
    page.write_text("mine")
    assert main(["explore", str(tmp_path / "run")]) == 2 and page.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main(["explore", str(tmp_path / "run"), str(tmp_path / "run"), "--force"]) == 0
    assert page.stat().st_size > 10_000
    assert main(["explore", str(tmp_path / "nothing")]) == 2

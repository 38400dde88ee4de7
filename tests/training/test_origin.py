"""Proves that a run finds its data after a move, and that what needs no data works without it.

These tests would catch a path that is trusted more than the fingerprint, and a model that needs its data to be built.
"""

import os
import pathlib
import shutil

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.training import Run, checkpoint, settings
from npvae.training.origin import MissingData


@pytest.fixture
def mine(tmp_path, rng, monkeypatch):
    """A folder `home` with a data set and a run of five steps, which is the current folder."""
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    monkeypatch.chdir(home)
    np.savez("data/mine.npz", x=rng.random((60, 4, 4)))
    run = Run.create("runs/mine", {"data": "data/mine.npz", "hidden": [8], "latent_dim": 2, "validation": 10})
    run.training.run(5, run.save)
    return home


def change(path, edit):
    """Write the checkpoint again, after edit(settings)."""
    arrays, saved = checkpoint.load(path)
    edit(saved)
    checkpoint.save(path, arrays, saved)


def test_the_data_is_found_after_a_move(mine, tmp_path, monkeypatch):
    fingerprint = Run.load("runs/mine").origin.fingerprint
    moves = {
        "together": lambda new: shutil.move(mine, new),
        "beside the folder": lambda new: (shutil.move(new / "data/mine.npz", new / "runs"), None),
        "in the folder": lambda new: shutil.move(new / "runs/mine.npz", new / "runs/mine"),
    }
    monkeypatch.chdir(tmp_path)
    for move in moves.values():
        move(tmp_path / "new")
        run = Run.load("new/runs/mine", to_train=True)
        assert run.dataset.fingerprint() == fingerprint and run.missing is None
        del run
    shutil.move("new/runs/mine/mine.npz", "renamed.npz")
    with pytest.raises(MissingData, match=r"there is no file .*mine\.npz: restore it, or say with --data where"):
        Run.load("new/runs/mine", to_train=True)
    assert Run.load("new/runs/mine", {"data": "renamed.npz"}, to_train=True).missing is None


def test_a_path_of_another_system(mine):
    change("runs/mine/model.npz", lambda saved: saved["run"].update(data="C:\\Users\\me\\mine.npz"))
    change("runs/mine/model.npz", lambda saved: saved["data"].update(relative="..\\..\\mine.npz"))
    shutil.move("data/mine.npz", "runs/mine.npz")
    assert Run.load("runs/mine").missing is None


def test_a_run_that_goes_on_elsewhere_ends_with_the_same_bits_and_remembers_the_place(mine):
    whole = Run.load("runs/mine")
    whole.training.run(9)
    os.rename("data/mine.npz", "data/renamed.npz")
    run = Run.load("runs/mine", {"data": "data/renamed.npz"}, to_train=True)
    run.training.run(9, run.save)
    del run
    again = Run.load("runs/mine")
    assert again.missing is None and again.settings["data"] == str(pathlib.Path("data/renamed.npz").absolute())
    expected = whole.training.state()[0]
    assert all(np.array_equal(a, expected[name]) for name, a in again.training.state()[0].items())


def test_the_fingerprint_decides_and_not_the_path(mine, rng):
    shutil.copy("data/mine.npz", "copy.npz")
    np.savez("data/mine.npz", x=rng.random((60, 4, 4)))
    run = Run.load("runs/mine")
    with pytest.raises(MissingData, match=r"mine\.npz has changed since runs/mine was trained on it: restore it"):
        run.dataset  # noqa: B018
    assert "has changed" in run.missing
    with pytest.raises(UserError, match="is not the data that"):
        Run.load("runs/mine", {"data": "data/mine.npz"}, to_train=True)
    shutil.copy("copy.npz", "mine.npz")                     # in the current folder, and last in the search
    assert Run.load("runs/mine").missing is None


@pytest.mark.parametrize("model", settings.MODELS)
def test_every_model_can_be_loaded_and_sampled_without_its_data(tmp_path, rng, model):
    np.savez(tmp_path / "mine.npz", x=rng.random((60, 8, 8)), y=np.arange(60) % 3)
    run = Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "model": model, "latent_dim": 3})
    run.training.run(2, run.save)
    run.finish()
    expected = run.model.given(2).sample(5, np.random.default_rng(1))
    os.remove(tmp_path / "mine.npz")
    again = Run.load(tmp_path / "run")
    assert np.array_equal(again.model.given(2).sample(5, np.random.default_rng(1)), expected)
    assert again.curves()[1] == [list(row) for row in run.training.history]
    with pytest.raises(MissingData):
        again.training  # noqa: B018


def test_an_older_prior_is_not_taken_for_that_of_the_trained_model(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": "ae", "hidden": [8]})
    run.training.run(2, run.save)
    run.finish()
    before = run.model.code_mean
    run.training.run(9, run.save)
    run.fit_prior()
    assert not np.array_equal(run.model.code_mean, before)
    again = Run.load(tmp_path / "run")                      # saved by the loop, without a prior
    assert not again.has_prior
    again.fit_prior()
    assert np.array_equal(again.model.code_mean, run.model.code_mean)


def test_a_checkpoint_of_the_first_version(mine):
    """It does not hold the shape of its data, so the data must be there."""
    arrays, saved = checkpoint.load("runs/mine/model.npz")
    del saved["data"], saved["changes"]
    for name in ("counts", "beta1", "beta2", "eps"):
        del arrays[f"optimizer/{name}"]
    checkpoint.save("runs/mine/model.npz", arrays, saved)
    assert Run.load("runs/mine", to_train=True).origin.image_shape == (4, 4, 1)
    os.rename("data/mine.npz", "data/renamed.npz")
    with pytest.raises(MissingData, match="say with --data"):
        Run.load("runs/mine")
    assert Run.load("runs/mine", {"data": "data/renamed.npz"}).missing is None

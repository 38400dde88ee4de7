"""Proves that a film shows the training as it was, and changes nothing about it.

These tests would catch frames of other steps, a film that draws from the generator of the training, a resumed run that
loses the frames of before, and a last frame that is not the trained model.
"""

import numpy as np
import PIL.Image
import pytest

from npvae.cli import main
from npvae.errors import UserError
from npvae.figures import plots
from npvae.figures.film import FILE, SIDE, Film, frame_steps
from npvae.training import Run

SMALL = ["train", "--data", "bars", "--hidden", "8", "--latent-dim", "2"]


@pytest.mark.parametrize("steps", [1, 2, 60, 10_000])
def test_frames_begin_close_together(steps):
    found = frame_steps(steps)
    gaps = np.diff(found)
    assert found[0] == 0 and found[-1] == steps and len(found) <= 61 and np.all(gaps >= 1)
    assert np.all(np.diff(gaps) >= -1) and list(found[:3]) == [0, 1, 2][: steps + 1]


def weights(folder):
    return Run.load(folder).model.state_dict()


@pytest.mark.parametrize("model", [[], ["--model", "cvae"], ["--model", "ae"], ["--model", "conv-vae"]])
def test_a_film_ends_with_the_trained_model_and_leaves_the_training_alone(tmp_path, model):
    hidden = [] if model[1:] != ["conv-vae"] else ["--data", "bars", "--latent-dim", "2"]
    command = (["train", *hidden] if hidden else SMALL) + ["--steps", "12", *model]
    assert main([*command, "--out", str(tmp_path / "plain")]) == 0
    assert main([*command, "--out", str(tmp_path / "filmed"), "--film"]) == 0
    plain, filmed = weights(tmp_path / "plain"), weights(tmp_path / "filmed")
    assert plain.keys() == filmed.keys() and all(np.array_equal(plain[name], filmed[name]) for name in plain)
    run, saved = Run.load(tmp_path / "filmed"), np.load(tmp_path / "filmed" / FILE)
    assert np.array_equal(saved["steps"], frame_steps(12))
    codes = run.given(slice(1000)).codes(run.x_test[:1000])
    assert np.allclose(saved["codes"][-1], codes, atol=1e-5) and not np.allclose(saved["codes"][0], codes, atol=0.01)
    if not model:
        decoded = run.model.generate(plots.manifold_codes(SIDE))
        assert np.allclose(saved["pictures"][-1] / 255, decoded, atol=0.003)
    film = PIL.Image.open(tmp_path / "filmed" / "film.gif")
    assert 10 <= film.n_frames <= 80


def test_a_resumed_run_keeps_the_frames_of_before(tmp_path):
    out = ["--out", str(tmp_path / "run"), "--film"]
    assert main([*SMALL, "--steps", "6", *out]) == 0
    before = np.load(tmp_path / "run" / FILE)
    assert main([*SMALL, "--steps", "12", "--resume", *out]) == 0
    after = np.load(tmp_path / "run" / FILE)
    assert set(before["steps"]) < set(after["steps"]) and after["steps"][-1] == 12
    kept = np.isin(after["steps"], before["steps"])
    assert np.array_equal(after["codes"][kept], before["codes"])
    assert np.array_equal(after["pictures"][kept], before["pictures"])
    assert main([*SMALL, "--steps", "6", "--resume", *out]) == 0                         # fewer steps than were taken


@pytest.mark.parametrize(
    "chosen, words",
    [({"latent_dim": 3}, "two latent dimensions, found 3"), ({"model": "pca", "latent_dim": 2}, "closed form"),
     ({"data": "vectors", "latent_dim": 2}, "vectors, not images")],
)  # fmt: skip
def test_what_cannot_be_filmed_is_said_before_training(tmp_path, chosen, words):
    np.savez(tmp_path / "vectors.npz", x=np.random.default_rng(0).random((50, 7)))
    data = {"data": str(tmp_path / "vectors.npz") if chosen.get("data") else "bars"}
    run = Run.create(tmp_path / "run", chosen | data)
    with pytest.raises(UserError, match=words):
        Film(run, 30 if run.optimizer else 0)


@pytest.mark.parametrize("damage", ["text", "cut", "other names", "other lengths"])
def test_a_damaged_film_is_one_sentence(tmp_path, capsys, damage):
    out = ["--out", str(tmp_path / "run"), "--film"]
    assert main([*SMALL, "--steps", "5", *out]) == 0
    path = tmp_path / "run" / FILE
    if damage == "text":
        path.write_text("not a film")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "other names":
        np.savez(path, a=np.arange(3))
    else:
        np.savez(path, steps=np.arange(3), codes=np.zeros((2, 5, 2)), pictures=np.zeros((3, 4), np.uint8))
    before = path.read_bytes()
    assert main([*SMALL, "--steps", "9", "--resume", *out]) == 2
    assert "is damaged: delete it" in capsys.readouterr().err and path.read_bytes() == before


def test_after_an_early_stop_the_last_frame_is_the_best_model(tmp_path):
    command = [*SMALL, "--steps", "3000", "--validation", "100", "--patience", "1", "--lr", "0.5"]
    assert main([*command, "--film", "--out", str(tmp_path / "run")]) == 0
    run = Run.load(tmp_path / "run")
    saved = np.load(tmp_path / "run" / FILE)
    assert run.step < 3000 and saved["steps"][-1] == run.step
    assert np.allclose(saved["codes"][-1], run.model.codes(run.x_test[:1000]), atol=1e-5)


def test_pictures_lie_in_bytes_whatever_the_data_range(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "images.npz", x=rng.normal(3, 5, (60, 4, 4)))
    command = ["train", "--data", str(tmp_path / "images.npz"), "--likelihood", "gaussian", "--latent-dim", "2"]
    assert main([*command, "--hidden", "5", "--steps", "5", "--film", "--out", str(tmp_path / "run")]) == 0
    pictures = np.load(tmp_path / "run" / FILE)["pictures"]
    assert 40 < np.median(pictures) < 200                    # between the smallest and the largest number of the data

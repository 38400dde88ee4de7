"""Proves that a run keeps what it was told: the validation set is held out for good, and the settings come back.

It would catch a validation example that is trained on, and a default that changes under a saved run.
"""

import numpy as np
import pytest

from npvae import figures, runs
from npvae.errors import UserError

SETTINGS = {"data": "bars", "hidden": [8], "validation": 300}


def test_the_validation_set_is_held_out_of_the_training_set(tmp_path):
    run = runs.create(tmp_path / "run", SETTINGS)
    x, held_out = run.training.x, run.training.x_validation
    assert len(held_out) == 300 and len(x) == 1700
    together = np.concatenate([x, held_out])
    assert np.array_equal(np.sort(together, axis=0), np.sort(run.dataset.x_train, axis=0))


def test_the_settings_reach_the_training(tmp_path):
    run = runs.create(tmp_path / "a", {"data": "bars", "hidden": [8], "batch_size": 7, "seed": 1})
    assert run.training.x is run.dataset.x_train            # and nothing of the test set
    assert run.training.batches.batch_size == 7
    other = runs.create(tmp_path / "b", {"data": "bars", "hidden": [8], "seed": 2})
    assert not np.array_equal(run.model.mu.W.data, other.model.mu.W.data)
    bound = np.sqrt(6 / (64 + 8))                           # Xavier, uniform
    assert 0.95 * bound < np.abs(run.model.encoder.layers[0].W.data).max() <= bound
    assert runs.DEFAULTS == {
        "data": "mnist", "batch_size": 100, "lr": 1e-3, "latent_dim": 10, "hidden": [512, 384, 256],
        "optimizer": "adam", "init": "xavier_uniform", "likelihood": "bernoulli", "seed": 0, "validation": 0,
        "patience": None,
    }  # fmt: skip


def test_the_test_set_is_checked_too(tmp_path):
    x = np.zeros((50, 9))
    x[9] = 2                                                # the tenth example is in the test set
    np.savez(tmp_path / "mine.npz", x=x)
    with pytest.raises(UserError, match=r"expects values in \[0, 1\]"):
        runs.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "hidden": [8]})


def test_the_pictures_show_what_their_names_say(tmp_path, monkeypatch):
    run = runs.create(tmp_path / "run", {"data": "bars", "hidden": [8], "latent_dim": 2})
    run.training.run(3)
    drawn = {}
    for name in ("reconstructions", "image_sheet", "latent_scatter", "manifold"):
        original = getattr(figures, name)

        def note(*arguments, name=name, original=original, **options):
            drawn.setdefault(name, []).append(arguments)
            return original(*arguments, **options)

        monkeypatch.setattr(figures, name, note)
    run.draw()
    x, model = run.dataset.x_test, run.model
    originals, reconstructed = drawn["reconstructions"][0]
    assert np.array_equal(originals.reshape(100, -1), x[:100])
    assert np.array_equal(reconstructed.reshape(100, -1), model.reconstruct(x[:100]))
    sheets = [arguments[0].reshape(len(arguments[0]), -1) for arguments in drawn["image_sheet"]]
    assert any(np.array_equal(s, model.sample(100, np.random.default_rng(0))) for s in sheets)
    between = next(s for s in sheets if len(s) == 100 and np.allclose(s[0], model.reconstruct(x[:1])[0], atol=1e-6))
    assert np.allclose(between[[9, 10, 19]], model.reconstruct(x[[1, 2, 3]]), atol=1e-6)
    codes, labels = drawn["latent_scatter"][0]
    assert np.array_equal(labels, run.dataset.y_test)
    assert np.allclose(codes[:50], model.encode(x[:50]).mean, atol=1e-6)
    assert np.array_equal(drawn["manifold"][0][0].reshape(400, -1), model.generate(figures.manifold_codes(20)))


def test_a_run_comes_back_as_it_was_saved(tmp_path):
    run = runs.create(tmp_path / "run", SETTINGS)
    run.training.run(3, run.save)
    again = runs.load(tmp_path / "run")
    assert again.settings == run.settings == runs.DEFAULTS | SETTINGS
    assert np.array_equal(again.training.x_validation, run.training.x_validation)
    assert all(np.array_equal(a, again.model.state_dict()[name]) for name, a in run.model.state_dict().items())
    with pytest.raises(UserError, match="is already there"):
        runs.create(tmp_path / "run", SETTINGS)
    with pytest.raises(UserError, match=r"was trained with lr = 0\.001, but 0\.1 is asked for"):
        runs.load(tmp_path / "run", {"lr": 0.1})

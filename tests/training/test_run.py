"""Proves that a run keeps its settings: loading restores them, and the validation set stays held out.

These tests would catch training on a validation example, and a new default that changes a saved run.
"""

import numpy as np
import pytest

from npvae import datasets
from npvae.errors import UserError
from npvae.training import Run, loop, settings

SETTINGS = {"data": "bars", "hidden": [8], "validation": 300}


def test_the_validation_set_is_held_out_of_the_training_set(tmp_path):
    run = Run.create(tmp_path / "run", SETTINGS)
    x, held_out = run.training.x, run.training.x_validation
    assert len(held_out) == 300 and len(x) == 1700
    together = np.concatenate([x, held_out])
    assert np.array_equal(np.sort(together, axis=0), np.sort(run.dataset.x_train, axis=0))


def test_the_settings_reach_the_training(tmp_path):
    run = Run.create(tmp_path / "a", {"data": "bars", "hidden": [8], "batch_size": 7, "seed": 1})
    assert run.x_train is run.training.x is run.dataset.x_train          # the test set plays no part
    assert run.training.batches.batch_size == 7
    other = Run.create(tmp_path / "b", {"data": "bars", "hidden": [8], "seed": 2})
    assert not np.array_equal(run.model.mu.W.data, other.model.mu.W.data)
    bound = np.sqrt(6 / (64 + 8))                           # Xavier, uniform
    assert 0.95 * bound < np.abs(run.model.encoder.layers[0].W.data).max() <= bound


@pytest.mark.parametrize("binarization", ["static", "dynamic"])
def test_binarization(tmp_path, rng, binarization):
    grey = rng.random((200, 9)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x=grey)
    chosen = {"data": str(tmp_path / "mine.npz"), "hidden": [8], "binarization": binarization, "validation": 20}
    run = Run.create(tmp_path / "run", chosen)
    assert set(np.unique(run.x_test)) == set(np.unique(run.training.x_validation)) == {0, 1}
    again = Run.create(tmp_path / "again", chosen | {"seed": 5})
    assert np.array_equal(run.x_test, again.x_test)         # the same test images for every model
    if binarization == "static":
        assert set(np.unique(run.x_train)) == {0, 1} and run.training.transform is None
    else:
        assert np.isin(run.x_train, run.dataset.x_train).all() and run.training.transform is datasets.binarize


def test_a_convolutional_model_gets_its_range_and_its_channels(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": "conv-vae"})
    assert run.settings["channels"] == [32, 64, 128]        # 8 → 4 → 2 → 1
    assert run.x_train is run.dataset.x_train and run.model.data_range == (0, 1)      # the model rescales them itself


@pytest.mark.parametrize("model", settings.MODELS)
def test_every_model_comes_back_as_it_was_saved(tmp_path, model):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": model})
    run.training.run(3, run.save)
    again = Run.load(tmp_path / "run")
    assert again.settings == run.settings
    state = again.model.state_dict()
    assert all(np.array_equal(a, state[name]) for name, a in run.model.state_dict().items())
    x, every = run.x_test, slice(None)
    assert np.array_equal(again.given(every).reconstruct(x), run.given(every).reconstruct(x))


def test_the_test_set_is_checked_too(tmp_path):
    np.savez(tmp_path / "mine.npz", x=np.zeros((50, 9)), x_test=np.full((5, 9), 1.5))
    with pytest.raises(UserError, match=r"expects values in \[0, 1\]"):
        Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "hidden": [8]})


def test_a_run_comes_back_as_it_was_saved(tmp_path):
    run = Run.create(tmp_path / "run", SETTINGS)
    run.training.run(3, run.save)
    again = Run.load(tmp_path / "run")
    assert again.settings == run.settings == settings.complete(SETTINGS)
    assert np.array_equal(again.training.x_validation, run.training.x_validation)
    assert all(np.array_equal(a, again.model.state_dict()[name]) for name, a in run.model.state_dict().items())
    with pytest.raises(UserError, match="already exists"):
        Run.create(tmp_path / "run", SETTINGS)
    with pytest.raises(UserError, match=r"was trained with lr = 0\.001, but 0\.1 is requested"):
        Run.load(tmp_path / "run", {"lr": 0.1})


def test_no_two_parts_of_the_data_are_binarized_with_the_same_noise(tmp_path):
    np.savez(tmp_path / "grey.npz", x=np.full((200, 100), 0.5))
    chosen = {"data": str(tmp_path / "grey.npz"), "hidden": [8], "binarization": "static", "validation": 20}
    run = Run.create(tmp_path / "run", chosen)
    parts = [part[:20] for part in (run.x_train, run.training.x_validation, run.x_test)]
    for i in range(3):
        assert np.mean(parts[i] == parts[i - 1]) == pytest.approx(0.5, abs=0.08)     # 3.5 standard errors


def test_variational_em_has_a_row_for_each_example_that_is_trained_on(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": "vem", "hidden": [8], "validation": 300})
    assert len(run.model.mu_table) == len(run.x_train) == 1700


def test_convolutions_that_end_in_logits_get_data_from_0_to_1(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": "conv-vae", "likelihood": "bernoulli"})
    assert run.x_train.min() == 0 and run.x_train.max() == 1


def test_data_below_zero_is_refused_where_it_has_to_be_rescaled(tmp_path, rng):
    np.savez(tmp_path / "mine.npz", x=rng.uniform(-1, 1, (50, 4, 4)))
    with pytest.raises(UserError, match=r"from -0\.9.* to 0\.9.* expects values in \[0, 1\]"):
        Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "model": "conv-ae"})


# --- labels -----------------------------------------------------------------------------------------------------------


def test_labels_stay_with_their_examples(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "model": "cvae", "hidden": [8], "validation": 300})
    training, data = run.training, run.dataset
    label_of = {row.tobytes(): label for row, label in zip(data.x_train, data.y_train)}
    for x, y in ((training.x, training.y), (training.x_validation, training.y_validation)):
        assert len(x) == len(y)
        assert np.mean([label_of[row.tobytes()] == label for row, label in zip(x, y)]) > 0.99      # a few bars coincide
    assert run.model.labels.tolist() == [1, 2, 3, 4]
    assert run.given([3]).codes(run.x_test[3:4]).shape == (1, 10)


def test_data_without_labels_is_refused(tmp_path, rng):
    np.savez(tmp_path / "mine.npz", x=rng.random((50, 9)))
    with pytest.raises(UserError, match=r"cvae needs labels, .* and mine has none: save classes y beside x"):
        Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "model": "cvae", "hidden": [8]})
    assert not (tmp_path / "run").exists()


def test_changed_labels_are_noticed(tmp_path, rng):
    x, y = rng.random((50, 9)), np.arange(50) % 3
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    run = Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "model": "cvae", "hidden": [8]})
    run.training.run(2, run.save)
    assert Run.load(tmp_path / "run").missing is None
    np.savez(tmp_path / "mine.npz", x=x, y=y[::-1])
    assert "has changed since" in Run.load(tmp_path / "run").missing


def test_labels_count_only_for_a_model_that_needs_them(rng):
    def data(y_train, y_test):
        return datasets.Dataset("", "", X, np.array(y_train), X[:2], np.array(y_test), None)

    X = rng.random((3, 4)).astype(np.float32)
    a, b = data([7, 2, 2], [2, 9]), data([2, 7, 2], [2, 9])
    assert a.fingerprint() == b.fingerprint() and a.fingerprint(labels=True) != b.fingerprint(labels=True)
    assert a.labels.tolist() == [2, 7, 9]                   # also that of the test set alone


def test_an_interrupted_conditional_run_ends_with_the_same_bits_and_validations(tmp_path):
    chosen = {"data": "bars", "model": "cvae", "hidden": [8], "validation": 300, "batch_size": 50}
    whole, part = (Run.create(tmp_path / name, chosen) for name in ("whole", "part"))
    whole.training.run(40, whole.save, every=10)
    part.training.run(25, part.save, every=10)
    again = Run.load(tmp_path / "part")
    again.training.run(40, again.save, every=10)
    state = again.model.state_dict()
    assert all(np.array_equal(a, state[name]) for name, a in whole.model.state_dict().items())
    assert again.training.validations == whole.training.validations and len(whole.training.validations) == 4


def test_a_conditional_run_stops_early_by_the_loss_of_its_validation_set_with_its_labels(tmp_path, monkeypatch):
    chosen = {"data": "bars", "model": "cvae", "hidden": [8], "validation": 300, "patience": 2}
    run = Run.create(tmp_path / "run", chosen)
    losses, given, states = iter([2.0, 1.0, 1.5, 3.0]), [], []

    def mean_loss(model, x, rng, y):
        given.append((x, y))
        states.append(model.state_dict())
        return {"loss": next(losses)}

    monkeypatch.setattr(loop, "mean_loss", mean_loss)
    run.training.run(100, run.save, every=5)
    assert run.training.step == 20 and all(x is run.training.x_validation for x, _ in given)
    assert all(len(y) == 300 and y is run.training.y_validation for _, y in given)
    best = Run.load(tmp_path / "run").model.state_dict()
    assert all(np.array_equal(a, best[name]) for name, a in states[1].items())

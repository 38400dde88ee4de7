"""Proves that a run keeps what it was told: the validation set is held out for good, and the settings come back.

It would catch a validation example that is trained on, and a default that changes under a saved run.
"""

import numpy as np
import pytest

from npvae import runs
from npvae.errors import UserError

SETTINGS = {"data": "bars", "hidden": [8], "validation": 300}


def test_the_validation_set_is_held_out_of_the_training_set(tmp_path):
    run = runs.create(tmp_path / "run", SETTINGS)
    x, held_out = run.training.x, run.training.x_validation
    assert len(held_out) == 300 and len(x) == 1700
    together = np.concatenate([x, held_out])
    assert np.array_equal(np.sort(together, axis=0), np.sort(run.dataset.x_train, axis=0))


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

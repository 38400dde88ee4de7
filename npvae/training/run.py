"""A run is a folder: the checkpoint, the history, and the pictures (see figures/pictures.py).

    model.npz             everything that you need to continue the run, or to evaluate it
    history.csv           one line for each step: the loss and its parts
    *.png                 the pictures

The data is not in the folder. `Run.load` builds the model at once, and the run looks for its data when you first use
it.
"""

import csv
import functools
import io
import pathlib
import weakref

import numpy as np

from .. import datasets
from ..datasets.files import listed, shown_path
from ..errors import UserError
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from . import checkpoint, loading, memory, schema, settings
from .folder import CHECKPOINT, lock, refuse_a_file, refuse_a_run_in
from .loop import ClosedForm, Training
from .origin import MissingData, Origin, find
from .replacing import remove_abandoned, replacing

BINARIZATION_SEEDS = {"train": [0, 0], "validation": [0, 1], "test": [0, 2]}  # the same images for every model


class Run:
    """A model, its data, and its training, in a folder.

    folder        a pathlib.Path
    settings      the complete settings of settings.py: a dict
    changes       the settings that changed during training: dicts of "step", "setting", "before" and "after"
    origin        an `Origin`: what the run knows about its data without loading it
    model         a `LatentModel`

    What needs the data is made on first use, which raises `MissingData` if the data is missing:

    dataset       the `Dataset`, as it was loaded
    x_train       the training set without the validation set, binarized if the settings say so
    x_test        the test set, treated in the same way
    training      a `Training`, or a `ClosedForm`; `run.training.run(steps, run.save)` trains
    """

    @classmethod
    def create(cls, folder, chosen):
        """Start a new run in a new folder. `chosen` holds settings; those that it leaves out get their defaults.

        Raises UserError if the folder is not empty, for settings that do not fit, and for data that does not.
        """
        folder = pathlib.Path(folder)
        refuse_a_file(folder)
        refuse_a_run_in(folder)
        chosen = settings.complete(chosen)
        dataset = datasets.load(chosen["data"])
        origin = Origin.of(dataset, chosen["data"], folder, settings.MODELS[chosen["model"]].needs_labels)
        chosen = settings.with_channels(chosen | {"data": origin.place}, origin)
        memory.require(chosen, origin)
        run = cls(folder, chosen, origin)
        run.dataset = dataset
        run.training  # noqa: B018  this refuses data that does not fit, before the folder exists
        folder.mkdir(parents=True, exist_ok=True)
        weakref.finalize(run, lock(folder))
        refuse_a_run_in(folder)  # which another process may have started in the meantime
        remove_abandoned(folder)
        return run

    @classmethod
    def load(cls, folder, chosen=None, to_train=False, may_change=()):
        """Return a run as it was saved.

        chosen       settings that must agree with those of the run; "data" is where the same data is now
        to_train     whether you will continue training: then no other process may, and the data must be present
        may_change   the names of chosen settings that may differ from those of the run, and then replace them

        Raises UserError if the folder does not exist or holds no run, its checkpoint is damaged or another program's,
        the data has changed, or the settings do not agree.
        """
        folder = pathlib.Path(folder)
        called = shown_path(folder)
        if folder.is_file():
            raise UserError(f"{called} is a file, expected the folder of a run, such as {shown_path(folder.parent)}")
        if not folder.is_dir():
            raise UserError(f"there is no folder {called}: train a model first, with npvae train --out {called}")
        unlock = lock(folder) if to_train else lambda: None
        try:
            if to_train:
                remove_abandoned(folder)
            run = loading.load(cls, folder, dict(chosen or {}), may_change)
            if to_train:
                memory.require(run.settings, run.origin)
                run.training  # noqa: B018
        except BaseException:
            unlock()
            raise
        weakref.finalize(run, unlock)
        return run

    def __init__(self, folder, chosen, origin):
        self.folder, self.origin, self.changes = pathlib.Path(folder), origin, []
        self.settings = chosen = settings.with_channels(chosen, origin)
        self._given = None  # where the user says that the data is
        self._saved = None  # the arrays and the settings of the training, from a checkpoint
        self._prior_step = None  # the step after which the model's prior was fitted
        self._rng = np.random.default_rng(chosen["seed"])
        held_out, N = chosen.get("validation", 0), origin.N
        if held_out >= N:
            raise UserError(f"the validation set cannot have {held_out} of {N} training examples: hold out fewer")
        self.model = settings.build(chosen, origin, N - held_out, self._rng)
        self.optimizer = None
        if self.model.parameters():
            schedule = SCHEDULES[chosen["schedule"]](chosen["lr"])
            self.optimizer = OPTIMIZERS[chosen["optimizer"]](self.model.parameters(), schedule)

    # --- what needs the data ------------------------------------------------------------------------------------------

    @functools.cached_property
    def dataset(self):
        """The `Dataset`. Its place becomes the setting `data`, so that a resumed run finds it there."""
        origin = self.origin
        needs_labels = self.model.needs_labels
        dataset, place = find(
            origin.place, origin.relative, origin.fingerprint, self.folder, self._given, needs_labels
        )
        self._remember(dataset, place)
        return dataset

    def _remember(self, dataset, place):
        self.origin = Origin.of(dataset, place, self.folder, self.model.needs_labels)
        self.settings["data"] = self.origin.place

    @functools.cached_property
    def missing(self):
        """Why the data is missing: a sentence; None if the run has it."""
        try:
            self.dataset  # noqa: B018
        except MissingData as error:
            return str(error)
        return None

    @functools.cached_property
    def x_train(self):
        x, (rows, _) = self.dataset.x_train, self._rows
        return self._binarize(x if len(rows) == len(x) else x[rows], "train")

    @functools.cached_property
    def x_test(self):
        return self._binarize(self.dataset.x_test, "test")

    @functools.cached_property
    def training(self):
        x_train, _ = self.x_train, self.x_test
        if self.optimizer is None:
            training = ClosedForm(self.model, x_train)
        else:
            rows, held_out = self._rows
            y = self.dataset.y_train if self.model.needs_labels else None
            y, y_validation = (None, None) if y is None else (y[rows], y[held_out])
            x_validation = self._binarize(self.dataset.x_train[held_out], "validation") if len(held_out) else None
            transform = datasets.binarize if self.settings.get("binarization") == "dynamic" else None
            training = Training(
                self.model, self.optimizer, x_train, self.settings["batch_size"], self._rng, x_validation,
                self.settings["patience"], transform, y, y_validation,
            )  # fmt: skip
        if self._saved:
            training.load_state(*self._saved)
        return training

    @property
    def _rows(self):
        """The rows of the training set, and those of the validation set: the seed alone chooses them."""
        N, held_out = self.origin.N, self.settings.get("validation", 0)
        if not held_out:
            return np.arange(N), np.arange(0)
        order = np.random.default_rng([self.settings["seed"], 1]).permutation(N)
        return np.sort(order[held_out:]), np.sort(order[:held_out])

    def _binarize(self, x, part, once=False):
        """Return the examples x (N, D) of one part of the data, binarized as the settings say.

        part   "train", "validation" or "test"
        once   whether dynamic binarization binarizes a training set here; else it stays grey for now

        Raises UserError for data that does not fit the model.
        """
        binarization = self.settings.get("binarization", "none")
        self.model.require(x)
        if binarization == "static" or (binarization == "dynamic" and (part != "train" or once)):
            return datasets.binarize(x, np.random.default_rng(BINARIZATION_SEEDS[part]))
        return x

    def examples(self, dataset):
        """Return the training and the test examples of a `Dataset` as the model needs them: {"train": x, "test": x}.

        Static and dynamic binarization draw all images once. Raises UserError for data of another shape, and if the
        model needs labels, for data whose labels may stand for other classes.
        """
        if dataset.data_dim != self.origin.data_dim:
            raise UserError(
                f"the examples of {dataset.name} have {dataset.data_dim} numbers, expected {self.origin.data_dim}, as "
                "in the data that the run was trained on"
            )
        if self.model.needs_labels:
            self._require_same_classes(dataset)
        return {part: self._binarize(getattr(dataset, f"x_{part}"), part, once=True) for part in ("train", "test")}

    def _require_same_classes(self, dataset):
        """Raise UserError unless a `Dataset` has labels that stand for the same as those of the run's data."""
        if dataset.labels is None:
            raise UserError(f"the model needs labels, and {dataset.name} has none: save classes y beside x")
        if self.missing:
            raise UserError(
                "the data of the run is missing, and with it the names of its classes: restore it to encode other data"
            )
        if dataset.classes != self.dataset.classes:
            found, expected = (listed(data.classes or ["whole numbers"]) for data in (dataset, self.dataset))
            raise UserError(
                f"the labels of {dataset.name} stand for {found}, expected {expected}, as in the data that the run was "
                "trained on"
            )

    def given(self, rows):
        """Return the model, given the labels of these test examples, indices or a slice, if it needs any."""
        return self.model.given(self.dataset.y_test[rows]) if self.model.needs_labels else self.model

    # --- what the folder keeps ----------------------------------------------------------------------------------------

    def curves(self):
        """Return the columns, the history and the validations of the steps so far, as `Training` has them.

        Unlike `training`, this needs no data.
        """
        if "training" in vars(self) or self._saved is None:
            return self.training.columns, self.training.history, self.training.validations
        arrays, state = self._saved
        return state.get("columns", []), arrays.get("history", np.empty(0)).tolist(), state.get("validations", [])

    @property
    def step(self):
        """The number of steps taken."""
        return self.training.step if "training" in vars(self) else self._saved[1]["step"]

    @property
    def has_prior(self):
        """Whether the model has what it needs to sample: nothing, or a prior that was fitted after the last step."""
        return not self.model.fitted or self._prior_step == self.step

    def fit_prior(self):
        """Fit what the model needs to sample, if it does not have it."""
        if not self.has_prior:
            with np.errstate(all="ignore"):  # figures/pictures.py checks the samples
                self.model.fit_prior(self.x_train)
            self._prior_step = self.step

    def save(self, arrays, training):
        """Write the checkpoint. `Training.run` calls this."""
        saved = {
            "run": self.settings, "training": training, "changes": self.changes, "fingerprint": self.origin.fingerprint,
            "data": {name: getattr(self.origin, name) for name in schema.OF_THE_DATA},
        }  # fmt: skip
        checkpoint.save(self.folder / CHECKPOINT, arrays, saved)

    def finish(self):
        """Fit the prior that an autoencoder samples from, and save it, so that it can be sampled without the data."""
        self._prior_step = None
        self.fit_prior()
        prior = {f"prior/{name}": getattr(self.model, name) for name in self.model.fitted}
        if prior and all(np.isfinite(a).all() for a in prior.values()):
            arrays, training = self.training.state()
            self.save(arrays | prior, training)

    def write_history(self):
        """Write history.csv."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["step", *self.training.columns])
        for step, row in enumerate(self.training.history, start=1):
            writer.writerow([step, *(f"{value:.4f}" for value in row)])
        with replacing(self.folder / "history.csv") as file:
            file.write(text.getvalue().encode())

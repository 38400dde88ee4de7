"""A run is a folder: the checkpoint, the history, and the pictures (see figures/pictures.py).

    model.npz             everything that it takes to continue the run, or to evaluate it
    history.csv           one line for each step: the loss and its parts
    *.png                 the pictures
"""

import csv
import functools
import io
import os
import pathlib
import weakref

import numpy as np

from .. import datasets
from ..errors import UserError, choose
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from . import checkpoint, settings
from .loop import ClosedForm, Training
from .replacing import remove_abandoned, replacing

CHECKPOINT = "model.npz"
BINARIZATION_SEEDS = {"train": [0, 0], "validation": [0, 1], "test": [0, 2]}  # the same images for every model


class Run:
    """A model, its data, and its training, in a folder.

    folder        a pathlib.Path
    settings      the complete settings of settings.py: a dict
    dataset       the `Dataset`, as it was loaded
    fingerprint   of the dataset; it is saved with the model
    x_train       the training set without the validation set, binarized if the settings say so
    x_test        the test set, treated in the same way
    model         a `LatentModel`
    training      a `Training`, or a `ClosedForm`; `run.training.run(steps, run.save)` trains
    """

    @classmethod
    def create(cls, folder, chosen):
        """Start a new run in a new folder. `chosen` are settings; those that it leaves out have their defaults.

        Raises UserError if the folder is not empty, for settings that do not fit, and for data that does not.
        """
        folder = pathlib.Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file, expected the name of a new folder: choose another with --out")
        _refuse_a_run_in(folder)
        chosen = settings.complete(chosen)
        run = cls(folder, chosen, datasets.load(chosen["data"]))
        folder.mkdir(parents=True, exist_ok=True)
        weakref.finalize(run, _lock(folder))
        _refuse_a_run_in(folder)  # which another process may have started in the meantime
        remove_abandoned(folder)
        return run

    @classmethod
    def load(cls, folder, chosen=None, to_train=False):
        """Return a run as it was saved.

        chosen     settings that must agree with those of the run
        to_train   whether you will continue it, so that no other process may

        Raises UserError if the folder does not exist or holds no run, its checkpoint is damaged or another program's,
        the data has changed, or the settings do not agree.
        """
        folder = pathlib.Path(folder)
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}: train a model first, with npvae train --out {folder}")
        unlock = _lock(folder) if to_train else lambda: None
        try:
            if to_train:
                remove_abandoned(folder)
            run = _load(folder, chosen or {})
        except BaseException:
            unlock()
            raise
        weakref.finalize(run, unlock)
        return run

    def __init__(self, folder, chosen, dataset):
        self.folder, self.dataset = pathlib.Path(folder), dataset
        self.settings = chosen = settings.with_channels(chosen, dataset)
        self.fingerprint = dataset.fingerprint()
        make_optimizer = choose("optimiser", chosen.get("optimizer", "adam"), OPTIMIZERS)
        make_schedule = choose("schedule", chosen.get("schedule", "constant"), SCHEDULES)
        held_out, N = chosen.get("validation", 0), len(dataset.x_train)
        if held_out >= N:
            raise UserError(f"the validation set cannot have {held_out} of {N} training examples: hold out fewer")
        rng = np.random.default_rng(chosen["seed"])
        self.model = settings.build(chosen, dataset, N - held_out, rng)
        self.x_train, x_validation = self._split(held_out)
        self.x_train = self._binarize(self.x_train, "train")
        self.x_test = self._binarize(dataset.x_test, "test")
        if held_out:
            x_validation = self._binarize(x_validation, "validation")
        if not self.model.parameters():
            self.training = ClosedForm(self.model, self.x_train)
        else:
            optimizer = make_optimizer(self.model.parameters(), make_schedule(chosen["lr"]))
            transform = datasets.binarize if chosen.get("binarization") == "dynamic" else None
            self.training = Training(
                self.model, optimizer, self.x_train, chosen["batch_size"], rng, x_validation, chosen["patience"],
                transform,
            )

    def _binarize(self, x, part):
        """Return the examples x (N, D) of one part of the data, binarized as the settings say.

        part   "train", "validation" or "test"; with dynamic binarization, only the training set stays grey here

        Raises UserError for data that does not fit the model.
        """
        binarization = self.settings.get("binarization", "none")
        self.model.require(x)
        if binarization == "static" or (binarization == "dynamic" and part != "train"):
            return datasets.binarize(x, np.random.default_rng(BINARIZATION_SEEDS[part]))
        return x

    def _split(self, held_out):
        """Return the training set, and the validation set or None: the seed alone chooses the examples held out."""
        x = self.dataset.x_train
        if held_out == 0:
            return x, None
        order = np.random.default_rng([self.settings["seed"], 1]).permutation(len(x))
        return x[np.sort(order[held_out:])], x[np.sort(order[:held_out])]

    def save(self, arrays, training):
        """Write the checkpoint. `Training.run` calls this."""
        saved = {"run": self.settings, "training": training, "fingerprint": self.fingerprint}
        checkpoint.save(self.folder / CHECKPOINT, arrays, saved)

    def write_history(self):
        """Write history.csv."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["step", *self.training.columns])
        for step, row in enumerate(self.training.history, start=1):
            writer.writerow([step, *(f"{value:.4f}" for value in row)])
        with replacing(self.folder / "history.csv") as file:
            file.write(text.getvalue().encode())


def _refuse_a_run_in(folder):
    """Raise UserError if the folder holds anything but a first checkpoint that was never finished."""
    if folder.is_dir() and any(path.suffix != ".partial" for path in folder.iterdir()):
        go_on = "continue with --resume, or " if (folder / CHECKPOINT).exists() else ""
        raise UserError(f"{folder} already exists: {go_on}choose another folder with --out")


def _lock(folder):
    """Lock a folder against other processes; return the function that unlocks it. The end of the process does so too.

    Raises UserError if another process holds the lock. Without such locks (Windows, some network disks), does nothing.
    """
    try:
        import fcntl
    except ImportError:
        return lambda: None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        busy = f"another process is training in {folder}: wait for it, or choose another folder with --out"
        raise UserError(busy) from None
    except OSError:
        pass
    return functools.partial(os.close, descriptor)


def _load(folder, chosen):
    path = folder / CHECKPOINT
    arrays, saved = checkpoint.load(path)
    try:
        for name, value in chosen.items():
            if value != saved["run"].get(name):
                raise UserError(
                    f"{folder} was trained with {name} = {saved['run'].get(name)}, but {value} is requested: leave it "
                    "out to continue, or start a new run with another --out"
                )
        dataset = datasets.load(saved["run"]["data"])
        if dataset.fingerprint() != saved["fingerprint"]:
            raise UserError(f"{dataset.source} has changed since {folder} was trained on it: restore it or train again")
        run = Run(folder, saved["run"], dataset)
        run.training.load_state(arrays, saved["training"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} was not written by this version of npvae train ({error!r}): train again") from None
    return run

"""A run is a folder: the checkpoint, the history, and the pictures (see pictures.py).

    model.npz             everything that the run needs to go on, or to be evaluated
    history.csv           one line for each step: loss and its parts
    *.png                 the pictures
"""

import csv
import pathlib
import weakref

import numpy as np

from .. import datasets, runtime
from ..errors import UserError, choose
from ..nn.optim import OPTIMIZERS
from ..nn.schedules import SCHEDULES
from . import checkpoint, settings
from .loop import Training, part_of

CHECKPOINT = "model.npz"
BINARIZATION_SEEDS = {"train": [0, 0], "validation": [0, 1], "test": [0, 2]}  # the same images for every model


class Run:
    """A model, its data, and its training, in a folder.

    folder        a pathlib.Path
    settings      complete ones, as of settings.py
    dataset       a `Dataset`, as it was loaded
    fingerprint   of the dataset, as it is saved with the model
    x_train       what the model is trained on: rescaled or binarized as it has to be, without the validation set
    x_test        what it is measured on, likewise
    model         a `LatentModel`
    training      a `Training`; None for a model that is computed in closed form
    """

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
        self.x_train = self._prepare(self.x_train, "train")
        self.x_test = self._prepare(dataset.x_test, "test")
        if held_out:
            x_validation = self._prepare(x_validation, "validation")
        self.training = None
        if self.model.parameters():
            optimizer = make_optimizer(self.model.parameters(), make_schedule(chosen["lr"]))
            prepare = datasets.binarize if chosen.get("binarization") == "dynamic" else None
            self.training = Training(
                self.model, optimizer, self.x_train, chosen["batch_size"], rng, x_validation, chosen["patience"],
                prepare
            )

    def _prepare(self, x, part):
        """The examples x (N, D) of one part of the data as the model wants them; UserError for data that does not fit.

        All of it is binarized here, once, but for a training set that is binarized dynamically.
        """
        binarization = self.settings.get("binarization", "none")
        if (binarization != "none" or self.model.data_range is not None) and (x.min() < 0 or x.max() > 1):
            raise UserError(
                f"the data runs from {x.min():g} to {x.max():g}, but {self.settings['model']} expects values in [0, 1] "
                "here: rescale it"
            )
        if hasattr(self.model, "likelihood"):
            self.model.likelihood.check(x)
        if binarization == "static" or (binarization == "dynamic" and part != "train"):
            x = datasets.binarize(x, np.random.default_rng(BINARIZATION_SEEDS[part]))
        return 2 * x - 1 if self.model.data_range == (-1.0, 1.0) else x

    def _split(self, held_out):
        """The training set and the validation set, which is held out of it at random (but the same for each seed)."""
        x = self.dataset.x_train
        if held_out == 0:
            return x, None
        order = np.random.default_rng([self.settings["seed"], 1]).permutation(len(x))
        return x[np.sort(order[held_out:])], x[np.sort(order[:held_out])]

    def train(self, steps):
        """Train until `steps` steps have been taken in all, or compute the closed form; the checkpoint is written."""
        if self.training is not None:
            return self.training.run(steps, self.save)
        with np.errstate(all="ignore"):  # `evaluate` looks at what comes of it
            self.model.fit(self.x_train)
        self.save({f"model/{name}": a for name, a in self.model.state_dict().items()}, {"step": 0})

    def save(self, arrays, training):
        """Write the checkpoint; `Training.run` calls it."""
        saved = {"run": self.settings, "training": training, "fingerprint": self.fingerprint}
        checkpoint.save(self.folder / CHECKPOINT, arrays, saved)

    def restore(self, arrays, training):
        """Go on from what `save` was given."""
        if self.training is None:
            self.model.load_state_dict(part_of(arrays, "model"))
        else:
            self.training.load_state(arrays, training)

    def write_history(self):
        """Write history.csv."""
        with open(self.folder / "history.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", *self.training.columns])
            for step, row in enumerate(self.training.history, start=1):
                writer.writerow([step, *(f"{value:.4f}" for value in row)])


def create(folder, chosen):
    """A new run in a new folder; `chosen` are settings, and may leave out any.

    Raises UserError where the folder holds a run already.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a new folder: choose another with --out")
    _refuse_a_run_in(folder)
    chosen = settings.complete(chosen)
    run = Run(folder, chosen, datasets.load(chosen["data"]))
    folder.mkdir(parents=True, exist_ok=True)
    weakref.finalize(run, _lock(folder))
    _refuse_a_run_in(folder)  # which another process may have begun in the meantime
    return run


def _refuse_a_run_in(folder):
    """Refuse a folder with anything in it but the beginning of a first checkpoint that was never finished."""
    if folder.is_dir() and any(path.suffix != ".partial" for path in folder.iterdir()):
        go_on = "go on with --resume, or " if (folder / CHECKPOINT).exists() else ""
        raise UserError(f"{folder} is already there: {go_on}choose another folder with --out")


def _lock(folder):
    try:
        return runtime.lock_folder(folder)
    except BlockingIOError:
        raise UserError(
            f"another process is training in {folder}: wait for it, or choose another folder with --out"
        ) from None


def load(folder, chosen=None, to_train=False):
    """A run as it was saved.

    chosen     settings that must agree with those of the run
    to_train   whether to go on with it, so that no other process may

    Raises UserError where the folder is not there or holds no run, its checkpoint is damaged or of another program,
    the data has changed, or the settings do not agree.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: train a model first, with npvae train --out {folder}")
    unlock = _lock(folder) if to_train else lambda: None
    try:
        run = _load(folder, chosen or {})
    except BaseException:
        unlock()
        raise
    weakref.finalize(run, unlock)
    return run


def _load(folder, chosen):
    path = folder / CHECKPOINT
    arrays, saved = checkpoint.load(path)
    try:
        for name, value in chosen.items():
            if value != saved["run"].get(name):
                raise UserError(
                    f"{folder} was trained with {name} = {saved['run'].get(name)}, but {value} is asked for: leave it "
                    "out to go on, or begin a new run with another --out"
                )
        dataset = datasets.load(saved["run"]["data"])
        if dataset.fingerprint() != saved["fingerprint"]:
            raise UserError(f"{dataset.source} has changed since {folder} was trained on it: restore it, or train anew")
        run = Run(folder, saved["run"], dataset)
        run.restore(arrays, saved["training"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} was not written by this version of npvae train ({error!r}): train anew") from None
    return run

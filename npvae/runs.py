"""A run is a folder: the checkpoint, the history, and the pictures.

    model.npz             everything that the run needs to go on, or to be evaluated
    history.csv           one line for each step: loss and its parts, in nats per example
    reconstructions.png   100 test images beside their reconstructions
    samples.png           100 images decoded from the prior
    history.png           the history as curves
    interpolations.png    between pairs of test images, through their codes
    manifold.png          the decoded latent space, where it has two dimensions
    latent.png            the posterior means of the test set, where it has two dimensions
"""

import csv
import pathlib
import weakref

import numpy as np

from . import checkpoint, datasets, figures, runtime
from .errors import UserError, choose
from .evaluation import posterior_means
from .models import VAE
from .nn.init import INITIALIZERS
from .nn.optim import OPTIMIZERS
from .training import Training

CHECKPOINT = "model.npz"
DEFAULTS = {
    "data": "mnist", "batch_size": 100, "lr": 1e-3, "latent_dim": 10, "hidden": [512, 384, 256], "optimizer": "adam",
    "init": "xavier_uniform", "likelihood": "bernoulli", "seed": 0, "validation": 0, "patience": None,
}  # fmt: skip
INTERPOLATION_STEPS = 10
MANIFOLD_SIDE = 20


class Run:
    """A model, its data, and its training, in a folder.

    folder        a pathlib.Path
    settings      the choices of which `DEFAULTS` has the names
    dataset       a `Dataset`
    fingerprint   of the dataset, as it is saved with the model
    training      a `Training`
    model         that of the training
    """

    def __init__(self, folder, settings, dataset):
        self.folder, self.settings, self.dataset = pathlib.Path(folder), settings, dataset
        self.fingerprint = dataset.fingerprint()
        init = choose("initialisation", settings["init"], INITIALIZERS)
        make_optimizer = choose("optimiser", settings["optimizer"], OPTIMIZERS)
        if settings["patience"] and not settings["validation"]:
            raise UserError("an early stop (patience) needs a validation set: hold out some examples (validation)")
        rng = np.random.default_rng(settings["seed"])
        data_dim = dataset.x_train.shape[1]
        model = VAE(data_dim, settings["latent_dim"], settings["hidden"], rng, settings["likelihood"], init)
        for x in (dataset.x_train, dataset.x_test):
            model.likelihood.check(x)
        x_train, x_validation = self._split()
        optimizer = make_optimizer(model.parameters(), settings["lr"])
        self.training = Training(
            model, optimizer, x_train, settings["batch_size"], rng, x_validation, settings["patience"]
        )

    def _split(self):
        """The training set and the validation set, which is held out of it at random (but the same for each seed)."""
        x, held_out = self.dataset.x_train, self.settings["validation"]
        if held_out == 0:
            return x, None
        if held_out >= len(x):
            raise UserError(f"the validation set cannot have {held_out} of {len(x)} training examples: hold out fewer")
        order = np.random.default_rng(self.settings["seed"]).permutation(len(x))
        return x[np.sort(order[held_out:])], x[np.sort(order[:held_out])]

    @property
    def model(self):
        return self.training.model

    def save(self, arrays, settings):
        """Write the checkpoint; `Training.run` calls it."""
        saved = {"run": self.settings, "training": settings, "fingerprint": self.fingerprint}
        checkpoint.save(self.folder / CHECKPOINT, arrays, saved)

    def write_history(self):
        """Write history.csv."""
        with open(self.folder / "history.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", *self.training.columns])
            for step, row in enumerate(self.training.history, start=1):
                writer.writerow([step, *(f"{value:.4f}" for value in row)])

    def draw(self):
        """Write the pictures that apply; return their names. Data without an image shape has no images to draw."""
        drawn = {}
        x, y, latent_dim = self.dataset.x_test, self.dataset.y_test, self.settings["latent_dim"]
        if self.training.history:
            drawn["history"] = figures.history(
                self.training.history, self.training.columns, self.training.validations
            )
        if latent_dim == 2:
            drawn["latent"] = figures.latent_scatter(posterior_means(self.model, x), y)
        if self.dataset.image_shape:
            drawn |= self._draw_images(x[:100])
        for name, figure in drawn.items():
            figure.savefig(self.folder / f"{name}.png")
        return [f"{name}.png" for name in drawn]

    def _draw_images(self, x):
        def images(x):
            return x.reshape(-1, *self.dataset.image_shape)

        drawn = {
            "reconstructions": figures.reconstructions(images(x), images(self.model.reconstruct(x))),
            "samples": figures.image_sheet(images(self.model.sample(100, np.random.default_rng(0))), columns=10),
        }
        if len(x) > 1:
            between = self.model.generate(_between(posterior_means(self.model, x[:20]), INTERPOLATION_STEPS))
            drawn["interpolations"] = figures.image_sheet(
                images(between), INTERPOLATION_STEPS, "from one code to another"
            )
        if self.settings["latent_dim"] == 2:
            decoded = self.model.generate(figures.manifold_codes(MANIFOLD_SIDE))
            drawn["manifold"] = figures.manifold(images(decoded), MANIFOLD_SIDE)
        return drawn


def _between(codes, steps):
    """Straight lines between the codes 0 and 1, 2 and 3, …, with `steps` codes on each: (pairs · steps, latent_dim)."""
    weights = np.linspace(0, 1, steps)[:, None]
    return np.concatenate([(1 - weights) * a + weights * b for a, b in zip(codes[0::2], codes[1::2])])


def create(folder, settings):
    """A new run in a new folder; `settings` may leave out what `DEFAULTS` has.

    Raises UserError where the folder holds a run already.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, expected the name of a new folder: choose another with --out")
    _refuse_a_run_in(folder)
    settings = DEFAULTS | settings
    run = Run(folder, settings, datasets.load(settings["data"]))
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


def load(folder, settings=None, to_train=False):
    """A run as it was saved.

    settings   choices that must agree with those of the run
    to_train   whether to go on with it, so that no other process may

    Raises UserError where the folder is not there or holds no run, its checkpoint is damaged or of another program,
    the data has changed, or the settings do not agree.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: train a model first, with npvae train --out {folder}")
    unlock = _lock(folder) if to_train else lambda: None
    try:
        run = _load(folder, settings or {})
    except BaseException:
        unlock()
        raise
    weakref.finalize(run, unlock)
    return run


def _load(folder, settings):
    path = folder / CHECKPOINT
    arrays, saved = checkpoint.load(path)
    try:
        for name, value in settings.items():
            if value != saved["run"][name]:
                raise UserError(
                    f"{folder} was trained with {name} = {saved['run'][name]}, but {value} is asked for: leave it out "
                    "to go on, or begin a new run with another --out"
                )
        dataset = datasets.load(saved["run"]["data"])
        if dataset.fingerprint() != saved["fingerprint"]:
            raise UserError(f"{dataset.source} has changed since {folder} was trained on it: restore it, or train anew")
        run = Run(folder, saved["run"], dataset)
        run.training.load_state(arrays, saved["training"])
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} was not written by this version of npvae train ({error!r}): train anew") from None
    return run

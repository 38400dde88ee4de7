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

import numpy as np

from . import checkpoint, datasets, figures
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


class Run:
    """A model, its data, and its training, in a folder.

    folder     a pathlib.Path
    settings   the choices of which `DEFAULTS` has the names
    dataset    a `Dataset`
    training   a `Training`; `training.model` is the model
    """

    def __init__(self, folder, settings):
        self.folder, self.settings = pathlib.Path(folder), settings
        init = choose("initialisation", settings["init"], INITIALIZERS)
        make_optimizer = choose("optimiser", settings["optimizer"], OPTIMIZERS)
        self.dataset = datasets.load(settings["data"])
        rng = np.random.default_rng(settings["seed"])
        data_dim = self.dataset.x_train.shape[1]
        model = VAE(data_dim, settings["latent_dim"], settings["hidden"], rng, settings["likelihood"], init)
        for x in (self.dataset.x_train, self.dataset.x_test):
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
        checkpoint.save(self.folder / CHECKPOINT, arrays, {"run": self.settings, "training": settings})

    def write_history(self):
        """Write history.csv."""
        with open(self.folder / "history.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", *self.training.columns])
            for step, row in enumerate(self.training.history, start=1):
                writer.writerow([step, *(f"{value:.4f}" for value in row)])

    def draw(self):
        """Write the pictures that apply; return their names."""
        drawn = {"history": figures.history(self.training.history, self.training.columns, self.training.validations)}
        rng = np.random.default_rng(0)
        x, y, latent_dim = self.dataset.x_test, self.dataset.y_test, self.settings["latent_dim"]
        drawn["reconstructions"] = figures.reconstructions(
            self._images(x[:100]), self._images(self.model.reconstruct(x[:100]))
        )
        drawn["samples"] = figures.image_sheet(self._images(self.model.sample(100, rng)), columns=10)
        drawn["interpolations"] = self._draw_interpolations(x[:20])
        if latent_dim == 2:
            codes = figures.manifold_codes(side=20)
            drawn["manifold"] = figures.manifold(self._images(self.model.generate(codes)), side=20)
            drawn["latent"] = figures.latent_scatter(posterior_means(self.model, x), y)
        for name, figure in drawn.items():
            figure.savefig(self.folder / f"{name}.png")
        return [f"{name}.png" for name in drawn]

    def _draw_interpolations(self, x, steps=10):
        """One row for each pair of examples: straight lines between their codes, decoded."""
        codes = posterior_means(self.model, x)
        weights = np.linspace(0, 1, steps)[:, None]
        rows = [(1 - weights) * a + weights * b for a, b in zip(codes[0::2], codes[1::2])]
        images = self._images(self.model.generate(np.concatenate(rows)))
        return figures.image_sheet(images, steps, "from one code to another")

    def _images(self, x):
        return x.reshape(-1, *self.dataset.image_shape)


def create(folder, settings):
    """A new run in a new folder; `settings` may leave out what `DEFAULTS` has.

    Raises UserError where the folder holds a run already.
    """
    folder = pathlib.Path(folder)
    if (folder / CHECKPOINT).exists() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} is already there: go on with --resume, or choose another folder with --out")
    run = Run(folder, DEFAULTS | settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be made: {error.strerror}") from None
    return run


def load(folder, settings=None):
    """A run as it was saved. `settings`: choices that must agree with those of the run.

    Raises UserError where the folder is not there or holds no run, its checkpoint is damaged, or they do not agree.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: train a model first, with npvae train --out {folder}")
    arrays, saved = checkpoint.load(folder / CHECKPOINT)
    for name, value in (settings or {}).items():
        if value != saved["run"][name]:
            raise UserError(
                f"{folder} was trained with {name} = {saved['run'][name]}, but {value} is asked for: leave it out to "
                "go on, or begin a new run with another --out"
            )
    run = Run(folder, saved["run"])
    run.training.load_state(arrays, saved["training"])
    return run

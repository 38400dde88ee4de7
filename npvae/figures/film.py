"""A film of a training run with two latent dimensions: the codes and the decoded plane, as they form.

Most of the change comes early, so the gaps between frames grow geometrically: about 60 frames for a run of any length.
A frame is kept as numbers: the codes of 1,000 test images, and the pictures of a grid of codes, in bytes. They are
saved in the folder of the run, so a resumed run continues its film.
"""

import pathlib
import tempfile
import zipfile
import zlib

import numpy as np
from tqdm import tqdm

from ..datasets.files import shown_path
from ..errors import UserError
from ..training.evaluation import given_batches
from ..training.replacing import replacing
from . import plots
from .pictures import black_and_white

FRAMES = 60
CODES = 1000  # test images whose codes are shown
SIDE = 12  # decoded pictures on a side
PER_SECOND = 6
LAST = 2 * PER_SECOND  # repeats of the last frame: 2 s
MOST_NAMED = 20  # classes whose names are written among their codes
DPI = 72  # so a film of MNIST stays below 2 MB
FILE = "film.npz"


def frame_steps(steps):
    """Return the steps after which to keep a frame: whole numbers (n,), from 0 to `steps`."""
    return np.unique(np.concatenate([[0], np.round(np.geomspace(1, max(steps, 1), FRAMES))]).astype(int))


class Film:
    """The frames of a run that is being trained: call `look` after each step, `save` with each checkpoint.

    run     a `Run`
    steps   how many steps it takes in all

    Raises UserError unless the run has two latent dimensions, images, and steps to take; and for a damaged film.npz.
    """

    def __init__(self, run, steps):
        if not steps:
            raise UserError(f"{run.settings['model']} is computed in closed form, so a film has no frames")
        if run.model.latent_dim != 2:
            raise UserError(f"a film shows two latent dimensions, found {run.model.latent_dim}: give --latent-dim 2")
        if not run.origin.image_shape:
            raise UserError(f"{run.origin.name} holds vectors, not images: there is nothing to film")
        self.run, self.steps, self.frames, self._is_saved = run, set(frame_steps(steps).tolist()), {}, False
        self._range = black_and_white(run.model, run.x_test)
        if run.step:
            self.frames = _load(run.folder / FILE, run.step)
        self.look(run.step, is_last=True)

    def look(self, step, is_last=False):
        """Keep a frame if one is due after this step, or if it is the last. This changes nothing about the training."""
        if not is_last and step not in self.steps:
            return
        run, model, (low, high) = self.run, self.run.model, self._range
        n = min(CODES, len(run.x_test))
        y = run.dataset.y_test[:n] if model.needs_labels else None
        codes = np.concatenate([given.codes(x) for given, x in given_batches(model, run.x_test[:n], y)])
        grid = plots.manifold_codes(SIDE)
        if model.fitted:                                     # an autoencoder's plane is where its codes are
            grid = codes.mean(axis=0) + codes.std(axis=0) * grid
        given = model.given(model.labels[0]) if model.needs_labels else model
        pictures = (given.generate(grid).clip(low, high) - low) / (high - low)
        self.frames[step] = codes.astype(np.float32), np.round(255 * pictures).astype(np.uint8)
        self._is_saved = False

    def save(self):
        """Write the frames into the folder of the run, if there are new ones."""
        if self._is_saved:
            return
        steps, frames = zip(*sorted(self.frames.items()))
        codes, pictures = map(np.stack, zip(*frames))
        with replacing(self.run.folder / FILE) as file:
            np.savez_compressed(file, steps=steps, codes=codes, pictures=pictures)
        self._is_saved = True

    def write(self):
        """Write film.gif, an animated picture, into the folder of the run; return its name."""
        from matplotlib.animation import PillowWriter

        run, shape = self.run, self.run.origin.image_shape
        y, classes = run.dataset.y_test, run.dataset.classes
        figure = plots.new_figure(6.4, 3.4)
        left, right = figure.subplots(1, 2)
        steps = sorted(self.frames)
        far = max(3.0, 1.2 * float(np.quantile(np.abs(self.frames[steps[-1]][0]), 0.995)))
        left.set(xlim=(-far, far), ylim=(-far, far), aspect="equal", xlabel="z₁", ylabel="z₂")
        style, kinds = {"s": 7, "linewidths": 0}, []
        if y is not None:
            kinds, labels = np.unique(y[:CODES], return_inverse=True)
            style |= {"c": labels, "cmap": "tab10" if len(kinds) <= 10 else "turbo", "alpha": 0.6}
        points = left.scatter(*self.frames[steps[-1]][0].T, **style)
        names = [str(kind) if classes is None else str(classes[kind]) for kind in kinds[:MOST_NAMED]]
        words = [left.text(0, 0, name, ha="center", va="center", weight="bold", clip_on=True) for name in names]
        given = f", given {names[0]}" if run.model.needs_labels and names else ""
        right.set_axis_off()
        right.set_title(f"decoded codes, on a grid{given}", fontsize=9)
        sheet = right.imshow(np.zeros((1, 1)), cmap="gray", vmin=0, vmax=1)
        writer = PillowWriter(fps=PER_SECOND)
        with tempfile.TemporaryDirectory() as folder:
            drawn = pathlib.Path(folder, "film.gif")
            with writer.saving(figure, drawn, DPI):
                for step in tqdm(steps + [steps[-1]] * LAST, unit="frame", desc="film", disable=None, leave=False):
                    codes, pictures = self.frames[step]
                    points.set_offsets(codes)
                    for kind, word in enumerate(words):      # so that nobody needs the colours
                        word.set_position(np.median(codes[labels == kind], axis=0))
                    tiled = plots.tile(pictures.reshape(-1, *shape) / np.float32(255), SIDE, gap=0)
                    sheet.set_data(tiled.squeeze(-1) if shape[-1] == 1 else tiled)
                    sheet.set_extent((0, tiled.shape[1], tiled.shape[0], 0))
                    figure.suptitle(f"step {step:,}")
                    writer.grab_frame()
            with replacing(run.folder / "film.gif") as file:
                file.write(drawn.read_bytes())
        return "film.gif"


def _load(path, step):
    """Return the frames up to this step from film.npz: a dict from steps to pairs of arrays; empty without the file."""
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as saved:
            steps, codes, pictures = (saved[name] for name in ("steps", "codes", "pictures"))
        if not len(steps) == len(codes) == len(pictures) or codes.shape[2:] != (2,) or pictures.dtype != np.uint8:
            raise ValueError
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        raise UserError(f"{shown_path(path)} is damaged: delete it, and the film begins at step {step}") from None
    return {int(s): (c, p) for s, c, p in zip(steps, codes, pictures) if s <= step}

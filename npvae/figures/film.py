"""A film of a training run with two latent dimensions: the codes and the decoded plane, as they form.

Most happens in the beginning, so the steps of the frames grow geometrically: about 60 frames, whatever the length of
the run. A frame is kept as numbers: the codes of 1,000 test images, and the pictures of a grid of codes, in bytes. They
are saved in the folder of the run, so that a film goes on where an interrupted run does.
"""

import pathlib
import tempfile

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from ..training.evaluation import codes_of
from ..training.replacing import replacing
from . import plots
from .pictures import black_and_white

FRAMES = 60
CODES = 1000  # test images whose codes are shown
SIDE = 12  # decoded pictures on a side
PER_SECOND = 6
LAST = 2 * PER_SECOND  # the last frame is repeated so often, for 2 s
DPI = 72  # so a film of MNIST stays below 2 MB
FILE = "film.npz"


def frame_steps(steps):
    """Return after which of so many steps a frame is kept: an array of whole numbers, from 0 to `steps`."""
    return np.unique(np.concatenate([[0], np.round(np.geomspace(1, max(steps, 1), FRAMES))]).astype(int))


class Film:
    """The frames of a run that is being trained: call `look` after each step, `save` with each checkpoint.

    Raises UserError unless the run has two latent dimensions, images, and steps to take.
    """

    def __init__(self, run, steps):
        if run.model.latent_dim != 2 or not run.origin.image_shape or not steps:
            raise UserError("a film needs a model with two latent dimensions that is trained on images: --latent-dim 2")
        self.run, self.steps, self.frames = run, set(frame_steps(steps).tolist()), {}
        if run.step and (run.folder / FILE).exists():
            with np.load(run.folder / FILE) as saved:
                shown = zip(saved["steps"], saved["codes"], saved["pictures"])
                self.frames = {int(step): (codes, pictures) for step, codes, pictures in shown if step <= run.step}
        self.look(run.step)

    def look(self, step):
        """Keep a frame if one is due after this step. It changes nothing about the training."""
        if step not in self.steps or step in self.frames:
            return
        run, model = self.run, self.run.model
        n = min(CODES, len(run.x_test))
        y = run.dataset.y_test[:n] if model.needs_labels else None
        codes = codes_of(model, run.x_test[:n], y)
        grid = plots.manifold_codes(SIDE)
        if model.fitted:                                     # an autoencoder's plane is where its codes are
            grid = codes.mean(axis=0) + codes.std(axis=0) * grid
        given = model.given(model.labels[0]) if model.needs_labels else model
        low, high = black_and_white(model, run.x_test)
        pictures = (given.generate(grid).clip(low, high) - low) / (high - low)
        self.frames[step] = codes.astype(np.float32), np.round(255 * pictures).astype(np.uint8)

    def save(self):
        """Write all frames into the folder of the run."""
        steps, frames = zip(*sorted(self.frames.items()))
        codes, pictures = map(np.stack, zip(*frames))
        with replacing(self.run.folder / FILE) as file:
            np.savez_compressed(file, steps=steps, codes=codes, pictures=pictures)

    def write(self):
        """Write film.gif, an animated picture, into the folder of the run; return its name."""
        from matplotlib.animation import PillowWriter

        run, shape = self.run, self.run.origin.image_shape
        y = run.dataset.y_test
        kinds, labels = (None, None) if y is None else np.unique(y[:CODES], return_inverse=True)
        figure = plots._figure(6.4, 3.4)
        left, right = figure.subplots(1, 2)
        everything = np.concatenate([codes for codes, _ in self.frames.values()])
        far = max(3.0, float(np.quantile(np.abs(everything), 0.98)))
        left.set(xlim=(-far, far), ylim=(-far, far), aspect="equal", xlabel="z₁", ylabel="z₂")
        style = {"s": 7, "linewidths": 0}
        if labels is not None:
            style |= {"c": labels, "cmap": "tab10" if len(kinds) <= 10 else "turbo"}
        points = left.scatter(*everything[: len(y if y is not None else everything)][:CODES].T, **style)
        right.set_axis_off()
        sheet = right.imshow(np.zeros((1, 1)), cmap="gray", vmin=0, vmax=1)
        writer, steps = PillowWriter(fps=PER_SECOND), sorted(self.frames)
        with tempfile.TemporaryDirectory() as folder:
            drawn = pathlib.Path(folder, "film.gif")
            with writer.saving(figure, drawn, DPI):
                for step in tqdm(steps + [steps[-1]] * LAST, unit="frame", desc="film", disable=None, leave=False):
                    codes, pictures = self.frames[step]
                    points.set_offsets(codes)
                    tiled = plots.tile(pictures.reshape(-1, *shape) / np.float32(255), SIDE, gap=0)
                    sheet.set_data(tiled.squeeze(-1) if shape[-1] == 1 else tiled)
                    sheet.set_extent((0, tiled.shape[1], tiled.shape[0], 0))
                    figure.suptitle(f"step {step:,}")
                    writer.grab_frame()
            with replacing(run.folder / "film.gif") as file:
                file.write(drawn.read_bytes())
        return "film.gif"

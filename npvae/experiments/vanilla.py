"""PyTorch-VAE's loss, in PyTorch and here: the same network, weights, minibatches and noise, step by step.

In PyTorch, the layers are those of the exported program, and the loss is that of its authors: the mean squared error
over all pixels, plus M/N times the KL. Here it is `VanillaVAE` with β = D · M/N. That objective is D times as large, up
to a constant, and so are its gradients. With an ε that is D times as large, too, Adam takes the same steps.

Both train in float32 and in float64. A difference that is rounding shrinks by nine orders of magnitude in float64; a
mistake would stay.
"""

import copy
import importlib.util
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .. import figures
from ..datasets.shapes import SIDE
from ..export import weights
from ..export.folder import export, require
from ..nn.optim import Adam
from ..training.loop import training_step
from .experiment import table, trained

STEPS = 200
BATCH, WEIGHT = 20, 0.005  # M, and M/N: there are N = 4,000 images
D = SIDE * SIDE * 3  # numbers of an image
CHANNELS = [32, 64, 128, 256, 512]
LATENT_DIM, RATE, EPS = 128, 1e-3, 1e-8
SHOWN = (1, 20, 50, 100, 200)  # steps


def noise(step, dtype):
    """Return a generator whose first draw is the ε (1, M, LATENT_DIM) of a step, and that draw itself."""
    draw = np.random.default_rng(step).standard_normal((1, BATCH, LATENT_DIM), dtype)
    return np.random.default_rng(step), draw


def here(initial, dtype, batches):
    """Train a copy of a model; return an array (STEPS, 3): PyTorch-VAE's loss, its squared error, the KL."""
    model = copy.deepcopy(initial).astype(dtype)
    optimizer, found = Adam(model.parameters(), RATE, eps=D * EPS), []
    for step, x in enumerate(batches):
        _, parts = training_step(model, optimizer, x.astype(dtype), noise(step, dtype)[0])
        squared_error = (parts["rec"] - 0.5 * D * np.log(np.pi)) / D
        found.append([squared_error + WEIGHT * parts["kl"], squared_error, parts["kl"]])
    return np.array(found)


def in_pytorch(initial, image_shape, dtype, batches):
    """Train a copy of an exported model in PyTorch; return what `here` returns."""
    torch, order = require("torch"), weights.channels_first(image_shape)
    model = copy.deepcopy(initial).to(getattr(torch, dtype)).train()
    optimizer, found = torch.optim.Adam(model.parameters(), RATE, eps=EPS), []
    for step, x in enumerate(batches):
        x, eps = torch.from_numpy(x[:, order].astype(dtype)), torch.from_numpy(noise(step, dtype)[1][0])
        mu, logvar = model.encode(x)
        output = model.decode(mu + torch.exp(0.5 * logvar) * eps)
        squared_error = torch.nn.functional.mse_loss(output, 2 * x - 1)
        kl = torch.mean(-0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1), dim=0)
        loss = squared_error + WEIGHT * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append([loss.item(), squared_error.item(), kl.item()])
    return np.array(found)


def vanilla(folder):
    """Train VanillaVAE on our colour images in both libraries, in both precisions, and compare every step."""
    require("torch")  # before anything is written
    chosen = {"model": "vanilla-vae", "data": "shapes", "channels": CHANNELS, "latent_dim": LATENT_DIM}
    run = trained(folder / "run", 0, batch_size=BATCH, beta=D * WEIGHT, **chosen)
    exported, N, rows, curves = _exported(run), len(run.x_train), [], {}
    for dtype in ("float32", "float64"):
        theirs = in_pytorch(exported, run.model.image_shape, dtype, _minibatches(run, f"PyTorch, {dtype}"))
        ours = here(run.model, dtype, _minibatches(run, f"npvae, {dtype}"))
        apart = np.abs(ours - theirs)
        for step in SHOWN:
            if step <= STEPS:
                (loss, _, kl), other = theirs[step - 1], ours[step - 1]
                cells = (f"{loss:.6f}", f"{other[0]:.6f}", f"{apart[step - 1, 0]:.0e}", f"{kl:.4f}", f"{other[2]:.4f}")
                rows.append([dtype, step, *cells])
        rows.append([f"{dtype}, largest", "", "", "", f"{apart[:, 0].max():.0e}", "", ""])
        curves[dtype] = (range(1, STEPS + 1), apart[:, 0])
    figures.lines(curves, "step", "difference between the losses", log_y=True).savefig(folder / "vanilla.png")
    return [
        f"PyTorch-VAE's VanillaVAE, {N:,} colour images of {SIDE} × {SIDE}: mean squared error + {WEIGHT} KL;",
        f"batch {BATCH}, Adam {RATE:g}, {STEPS} steps; the same weights, batches and noise; here β = {D * WEIGHT:g}.",
        "apart: the difference between the two losses; in the last row, the largest of all steps.",
        *table(["", "step", "loss: PyTorch", "here", "apart", "KL: PyTorch", "here"], rows),
    ]


def _minibatches(run, name):
    """Return STEPS minibatches of a run, the same ones in every call, behind a bar with this name."""
    rng = np.random.default_rng(0)
    rows = (rng.integers(len(run.x_train), size=BATCH) for _ in range(STEPS))
    return tqdm((run.x_train[each] for each in rows), name, STEPS, unit="step", disable=None)


def _exported(run):
    """Return the model of the program that `npvae export` writes for a run."""
    with tempfile.TemporaryDirectory() as folder:
        export(run, "torch", folder)
        spec = importlib.util.spec_from_file_location("vanilla_vae", Path(folder, "vanilla_vae.py"))
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        return program.load()

"""The pictures of a run: the same for every model, so that you can compare models.

    reconstructions   100 test images beside their reconstructions
    samples           100 images decoded from the prior, or for an autoencoder from a Gaussian fitted to its codes; of a
                      conditional model, a column for each label, and a row for each code
    interpolations    between pairs of test images, through their codes
    traversals        one latent dimension at a time, from the code of a test image
    restored          for a denoising autoencoder: the corrupted images, the restored ones, and the originals
    manifold          the decoded latent space, if it has two dimensions
    latent            the codes of the test set, if the latent space has two dimensions
    factors           how much of each latent dimension each known factor explains, for a synthetic set
    history           the history as curves

A conditional model decodes the code of a test image with the label of that image. An interpolation keeps the label of
its first image, traversals have the label of the first test image, and the manifold has the first label.
"""

import pathlib

import numpy as np

from ..errors import UserError
from ..training.evaluation import codes_of, explained_by
from ..training.replacing import replacing
from . import plots

INTERPOLATION_STEPS = 11
MOST_STEPS = 100
COLUMNS = 13  # images in a row of a single interpolation
MANIFOLD_SIDE = 20
SAMPLES = 100
ROWS_BY_LABEL = 10
MOST_LABELS = 20  # in one picture
TRAVERSED = 12  # at most this many latent dimensions: those in which the codes vary most
TRAVERSAL = np.linspace(-3, 3, 11)  # standard deviations


@np.errstate(all="ignore")  # `_images` checks the results instead
def draw(run, folder=None):
    """Draw the pictures that apply, and write them into a folder, by default that of the `Run`; return their names.

    For data without an image shape, draws no images; if the data is missing, only the pictures that need none.
    """
    model, dataset, drawn = run.model, None if run.missing else run.dataset, {}
    columns, history, validations = run.curves()
    if history:
        drawn["history"] = plots.history(history, columns, model.unit, validations)
    if dataset and (model.latent_dim == 2 or dataset.factors_test):
        codes = codes_of(model, run.x_test, dataset.y_test)
        if model.latent_dim == 2:
            drawn["latent"] = plots.latent_scatter(codes, dataset.y_test)
        if dataset.factors_test:
            shares = np.stack([explained_by(factor, codes) for factor in dataset.factors_test.values()], axis=1)
            drawn["factors"] = plots.factors(shares, list(dataset.factors_test))
    if run.origin.image_shape:
        if dataset or run.has_prior:
            run.fit_prior()
            drawn |= _draw_generated(run)
        if dataset:
            drawn |= _draw_reconstructed(run)
    return _write(folder or run.folder, drawn)


def _write(folder, drawn):
    for name, figure in drawn.items():
        with replacing(pathlib.Path(folder, f"{name}.png")) as file:
            figure.savefig(file, format="png")
    return [f"{name}.png" for name in drawn]


def _images(run, x):
    """Return the examples x (N, D) as images (N, H, W, C), rescaled so that black is 0 and white is 1.

    If the data is missing, x replaces the test set. Raises UserError for NaN or infinity.
    """
    if not np.isfinite(x).all():
        raise UserError("the network returns NaN or infinity, which cannot be drawn: train it again")
    low, high = black_and_white(run.model, x if run.missing else run.x_test)
    return (x.reshape(-1, *run.origin.image_shape) - low) / (high - low)


def black_and_white(model, x):
    """Return the values that pictures show as black and as white: the ends of the model's data range.

    If the model has no data range, black stands for 0, or for the smallest value of x if that is below 0, and white for
    1, or for the largest value if that is above 1.
    """
    return model.data_range or (float(min(0, x.min())), float(max(1, x.max())))


def _draw_generated(run):
    """Draw the pictures that need no example: return a dict from names to figures."""
    model, rng = run.model, np.random.default_rng(0)
    if model.needs_labels:
        drawn = {"samples": _samples_by_label(run, rng)}
        model = model.given(model.labels[0])
    else:
        drawn = {"samples": plots.image_sheet(_images(run, model.sample(SAMPLES, rng)), columns=10)}
    if run.missing:
        middle = model.from_noise(np.zeros((1, model.latent_dim)))
        drawn["traversals"] = _traversals(run, model, middle, "the others in the middle of the prior")
    if model.latent_dim == 2:
        decoded = model.generate(model.from_noise(plots.manifold_codes(MANIFOLD_SIDE)))
        drawn["manifold"] = plots.manifold(_images(run, decoded), MANIFOLD_SIDE)
    return drawn


def _draw_reconstructed(run):
    """Draw test examples, and what the model makes of them: return a dict from names to figures."""
    model, given, x = run.model, run.given(slice(100)), run.x_test[:100]
    codes = given.codes(x)
    drawn = {
        "reconstructions": plots.reconstructions(_images(run, x), _images(run, given.generate(codes))),
        "traversals": _traversals(run, run.given([0]), codes),
    }
    if len(x) > 1:
        pairs = list(zip(codes[0:20:2], codes[1:20:2]))
        lines = np.concatenate([between(a, b, INTERPOLATION_STEPS) for a, b in pairs])
        given = run.given(np.repeat(2 * np.arange(len(pairs)), INTERPOLATION_STEPS))
        drawn["interpolations"] = plots.image_sheet(
            _images(run, given.generate(lines)), INTERPOLATION_STEPS, "from one code to another"
        )
    if model.noise is not None:
        seen = model.corrupt(x[:10], np.random.default_rng(0))
        rows = np.concatenate([seen, model.reconstruct(seen), x[:10]])
        drawn["restored"] = plots.image_sheet(_images(run, rows), 10, "seen, restored, and the original")
    return drawn


def _samples_by_label(run, rng):
    """Draw the same codes from the prior with every label: a column for each label, a row for each code."""
    labels = run.model.labels[:MOST_LABELS]
    z = np.repeat(rng.standard_normal((ROWS_BY_LABEL, run.model.latent_dim)), len(labels), axis=0)
    images = _images(run, run.model.given(labels).generate(z))
    title = "each column: a label; each row: one code z"
    classes = None if run.missing else run.dataset.classes
    names = labels if classes is None else classes[: len(labels)]
    return plots.image_sheet(images, len(labels), title, column_names=names)


def samples_of_label(run, label, folder=None):
    """Write label-L.png, samples of one label; return its name.

    Raises UserError for an unknown label, for a model without labels, and for data without images.
    """
    if not run.model.needs_labels:
        raise UserError(f"the model {run.settings['model']} knows no labels: train --model cvae, or leave out --label")
    _require_images(run)
    samples = run.model.given(label).sample(SAMPLES, np.random.default_rng(0))
    sheet = plots.image_sheet(_images(run, samples), 10, f"samples of the label {label}")
    return _write(folder or run.folder, {f"label-{label}": sheet})[0]


def _require_images(run):
    """Raise UserError for data without images."""
    if run.origin.image_shape is None:
        raise UserError(f"{run.origin.name} holds vectors, not images: there is nothing to draw")


def _traversals(run, model, codes, others="the others as in the first test image"):
    """Draw what changes if one dimension of the first code moves over ±3 standard deviations of the prior.

    model    that of the run, given the label of the first code
    codes    (n, latent_dim): the rows are the dimensions in which these vary most
    others   where the title says that the other dimensions are
    """
    dimensions = np.argsort(-codes.var(axis=0), kind="stable")[:TRAVERSED]
    moved = model.from_noise(np.repeat(TRAVERSAL[:, None], model.latent_dim, axis=1))        # (11, latent_dim)
    z = np.repeat(codes[:1], len(dimensions) * len(TRAVERSAL), axis=0).reshape(len(dimensions), len(TRAVERSAL), -1)
    for row, j in enumerate(dimensions):
        z[row, :, j] = moved[:, j]
    images = _images(run, model.generate(z.reshape(-1, model.latent_dim)))
    title = f"each row: one latent dimension from −3 to 3; {others}"
    return plots.image_sheet(images, len(TRAVERSAL), title, [f"z{j + 1}" for j in dimensions])


def between(a, b, steps):
    """Return evenly spaced codes on the line from a to b (latent_dim,), both ends included: (steps, latent_dim).

    If the number of steps is even, the midpoint is added. Raises UserError for fewer than 2 or more than 100 steps.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise UserError(f"an interpolation has {steps} steps, expected from 2, its two ends, to {MOST_STEPS}")
    weights = np.union1d(np.linspace(0, 1, steps), 0.5)[:, None].astype(a.dtype)
    return (1 - weights) * a + weights * b


@np.errstate(all="ignore")
def interpolate(run, i, j, steps, folder=None):
    """Write between-I-J.png, from test image i to test image j through their codes; return its name.

    The two originals stand at the ends. Raises UserError for an index without an image, and for data without images.
    """
    _require_images(run)
    for index in (i, j):
        if not 0 <= index < len(run.x_test):
            raise UserError(f"there is no test image {index}: expected one from 0 to {len(run.x_test) - 1}")
    ends = run.x_test[[i, j]]
    line = run.given([i]).generate(between(*run.given([i, j]).codes(ends), steps))
    images = _images(run, np.concatenate([ends[:1], line, ends[1:]]))
    title = f"from test image {i} to {j}: the original, {len(line)} steps between their codes, the original"
    drawn = {f"between-{i}-{j}": plots.image_sheet(images, min(len(images), COLUMNS), title)}
    return _write(folder or run.folder, drawn)[0]

"""What a page knows about its runs: a header, and arrays in two blocks, `first` and `rest` (see page.py)."""

import dataclasses

import numpy as np

from ...datasets.files import shown_path
from ...errors import UserError
from ...models.networks import from_tanh, to_tanh
from ...probability import DiagonalGaussian
from ...training import evaluation
from ..pictures import black_and_white
from . import networks

SHOWN, MOST_SHOWN = 3000, 2_400_000  # images, the first of the test set, and numbers in them
ROUNDED_FOR = 500  # images whose means the rounded layers keep
CHECKED = 20  # codes whose pictures the page compares with NumPy's
PRECISION = 0.04, 0.0016, 0.004  # the largest error of a pixel, their mean, and that of nats (relative above 1)
SMALLEST = 0.1  # of the spread of the codes: a shorter round trip, such as PCA's, counts as exact
VARIES = 0.01  # the variance of μ from which on a dimension of a VAE counts as used
MOST_LABELS = 256


def name_of(run):
    """Return the name of a run's folder; a letter that is not Unicode becomes a question mark."""
    return run.folder.resolve().name.encode("utf-8", "replace").decode()


def describe(runs, first, rest):
    """Return what the page knows about the runs, as JSON can hold it; the arrays go into the two blocks."""
    one = runs[0]
    shape = one.origin.image_shape
    if shape is None:
        raise UserError(f"{one.origin.name} holds vectors, not images: there is nothing to explore")
    for run in runs[1:]:
        if not np.array_equal(run.x_test, one.x_test):
            raise UserError(
                f"{shown_path(run.folder)} and {shown_path(one.folder)} see different images (other data, or another "
                "binarization): a page compares runs of the same images"
            )
    x = one.x_test[: min(SHOWN, max(1, MOST_SHOWN // one.x_test.shape[1]))]
    low, high = black_and_white(one.model, one.x_test)
    y, names = _classes(one.dataset, len(x))
    return {
        "data": one.dataset.name, "shape": list(shape), "low": low, "high": high, "names": names,
        "count": len(x), "labels": None if y is None else first.add(y), "images": rest.add(_levels(x, low, high)),
        "mean": rest.add(one.x_test.mean(axis=0, dtype=np.float64).astype("<f4")),
        "runs": [_describe_run(run, len(x), rest if i else first, rest) for i, run in enumerate(runs)],
    }  # fmt: skip


def _levels(x, low, high):
    """Return images x (n, D) in whole numbers: bytes, or 16 bits if the pixels are not on the levels of bytes."""
    share = (x.astype(np.float64) - low) / (high - low)
    levels = np.round(255 * share)
    if np.abs(levels - 255 * share).max() < 1e-3:
        return levels.astype(np.uint8)
    return np.round(65535 * share).astype("<u2")


def _classes(dataset, n):
    """Return the labels of the first n test examples as bytes (n,), and the names of all classes; None without labels.

    Raises UserError for more than 256 classes.
    """
    labels = dataset.labels
    if labels is None:
        return None, None
    if len(labels) > MOST_LABELS:
        raise UserError(f"{dataset.name} has {len(labels)} classes, but a page can tell {MOST_LABELS} apart")
    names = [str(k) for k in labels] if dataset.classes is None else [str(dataset.classes[k]) for k in labels]
    return np.searchsorted(labels, dataset.y_test[:n]).astype(np.uint8), names


def _describe_run(run, n, first, rest):
    """Describe one run, and the codes of the first n test images: a dict, as JSON can hold it.

    worth         (J,): the KL of each dimension in nats; of an autoencoder, the variance of its codes
    centre, width the mean and the standard deviation of the prior, or of the Gaussian fitted to the codes, (J,) each
    spread        (J,): the standard deviation of the draws from all posteriors, or of the codes
    used          the dimensions that the codes use
    knownWithin   how far a round trip moves 19 of 20 real images: see `_round_trips`
    """
    model, J = run.model, run.model.latent_dim
    encoder, decoder = networks.encoder_and_decoder(model)
    mu, logvar = evaluation.encoded(model, run.x_test, run.dataset.y_test if model.needs_labels else None)
    networks.refine(encoder + decoder, lambda: _is_precise(run, encoder, decoder, mu))
    seen, codes = _inputs(run, mu, ROUNDED_FOR)
    variance, centre, width, worth = mu.var(axis=0, dtype=np.float64), np.zeros(J), np.ones(J), None
    used = np.flatnonzero(variance > VARIES) if model.has_bound else np.arange(J)
    if model.has_bound:
        each = DiagonalGaussian(mu[..., None], logvar[..., None]).kl_divergence().data       # (N, J)
        worth = each.mean(axis=0, dtype=np.float64)
        variance = variance + np.exp(logvar, dtype=np.float64).mean(axis=0)
    if model.fitted:
        run.fit_prior()
        centre, width = model.code_mean, model.code_std
    q, scale = networks.quantized(mu[:n], 16)
    return {
        "name": name_of(run), "model": run.settings["model"], "beta": run.settings.get("beta"),
        "likelihood": _likelihood(run), "latent": J, "hasBound": bool(model.has_bound),
        "labels": len(model.labels) if model.needs_labels else 0,
        "encoder": _layers(networks.rounded(encoder, seen), rest),
        "decoder": _layers(networks.rounded(decoder, codes), first),
        "bits": [layer.bits for layer in encoder + decoder], "clips": model.data_range is not None,
        "codes": first.add(q), "codeScale": first.add(scale.astype("<f4")),
        "worth": (variance if worth is None else worth).tolist(),
        "centre": [float(v) for v in centre], "width": [float(v) for v in width],
        "spread": np.sqrt(variance).tolist(), "used": used.tolist(),
        "knownWithin": _round_trips(run, mu, logvar, used, np.sqrt(variance)), **_checks(run, rest, mu),
    }  # fmt: skip


def _likelihood(run):
    """Return what model.js needs to know about p(x | z): its name and its learned number, if any."""
    if not run.model.has_bound:
        return {"name": "none", "rescales": run.model.rescales}
    likelihood = run.model.likelihood
    found = {"name": run.settings["likelihood"], "gives": likelihood.gives, "rescales": run.model.rescales}
    for name in ("logvar", "log_scale"):
        if hasattr(likelihood, name):
            number = getattr(likelihood, name)
            found["number"] = float(getattr(number, "data", number))
    return found


def _layers(layers, block):
    """Add the arrays of `Layer`s to a block; return their description, a list."""
    found = []
    for layer in layers:
        q, scale = networks.quantized(layer.W, layer.bits)
        found.append({
            "W": block.add(q), "scale": block.add(scale.astype("<f4")), "b": block.add(layer.b.astype("<f4")),
            "activation": layer.activation, "slope": layer.slope,
            "window": layer.window and dataclasses.asdict(layer.window),
        })  # fmt: skip
    return found


def _inputs(run, mu, n):
    """Return what encoder and decoder see of the first n test images, whose codes are mu: two arrays (n, ·)."""
    x, mu = run.x_test[:n], mu[:n]
    x = to_tanh(x) if run.model.rescales else x
    if not run.model.needs_labels:
        return x, mu
    one_hot = (run.dataset.y_test[:n, None] == run.model.labels).astype(np.float32)
    return np.hstack([x, one_hot]), np.hstack([mu, one_hot])


def _is_precise(run, encoder, decoder, mu):
    """Return whether rounded weights give the model's pictures and nats of the first test images, with codes mu."""
    most_pixel, most_mean, most_nats = PRECISION
    layers, checked, many = (encoder, decoder), _inputs(run, mu, CHECKED), _inputs(run, mu, ROUNDED_FOR)
    exact = [networks.compute(network, x) for network, x in zip(layers, checked)]
    coarse = [networks.compute(networks.rounded(network, x), y) for network, x, y in zip(layers, many, checked)]
    error = np.abs(_mean(run, exact[1]) - _mean(run, coarse[1]))
    if error.max() > most_pixel or error.mean() > most_mean:
        return False
    if not run.model.has_bound:
        return True
    right, found = (np.array(_nats(run, run.x_test[:CHECKED], *parts)) for parts in (exact, coarse))
    return bool(np.all(np.abs(found - right) <= most_nats * np.maximum(1, np.abs(right))))


def _mean(run, output):
    """Return the pictures (n, D) that outputs of the decoder stand for."""
    mean = run.model.likelihood(output).mean if run.model.has_bound else output
    return from_tanh(mean) if run.model.rescales else mean


def _nats(run, x, q, output):
    """Return −ln p(x | z) and the KL of each example, two arrays (n,)."""
    q = DiagonalGaussian(*np.split(q, 2, axis=1))
    reconstruction = -run.model.likelihood(output).log_prob(to_tanh(x) if run.model.rescales else x).data
    return reconstruction, q.kl_divergence().data


def _checks(run, block, mu):
    """Return codes, NumPy's pictures of them and the nats of test images, for the page to compare with its own."""
    n = min(CHECKED, len(mu))
    given = run.given(slice(n))
    pictures = given.generate(mu[:n])
    scaled = (pictures - pictures.min()) / max(np.ptp(pictures), 1e-9)
    nats = None
    if run.model.has_bound:
        with run.model.evaluating():
            p, q = given.decode(mu[:n]), given.encode(run.x_test[:n])
            nats = {"rec": (-p.log_prob(run.x_test[:n]).data).tolist(), "kl": q.kl_divergence().data.tolist()}
    return {
        "checkedCodes": block.add(mu[:n].astype("<f4")), "nats": nats,
        "checkedPictures": block.add(np.round(65535 * scaled).astype("<u2")),
        "checkedRange": [float(pictures.min()), float(np.ptp(pictures))],
    }  # fmt: skip


def _round_trips(run, mu, logvar, used, spread):
    """Return how far 19 of 20 codes of test images move when they are decoded and encoded again.

    The distance is the root mean square over the dimensions that the codes use, in units of the spread of the codes.
    A code of a VAE is a draw from q, since that is what the decoder was trained on.
    """
    n = min(1000, len(mu))
    z, given = mu[:n], run.given(slice(n))
    if len(used) == 0:
        return 0.0
    if logvar is not None:
        z = z + np.exp(0.5 * logvar[:n]) * np.random.default_rng(0).standard_normal(z.shape, dtype=z.dtype)
    pictures = given.generate(z)
    if run.model.data_range is not None:
        pictures = pictures.clip(*run.model.data_range)
    with run.model.evaluating():                             # `codes` refuses values that are not levels of bytes
        back = given.encode(pictures).mean if run.model.has_bound else given.codes(pictures)
    moved = (back - z)[:, used] / spread[used]
    return max(SMALLEST, float(np.quantile(np.sqrt(np.mean(moved**2, axis=1)), 0.95)))

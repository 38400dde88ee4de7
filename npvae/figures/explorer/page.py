"""One page that opens from disk: the latent space of a run under your finger, computed in the browser.

    page.html    the parts of the page
    page.css     how they look
    model.js     the networks and the likelihoods: what the engine does in NumPy, in JavaScript
    explorer.js  the plane, the sliders, the paper, the ledger

`write` joins these files, and adds what the page knows about the runs: a header in JSON, and one block of bytes with
all arrays (weights, codes, images), compressed and written as text. The page asks for nothing else: a content security
policy forbids it to.
"""

import base64
import gzip
import html
import inspect
import json
import os
import pathlib
import re

import numpy as np

from ...autodiff import ops
from ...datasets.files import shown_path
from ...errors import UserError
from ...models import VAE
from ...training import evaluation
from ...training.replacing import replacing, require_writable
from . import networks

HERE = pathlib.Path(__file__).parent
SHOWN = 3000  # images, the first of the test set
CHECKED = 20  # codes whose pictures the page compares with NumPy's
LARGEST = 3_500_000  # bytes of a page
MOST_CLASSES = 36  # each is drawn as a digit or a letter
PRECISION = 0.04, 0.0015, 0.004  # of pixels at most and in the mean, and of nats, relatively: else weights of 16 bits
KINDS = {"|i1": "Int8Array", "|u1": "Uint8Array", "<i2": "Int16Array", "<u2": "Uint16Array", "<f4": "Float32Array"}


class Block:
    """Arrays, one behind the other in bytes; each begins at a multiple of 4, as JavaScript expects."""

    def __init__(self):
        self.bytes = bytearray()

    def add(self, a):
        """Append an array; return where the page finds it: its kind, place and shape."""
        a = np.ascontiguousarray(a)
        place = {"kind": KINDS[a.dtype.str], "at": len(self.bytes), "shape": a.shape}
        self.bytes += a.tobytes()
        self.bytes += bytes(-len(self.bytes) % 4)
        return place

    def text(self):
        """Return all arrays, compressed, as letters."""
        return base64.b64encode(gzip.compress(bytes(self.bytes), 9, mtime=0)).decode()


def write(runs, path, force=False):
    """Write the page about one or several runs of the same data; return its size in bytes.

    runs    a list of `Run`s
    path    of the page; an existing file is replaced only with `force`

    Raises UserError for data that is no images, networks that are not dense, runs of different data, a page of more
    than 3.5 MB, and an existing file.
    """
    path = pathlib.Path(path)
    if os.path.lexists(path) and not force:
        raise UserError(f"{shown_path(path)} already exists: choose another --out, or replace it with --force")
    require_writable(path)
    text = page(runs)
    size = len(text.encode())
    if size > LARGEST:
        raise UserError(
            f"the page would have {size / 1e6:.1f} MB, expected at most {LARGEST / 1e6:.1f}: explore fewer runs at "
            "once, or smaller networks"
        )
    with replacing(path) as file:
        file.write(text.encode())
    return size


def page(runs):
    """Return the page about runs of the same data, as text."""
    block = Block()
    about = json.dumps(describe(runs, block), ensure_ascii=False).replace("<", "\\u003c")
    text = (HERE / "page.html").read_text(encoding="utf-8")
    parts = {name: (HERE / name).read_text(encoding="utf-8") for name in ("page.css", "model.js", "explorer.js")}
    parts |= {"title": html.escape(_title(runs)), "about": about, "numbers": block.text(), "python": _python()}
    return re.sub(r"\[\[([\w.]+)\]\]", lambda match: parts[match[1]], text)  # in one pass: a part may hold brackets


def _title(runs):
    return f"The latent space of {', '.join(run.folder.resolve().name for run in runs)}"


def _python():
    """Return the lines of the engine that model.js repeats, as text of the page."""
    parts = [ops.dense, ops.relu, VAE.decode]
    return html.escape("\n\n".join(inspect.cleandoc(inspect.getsource(inspect.unwrap(part))) for part in parts))


def describe(runs, block):
    """Return what the page knows about the runs, as JSON can hold it; the arrays go into the block."""
    first = runs[0]
    shape = first.origin.image_shape
    if shape is None:
        raise UserError(f"{first.origin.name} holds vectors, not images: there is nothing to explore")
    for run in runs[1:]:
        if not np.array_equal(run.x_test, first.x_test):
            raise UserError(
                f"{shown_path(run.folder)} and {shown_path(first.folder)} were trained on different data: a page "
                "compares runs of the same data"
            )
    x = first.x_test[:SHOWN]
    low, high = first.model.data_range or (float(min(0, first.x_test.min())), float(max(1, first.x_test.max())))
    levels = np.round(255 * (np.asarray(x) - low) / (high - low)).astype(np.uint8)
    y, names = _classes(first.dataset, len(x))
    return {
        "data": first.dataset.name, "shape": list(shape), "low": low, "high": high, "names": names,
        "images": block.add(levels), "labels": None if y is None else block.add(y),
        "mean": block.add(first.x_test.mean(axis=0, dtype=np.float64).astype("<f4")),
        "runs": [_describe_run(run, block) for run in runs],
    }  # fmt: skip


def _classes(dataset, n):
    """Return the labels of the first test examples (n,) as bytes, and the names of all classes; None for too many."""
    labels = dataset.labels
    if labels is None or len(labels) > MOST_CLASSES:
        return None, None
    names = [str(k) for k in labels] if dataset.classes is None else [str(dataset.classes[k]) for k in labels]
    return np.searchsorted(labels, dataset.y_test[:n]).astype(np.uint8), names


def _describe_run(run, block):
    model, x = run.model, run.x_test
    y = run.dataset.y_test if model.needs_labels else None
    run.fit_prior()
    mu, logvar = evaluation.encoded(model, x, y)
    encoder, decoder = networks.encoder_and_decoder(model)
    bits = 8 if _is_precise(run, encoder, decoder, mu[:CHECKED], 8) else 16
    variance = mu.var(axis=0)
    kl = None
    if model.has_bound:
        kl = (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0)
        variance = variance + np.exp(logvar).mean(axis=0)
    centre, width = (np.zeros_like(variance), np.ones_like(variance)) if kl is not None else (
        mu.mean(axis=0), mu.std(axis=0))  # fmt: skip
    q, scale = networks.quantized(mu[:SHOWN], 16)
    used = np.flatnonzero(mu.var(axis=0) > (0.01 if kl is not None else 0))
    round_trip = _round_trips(run, mu, logvar, used, np.sqrt(variance))
    return {
        "name": run.folder.resolve().name, "model": run.settings["model"], "beta": run.settings.get("beta"),
        "likelihood": _likelihood(run), "latent": model.latent_dim, "hasBound": bool(model.has_bound),
        "labels": len(model.labels) if model.needs_labels else 0,
        "encoder": _layers(encoder, bits, block), "decoder": _layers(decoder, bits, block), "bits": bits,
        "codes": block.add(q), "codeScale": block.add(scale.astype("<f4")),
        "worth": [float(v) for v in (variance if kl is None else kl)],
        "centre": [float(v) for v in centre], "width": [float(v) for v in width],
        "spread": [float(v) for v in np.sqrt(variance)], "used": used.tolist(), "knownWithin": round_trip,
        **_checks(run, block, mu),
    }  # fmt: skip


def _likelihood(run):
    """Return what model.js needs to know about p(x | z): its name and its learned number, if any."""
    if not run.model.has_bound:
        return {"name": "none"}
    likelihood = run.model.likelihood
    found = {"name": run.settings["likelihood"], "gives": likelihood.gives}
    for name in ("logvar", "log_scale"):
        if hasattr(likelihood, name):
            number = getattr(likelihood, name)
            found["number"] = float(getattr(number, "data", number))
    return found


def _layers(layers, bits, block):
    found = []
    for layer in layers:
        q, scale = networks.quantized(layer.W, bits)
        found.append({
            "W": block.add(q), "scale": block.add(scale.astype("<f4")), "b": block.add(layer.b.astype("<f4")),
            "activation": layer.activation, "slope": layer.slope,
        })  # fmt: skip
    return found


def _given(run, n):
    """Return the one-hot labels of the first n test examples, an array (n, K), without columns if none are needed."""
    if not run.model.needs_labels:
        return np.zeros((n, 0), dtype=np.float32)
    return (run.dataset.y_test[:n, None] == run.model.labels).astype(np.float32)


def _is_precise(run, encoder, decoder, mu, bits):
    """Return whether weights of so few bits give the model's pictures, means and nats of the first test images."""
    n, most_pixel, most_mean, most_nats = len(mu), *PRECISION
    y = _given(run, n)
    exact, rounded = (
        (networks.compute(e, np.hstack([run.x_test[:n], y])), networks.compute(d, np.hstack([mu, y])))
        for e, d in ((encoder, decoder), (networks.restored(encoder, bits), networks.restored(decoder, bits)))
    )
    pictures = [_mean(run, output) for _, output in (exact, rounded)]
    error = np.abs(pictures[0] - pictures[1])
    if error.max() > most_pixel or error.mean() > most_mean:
        return False
    nats = [np.array(_nats(run, run.x_test[:n], *parts)) for parts in (exact, rounded)]
    return bool(np.all(np.abs(nats[0] - nats[1]) <= most_nats * np.abs(nats[0]))) if run.model.has_bound else True


def _mean(run, output):
    """Return the pictures (n, D) that outputs of the decoder stand for."""
    return run.model.likelihood(output).mean if run.model.has_bound else output


def _nats(run, x, q, output):
    """Return −ln p(x | z) and the KL of each example, two arrays (n,); None for a model without a bound."""
    if not run.model.has_bound:
        return None
    mu, logvar = np.split(q, 2, axis=1)
    reconstruction = -run.model.likelihood(output).log_prob(x).data
    return reconstruction, (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).sum(axis=1)


def _checks(run, block, mu):
    """Return codes with NumPy's pictures of them, and the nats of test images: the page compares its own."""
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
    moved = (given.codes(pictures) - z)[:, used] / spread[used]
    return float(np.quantile(np.sqrt(np.mean(moved**2, axis=1)), 0.95))

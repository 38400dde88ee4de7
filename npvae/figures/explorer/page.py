"""One page that opens from disk: the latent space of a run under your finger, computed in the browser.

    page.html     the parts of the page
    page.css      how they look
    model.js      the networks and the likelihoods: what the engine does in NumPy, in JavaScript
    arrays.js     the arrays of the page, and the run that is chosen
    plane.js      the plane of codes
    paper.js      the image on the paper, its code and its nats
    path.js       from one image to another
    controls.js   what the reader moves, and what is said
    begin.js      the address, the comparison with NumPy, and the beginning

`write` joins these files, and adds what the page knows about the runs: a header in JSON, and two blocks of bytes with
all arrays, compressed and written as text. The first block holds what a finger on the plane needs, the decoder and the
codes of the first run. It stands before the program, which begins while the browser still reads the rest. The page
requests nothing else; its content security policy forbids it, and forbids every script but these.
"""

import base64
import gzip
import hashlib
import html
import inspect
import json
import os
import pathlib
import re
import textwrap

import numpy as np

from ...autodiff import ops
from ...datasets.files import shown_path
from ...errors import UserError
from ...models import VAE
from ...probability import bernoulli_log_likelihood, kl_to_standard_normal, reparameterize
from ...training.replacing import replacing, require_writable
from .contents import describe, name_of

HERE = pathlib.Path(__file__).parent
PROGRAM = ["arrays.js", "plane.js", "paper.js", "path.js", "controls.js", "begin.js"]
LARGEST = 3_500_000  # bytes of a page
KINDS = {"|i1": "Int8Array", "|u1": "Uint8Array", "<i2": "Int16Array", "<u2": "Uint16Array", "<f4": "Float32Array"}


class Block:
    """Arrays, one behind the other in bytes; each begins at a multiple of 4, as JavaScript expects."""

    def __init__(self, name):
        self.name, self.bytes = name, bytearray()

    def add(self, a):
        """Append an array; return where the page finds it: its block, kind, place and shape."""
        a = np.ascontiguousarray(a)
        place = {"block": self.name, "kind": KINDS[a.dtype.str], "at": len(self.bytes), "shape": a.shape}
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

    Raises UserError for data that is not images, networks that the page does not know, runs of different images, a page
    of more than 3.5 MB, and an existing file.
    """
    path = pathlib.Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{shown_path(path)} is a device, expected the name of a file: choose another --out")
    if os.path.lexists(path) and not force:
        raise UserError(f"{shown_path(path)} already exists: choose another --out, or replace it with --force")
    require_writable(path)
    text = page(runs).encode()
    if len(text) > LARGEST:
        raise UserError(
            f"the page would take {len(text) / 1e6:.1f} MB, expected at most {LARGEST / 1e6:.1f}: explore fewer runs "
            "at once, or train smaller networks, such as --hidden 200 100 or --channels 16 32"
        )
    with replacing(path) as file:
        file.write(text)
    return len(text)


def page(runs):
    """Return the page about runs of the same data, as text."""
    first, rest = Block("first"), Block("rest")
    about = describe(runs, first, rest)
    try:
        header = json.dumps(about, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise UserError("the network gives numbers that are not finite: train it again, or rescale the data") from None
    model = _file("model.js")
    program = "\n".join(map(_file, PROGRAM))
    parts = {
        "page.css": _file("page.css"), "model": model, "program": program, "hashes": f"{_hash(model)} {_hash(program)}",
        "title": html.escape(f"The latent space of {', '.join(map(name_of, runs))}"), "python": _python(),
        "about": header.replace("<", "\\u003c"), "first": first.text(), "rest": rest.text(),
    }  # fmt: skip
    return re.sub(r"\[\[([\w.]+)\]\]", lambda match: parts[match[1]], _file("page.html"))  # once: a part may hold [[


def _file(name):
    return (HERE / name).read_text(encoding="utf-8")


def _hash(script):
    """Return what the content security policy calls this script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _python():
    """Return the functions of the engine that model.js repeats, as text of the page."""
    parts = [ops.dense, ops.relu, reparameterize, kl_to_standard_normal, bernoulli_log_likelihood, VAE.decode]
    return html.escape("\n\n".join(textwrap.dedent(inspect.getsource(inspect.unwrap(part))) for part in parts))

"""Your own data, as a `Dataset`: examples, labels, scale and test set. The loader notes everything it decides."""

import math
import os
import pathlib

import numpy as np

from ..errors import UserError
from .dataset import Dataset
from .files import listed, shown, shown_path
from .labels import to_classes
from .pixels import Pixels
from .scale import find_white
from .sources import read_source
from .split import TEST_EVERY, choose_tests, doubts

PARTS = {"train": "training", "test": "test"}
CHANNELS = (1, 3)


def load_path(path):
    """Load a file or a folder as a `Dataset`. Its `notes` say what the loader decided.

    .npz, .npy   an array of examples, named x, images, data, …, and perhaps labels, named y, labels, target, …; for a
                 test set, x_test and y_test (sources.py lists the names)
    IDX          a file of images, or the folder that holds it; the loader finds labels and tests by their usual names
    .csv         one example in each row, see tables.py
    a folder     of pictures, see pictures.py

    Examples are (N, D), (N, H, W) or (N, H, W, C) with C = 1 or 3; the loader converts (N, C, H, W). Vectors of D
    numbers are drawn as images if D is a perfect square. scale.py says how it rescales numbers, labels.py which labels
    it accepts, and split.py how it holds out a tenth for testing if the data has no test set.

    Loading executes nothing from the file. Raises UserError for data that is missing, unreadable, damaged, too large or
    ambiguous; for fewer than 10 examples; and for arrays that have the wrong rank, length or type, or hold NaN or
    infinity.
    """
    called = shown_path(path)
    arrays, decided = read_source(path)
    parts = [part for part in PARTS if f"x_{part}" in arrays]
    xs = [_as_examples(arrays[f"x_{part}"], f"x of the {PARTS[part]} set in {called}", decided) for part in parts]
    shape = xs[0].shape[1:]
    if xs[-1].shape[1:] != shape:
        raise UserError(
            f"{called} has training examples of shape {shape} and test examples of shape {xs[-1].shape[1:]}, expected "
            "the same"
        )
    xs = [x.reshape(len(x), -1) for x in xs]
    if "y_train" in arrays:
        ys = [arrays[f"y_{part}"] for part in parts if f"y_{part}" in arrays]
        ys, classes = to_classes(ys, [len(x) for x in xs[: len(ys)]], f"y in {called}")
        names = classes or range(1 + max(y.max() for y in ys))
        decided.append(f"the labels are {len(names)} classes: {listed(names)}")
    else:
        ys, classes = [], None
        decided += ["left out the labels of the test set: the training set has none"] if "y_test" in arrays else []
    if len(xs) == 1:
        xs, ys = _split(xs[0], ys, called)
        decided.append(f"the test set is {len(xs[1])} of them, chosen at random, the same in every run")
    else:
        decided.append(f"the test set is that of the data: {len(xs[1])} examples")
    y_train, y_test = (*ys, None, None)[:2]
    warnings = [f"warning: {doubt}" for doubt in doubts(*xs, y_train, y_test, classes)]
    white, scaled = find_white(xs, f"x in {called}")
    x_train, x_test = (_rescale(x, white) for x in xs)
    image_shape = _image_shape(shape)
    notes = (f"{sum(map(len, xs))} examples, each {_in_words(shape, image_shape)}; {scaled}", *decided, *warnings)
    return Dataset(
        pathlib.Path(os.path.abspath(path)).stem, str(path), x_train, y_train, x_test[:], y_test, image_shape,
        classes=classes, notes=notes,
    )  # fmt: skip


def _as_examples(x, called, decided):
    """Return x with the channels as the last axis, and fractions as float32."""
    if x.ndim not in (2, 3, 4):
        raise UserError(f"{called} has shape {x.shape}, expected (N, D), (N, H, W) or (N, H, W, C)")
    if x.dtype.kind not in "buif":
        raise UserError(f"{called} holds {shown(x.dtype)}, expected real numbers")
    if x.size == 0:
        raise UserError(f"{called} has shape {x.shape}, so it holds no numbers: expected at least one in each example")
    if x.ndim == 4 and x.shape[-1] not in CHANNELS:
        if x.shape[1] not in CHANNELS:
            raise UserError(f"{called} has shape {x.shape}, expected 1 or 3 channels, as the last axis")
        decided.append(f"moved the channels from the second axis of {x.shape} to the last")
        x = x.transpose(0, 2, 3, 1)
    if x.dtype.kind != "f":
        return x
    with np.errstate(over="ignore"):
        converted = x.astype(np.float32, order="C", copy=False)
    bad = np.argwhere(~np.isfinite(converted))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise UserError(
            f"{called} holds {len(bad)} numbers that are NaN, infinite or too large for float32, the first at {where}: "
            "remove or replace them"
        )
    return converted


def _split(x, ys, called):
    """Return [x_train, x_test] and [y_train, y_test], or [] without labels."""
    if len(x) < TEST_EVERY:
        raise UserError(
            f"x in {called} has {len(x)} examples, expected at least {TEST_EVERY}: one in {TEST_EVERY} is for testing"
        )
    is_test = choose_tests(len(x), *ys)
    return [x[~is_test], x[is_test]], [part for y in ys for part in (y[~is_test], y[is_test])]


def _rescale(x, white):
    """Return x / white, as float32 or `Pixels`."""
    if x.dtype.kind in "bui" and x.min() >= 0 and x.max() <= 255:
        return Pixels(x.astype(np.uint8, copy=False), white)
    return x.astype(np.float32, copy=False) / np.float32(white)


def _image_shape(shape):
    """Return (H, W, C) for examples of this shape, or None for vectors whose length is not a perfect square."""
    if len(shape) > 1:
        return (*shape, 1)[:3]
    side = math.isqrt(shape[0])
    return (side, side, 1) if side * side == shape[0] else None


def _in_words(shape, image_shape):
    if len(shape) > 1:
        return f"an image of {' × '.join(map(str, image_shape))}"
    drawn = f", drawn as an image of {image_shape[0]} × {image_shape[1]}" if image_shape else ""
    return f"{shape[0]} number{'s' if shape[0] > 1 else ''}{drawn}"

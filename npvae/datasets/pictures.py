"""A folder of pictures, all of one size: PNG, JPEG and a few other formats, read by Pillow.

Subfolders are classes: `cats/1.png` has the label "cats". Folders `train` and `test` are the two parts of the data.
Grey pictures have one channel; if any picture has colours, all have three. Transparency is dropped.

Pillow does more than you would expect of a reader: it runs Ghostscript for EPS, and unpacks pictures of any size. So
this module lists the formats that it accepts, and checks the sizes of all pictures before it unpacks the first.
"""

import contextlib
import logging
import os
import pathlib
import warnings

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .files import open_file, require_room, shown, shown_path

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pbm", ".pgm", ".ppm")
TEST_FOLDERS = ("test", "val", "valid", "validation")  # beside the folder `train`; the first that exists
GREY = {"1", "L", "LA"}  # modes of Pillow
DEEP = {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}  # grey, with more than 8 bits
ROWS_AT_ONCE = 1000


def read_pictures(folder):
    """Return the pictures in a folder as a dict of arrays, and what the reader decided, a list of sentences.

    The dict has `x_train`, uint8, uint16 or float32, (N, H, W) or (N, H, W, 3), and perhaps `y_train`, text (N,), and
    `x_test` and `y_test`. Raises UserError for a folder without pictures, for pictures of different sizes, and for a
    picture that is damaged or too large.
    """
    paths = _find(folder)
    if not paths:
        raise UserError(f"{shown_path(folder)} holds no pictures: expected {', '.join(EXTENSIONS[:3])}, … in it")
    steps = {path: path.relative_to(folder).parts for path in paths}
    top = {parts[0].lower() for parts in steps.values() if len(parts) > 1}
    is_divided = "train" in top
    folders = {"train": "train", "test": next((name for name in TEST_FOLDERS if name in top), None)}
    if is_divided:
        parts = {part: [p for p in paths if steps[p][0].lower() == name] for part, name in folders.items() if name}
    else:
        parts = {"train": paths}
    left_out = len(paths) - sum(map(len, parts.values()))
    decided = [f"left out {left_out} pictures that are in neither train nor test"] if left_out else []
    paths = [path for part in parts.values() for path in part]
    classes = [steps[path][is_divided] if len(steps[path]) > 1 + is_divided else None for path in paths]
    pictures, arrays, start = _read(paths, folder), {}, 0
    has_labels = None not in classes and len({*classes}) > 1
    if has_labels:
        decided.append("the labels are the names of the subfolders")
    elif len({*classes}) > 1:
        decided.append("without labels: only some of the pictures are in subfolders")
    if pictures.ndim == 4 and _is_grey(pictures):
        pictures = pictures[..., 0]
        decided.append("the three channels are equal: kept one of them")
    for part, members in parts.items():
        rows = slice(start, start := start + len(members))
        arrays[f"x_{part}"] = pictures[rows]
        if has_labels:
            arrays[f"y_{part}"] = np.array(classes[rows])
    return arrays, decided


def _find(folder):
    """Return the paths of the pictures in a folder and its subfolders, in the order of their names."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            pathlib.Path(place, name) for name in sorted(names)
            if name.lower().endswith(EXTENSIONS) and not name.startswith(".")    # "._1.png" is a note of macOS
        ]  # fmt: skip
    return found


def _read(paths, folder):
    """Return the pictures as one array (N, H, W) or (N, H, W, 3)."""
    modes, size, packed = set(), None, 0
    for path in paths:
        with _open(path) as picture:
            size = size or picture.size
            if picture.size != size:
                raise UserError(
                    f"{shown_path(path, 80)} has {picture.width} × {picture.height} pixels, and {shown(paths[0].name)} "
                    f"{size[0]} × {size[1]}, expected one size: resize or crop them"
                )
            modes.add(picture.mode)
        packed += os.path.getsize(path)
    is_deep, mode = modes <= DEEP, "L" if modes <= GREY else "RGB"
    if modes & DEEP and not is_deep:
        raise UserError(
            f"{shown_path(folder)} mixes pictures of 8 and of 16 or 32 bits, expected one kind: convert them"
        )
    width, height = size
    shape = (len(paths), height, width) if is_deep or mode == "L" else (len(paths), height, width, 3)
    dtype = np.uint8 if not is_deep else np.float32 if "F" in modes else np.uint16
    require_room(int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize, packed, shown_path(folder))
    pictures = np.empty(shape, dtype)
    for i, path in enumerate(tqdm(paths, unit="picture", desc="reading", disable=None, leave=False)):
        with _open(path) as picture:
            array = np.asarray(picture if is_deep else picture.convert(mode))
        if is_deep and "F" not in modes and (array.min() < 0 or array.max() > 65535):
            raise UserError(f"{shown_path(path)} has pixels of more than 16 bits: save it with 8 or 16")
        pictures[i] = array
    return pictures


@contextlib.contextmanager
def _open(path):
    """Open a picture. Raises UserError for whatever goes wrong, now or when the caller reads its pixels."""
    from PIL import Image  # only here: no other data needs it

    logging.getLogger("PIL").setLevel(logging.CRITICAL)         # it would print a second sentence
    with open_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes, which `require_room` checks, and about metadata
        try:
            with Image.open(file, formats=FORMATS) as picture:
                yield picture
        except UserError:
            raise
        except Exception as error:  # each format has its own errors
            reason = shown(getattr(error, "strerror", None) or error, 60).replace(shown(file), "the file")
            raise UserError(
                f"{shown_path(path)} cannot be read as a picture ({reason}): remove it, or write it again"
            ) from None


def _is_grey(pictures):
    """Return whether the three channels of all pictures are equal."""
    parts = (pictures[i : i + ROWS_AT_ONCE] for i in range(0, len(pictures), ROWS_AT_ONCE))
    return all((some[..., :1] == some).all() for some in parts)

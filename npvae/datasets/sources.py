"""What a path holds: which format, which arrays are the examples and the labels, and which files belong together.

The content of a file determines its format, whatever its name. The names of arrays, and of the columns of a table,
say what they hold. If two of them could hold the same, the reader does not guess: it asks.
"""

import os
import pathlib
import re

from ..errors import UserError
from . import archive
from .files import listed, open_unpacked, shown, shown_path
from .idx import read_idx
from .pictures import read_pictures
from .tables import read_table

# Names of arrays and of columns: alone, or with "train" or "test" before or after them.
X_NAMES = ("x", "images", "image", "imgs", "data", "pixels", "features", "inputs", "samples", "arr_0")
Y_NAMES = ("y", "labels", "label", "targets", "target", "classes", "class", "arr_1")
PARTS = {"train": ("", "train", "training"), "test": ("test", "testing")}


def _plain(name):
    """Return a name in lower case, only letters and digits: xtrain for X_train."""
    return re.sub("[^a-z0-9]", "", name.lower())


ROLES = {
    name: f"{letter}_{part}"
    for letter, words in (("x", X_NAMES), ("y", Y_NAMES))
    for word in map(_plain, words)
    for part, others in PARTS.items()
    for other in others
    for name in (word + other, other + word)
}

# A part of a file's name, and what stands there instead in the name of the file that belongs to it.
LABELS_BESIDE = (
    ("images-idx3-ubyte", "labels-idx1-ubyte"), ("images.idx3-ubyte", "labels.idx1-ubyte"),
    ("images-idx3-ubyte", "labels-idx2-int"), ("images", "labels"), ("imgs", "labels"), ("x_", "y_"), ("X_", "y_"),
)  # fmt: skip
TESTS_BESIDE = (("train", "t10k"), ("train", "test"))


def read_source(path):
    """Return the arrays of a file or a folder and of the files beside it, a dict, and what the reader decided.

    The dict has `x_train`, and perhaps `y_train`, `x_test` and `y_test`. The decisions are a list of sentences.
    Raises UserError for data that is missing, unreadable, damaged, too large, in an unknown format or ambiguous.
    """
    path = pathlib.Path(path)
    if os.path.isdir(path):
        images = sorted(path.glob("*train-images*idx*"))
        if not images:
            return read_pictures(path)
        path = images[0]
    arrays, decided = _read_file(path)
    tests = _beside(path, TESTS_BESIDE)
    if tests and "x_test" not in arrays:
        others = _read_file(tests)[0]
        arrays |= {f"{name[0]}_test": array for name, array in others.items() if name.endswith("train")}
        decided.append(f"the test set is {shown(tests.name)} beside it")
    return arrays, decided


def _read_file(path):
    with open_unpacked(path) as (stream, _):
        begin = stream.read(1000)
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY")):
        names = archive.names_in(path)
        chosen, decided = _choose(names, shown_path(path))
        found = archive.read(path, chosen.values())
        arrays = {role: found[name] for role, name in chosen.items()}
        is_single = len(names) == 1
    elif begin[:2] == b"\0\0":
        arrays, decided, is_single = {"x_train": read_idx(path)}, [], True
    elif b"\0" in begin:
        raise UserError(
            f"{shown_path(path)} has an unknown format, expected .npz, .npy, .csv, IDX, or a folder of pictures"
        )
    else:
        x, y, decided = read_table(path, lambda name: ROLES.get(_plain(name)) == "y_train")
        arrays, is_single = {"x_train": x} | ({} if y is None else {"y_train": y}), False
    if is_single and (labels := _beside(path, LABELS_BESIDE)):
        arrays["y_train"] = _read_labels(labels)
        decided.append(f"the labels are in {shown(labels.name)} beside it")
    return arrays, decided


def _choose(names, called):
    """Return a dict from roles, such as "x_train", to the names of arrays, and what we decided."""
    roles = {}
    for name in names:
        roles.setdefault(ROLES.get(_plain(name)), []).append(name)
    others = roles.pop(None, [])
    for role, found in roles.items():
        exact = role.removesuffix("_train")
        if len(found) > 1 and exact not in found:
            raise UserError(f"{called} holds {listed(found)}, and any of them may be {exact}: rename one to {exact}")
        roles[role] = exact if exact in found else found[0]
        others += [name for name in found if name != roles[role]]
    if "x_train" not in roles and len(names) == 1:
        return {"x_train": names[0]}, [f"the examples are in the only array, {shown(names[0])!r}"]
    if "x_train" not in roles:
        raise UserError(
            f"{called} holds {listed(names) or 'no arrays'}, expected an array of examples named x (or "
            f"{', '.join(X_NAMES[1:5])}), and perhaps y, x_test and y_test"
        )
    decided = [f"{role} is taken from {shown(name)!r}" for role, name in roles.items() if name not in ("x", "y", role)]
    return roles, decided + ([f"left out {listed(others)}"] if others else [])


def _beside(path, pairs):
    """Return the path of the existing file whose name differs from this one by one of the pairs, or None."""
    for old, new in pairs:
        name = path.name.replace(old, new).removesuffix(".gz")
        for other in (path.with_name(f"{name}.gz"), path.with_name(name)):
            if old in path.name and os.path.isfile(other):
                return other
    return None


def _read_labels(path):
    if "idx" not in path.name:
        return next(iter(archive.read(path).values()))
    labels = read_idx(path)
    return labels[:, 0] if "idx2-int" in path.name else labels    # QMNIST: the class, then where the digit comes from

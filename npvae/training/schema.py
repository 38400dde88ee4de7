"""What a checkpoint must hold: this module alone validates the content of model.npz, before anything uses it.

A correct checksum says that the file is as its author wrote it, but not that npvae is the author. So we compare every
setting and every array with what the run needs: names, types, shapes and limits. And we build a network only if the
file holds about as many numbers as its settings announce.
"""

import contextlib
import math

import numpy as np

from ..datasets.files import shown, shown_path
from ..errors import UserError
from . import settings
from .loop import part_of
from .values import LARGEST, count, count_or_0

OF_THE_DATA = ("relative", "name", "data_dim", "image_shape", "N", "labels")  # fields of an Origin
MOST_COLUMNS = 20


@contextlib.contextmanager
def reading(path):
    """Name the file at this path as the reason for every UserError in this block."""
    try:
        yield
    except UserError as error:
        called = shown_path(path, 80)
        reason = shown(error, 165)
        raise UserError(f"{called} was not written by this version of npvae train: {reason}") from None


# --- settings ---------------------------------------------------------------------------------------------------------


def complete(saved):
    """Return the settings of a checkpoint with all their parts: None or empty if an older version did not write them.

    Raises UserError for a missing part, and for a value that a part cannot have.
    """
    _expect(isinstance(saved, dict), "settings", saved, "a dict")
    run, training, data = (saved.get(name) for name in ("run", "training", "data"))
    for name, part in (("run", run), ("training", training)):
        _expect(isinstance(part, dict), name, part, "a dict")
    fingerprint, changes = saved.get("fingerprint"), saved.get("changes", [])
    _expect(_is_text(fingerprint), "fingerprint", fingerprint, "text")
    _expect(isinstance(changes, list), "changes", changes, "a list")
    for change in changes:
        is_one = isinstance(change, dict) and change.keys() == {"step", "setting", "before", "after"}
        _expect(is_one and change["setting"] in [*settings.SETTINGS], "changes", change, "changed settings")
    if data is not None:
        _require_data(data)
        data = data | {name: data[name] and tuple(data[name]) for name in ("image_shape", "labels")}
    _require_training(training)
    run = settings.complete(run)
    return {"run": run, "training": training, "fingerprint": fingerprint, "changes": changes, "data": data}


def _require_data(data):
    _expect(isinstance(data, dict) and data.keys() == {*OF_THE_DATA}, "data", data, "the fields of the data")
    for name in ("data_dim", "N"):
        _expect(count.accepts(data[name]), name, data[name], count.expected)
    _expect(_is_text(data["name"]), "name of the data", data["name"], "text")
    _expect(data["relative"] is None or _is_text(data["relative"]), "path of the data", data["relative"], "text")
    labels = data["labels"]
    are_labels = isinstance(labels, list) and 0 < len(labels) <= settings.MOST_LABELS
    are_labels = are_labels and all(type(y) is int and abs(y) < 2**63 for y in labels)
    _expect(labels is None or are_labels, "labels", labels, "a list of whole numbers")
    shape = data["image_shape"]
    is_shape = isinstance(shape, list) and len(shape) == 3 and all(map(count.accepts, shape))
    fits = shape is None or (is_shape and math.prod(shape) == data["data_dim"])
    _expect(fits, "image shape", shape, "three numbers whose product is the data's dimension")


def _require_training(training):
    step = training.get("step")
    _expect(count_or_0.accepts(step), "step", step, count_or_0.expected)
    if training.keys() == {"step"}:  # a closed form
        return
    columns, validations = training.get("columns"), training.get("validations")
    are_names = isinstance(columns, list) and len(columns) <= MOST_COLUMNS and all(map(_is_text, columns))
    _expect(are_names and len({*columns}) == len(columns), "columns", columns, "a few names")
    are_pairs = isinstance(validations, list) and all(map(_is_validation, validations))
    _expect(are_pairs, "validations", validations, "pairs of step and loss")
    try:
        np.random.PCG64().state = training.get("rng")
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise UserError(f"the state of its random generator is not one ({shown(error, 60)})") from None


def _is_validation(pair):
    is_pair = isinstance(pair, list | tuple) and len(pair) == 2 and count.accepts(pair[0])
    return is_pair and isinstance(pair[1], float) and math.isfinite(pair[1])


def _is_text(value):
    return isinstance(value, str) and len(value) <= 10_000


def _expect(condition, name, found, expected):
    if not condition:
        what = shown(repr(found)) if isinstance(found, str | float | int | None) else f"a {type(found).__name__}"
        raise UserError(f"its {name} is {what}, expected {expected}")


# --- arrays -----------------------------------------------------------------------------------------------------------


def require_size(arrays, run, origin):
    """Raise UserError if the settings announce a network that is much larger than what the arrays hold.

    arrays   of the checkpoint: a dict from names to arrays
    run      complete settings
    origin   the `Origin` of the data
    """
    announced = settings.count_weights(settings.with_channels(run, origin), origin)
    held = sum(a.size for a in part_of(arrays, "model").values())
    if announced > 2 * held + 1000:
        raise UserError(
            f"its settings are those of a network of about {announced:.3g} weights, and it holds {held:.3g} numbers: "
            "they are different networks"
        )
    rows = arrays.get("batches/order")
    if rows is not None and rows.shape != (origin.N - run.get("validation", 0),):
        raise UserError(f"its data has {origin.N} examples, and its order of minibatches has shape {rows.shape}")


def require_arrays(arrays, model, optimizer, training, N):
    """Raise UserError unless a checkpoint has the arrays that it needs, and no others.

    arrays      of the checkpoint: a dict from names to arrays
    model       the `LatentModel`, as its settings describe it
    optimizer   of its parameters; None for a model in closed form
    training    the settings of the training
    N           the number of examples in the training set
    """
    weights = {name: a.shape for name, a in model.state_dict().items()}
    expected = {f"model/{name}": shape for name, shape in weights.items()}
    optional = {f"prior/{name}": (model.latent_dim,) for name in model.fitted}
    if optimizer is not None:
        expected |= {f"optimizer/{name}": a.shape for name, a in optimizer.state_dict().items()}
        rows, columns = training["step"], len(training.get("columns", ()))
        for name in ("counts", *optimizer.hyperparameters):  # older files do not have them
            optional[f"optimizer/{name}"] = expected.pop(f"optimizer/{name}")
        expected |= {"batches/order": (N,), "batches/position": (), "history": (rows, columns) if rows else (0,)}
        optional |= {f"best/{name}": shape for name, shape in weights.items()}
    elif training["step"]:
        raise UserError("it has taken steps, and its model is computed in closed form")
    for name in sorted(arrays.keys() | expected.keys()):
        shape = expected.get(name, optional.get(name))
        _require_array(name, arrays.get(name), shape)
    for part in ("best", "prior"):
        found, all_ = part_of(arrays, part), part_of(optional, part)
        if found and found.keys() != all_.keys():
            raise UserError(f"it has {len(found)} of the {len(all_)} arrays {part}/…: they are different networks")
    order = arrays.get("batches/order")
    if order is not None and not np.array_equal(np.sort(order), np.arange(N)):
        raise UserError("its order of minibatches does not contain each example once")
    if order is not None and arrays["batches/position"] > N:
        raise UserError(f"its position in the order of minibatches is {arrays['batches/position']} of {N}")


def _require_array(name, array, shape):
    """Raise UserError unless the array has this shape, and numbers of the kind and size that its name asks for."""
    found, expected = "none" if array is None else array.shape, "none" if shape is None else shape
    called = f"array {shown(name)}"
    if found != expected:
        what = f"has shape {shown(found)} in the file, and {shown(expected)} in its network"
        raise UserError(f"its {called} {what}: they are different networks")
    counts = name.startswith("batches/") or name in ("optimizer/steps", "optimizer/counts")
    if array.dtype.kind not in ("iu" if counts else "f"):
        expected = "whole numbers" if counts else "floating-point numbers"
        raise UserError(f"its {called} holds {array.dtype}, expected {expected}")
    if counts and array.size and not (array.min() >= 0 and array.max() <= LARGEST):
        raise UserError(f"its {called} runs from {array.min()} to {array.max()}, expected counts")
    if not np.isfinite(array).all():
        raise UserError(f"its {called} holds NaN or infinity: restore the file from a copy, or train again")

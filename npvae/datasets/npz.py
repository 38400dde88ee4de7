"""A person's own data, from an .npz file."""

import pathlib
import zipfile
import zlib

import numpy as np

from ..errors import UserError
from .dataset import Dataset, shape_to_draw

TEST_EVERY = 10


def load_npz(path):
    """The data in an .npz file, as a `Dataset`.

    The file holds `x` (N, D), (N, H, W) or (N, H, W, C), and perhaps `y` (N,), whole numbers. uint8 is divided by 255,
    other numbers are taken as they are. Every tenth example (the 10th, 20th, …) is kept for testing.

    Nothing in the file is executed: an array of Python objects, which would have to be unpickled, is refused. Raises
    UserError for that, for a file that is missing, unreadable or damaged, that has no `x`, or fewer than 10 examples,
    whose arrays have the wrong rank, length or type, or hold NaN or infinity.
    """
    arrays = _read(path)
    if "x" not in arrays:
        raise UserError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}, expected an array named x")
    x, y = arrays["x"], arrays.get("y")
    if x.ndim not in (2, 3, 4):
        raise UserError(f"x in {path} has shape {x.shape}, expected (N, D), (N, H, W) or (N, H, W, C)")
    if x.size == 0 or len(x) < TEST_EVERY:
        raise UserError(
            f"x in {path} has shape {x.shape}, expected at least {TEST_EVERY} examples: every tenth is kept for testing"
        )
    if x.dtype.kind not in "buif":
        raise UserError(f"x in {path} holds {x.dtype}, expected real numbers")
    x = x / np.float32(255) if x.dtype == np.uint8 else _to_float32(x, path)
    if y is not None:
        if y.shape != (len(x),) or y.dtype.kind not in "bui":
            raise UserError(f"y in {path} has shape {y.shape} and holds {y.dtype}, expected ({len(x)},) whole numbers")
        y = y.astype(np.int64)

    image_shape = shape_to_draw(x.shape[1]) if x.ndim == 2 else (*x.shape[1:], 1)[:3]
    x = x.reshape(len(x), -1)
    is_test = np.arange(len(x)) % TEST_EVERY == TEST_EVERY - 1
    y_train, y_test = (None, None) if y is None else (y[~is_test], y[is_test])
    return Dataset(pathlib.Path(path).stem, str(path), x[~is_test], y_train, x[is_test], y_test, image_shape)


def _read(path):
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise UserError(f"{path} holds a single array, expected an .npz file: use numpy.savez(path, x=x)")
        with file:
            return {name: file[name] for name in file.files if name in ("x", "y")} or dict.fromkeys(file.files)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UserError:
        raise
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise UserError(
                f"{path} holds pickled Python objects, which could run any program when they are read, and is refused: "
                "save arrays of numbers"
            ) from None
        raise UserError(f"{path} is damaged or not an .npz file ({error})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise UserError(f"{path} is damaged or not an .npz file ({error})") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None


def _to_float32(x, path):
    with np.errstate(over="ignore"):
        converted = x.astype(np.float32)
    bad = np.argwhere(~np.isfinite(converted))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise UserError(
            f"x in {path} holds {len(bad)} numbers that are NaN, infinite or too large for float32, the first at "
            f"{where}: remove or replace them"
        )
    return converted

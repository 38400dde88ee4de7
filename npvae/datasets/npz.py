"""Your own data, from an .npz file."""

import math
import pathlib
import zipfile

import numpy as np

from ..errors import UserError
from .dataset import Dataset

TEST_EVERY = 10


def load_npz(path):
    """Load the data in an .npz file, as a `Dataset`.

    The file holds `x` (N, D), (N, H, W) or (N, H, W, C) with C = 1 or 3, and optionally `y` (N,), whole numbers. uint8
    is divided by 255; other numbers stay as they are. Vectors of D numbers are drawn as images if D is a perfect
    square. Every tenth example (the 10th, 20th, …) is held out for testing.

    Nothing in the file is executed, because arrays of Python objects, which would need unpickling, are refused. Raises
    UserError for such an array; for a file that is missing, unreadable or damaged; for fewer than 10 examples or no
    `x`; and for arrays that have the wrong rank, length or type, or hold NaN or infinity.
    """
    arrays = _read(path)
    if not isinstance(arrays.get("x"), np.ndarray):
        raise UserError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}, expected an array named x")
    x, y = arrays["x"], arrays.get("y")
    if x.ndim not in (2, 3, 4):
        raise UserError(f"x in {path} has shape {x.shape}, expected (N, D), (N, H, W) or (N, H, W, C)")
    if x.ndim == 4 and x.shape[-1] not in (1, 3):
        raise UserError(f"x in {path} has shape {x.shape}, expected 1 or 3 channels, and as the last axis")
    if x.size == 0:
        raise UserError(f"x in {path} has shape {x.shape}, and so no numbers: expected at least one in each example")
    if len(x) < TEST_EVERY:
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

    side = math.isqrt(x.shape[1])
    if x.ndim > 2:
        image_shape = (*x.shape[1:], 1)[:3]
    else:
        image_shape = (side, side, 1) if side * side == x.shape[1] else None
    x = x.reshape(len(x), -1)
    is_test = np.arange(len(x)) % TEST_EVERY == TEST_EVERY - 1
    y_train, y_test = (None, None) if y is None else (y[~is_test], y[is_test])
    return Dataset(pathlib.Path(path).stem, str(path), x[~is_test], y_train, x[is_test], y_test, image_shape)


def _read(path):
    """Return the arrays x and y that the file has, as a dict; if it has neither, a dict from its names to None."""
    try:
        if not zipfile.is_zipfile(path):
            open(path, "rb").close()  # raises for a missing or unreadable file
            raise UserError(f"{path} is not an .npz file, or is cut off: write it with numpy.savez(path, x=x)")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name in ("x", "y")} or dict.fromkeys(file.files)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # a damaged archive makes the zip and npy readers fail in a dozen ways
        if "allow_pickle" in str(error):
            raise UserError(
                f"{path} holds pickled Python objects, which could run any program when they are read, and is refused: "
                "save arrays of numbers"
            ) from None
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}): write it again") from None


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

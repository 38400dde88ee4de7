"""`npvae export`: a folder that needs nothing else; and `npvae import`: weights from such a folder in a new run.

    vae.py               the program, named after the model, for PyTorch or JAX
    model.safetensors    the weights
    data.npz             the examples that the run saw: x_train and x_test; y_train and y_test if it needs labels
    encoder.onnx         for ONNX, instead of these three
    decoder.onnx
"""

import importlib
import io
import pathlib
import re
import warnings

import numpy as np

from ..datasets.files import shown_path
from ..errors import UserError
from ..training import Run
from ..training.folder import CHECKPOINT, refuse_a_file
from ..training.replacing import replacing
from . import jax_program, torch_program, weights

PACKAGES = {"torch": ("safetensors",), "jax": ("safetensors",), "onnx": ("onnx",)}  # what writing needs
WITHOUT = {
    "pca": "PCA is one matrix: take `model/components` and `model/mean` out of model.npz with np.load",
    "vem": "variational EM has no encoder, only a table with a q of each training image: export a vae",
}
WHITE = np.float32(255)  # as a byte
# How a file of PyTorch begins: a zip archive, or a pickle of a long number. Fewer bytes would not tell it from
# .safetensors, which begins with the length of its header: as lengths, these are 67 and 177 megabytes.
PYTORCH = (b"PK\x03\x04", b"\x80\x02\x8a\x0a")
WRAPPERS = re.compile(r"^((module|model|_orig_mod)\.)+")  # of DataParallel, Lightning, torch.compile


def require(package):
    """Return an imported package of the extra `export`; UserError if it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.split(".")[0]
        raise UserError(f"this needs the package {name}: pip install {name}, or 'npvae[export]' for all") from None


def export(run, library, folder):
    """Write the model of a run for "torch", "jax" or "onnx"; return the names of the files.

    Raises UserError for a model that cannot be exported, a folder that is not empty, and a package that is missing.
    """
    model, kind = run.model, run.settings["model"]
    if kind in WITHOUT:
        raise UserError(f"{kind} cannot be exported: {WITHOUT[kind]}")
    folder = pathlib.Path(folder)
    refuse_a_file(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{shown_path(folder)} is not empty: choose another folder with --out")
    for package in PACKAGES[library]:
        require(package)
    if library == "onnx":
        from . import with_onnx  # only here: it needs the package

        files = with_onnx.files(run)
    else:
        program = f"{kind.replace('-', '_')}.py"
        source = {"torch": torch_program, "jax": jax_program}[library].source(run, program)
        arrays = weights.to_torch(model) if library == "torch" else weights.to_jax(model)
        files = {program: source.encode(), "model.safetensors": safetensors(arrays), "data.npz": data(run, library)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with replacing(folder / name) as file:
            file.write(content)
    return list(files)


def safetensors(arrays):
    """Return arrays as the bytes of a .safetensors file."""
    return require("safetensors.numpy").save({name: np.asarray(a, order="C") for name, a in arrays.items()})


def data(run, library):
    """Return data.npz, the examples of a run, as bytes. Pixels of 256 levels are stored as uint8."""
    order = slice(None)
    if library == "torch" and weights.has_images(run.model):
        order = weights.channels_first(run.model.image_shape)
    arrays = {f"x_{part}": _bytes_if_exact(getattr(run, f"x_{part}"))[:, order] for part in ("train", "test")}
    if run.model.needs_labels:
        arrays |= {"y_train": run.training.y, "y_test": run.dataset.y_test}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _bytes_if_exact(x):
    """Return examples x (N, D) as uint8 if dividing by 255 restores the same float32 numbers; else x itself."""
    x = np.asarray(x)
    if x.min() >= 0 and x.max() <= 1:
        levels = np.rint(x * WHITE).astype(np.uint8)
        if np.array_equal(levels / WHITE, x):
            return levels
    return x


def import_weights(path, folder, out, place=None):
    """Make a new run with the settings of the run in `folder` and the weights in a file (see `read`); return it.

    place   settings that say where the data of the run is now, such as {"data": "my.npz"}

    The new run has taken no steps, and its history is empty. Raises UserError for a file that cannot be read, weights
    of other layers or shapes, numbers that are not finite, and a folder `out` that exists.
    """
    if (pathlib.Path(out) / CHECKPOINT).exists():
        raise UserError(f"{shown_path(out)} already holds a run: choose another folder with --out")
    original = Run.load(folder, place)
    kind = original.settings["model"]
    if kind in WITHOUT:
        raise UserError(f"a {kind} takes no weights of an exported program: choose a run of another model")
    state = weights.from_saved(read(path), original.model)
    run = Run.create(out, original.settings | (place or {}))
    run.model.load_state_dict(state)
    run.save(*run.training.state())
    run.finish()
    return run


def read(path):
    """Return the arrays of a file, by name, without the prefixes that wrappers put before every name.

    path   a .safetensors file; or a state dict that PyTorch saved; or a checkpoint that holds one

    Raises UserError for a file that cannot be read.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        found = f"{shown_path(path)} is a folder" if path.is_dir() else f"there is no file {shown_path(path)}"
        raise UserError(f"{found}: expected the weights of a model, such as trained.safetensors")
    with open(path, "rb") as file:
        is_from_pytorch = file.read(4) in PYTORCH or path.suffix.lower() in (".pt", ".pth", ".ckpt")
    arrays = _read_pytorch(path) if is_from_pytorch else _read_safetensors(path)
    return {WRAPPERS.sub("", name): a for name, a in arrays.items()}


def _read_safetensors(path):
    load, error = require("safetensors.numpy").load_file, require("safetensors").SafetensorError
    try:
        return load(path)
    except (AttributeError, TypeError) as reason:  # bfloat16 and others
        found = f"{shown_path(path)} holds numbers of a type that NumPy does not have ({reason})"
        raise UserError(f"{found}: save them as float32") from None
    except (error, ValueError, KeyError, OverflowError) as reason:
        found = f"{shown_path(path)} is not a readable .safetensors file ({reason})"
        raise UserError(f"{found}: copy it again, or save it again") from None


def _read_pytorch(path):
    torch = require("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)  # runs no code of the file
        except Exception:  # of many kinds, for damaged files and for other objects
            raise UserError(
                f"PyTorch cannot read {shown_path(path)} as tensors: copy the file again, or save the weights alone, "
                "with torch.save(model.state_dict(), 'weights.pt')"
            ) from None
    for key in ("state_dict", "model"):  # in a checkpoint of Lightning; in one of an exported program
        if isinstance(saved, dict) and isinstance(saved.get(key), dict):
            saved = saved[key]
    if not isinstance(saved, dict) or not all(isinstance(a, torch.Tensor) for a in saved.values()):
        what = "holds no state dict, which maps names to tensors"
        raise UserError(f"{shown_path(path)} {what}: save one with torch.save(model.state_dict(), 'weights.pt')")
    return {str(name): a.detach().to_dense().to(torch.float64).numpy() for name, a in saved.items()}

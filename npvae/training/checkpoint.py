"""Checkpoints: everything that a run needs to continue, saved atomically, and loaded without executing anything.

A checkpoint is an .npz file: an uncompressed zip archive of arrays, which `numpy.load` opens too. Its entry `settings`
is JSON. It is safer than what NumPy would write, in two ways:

- `save` writes the file under another name, forces it to the disk, and only then renames it over the previous one (see
  replacing.py).
- The archive's comment, the last 64 bytes of the file, is the SHA-256 of all the bytes before it. A zip archive's own
  checksums do not cover its directory; this one covers every byte.
"""

import hashlib
import io
import json
import os
import zipfile

import numpy as np

from ..datasets import archive
from ..datasets.files import CHUNK, open_file, require_room, shown, shown_path
from ..errors import UserError
from .replacing import replacing

DIGEST_LENGTH = 64
BEGIN = b"PK\x03\x04"  # of a zip archive


def save(path, arrays, settings):
    """Write a checkpoint, atomically.

    arrays     a dict from names to arrays of numbers
    settings   whatever JSON can hold

    Raises UserError if it cannot be written, for instance because the disk is full: then the previous file stays.
    """
    with replacing(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
            for name, array in {**arrays, "settings": np.array(json.dumps(settings))}.items():
                with packed.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
            packed.comment = b"0" * DIGEST_LENGTH  # the comment ends the file; its place is filled below
        digest = _digest(file, file.tell())
        file.seek(-DIGEST_LENGTH, io.SEEK_END)
        file.write(digest)


def _digest(file, size):
    """Return the SHA-256 of a file of this size without its own digest, in hexadecimal; read the file up to there."""
    file.seek(0)
    digest = hashlib.sha256()
    for start in range(0, size - DIGEST_LENGTH, CHUNK):
        digest.update(file.read(min(CHUNK, size - DIGEST_LENGTH - start)))
    return digest.hexdigest().encode()


def load(path):
    """Return the (arrays, settings) of a checkpoint.

    Raises UserError if the file is missing or unreadable, if any bit differs from what `save` wrote, and if it is no
    archive of arrays and settings. schema.py checks whether these are those of a run.
    """
    called = f"the checkpoint {shown_path(path)}"
    if not os.path.lexists(path):
        raise UserError(f"there is no checkpoint {shown_path(path)}: expected a file that npvae train has written")
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        require_room(size, size, called)
        if file.read(len(BEGIN)) != BEGIN or _digest(file, size) != file.read(DIGEST_LENGTH + 1):
            raise UserError(
                f"{called} is damaged or cut off: its checksum does not match; restore it from a copy, or train again"
            )
    arrays = archive.read(path, called=called, is_packed=False)
    settings = arrays.pop("settings", None)
    if settings is None or settings.dtype.kind != "U" or settings.ndim:
        raise UserError(f"{called} holds no settings: it was not written by npvae train")
    try:
        return arrays, json.loads(settings.item())
    except (ValueError, RecursionError) as error:  # RecursionError: brackets in brackets in brackets …
        raise UserError(f"{called} holds settings that are not JSON ({shown(error, 80)}): train again") from None

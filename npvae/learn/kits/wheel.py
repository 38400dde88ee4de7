"""A wheel of npvae, made from the files of the package: the kits install it without a package index.

A wheel is a zip archive: the package, a folder of metadata for pip, and RECORD with the checksum of each file. See the
"Binary distribution format" of the Python packaging guide.
"""

import base64
import hashlib
import io
import pathlib
import zipfile

import npvae

ROOT = pathlib.Path(npvae.__file__).parent
NAME = f"npvae-{npvae.__version__}-py3-none-any.whl"
PYTHON = ">=3.10"
REQUIRES = ["numpy>=2.0", "matplotlib>=3.8", "tqdm>=4.60"]
SAME_TIME = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same package gives the same bytes


def wheel():
    """Return the bytes of the wheel."""
    files = {
        f"npvae/{path.relative_to(ROOT).as_posix()}": path.read_bytes()
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"npvae-{npvae.__version__}.dist-info"
    files[f"{info}/METADATA"] = _metadata().encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: npvae\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nnpvae = npvae.cli:main\n"
    record = [f"{name},{_checksum(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    return archive(files)


def archive(files, executable=()):
    """Return the bytes of a zip archive.

    files        a dict from names to bytes
    executable   the names of the files to mark as executable
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as zipped:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, SAME_TIME)
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            zipped.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _metadata():
    requires = [f"Requires-Dist: {name}" for name in REQUIRES]
    lines = ["Metadata-Version: 2.1", "Name: npvae", f"Version: {npvae.__version__}", "License: MIT"]
    return "\n".join([*lines, f"Requires-Python: {PYTHON}", *requires, ""])


def _checksum(content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"

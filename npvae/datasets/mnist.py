"""MNIST and Fashion-MNIST: find the four files, check them, and fetch them if they are missing.

The test images of Fashion-MNIST come with npvae, and are a small set by themselves: see `load_fashion_10k`.

The search looks in $NPVAE_DATA, in the folder `data` (in the current folder, then beside the package), in the cache in
your home folder, and where Debian's packages put data sets. Every read verifies the checksum of the unpacked bytes.
"""

import http.client
import os
import pathlib
import urllib.request

import numpy as np
from tqdm import tqdm

from ..errors import UserError
from .dataset import Dataset
from .idx import read_idx
from .pixels import Pixels
from .split import choose_tests

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

# For each set: where its publishers or their mirrors serve the files, and the SHA-256 of each file's unpacked bytes.
MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
}
SHA256 = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def folders(name):
    """Return the folders that may hold the files of this set, in the order of the search."""
    beside_the_package = pathlib.Path(__file__).parents[2] / "data"
    places = [os.environ.get("NPVAE_DATA"), "data", beside_the_package, _cache(), "/usr/share/datasets"]
    return [pathlib.Path(place) / name for place in places if place]


def _cache():
    return pathlib.Path(os.path.expanduser("~")) / ".cache" / "npvae"


def find(name, files=FILES):
    """Return the folder that holds all these files of the set, compressed or not; None if there is none."""
    for folder in folders(name):
        if all(_file(folder, file) for file in files):
            return folder
    return None


def _file(folder, file):
    """Return the path of the file in this folder, compressed or not; None if it is missing."""
    paths = (folder / f"{file}.gz", folder / file)
    return next((path for path in paths if path.exists()), None)


def load_mnist(name="mnist"):
    """Load MNIST or Fashion-MNIST as a `Dataset`, its pixels divided by 255; download it if it is missing.

    Raises UserError if a file is damaged, or if the download fails.
    """
    folder = find(name) or fetch(name)
    x_train, y_train, x_test, y_test = (
        read_idx(_file(folder, file), sha256) for file, sha256 in zip(FILES, SHA256[name])
    )
    x_train = Pixels(x_train.reshape(len(x_train), -1))
    x_test = Pixels(x_test.reshape(len(x_test), -1))[:]
    y_train, y_test = (y.astype(np.int64) for y in (y_train, y_test))
    return Dataset(name, str(folder), x_train, y_train, x_test, y_test, image_shape=(28, 28, 1))


def _find_10k():
    return find("fashion-mnist-10k", FILES[2:]) or find("fashion-mnist", FILES[2:])


def load_fashion_10k():
    """Load the 10,000 test images of Fashion-MNIST as a `Dataset` of their own: 9,000 for training, 1,000 for testing.

    The 1,000 are a tenth of each class, the same in every run. The two files come with npvae; without them, the
    published set takes their place, downloaded if it is missing. Raises UserError as `load_mnist` does.
    """
    folder = _find_10k() or fetch("fashion-mnist")
    x, y = (read_idx(_file(folder, file), sha256) for file, sha256 in zip(FILES[2:], SHA256["fashion-mnist"][2:]))
    x, y = x.reshape(len(x), -1), y.astype(np.int64)
    is_test = choose_tests(len(x), y)
    x_train, x_test = Pixels(x[~is_test]), Pixels(x[is_test])[:]
    return Dataset("fashion-mnist-10k", str(folder), x_train, y[~is_test], x_test, y[is_test], image_shape=(28, 28, 1))


def is_missing(name):
    """Return whether `load` would have to download the set of this name."""
    return (_find_10k() if name == "fashion-mnist-10k" else name not in MIRRORS or find(name)) is None


def fetch(name):
    """Download the set's four files to $NPVAE_DATA, or to the cache if that is not set, and return the folder.

    Each file is written under another name, verified, and only then renamed, so an interrupted download leaves no
    partial file. Raises UserError if no mirror serves the right bytes.
    """
    folder = pathlib.Path(os.environ.get("NPVAE_DATA") or _cache()) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}; set NPVAE_DATA to a folder that can") from None
    for file, sha256 in zip(FILES, SHA256[name]):
        path = folder / f"{file}.gz"
        if not path.exists():
            _fetch_file(path, sha256, [mirror + path.name for mirror in MIRRORS[name]])
    return folder


def _fetch_file(path, sha256, addresses):
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    failures = []
    for address in addresses:
        try:
            _download(address, partial)
            read_idx(partial, sha256)
            os.replace(partial, path)
            return
        except (OSError, ValueError, http.client.HTTPException) as error:  # the next mirror may do better
            failures.append(f"{address}: {getattr(error, 'reason', None) or error}")
        finally:
            partial.unlink(missing_ok=True)
    raise UserError(
        f"{path.name} is not on this machine and could not be downloaded ({'; '.join(failures)}): put the file into "
        f"{path.parent}"
    )


def _download(address, path):
    with urllib.request.urlopen(address, timeout=30) as response, open(path, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=path.name.split(".")[0], disable=None) as bar:
            while block := response.read(1 << 16):
                file.write(block)
                bar.update(len(block))
        if size is not None and file.tell() != size:
            raise ConnectionError(f"the connection ended after {file.tell()} of {size} bytes")

"""Proves that MNIST is the published MNIST, and that a download ends with the right files or with none.

The downloads run against a local server with small files. These tests would catch a partial file that passes for a
whole one, a wrong file that is kept, and a mirror that is not tried.
"""

import gzip
import hashlib
import http.server
import threading

import numpy as np
import pytest

from npvae import datasets
from npvae.datasets import mnist
from npvae.errors import UserError
from tests.datasets.test_idx import idx_bytes


def test_the_bundled_files_are_mnist():
    data = datasets.load("mnist")
    assert data.x_train.shape == (60_000, 784) and data.x_test.shape == (10_000, 784)
    assert data.x_train.dtype == np.float32 and data.x_train.min() == 0 and data.x_train.max() == 1
    assert data.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_ten_thousand_pictures_of_clothes_come_with_npvae(tmp_path, monkeypatch):
    beside_the_package = mnist.folders("fashion-mnist-10k")[-3]
    monkeypatch.setattr(mnist, "folders", lambda name: [beside_the_package.parent / name])
    monkeypatch.setattr(mnist, "_download", lambda *args: pytest.fail("nothing is downloaded"))
    data = datasets.load("fashion-mnist-10k")
    assert data.x_train.shape == (9000, 784) and data.x_test.shape == (1000, 784) and data.image_shape == (28, 28, 1)
    assert data.x_train.dtype == data.x_test.dtype == np.float32 and data.x_test.min() == 0 and data.x_test.max() == 1
    assert np.bincount(data.y_train).tolist() == 10 * [900] and np.bincount(data.y_test).tolist() == 10 * [100]
    again = datasets.load("fashion-mnist-10k")
    assert again.fingerprint(labels=True) == data.fingerprint(labels=True)


def test_without_them_the_published_test_images_take_their_place(tmp_path, monkeypatch):
    (tmp_path / "fashion-mnist").mkdir()
    for file in mnist.FILES[2:]:
        path = mnist._file(mnist.folders("fashion-mnist-10k")[-3], file)
        (tmp_path / "fashion-mnist" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(mnist, "folders", lambda name: [tmp_path / name])
    data = datasets.load("fashion-mnist-10k")
    assert data.source == str(tmp_path / "fashion-mnist") and len(data.x_train) == 9000
    assert mnist.is_missing("fashion-mnist") and not mnist.is_missing("fashion-mnist-10k")
    monkeypatch.setattr(mnist, "folders", lambda name: [tmp_path / "empty" / name])
    assert mnist.is_missing("fashion-mnist-10k") and not mnist.is_missing("bars")


def test_names():
    assert datasets.load("bars").name == "bars"
    with pytest.raises(UserError, match="unknown data set 'fashion-mnits': did you mean 'fashion-mnist'"):
        datasets.load("fashion-mnits")


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`, a dict from paths to bytes; records the requests; truncates the files in `cut`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.asked = {}, set(), []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        self.send_response(404 if data is None else 200)
        if data is not None:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if data is not None:
            self.wfile.write(data[: len(data) // 2] if self.path in self.server.cut else data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A small set named fashion-mnist that exists in the server's folder /good/ and nowhere else."""
    images = (np.arange(5 * 784) % 256).astype(np.uint8).reshape(5, 28, 28)
    labels = np.arange(5, dtype=np.uint8)
    files = [idx_bytes(images), idx_bytes(labels), idx_bytes(images[:2]), idx_bytes(labels[:2])]
    server = Server()
    server.files = {f"/good/{name}.gz": gzip.compress(data) for name, data in zip(mnist.FILES, files)}
    monkeypatch.setitem(mnist.SHA256, "fashion-mnist", [hashlib.sha256(data).hexdigest() for data in files])
    monkeypatch.setitem(mnist.MIRRORS, "fashion-mnist", [f"{server.address}/bad/", f"{server.address}/good/"])
    monkeypatch.setattr(mnist, "folders", lambda name: [tmp_path / "new" / name])
    monkeypatch.setenv("NPVAE_DATA", str(tmp_path / "new"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_missing_set_is_fetched_once_from_the_mirror_that_has_it(server, tmp_path):
    data = datasets.load("fashion-mnist")
    assert data.x_train.shape == (5, 784) and data.y_test.tolist() == [0, 1]
    assert names(tmp_path) == sorted(f"{name}.gz" for name in mnist.FILES)
    assert len(server.asked) == 8                           # four files, each from the bad mirror and the good one
    datasets.load("fashion-mnist")
    assert len(server.asked) == 8


@pytest.mark.parametrize("damage", ["cut off", "wrong file", "not there"])
def test_a_failed_download_leaves_no_half_file_and_says_what_to_do(server, tmp_path, damage):
    path = f"/good/{mnist.FILES[2]}.gz"
    if damage == "cut off":
        server.cut.add(path)
    elif damage == "wrong file":
        server.files[path] = server.files[f"/good/{mnist.FILES[0]}.gz"]
    else:
        del server.files[path]
    with pytest.raises(UserError, match=rf"{mnist.FILES[2]}.gz is not on this machine and could not be .*: put"):
        datasets.load("fashion-mnist")
    assert names(tmp_path) == sorted(f"{name}.gz" for name in mnist.FILES[:2])

    server.cut.clear()
    server.files[path] = gzip.compress(idx_bytes(np.zeros((2, 28, 28), np.uint8)))
    with pytest.raises(UserError, match="checksum"):
        datasets.load("fashion-mnist")


def test_the_next_attempt_fetches_only_what_is_missing(server, tmp_path):
    path = f"/good/{mnist.FILES[3]}.gz"
    data = server.files.pop(path)
    with pytest.raises(UserError):
        datasets.load("fashion-mnist")
    server.files[path] = data
    server.asked.clear()
    assert len(datasets.load("fashion-mnist").x_train) == 5
    assert [asked.rpartition("/")[2] for asked in server.asked] == [f"{mnist.FILES[3]}.gz"] * 2


def test_the_folders_are_searched_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NPVAE_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    places = [str(folder) for folder in mnist.folders("mnist")]
    assert places[:2] == [str(tmp_path / "mine/mnist"), "data/mnist"]
    assert places[3:] == [str(tmp_path / "home/.cache/npvae/mnist"), "/usr/share/datasets/mnist"]
    for folder in ("data/mnist", "mine/mnist"):             # the second folder of the loop comes first in the search
        (tmp_path / folder).mkdir(parents=True)
        for name in mnist.FILES:
            (tmp_path / folder / name).touch()
        assert str(mnist.find("mnist")).endswith(folder)


@pytest.mark.parametrize("file", range(4))
def test_a_damaged_file_is_not_used(server, tmp_path, file):
    datasets.load("fashion-mnist")
    path = tmp_path / "new" / "fashion-mnist" / f"{mnist.FILES[file]}.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[-1] ^= 1
    path.write_bytes(gzip.compress(data))
    with pytest.raises(UserError, match="damaged or not the published file"):
        datasets.load("fashion-mnist")


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "new").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot be made"):
        datasets.load("fashion-mnist")

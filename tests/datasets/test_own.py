"""Proves that your own data is read as you meant it, or refused with a sentence that says what to change.

These tests would catch masks that turn black, a test set of a single class, a file that runs a program when it is read,
NaN that reaches the training, and labels that are off by one.
"""

import gzip
import os
import struct
import sys

import numpy as np
import pytest

from npvae.datasets import Dataset, Pixels, is_path, load
from npvae.errors import UserError
from tests.datasets.test_idx import idx_bytes

X = np.linspace(0, 1, 20 * 6).reshape(20, 6)


@pytest.fixture
def write(tmp_path):
    def write(**arrays):
        path = tmp_path / "mine.npz"
        np.savez(path, **arrays)
        return path

    return write


def everything(data):
    """Return all examples, sorted, as an array."""
    x = np.concatenate([data.x_train[:], data.x_test])
    return x[np.lexsort(x.T)]


def test_labels_stay_beside_their_examples(write):
    data = load(str(write(x=np.repeat(np.arange(200.0), 3).reshape(200, 3) / 200, y=np.arange(200) % 10)))
    assert data.x_train.shape == (180, 3) and data.x_test.shape == (20, 3)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert np.array_equal(np.round(x[:, 0] * 200) % 10, y) and y.dtype == np.int64
        assert len(np.unique(y)) == 10
    assert data.x_train.dtype == data.x_test.dtype == np.float32 and data.classes is None
    assert not any("warning" in note for note in data.notes)


@pytest.mark.parametrize(
    "shape, image_shape, words",
    [
        ((20, 6), None, "6 numbers;"), ((20, 9), (3, 3, 1), "9 numbers, drawn as an image of 3 × 3;"),
        ((20, 2, 3), (2, 3, 1), "an image of 2 × 3 × 1"), ((20, 2, 3, 3), (2, 3, 3), "an image of 2 × 3 × 3"),
        ((20, 3, 3, 3), (3, 3, 3), "image of 3 × 3 × 3"),
    ],
)  # fmt: skip
def test_shapes(write, rng, shape, image_shape, words):
    data = load(write(x=rng.random(shape)))
    assert data.image_shape == image_shape and words in data.notes[0]
    assert data.x_train.shape == (18, np.prod(shape[1:]))
    assert data.y_train is None and data.y_test is None


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_first(write, rng, channels):
    x = rng.integers(0, 255, (20, 5, 7, channels), dtype=np.uint8)
    data = load(write(x=x.transpose(0, 3, 1, 2)))
    expected = load(write(x=x))
    assert data.image_shape == expected.image_shape == (5, 7, channels)
    assert np.array_equal(data.x_test, expected.x_test)
    assert "moved the channels from the second axis" in data.notes[1] and len(data.notes) == len(expected.notes) + 1


@pytest.mark.parametrize(
    "x, expected",
    [
        (np.array([0, 1], np.uint8), [0, 1]), (np.array([0, 255], np.uint8), [0, 1]), (np.array([False, True]), [0, 1]),
        (np.array([0, 255]), [0, 1]), (np.array([0, 65535], np.uint16), [0, 1]), (np.array([-3, 2]), [-3, 2]),
        (np.array([0.0, 255]), [0, 1]), (np.array([0, 51, 249], "f4"), np.float32([0, 0.2, 249 / 255])),
        (np.array([0.5, 9.25]), [0.5, 9.25]), (np.array([0, 1], ">f8"), [0, 1]),
    ],
)  # fmt: skip
def test_scales(write, x, expected):
    data = load(write(x=np.tile(x, (20, 3))))
    for part in (data.x_train, data.x_test):
        assert part.dtype == np.float32 and np.array_equal(np.unique(part[:]), expected)
    assert isinstance(data.x_test, np.ndarray)
    assert isinstance(data.x_train, Pixels) == (x.dtype.kind in "bui" and x.max() <= 255 and x.min() >= 0)
    assert "kept as it is" in data.notes[0] or "divided by" in data.notes[0]


@pytest.mark.parametrize("white", [249, np.float32(255), np.float32(254.5)])
def test_parts_of_different_scales_are_refused(write, white):
    masks, grey = np.tile(np.array([0, 1], np.uint8), (20, 3)), np.tile(np.array([0, white]), (20, 3))
    for parts in ({"x_train": masks, "x_test": grey}, {"x_train": grey, "x_test": masks}):
        with pytest.raises(UserError, match=r"run from 0 to .* and from 0 to .*: save both on one scale"):
            load(write(**parts))


def test_a_scale_in_doubt(write):
    with pytest.raises(UserError, match=r"x in .*mine.npz holds uint8 from 0 to 15.*save x / 15 or x / 255"):
        load(write(x=np.tile(np.arange(16, dtype=np.uint8), (20, 1))))


@pytest.mark.parametrize(
    "names",
    [
        ("x", "y", "x_test", "y_test"), ("x_train", "y_train", "x_test", "y_test"), ("X", "Y", "X_test", "Y_test"),
        ("images", "labels", "test_images", "test_labels"), ("data", "target", "data_test", "target_test"),
        ("train_images", "train_labels", "test_images", "test_labels"), ("imgs", "class", "test-imgs", "test.class"),
        ("trainX", "trainy", "testX", "testy"), ("training_data", "training_labels", "testing_data", "testing_labels"),
    ],
)  # fmt: skip
def test_names_and_a_test_set_in_the_file(write, rng, names):
    x, y = rng.random((30, 4)).astype(np.float32), np.arange(30) % 3
    data = load(write(**dict(zip(names, (x[:24], y[:24], x[24:], y[24:])))))
    assert np.array_equal(data.x_train, x[:24]) and np.array_equal(data.x_test, x[24:])
    assert np.array_equal(data.y_train, y[:24]) and np.array_equal(data.y_test, y[24:])
    assert "the test set is that of the data: 6 examples" in data.notes
    data = load(write(**dict(zip(names[:2], (x, y)))))
    assert len(data.x_test) == 3 and len(data.y_train) == 27


def test_names_that_say_nothing(write, tmp_path):
    data = load(write(whatever=X))
    assert "the examples are in the only array, 'whatever'" in data.notes
    np.savez(tmp_path / "mine.npz", X, np.arange(20) % 2)
    assert load(tmp_path / "mine.npz").y_train.tolist().count(1) == 9
    np.save(tmp_path / "mine.npy", X)
    assert np.allclose(everything(load(tmp_path / "mine.npy")), X)


def test_what_is_left_out_is_named(write):
    data = load(write(imgs=X, latents_classes=np.zeros((20, 6)), metadata=np.array({"pickled": 1})))
    assert "left out latents_classes, metadata" in data.notes and data.y_train is None
    data = load(write(x=X, data=X + 5, val_images=X))
    assert "left out val_images, data" in data.notes and data.x_test.max() <= 1


def test_a_test_set_without_labels(write):
    data = load(write(x=X, y=np.arange(20) % 2, x_test=X[:3]))
    assert len(data.y_train) == 20 and data.y_test is None
    without = load(write(x=X, x_test=X[:3], y_test=np.arange(3)))
    assert without.y_train is without.y_test is None and "left out the labels of the test set" in str(without.notes)
    assert "warning: 3 of 3 test examples are in the training set too" in data.notes[-1]


def test_a_class_that_only_one_part_has(write, rng):
    data = load(write(x=rng.random((20, 3)), y=["a"] * 20, x_test=rng.random((5, 3)), y_test=["b"] * 5))
    warnings = [note for note in data.notes if note.startswith("warning: ")]
    assert "training set has no example of class b" in warnings[0] and "test set has no" in warnings[1]
    assert data.classes == ("a", "b") and data.y_test.tolist() == [1] * 5


def test_classes_have_names(write):
    data = load(write(x=X, y=np.array(["no", "yes"])[np.arange(20) % 2]))
    assert data.classes == ("no", "yes") and "the labels are 2 classes: no, yes" in data.notes
    assert set(data.y_train.tolist()) == set(data.y_test.tolist()) == {0, 1}


class Program:
    def __reduce__(self):
        return print, ("this must not run",)


def with_bad_value(value):
    x = X.copy()
    x[3, 4] = value
    return x


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": np.array([Program()] * 20)}, "pickled Python objects"),
        ({"heights": X, "widths": X}, "holds heights, widths, expected an array of examples named x"),
        ({"heights": X, "y": X}, "holds heights, y, expected"),
        ({f"a{i}": X for i in range(99)}, "holds a0, a1, a2, a3, a4 and 94 more, expected"),
        ({"images": X, "data": X}, "holds images, data, and any of them may be x: rename one to x"),
        ({"x": X, "label": X, "target": X}, "holds label, target, and any of them may be y"),
        ({}, "holds no arrays, expected"),
        ({"x": with_bad_value(np.nan)}, r"1 numbers that are NaN.*the first at \(3, 4\)"),
        ({"x": with_bad_value(-np.inf)}, r"infinite.*\(3, 4\)"),
        ({"x": with_bad_value(1e300)}, r"too large for float32.*\(3, 4\)"),
        ({"x": np.zeros((20, 2, 8, 8))}, "expected 1 or 3 channels, as the last axis"),
        ({"x": np.zeros((20, 8, 8, 4))}, "expected 1 or 3 channels, as the last axis"),
        ({"x": X[0]}, r"shape \(6,\), expected \(N, D\), \(N, H, W\) or \(N, H, W, C\)"),
        ({"x": np.zeros((20, 1, 1, 1, 1))}, r"expected \(N, D\)"),
        ({"x": X[:0]}, "no numbers: expected at least one in each example"),
        ({"x": X[:9]}, "has 9 examples, expected at least 10"),
        ({"x": X[:, :0]}, "no numbers: expected at least one in each example"),
        ({"x": X.astype(complex)}, "holds complex128, expected real numbers"),
        ({"x": X.astype(str)}, "expected real numbers"),
        ({"x": X, "x_test": X[:, 1:]}, r"training examples of shape \(6,\) and test examples of shape \(5,\)"),
        ({"x": X, "x_test": X[:0]}, "x of the test set in .* no numbers"),
        ({"x": X, "y": np.arange(19)}, r"y .*has shape \(19,\), expected a label for each of the 20 examples"),
        ({"x": X, "y": X[:, 1]}, "and labels are classes"),
        ({"x": X, "y": np.array([Program()] * 20)}, "pickled Python objects"),
    ],
)
def test_what_does_not_fit_is_named(write, capsys, arrays, message):
    path = write(**arrays)
    with pytest.raises(UserError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value) and len(str(raised.value)) <= 300
    assert capsys.readouterr().out == ""                    # nothing in the file has been executed


def changed(data):
    data = bytearray(data)
    data[len(data) // 2] ^= 255
    return data


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-30], changed, lambda data: b"hello" * 20, lambda data: b"", lambda data: b"\x89HDF\0\0"],
    ids=["cut off", "a changed byte", "not a zip", "empty", "another format"],
)
def test_damaged_files(write, damage):
    path = write(x=X)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"mine\.npz"):
        load(path)


def test_missing(tmp_path):
    for name in ("none.npz", "none.csv", "none/train-images-idx3-ubyte", "none.npy", "none"):
        with pytest.raises(UserError, match="there is no file"):
            load(tmp_path / name)
    with pytest.raises(UserError, match="cannot be read: File name too long") as raised:
        load("a" * 5000 + ".npz")
    assert len(str(raised.value)) <= 300


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe")
@pytest.mark.parametrize("name", ["mine.npz", "mine.csv", "train-images-idx3-ubyte.gz"])
def test_a_pipe_does_not_hang(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="is a pipe or a device"):
        load(tmp_path / name)


def test_names_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not is_path("mnits") and not is_path("mnist") and not is_path("MNIST")
    assert is_path("none.npz") and is_path("none.CSV") and is_path("some/folder") and is_path(tmp_path) and is_path(".")
    os.mkdir("mnist")
    os.mkdir("faces")
    assert not is_path("mnist") and is_path("./mnist") and is_path("faces")
    with pytest.raises(UserError, match="unknown data set 'mnits': did you mean 'mnist'"):
        load("mnits")


# --- files that belong together ---------------------------------------------------------------------------------------

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 4, 5)).astype(np.uint8)
LABELS = np.arange(30) % 10


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "train, train_labels, test, test_labels",
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        (
            "emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte",
            "emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte",
        ),
        (
            "qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int",
            "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int",
        ),
    ],
)  # fmt: skip
def test_idx_files(tmp_path, pack, train, train_labels, test, test_labels):
    ending = ".gz" if pack is gzip.compress else ""
    for images, labels, rows in ((train, train_labels, slice(0, 20)), (test, test_labels, slice(20, 30))):
        y, kind = LABELS[rows].astype(np.uint8), 8
        if "idx2" in labels:
            y, kind = np.stack([LABELS[rows], LABELS[rows] + 100], axis=1).astype(">i4"), 12
        (tmp_path / (images + ending)).write_bytes(pack(idx_bytes(IMAGES[rows])))
        (tmp_path / (labels + ending)).write_bytes(pack(idx_bytes(y, magic=bytes([0, 0, kind, y.ndim]))))
    for path in (tmp_path / (train + ending), tmp_path):
        data = load(path)
        assert isinstance(data, Dataset) and data.image_shape == (4, 5, 1)
        assert np.array_equal(data.x_train, IMAGES[:20].reshape(20, -1) / np.float32(255))
        assert np.array_equal(data.x_test, IMAGES[20:].reshape(10, -1) / np.float32(255))
        assert np.array_equal(data.y_train, LABELS[:20]) and np.array_equal(data.y_test, LABELS[20:])
        assert f"the test set is {test}{ending} beside it" in data.notes
    for name in (train_labels, test, test_labels):
        os.remove(tmp_path / (name + ending))
    data = load(tmp_path / (train + ending))
    assert len(data.x_test) == 2 and data.y_train is None


@pytest.mark.parametrize(
    "names",
    [
        ("kmnist-train-imgs.npz", "kmnist-train-labels.npz", "kmnist-test-imgs.npz", "kmnist-test-labels.npz"),
        ("x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"),
        ("X_train.npy", "y_train.npy", "X_test.npy", "y_test.npy"),
        ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"),
    ],
)
def test_an_array_in_each_file(tmp_path, names):
    for name, array in zip(names, (IMAGES[:20], LABELS[:20], IMAGES[20:], LABELS[20:])):
        (np.save if name.endswith("y") else np.savez)(tmp_path / name, array)
    data = load(tmp_path / names[0])
    assert np.array_equal(data.x_test, IMAGES[20:].reshape(10, -1) / np.float32(255))
    assert np.array_equal(data.y_train, LABELS[:20]) and np.array_equal(data.y_test, LABELS[20:])


def test_a_file_of_labels_instead_of_images(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS.astype(np.uint8)))
    with pytest.raises(UserError, match=r"has shape \(30,\), expected"):
        load(tmp_path / "train-labels-idx1-ubyte")


def test_labels_of_other_images(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:9].astype(np.uint8)))
    with pytest.raises(UserError, match=r"y in .* has shape \(9,\), expected a label for each of the 30"):
        load(tmp_path / "train-images-idx3-ubyte")


def test_an_idx_file_of_fractions(tmp_path):
    x = np.linspace(0, 1, 60).reshape(10, 2, 3).astype(">f4")
    header = bytes([0, 0, 0x0D, 3]) + struct.pack(">3I", *x.shape)
    (tmp_path / "mine.idx").write_bytes(header + x.tobytes())
    data = load(tmp_path / "mine.idx")
    assert np.allclose(everything(data), x.reshape(10, 6)) and data.x_train.dtype == np.float32

"""Proves that your own file is read as you meant it, or refused with a sentence that says what to change.

These tests would catch a file that runs a program when it is read, NaN that reaches the training, and labels that are
off by one.
"""

import numpy as np
import pytest

from npvae.datasets import load, load_npz
from npvae.errors import UserError

X = np.linspace(0, 1, 20 * 6).reshape(20, 6)


@pytest.fixture
def write(tmp_path):
    def write(**arrays):
        path = tmp_path / "mine.npz"
        np.savez(path, **arrays)
        return path

    return write


def test_every_tenth_example_is_kept_for_testing_with_its_label(write):
    data = load(str(write(x=X, y=np.arange(20))))
    assert data.x_train.shape == (18, 6) and data.x_test.shape == (2, 6)
    assert data.y_test.tolist() == [9, 19] and data.y_train[:3].tolist() == [0, 1, 2]
    assert np.allclose(data.x_test, X[[9, 19]])
    assert data.x_train.dtype == np.float32


@pytest.mark.parametrize(
    "shape, image_shape",
    [((20, 6), None), ((20, 9), (3, 3, 1)), ((20, 2, 3), (2, 3, 1)), ((20, 2, 3, 3), (2, 3, 3))],
)
def test_shapes(write, shape, image_shape):
    data = load_npz(write(x=np.zeros(shape)))
    assert data.image_shape == image_shape
    assert data.x_train.shape == (18, np.prod(shape[1:]))
    assert data.y_train is None


def test_bytes_are_divided_by_255_and_other_numbers_are_not(write):
    assert load_npz(write(x=np.full((20, 6), 255, np.uint8))).x_train.max() == 1
    assert load_npz(write(x=np.full((20, 6), 255))).x_train.max() == 255


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
        ({"images": X}, "holds images, expected an array named x"),
        ({}, "holds nothing, expected an array named x"),
        ({"x": with_bad_value(np.nan)}, r"1 numbers that are NaN.*the first at \(3, 4\)"),
        ({"x": with_bad_value(-np.inf)}, r"infinite.*\(3, 4\)"),
        ({"x": with_bad_value(1e300)}, r"too large for float32.*\(3, 4\)"),
        ({"x": np.zeros((20, 3, 8, 8))}, "expected 1 or 3 channels, and as the last axis"),
        ({"x": X[0]}, r"shape \(6,\), expected \(N, D\), \(N, H, W\) or \(N, H, W, C\)"),
        ({"x": np.zeros((20, 1, 1, 1, 1))}, r"expected \(N, D\)"),
        ({"x": X[:0]}, "no numbers: expected at least one in each example"),
        ({"x": X[:9]}, "at least 10 examples"),
        ({"x": X[:, :0]}, "no numbers: expected at least one in each example"),
        ({"x": X.astype(complex)}, "holds complex128, expected real numbers"),
        ({"x": X.astype(str)}, "expected real numbers"),
        ({"x": X, "y": np.arange(19)}, r"y .*has shape \(19,\).*expected \(20,\) whole numbers"),
        ({"x": X, "y": X[:, 0]}, "holds float64, expected"),
        ({"x": X, "y": np.array([Program()] * 20)}, "pickled Python objects"),
    ],
)
def test_what_does_not_fit_is_named(write, capsys, arrays, message):
    path = write(**arrays)
    with pytest.raises(UserError, match=message) as raised:
        load_npz(path)
    assert str(path) in str(raised.value)
    assert capsys.readouterr().out == ""                    # nothing in the file has been executed


def changed(data):
    data = bytearray(data)
    data[len(data) // 2] ^= 255
    return data


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-30], changed, lambda data: b"hello" * 20, lambda data: b""],
    ids=["cut off", "a changed byte", "not a zip", "empty"],
)
def test_damaged_files(write, damage):
    path = write(x=X)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"mine\.npz"):
        load_npz(path)


def test_a_single_array(tmp_path):
    with open(tmp_path / "mine.npz", "wb") as file:
        np.save(file, X)
    with pytest.raises(UserError, match=r"is not an \.npz file"):
        load_npz(tmp_path / "mine.npz")


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        load_npz(tmp_path / "none.npz")
    with pytest.raises(UserError, match="cannot be read"):
        load_npz(tmp_path)

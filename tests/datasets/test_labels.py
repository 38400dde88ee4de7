"""Proves that labels in every published form become the same classes from 0, with their names.

These tests would catch one-hot rows that are taken for numbers, and a class that gets another number in the test set.
"""

import numpy as np
import pytest

from npvae.datasets.labels import to_classes
from npvae.errors import UserError

Y = np.array([2, 0, 1, 1, 2])


@pytest.mark.parametrize(
    "y",
    [
        Y, Y[:, None], Y.astype(np.uint8), Y.astype(np.float32), Y.astype(np.float16), Y.astype(">i4"), np.eye(3)[Y],
        np.eye(3, dtype=bool)[Y],
    ],
    ids=["whole", "(N, 1)", "bytes", "fractions", "half precision", "big-endian", "one-hot", "one-hot truth"],
)
def test_classes_from_0_have_no_names(y):
    (found,), names = to_classes([y], [5], "y")
    assert found.dtype == np.int64 and np.array_equal(found, Y) and names is None


@pytest.mark.parametrize(
    "y, names",
    [
        (np.array(["cat", "ant", "bee", "bee", "cat"]), ("ant", "bee", "cat")),
        (np.array([[b"cat"], [b"ant"], [b"bee"], [b"bee"], [b"cat"]]), ("ant", "bee", "cat")),
        (Y + 1, ("1", "2", "3")),
        (Y * 5.0, ("0", "5", "10")),
        (Y - 1, ("-1", "0", "1")),
        (np.array([2**64 - 1, 0, 7, 7, 2**64 - 1], dtype=np.uint64), ("0", "7", str(2**64 - 1))),
    ],
)
def test_other_classes_keep_their_names(y, names):
    (found,), classes = to_classes([y], [5], "y")
    assert np.array_equal(found, Y) and classes == names


def test_both_parts_have_the_same_classes():
    (train, test), names = to_classes([np.array(["a", "c"]), np.array(["b", "c", "a"])], [2, 3], "y")
    assert train.tolist() == [0, 2] and test.tolist() == [1, 2, 0] and names == ("a", "b", "c")
    (train, test), names = to_classes([np.array([True, False]), np.array([True])], [2, 1], "y")
    assert train.tolist() == [1, 0] and test.tolist() == [1] and names is None


@pytest.mark.parametrize(
    "y, message",
    [
        (Y[:4], r"shape \(4,\), expected a label for each of the 5 examples"),
        (np.array(3), r"shape \(\)"),
        (np.zeros((5, 3)), r"shape \(5, 3\)"),
        (np.ones((5, 3)), r"shape \(5, 3\)"),
        (np.zeros((5, 0)), r"shape \(5, 0\)"),
        (np.eye(3)[Y][:, :, None], r"shape \(5, 3, 1\)"),
        (Y + 0.5, "holds 2.5, and labels are classes"),
        (np.array([0, 1, np.nan, 1, 0]), "holds nan"),
        (np.array([0, 1, np.inf, 1, 0]), "holds inf"),
        (np.array([0, 1, 1e300, 1, 0]), r"holds 1e\+300"),
        (Y.astype(complex), "holds complex128"),
    ],
)
def test_what_is_no_label(y, message):
    with pytest.raises(UserError, match=f"y in a file .*{message}"):
        to_classes([y], [5], "y in a file")

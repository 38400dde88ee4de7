"""Proves that arrays arrive as they were sent, and that nothing else is taken for arrays.

These tests would catch a reader that executes what it is sent, that makes room for a claim, and that ends in an error
of its own for bytes that it does not expect.
"""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae.learn.grading.wire import Garbled, pack, unpack


def packed(described, numbers=b"", header=None):
    """Return what a hostile sender might write: a description, and numbers that need not fit."""
    text = json.dumps([{} if header is None else header, described]).encode()
    return len(text).to_bytes(8, "big") + text + numbers


def test_arrays_arrive_as_they_were_sent():
    rng = np.random.default_rng(0)
    arrays = {
        "y": rng.standard_normal((3, 5)), "a number": np.array(2.5), "none": np.empty((0, 3)), "ok": np.array([True]),
        "half": rng.standard_normal(7).astype(np.float32), "counts": np.arange(6).reshape(2, 3)[:, ::-1],
        "nan": np.array([np.nan, np.inf]),
    }  # fmt: skip
    header, found = unpack(pack({"status": "passed", "lines": ["σ"]}, arrays))
    assert header == {"status": "passed", "lines": ["σ"]} and list(found) == list(arrays)
    for name, a in arrays.items():
        assert found[name].dtype == a.dtype and np.array_equal(found[name], a, equal_nan=a.dtype.kind == "f")


def test_what_is_no_array_of_numbers_is_not_sent():
    for a in (np.array(["text"]), np.array([{}]), np.array([1j])):
        with pytest.raises(TypeError, match="expected one of"):
            pack({}, {"a": a})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 8, pickle.dumps({"status": "passed"}), b"\xff" * 100, (2**40).to_bytes(8, "big") + b"[]",
        packed([["y", "float64", [10**12]]]), packed([["y", "float64", [-1]]]),
        packed([["y", "object", [1]]], b"0" * 8),
        packed([["y", "float64", [2]]], b"0" * 8), packed([], b"more"), packed([["y", "float64"]]), packed(7),
        packed([["y", "float64", [2**62, 2**62]]]), packed([["y", "float64", [True]]], b"0" * 8),
        packed([], header=[]), packed([["y", ["float64"], [1]]], b"0" * 8), packed([["y", "float64", 3]]),
        packed([["y", "float64", [int("9" * 4000)] * 200]]), packed([["y", "float64", [1] * 7000]]),
        packed([["y", "float64", [0]]] * 60_000), packed([["y", "float64", [0, int("9" * 4000)]]]),
        (200_000).to_bytes(8, "big") + b"[" * 200_000, (3).to_bytes(8, "big") + b"NaN",
    ],
)  # fmt: skip
def test_anything_else_is_garbled(data):
    with pytest.raises(Garbled):
        unpack(data)


@given(st.binary(max_size=200), st.integers(0, 2**16))
def test_whatever_arrives_there_is_no_other_error(data, length):
    for sent in (data, length.to_bytes(8, "big") + data, len(data).to_bytes(8, "big") + data):
        with pytest.raises(Garbled):
            unpack(sent)

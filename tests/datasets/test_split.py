"""Proves that the test set is a random tenth, with a share of every class, and that a doubtful one is named.

These tests would catch every tenth row of a file in which labels repeat, and a class that is only in the test set.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae.datasets.split import choose_tests, doubts


@given(N=st.integers(10, 3000))
def test_a_tenth_is_chosen_at_random(N):
    chosen = choose_tests(N)
    assert abs(chosen.sum() - N / 10) <= 1 and chosen.any()
    assert np.array_equal(chosen, choose_tests(N))
    if N >= 1000:
        assert 3 < len(np.unique(np.flatnonzero(chosen) % 10)) and np.diff(np.flatnonzero(chosen)).max() > 15


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8), seed=st.integers(0, 5))
def test_every_class_gives_its_share(sizes, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    chosen = choose_tests(len(y), y)
    for k, size in enumerate(sizes):
        tests = (chosen & (y == k)).sum()
        assert abs(tests - size / 10) < 1 and (size == 1 or tests < size)
    if max(sizes) >= 10:
        assert all((~chosen & (y == k)).any() for k in range(len(sizes)))


def test_labels_that_repeat_like_the_rows():
    y = np.arange(1000) % 10
    chosen = choose_tests(1000, y)
    assert np.bincount(y[chosen]).tolist() == [10] * 10 and np.bincount(y[~chosen]).tolist() == [90] * 10


def test_labels_that_are_all_different_still_leave_a_test_set():
    assert choose_tests(50, np.arange(50)).sum() == 5


def test_large_data_has_no_more_tests_than_mnist():
    assert 9_000 < choose_tests(737_280).sum() <= 10_000


def test_doubts(rng):
    x, y = rng.random((100, 5)), np.arange(100) % 4
    assert doubts(x[:90], x[90:], y[:90], y[90:]) == doubts(x[:90], x[90:]) == []
    missing = doubts(x[:90], x[90:], y[:90], np.full(10, 7), ["a", "b", "c", "d", "e", "f", "g", "heron"])
    assert missing[0].startswith("the training set has no example of class heron: no model can learn it")
    assert missing[1].startswith("the test set has no example of class a, b, c, d: the measures say nothing")
    many = doubts(x[:90], x[90:], np.arange(90), np.full(10, 0))
    assert "test set has no example of class 1, 2, 3, 4, 5 and 84 more" in many[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_examples_in_both_parts(rng, dtype):
    x = rng.integers(0, 255, (100, 5)).astype(dtype)
    copies = np.concatenate([x[:3], x[90:]])
    assert doubts(x[:90], copies) == [
        "3 of 13 test examples are in the training set too: on these, the measures show what the model remembers"
    ]
    assert len(doubts(np.asfortranarray(x[:90]), copies)) == 1

"""A test set for data that has none, and what makes a test set doubtful."""

import numpy as np

from .files import listed

TEST_EVERY = 10
MOST_TESTS = 10_000  # as many as MNIST has: more would make the measures slower, and hardly more precise
SEED = 0  # not the seed of a run, so that all runs are tested on the same examples
MOST_COMPARED = 2**30  # bytes; searching more for duplicates takes too long


def choose_tests(N, y=None):
    """Return which of N examples are for testing, an array (N,) of bool: a tenth of them, chosen at random.

    y   classes, int64 (N,), or None; every class gives a tenth, except that a single example stays in training
    """
    order = np.random.default_rng(SEED).permutation(N)
    if y is not None:
        order = order[np.argsort(y[order], kind="stable")]  # class by class, at random within each
    every = max(TEST_EVERY, -(-N // MOST_TESTS))
    is_test = np.zeros(N, dtype=bool)
    is_test[order[every // 2 :: every]] = True
    if y is not None:
        is_shared = is_test & (np.bincount(y)[y] > 1)
        return is_shared if is_shared.any() else is_test
    return is_test


def doubts(x_train, x_test, y_train=None, y_test=None, classes=None):
    """Return warnings about a split into training and test set, as a list of sentences.

    x_train, x_test   arrays (N, ...) of the same shape and type, except for N
    y_train, y_test   int64 arrays (N,), or None
    classes           the names of the classes, or None
    """
    warnings = []
    if y_train is not None and y_test is not None:
        for y, other, part, so in (
            (y_train, y_test, "training", "no model can learn it, and the measures include it"),
            (y_test, y_train, "test", "the measures say nothing about it"),
        ):
            missing = np.setdiff1d(other, y)
            if len(missing):
                named = listed(classes[k] if classes else k for k in missing)
                warnings.append(f"the {part} set has no example of class {named}: {so}")
    if x_train.nbytes + x_test.nbytes <= MOST_COMPARED:
        known = {hash(x.tobytes()) for x in x_train}
        copies = sum(hash(x.tobytes()) in known for x in x_test)
        if copies:
            warnings.append(
                f"{copies} of {len(x_test)} test examples are in the training set too: on these, the measures show "
                "what the model remembers"
            )
    return warnings

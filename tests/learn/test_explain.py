"""Proves that an explanation reproduces every number, and that nothing is said where the numbers do not support it.

It would catch a diagnosis that guesses: from too few numbers, from a single draw in which two sizes are equal by
chance, or from a formula that fits most elements.
"""

import numpy as np
import pytest

from npvae.learn.comparison import Comparison, same
from npvae.learn.explain import explain


def draws(found, shapes=((3, 5), (5, 7), (7, 3)), known=None, formula=None, **more):
    """Comparisons for several draws of x and dy, where x dy is right and found(c) is found."""
    comparisons = []
    for i, shape in enumerate(shapes):
        rng = np.random.default_rng([1, i])
        x, dy = rng.standard_normal((2, *shape))
        arrays = {"x": x, "dy": dy} | (known(x) if known else {})
        c = Comparison("dx", x * dy, x * dy, arrays, formula or {}, {"N, the batch": shape[0], "D": shape[-1]}, **more)
        c.found = np.asarray(found(c))
        comparisons.append(c)
    return comparisons


PRODUCT = {"": lambda x, dy: x * dy}


def causes(*args, **more):
    finding = explain(draws(*args, **more))
    return finding and finding.causes


def test_a_factor_is_named_by_the_size_that_changes_with_it():
    assert causes(lambda c: c.expected / len(c.expected)) == ["a factor 1/N too many (N, the batch, is 3)"]
    assert causes(lambda c: -2 * c.expected / c.expected.size) == [
        "a factor 2/(N D) too many (N, the batch, is 3; D is 5), and the sign is wrong"
    ]
    assert causes(lambda c: c.expected / 3) == ["one factor 0.333333, which none of the sizes explains"]
    assert causes(lambda c: 1.0005 * c.expected) == ["one factor 1.0005, which none of the sizes explains"]
    assert causes(lambda c: c.expected / c.known["x"].sum()) == ["one factor for all, which depends on the numbers"]


def test_two_causes_with_the_same_numbers_are_both_offered():
    one = ((3, 3),)                                          # a batch of 3, and 3 dimensions
    found = causes(lambda c: c.expected / 3, one)
    assert found == ["a factor 1/N too many (N, the batch, is 3)", "a factor 1/D too many (D is 3)"]
    found = causes(lambda c: c.expected * c.known["x"], formula=PRODUCT)
    assert found == ["x is squared", "a factor x too many"]


@pytest.mark.parametrize(
    "cause, found",
    {
        "the upstream gradient dy is not used": lambda c: c.known["x"],
        "x is missing": lambda c: c.known["dy"],
        "1 / x stands where x belongs": lambda c: c.known["dy"] / c.known["x"],
        "s stands where x belongs": lambda c: c.known["dy"] * c.known["s"],
        "the sum over axis 0 is missing": lambda c: np.stack([c.expected + 1, c.expected - 1]) / 2,
        "summed over axis 0 as well": lambda c: c.expected.sum(axis=0),
        "averaged over axis 1 as well": lambda c: c.expected.mean(axis=1, keepdims=True),
        "it is dy summed over axis 1": lambda c: c.known["dy"].sum(axis=1),
        "transposed": lambda c: c.expected.T,
        "turned around along axis 0": lambda c: c.expected[::-1],
        "shifted by −1 along axis 1": lambda c: np.roll(c.expected, -1, axis=1),
        "zero: nothing gets there": lambda c: 0 * c.expected,
        "0.25 · x is added that does not belong there": lambda c: c.expected + 0.25 * c.known["x"],
        "−0.5 · dy x is added that does not belong there": lambda c: c.expected - 0.5 * c.known["dy"] * c.known["x"],
    }.items(),
)  # fmt: skip
def test_simple_mistakes(cause, found):
    known = lambda x: {"s": np.sin(x)}  # noqa: E731
    if cause.startswith("−0.5"):                             # half of what is right: one factor is the simpler cause
        assert causes(found, known=known, formula=PRODUCT) == ["a factor 1/2 too many"]
    else:
        assert cause in causes(found, known=known, formula=PRODUCT)


def test_terms():
    terms = {"x": lambda x, dy: dy * x, "sin x": lambda s, dy: dy * s}

    def found(weights):
        comparisons = draws(lambda c: c.expected, known=lambda x: {"s": np.sin(x)}, formula=terms)
        for c in comparisons:
            c.expected = sum(c.evaluate().values())
            c.found = sum(w * term for w, term in zip(weights, c.evaluate().values()))
        return explain(comparisons).causes

    assert found([1, 0]) == ["the term sin x is missing"] or "the term sin x is missing" in found([1, 0])
    assert "the term x has the wrong sign" in found([-1, 1])
    assert found([1, 0.3])[0] == "the term sin x has the weight 0.3 instead of 1"
    assert found([0.7, 0.3]) == ["the terms have these weights instead of 1: x: 0.7, sin x: 0.3"]


@pytest.mark.parametrize(
    "where, found",
    {
        "only in the first row": lambda c: np.where(np.arange(len(c.expected))[:, None] == 0, 0, c.expected),
        "only in the last column": lambda c: np.where(
            np.arange(c.expected.shape[1]) == c.expected.shape[1] - 1, -c.expected, c.expected
        ),
        "only where x < 0": lambda c: np.where(c.known["x"] < 0, c.known["dy"], c.expected),
        "only in one element": lambda c: c.expected + (np.arange(c.expected.size) == 7).reshape(c.expected.shape),
    }.items(),
)
def test_a_part(where, found):
    assert where in explain(draws(found, formula=PRODUCT)).measured


def test_a_part_is_explained_by_the_same_questions():
    finding = explain(draws(lambda c: np.where(c.known["x"] < 0, 0.01 * c.expected, c.expected)))
    assert finding.measured == "yours is 0.01 times the right one, only where x < 0, and right elsewhere"


def test_nothing_is_said_without_support():
    rng = np.random.default_rng(5)
    assert explain(draws(lambda c: c.expected + 0.1 * rng.standard_normal(c.expected.shape))) is None
    assert explain(draws(lambda c: c.expected * np.nan)) is None
    almost = draws(lambda c: 2 * c.expected)
    almost[-1].found[0, 0] += 1e-4                           # a single element in one of the draws does not fit
    assert explain(almost) is None
    other = draws(lambda c: 2 * c.expected)
    other[-1].found /= 3                                     # one factor in each draw, but not the same
    assert explain(other).causes == ["one factor for all, which depends on the numbers"]


def test_a_single_number_is_always_some_multiple_of_another():
    assert explain(draws(lambda c: 1.7 * c.expected, shapes=((1, 1),))) is None
    assert explain(draws(lambda c: -c.expected, shapes=((1, 1),))) is None
    assert explain(draws(lambda c: -c.expected, shapes=((1, 1),) * 3)).causes == ["the sign is wrong"]


def test_a_prediction_that_equals_what_is_right_explains_nothing():
    known = lambda x: {"twin": x + 1e-9}  # noqa: E731
    found = causes(lambda c: c.expected + 3e-7, known=known, formula=PRODUCT)
    assert found is None or not any("twin" in cause for cause in found)


def test_same_is_relative_to_the_largest_number():
    assert same(np.array([1.0, 0.0]), np.array([1.0, 5e-7]))
    assert not same(np.array([1e-4, 0.0]), np.array([1e-4, 5e-7]))
    assert not same(np.array([np.inf]), np.array([np.inf])) and not same(np.array([np.nan]), np.array([np.nan]))
    assert not same(np.zeros(3), np.zeros((3, 1)))

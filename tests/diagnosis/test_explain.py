"""Proves that an explanation reproduces every number, and that there is none where the numbers do not support one.

These tests would catch a diagnosis that guesses: from too few numbers, from a single draw in which two sizes happen to
be equal, or from a formula that fits most elements only.
"""

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.comparison import Comparison, same
from npvae.diagnosis.explain import explain


def draws(found, shapes=((3, 5), (5, 7), (7, 3)), known=None, formula=None, **more):
    """Return comparisons for several draws of x and dy, in which x dy is expected and found(c) is found."""
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
    assert causes(lambda c: c.expected / 3) == ["one factor 0.333333, which no size explains"]
    assert causes(lambda c: 1.0005 * c.expected) == ["one factor 1.0005, which no size explains"]
    assert causes(lambda c: -c.expected, shapes=((3, 4), (5, 4), (7, 4))) == ["the sign is wrong"]      # not −4/4
    assert causes(lambda c: c.expected / len(c.expected) ** 2) == ["a factor 1/(N N) too many (N, the batch, is 3)"]
    assert causes(lambda c: c.expected / c.known["x"].sum()) == [
        "one factor for all elements, which depends on the numbers"
    ]


def test_two_causes_with_the_same_numbers_are_both_offered():
    one = ((3, 3),)                                          # a batch of 3, and 3 dimensions
    found = causes(lambda c: c.expected / 3, one)
    sizes = ["a factor 1/N too many (N, the batch, is 3)", "a factor 1/D too many (D is 3)"]
    assert found == [*sizes, "one factor 0.333333, from somewhere else"]
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
        "reversed along axis 0": lambda c: c.expected[::-1],
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
    almost[-1].found[0, 0] += 1e-4                           # a single element of one draw does not fit
    assert explain(almost) is None
    other = draws(lambda c: 2 * c.expected)
    other[-1].found /= 3                                     # one factor in each draw, but not the same
    assert explain(other).causes == ["one factor for all elements, which depends on the numbers"]
    added = draws(lambda c: c.expected + 0.3 * c.known["x"])
    added[-1].found += 0.2 * added[-1].known["x"]            # the same term is added, but with another weight
    assert explain(added) is None
    assert explain(draws(lambda c: c.expected * (1 + 1e-6))) is None             # rounding somewhere


def test_a_large_number_hides_no_small_ones():
    """Six digits of the largest number can contain all digits of the others."""
    c = draws(lambda c: 2 * c.expected, shapes=((3, 5),))[0]
    c.expected[0, 0], c.found[0, 0] = 1e7, 2e7
    c.found[2] = [1, 2, 3, 4, 5]
    assert explain([c]) is None


def test_where_there_are_zeros_nothing_is_learned():
    c = draws(lambda c: c.expected, shapes=((3, 5),))[0]
    c.expected = np.where(np.arange(15).reshape(3, 5) == 7, c.expected, 0)
    c.found = 1.7 * c.expected                               # one number that is not zero: any factor would fit
    assert explain([c]) is None


def test_a_few_elements_fit_some_condition_by_accident():
    few, many = ((1, 5),), ((5, 7), (7, 11))
    wrong_where_negative = lambda c: np.where(c.known["x"] < 0, 9.0, c.expected)  # noqa: E731
    assert explain(draws(wrong_where_negative, shapes=few)) is None
    assert "x < 0" in explain(draws(wrong_where_negative, shapes=many)).measured


def test_terms_with_other_weights_in_every_draw_are_no_finding():
    terms = {"x": lambda x, dy: dy * x, "sin x": lambda s, dy: dy * s}
    comparisons = draws(lambda c: c.expected, known=lambda x: {"s": np.sin(x)}, formula=terms)
    for i, c in enumerate(comparisons):
        c.expected = sum(c.evaluate().values())
        c.found = 0.7 * c.evaluate()["x"] + (0.3 + i) * c.evaluate()["sin x"]
    assert explain(comparisons) is None


def test_sizes_and_sums():
    assert causes(lambda c: c.expected[:, :, None]) == ["the right numbers in another shape"]
    found = causes(lambda c: c.known["dy"][0] * 0 + 3.0, known=lambda x: {}, shapes=((3, 5),))
    assert found is None or found == []
    rows = draws(lambda c: c.known["dy"][0])
    for c in rows:
        c.expected = np.broadcast_to(c.known["dy"][0], c.expected.shape)
    assert "it is not repeated along axis 0" in explain(rows).causes


def test_the_sum_over_the_wrong_axis_of_a_square():
    c = draws(lambda c: c.expected, shapes=((5, 5),))[0]
    c.expected, c.found = c.known["dy"].sum(axis=0), c.known["dy"].sum(axis=1)
    assert explain([c]).causes == ["it is dy summed over axis 1"]


def test_a_single_number_is_always_some_multiple_of_another():
    assert explain(draws(lambda c: 1.7 * c.expected, shapes=((1, 1),))) is None
    assert explain(draws(lambda c: -c.expected, shapes=((1, 1),))) is None
    assert explain(draws(lambda c: -c.expected, shapes=((1, 1),) * 3)).causes == ["the sign is wrong"]
    assert explain(draws(lambda c: c.known["x"] ** 2, shapes=((1, 1),) * 3)) is None


def test_a_prediction_that_equals_what_is_right_explains_nothing():
    known = lambda x: {"twin": x + 1e-9}  # noqa: E731
    found = causes(lambda c: c.expected + 3e-7, known=known, formula=PRODUCT)
    assert found is None or not any("twin" in cause for cause in found)


def test_what_is_added_may_have_to_be_repeated_or_summed():
    c = draws(lambda c: c.expected, shapes=((5, 7),))[0]
    c.known["dy"], c.known["s"] = c.known["dy"][:, 0], np.sin(c.known["x"])
    c.found = c.expected + 0.3 * c.known["dy"][:, None] * c.known["s"]
    assert explain([c]).causes == ["0.3 · dy s is added that does not belong there"]
    c = draws(lambda c: c.expected, shapes=((5, 7),))[0]
    c.expected = c.expected.sum(axis=0)
    c.found = c.expected + 0.3 * c.known["x"].sum(axis=0)
    assert explain([c]).causes == ["0.3 · x is added that does not belong there"]


def test_too_few_numbers_for_the_weights_of_two_terms():
    c = draws(lambda c: [[1.0, 2.0]], shapes=((1, 2),), known=lambda x: {"s": np.sin(x)}, formula={
        "x": lambda x, dy: dy * x, "sin x": lambda s, dy: dy * s,
    })[0]  # fmt: skip
    c.expected = sum(c.evaluate().values())
    assert explain([c]) is None


def test_names_in_a_formula():
    difference = {"": lambda x, s: x - s}
    known = lambda x: {"s": np.sin(x), "r": np.sin(x) ** 2}  # noqa: E731

    def found(change):
        comparisons = draws(lambda c: c.expected, known=known, formula=difference)
        for c in comparisons:
            c.expected = c.evaluate()[""]
            c.found = change(c)
        return explain(comparisons).causes

    assert found(lambda c: c.known["x"]) == ["s is missing"]                # 0 stands in its place
    assert found(lambda c: c.known["x"] - c.known["r"]) == ["r stands where s belongs"]       # and not: s is squared
    finding = explain(draws(lambda c: np.full_like(c.found, 0) + c.known["x"] * c.known["dy"].mean(), formula=PRODUCT))
    assert finding.causes == ["the mean of dy stands where dy belongs"]


def test_rows_that_are_not_at_the_ends_and_sizes():
    middle = lambda c: np.where(np.arange(len(c.expected))[:, None] == 1, 9.0, c.expected)  # noqa: E731
    assert "only in some rows" in explain(draws(middle)).measured
    large = lambda c: np.where(np.abs(c.known["x"]) > 1, 9.0, c.expected)  # noqa: E731
    assert "only where |x| > 1" in explain(draws(large)).measured


def test_the_end_of_a_short_array():
    x = np.linspace(0.3, 2, 11)
    last = Comparison("dx", np.where(np.arange(11) < 10, x, 7.7), x, {"x": x})
    assert explain([last]).measured == "yours is wrong only in the last element, and right elsewhere"
    few = Comparison("dx", np.where(np.arange(4) < 3, x[:4], 7.7), x[:4], {"x": x[:4]})
    assert explain([few]) is None


def test_all_but_an_element_where_nothing_is_seen_is_no_pattern():
    comparisons = draws(lambda c: c.expected + 1.0)
    for c in comparisons:
        c.expected[0, 0] = c.found[0, 0] = 0.0
        c.found += np.where(c.found == 0, 0, np.sin(7 * c.known["x"]))
    assert explain(comparisons) is None


def test_same_is_six_digits_of_every_number():
    assert same(np.array([1.0, 5.0]), np.array([1.0, 5.000001]))
    assert not same(np.array([1e4, 1.0]), np.array([1e4, 1.001]))
    assert not same(np.array([np.inf]), np.array([np.inf])) and not same(np.array([np.nan]), np.array([np.nan]))
    assert not same(np.zeros(3), np.zeros((3, 1)))


@pytest.mark.parametrize("eps", [1e-8, 3e-7])
@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("where", ["value", "derivative"])
def test_an_epsilon_in_a_logarithm_or_a_root_is_recognised(rng, eps, root, where):
    x = rng.uniform(0.001, 0.03, (3, 5))
    slope = (lambda x: 0.5 / np.sqrt(x)) if root else (lambda x: 1 / x)
    in_value, in_derivative = (eps, 0) if where == "value" else (0, eps)
    f = np.sqrt if root else np.log
    report = gradcheck(lambda x: (f(x + in_value), lambda dy: dy * slope(x + in_derivative)), x)
    assert not report.ok
    (cause,) = diagnose(report).findings[0].causes
    assert f"the {where} has x + ε in a logarithm" in cause
    assert f"ε = {eps:g}" in cause


def test_another_tiny_error_gets_no_epsilon(rng):
    x = rng.uniform(0.005, 0.1, (3, 5))
    for wrong in (lambda d: d * (1 + 3e-7), lambda d: d + 1e-6, lambda d: d + 1e-6 * np.arange(15).reshape(3, 5)):
        report = gradcheck(lambda x, wrong=wrong: (np.exp(x), lambda dy: wrong(dy * np.exp(x))), x)
        assert not report.ok and diagnose(report).findings[0].causes == []

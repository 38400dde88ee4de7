"""Proves that a diagnosis is readable: the numbers, what explains them, and a question, in eighty columns.

These tests would catch a diagnosis of a check that passed, one that blames a kink, and a screen that is too wide.
"""

import numpy as np
import pytest

from npvae.autodiff import Tensor, gradcheck, ops
from npvae.diagnosis import diagnose

X = np.random.default_rng(0).standard_normal((3, 5))
W = np.random.default_rng(1).standard_normal((5, 7))


def matmul(dx=lambda dy: dy @ W.T, dW=lambda dy: X.T @ dy):
    def matmul(x, W):
        return x @ W, dx, dW

    return matmul


def elementwise(value, slope):
    def f(x):
        y = value(x)
        return y, lambda dy: slope(x, y, dy)

    return f


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def said(f, *inputs):
    text = str(diagnose(gradcheck(f, *inputs)))
    assert all(len(line) <= 80 for line in text.splitlines()), text
    return " ".join(text.split())


def told(f, *inputs):
    """Return what the diagnosis says, and the causes from numbers alone, which it leaves out if it quotes a line."""
    causes = [cause for finding in diagnose(gradcheck(f, *inputs)).findings for cause in finding.causes]
    return " ".join([said(f, *inputs), *causes])


def test_nothing_is_wrong():
    assert said(matmul(), X, W) == "matmul: nothing is wrong"


def test_the_numbers_then_the_inference_then_a_question():
    text = str(diagnose(gradcheck(matmul(dW=lambda dy: X.T @ dy / 3), X, W)))
    numbers, inference, question = (
        text.index("is wrong in all 35 elements"), text.index("0.333333 times"), text.index("? ")
    )  # fmt: skip
    assert numbers < inference < question
    assert "a factor 1/x.shape[0] too many (x.shape[0] is 3)" in text
    assert "dx" not in text


def test_the_element_that_is_shown_is_the_worst():
    wrong = np.zeros((3, 5))
    wrong[1, 2], wrong[2, 4] = 5, 1e-3
    text = said(elementwise(np.exp, lambda x, y, dy: dy * y + wrong), X)
    assert "is wrong in 2 of 15 elements: (1, 2), (2, 4)." in text and "At (1, 2):" in text


@pytest.mark.parametrize(
    "words, f",
    {
        "x (1 − x) stands where y (1 − y) belongs": elementwise(sigmoid, lambda x, y, dy: dy * x * (1 - x)),
        "the upstream gradient dy is not used": elementwise(sigmoid, lambda x, y, dy: y * (1 - y)),
        "(x > 0) is missing": elementwise(lambda x: np.maximum(x, 0), lambda x, y, dy: dy * 1.0),
        "y is missing": elementwise(np.exp, lambda x, y, dy: dy * 1.0),
        "No simple mistake gives these numbers": elementwise(np.exp, lambda x, y, dy: dy * np.cos(x) * np.sin(y)),
        "draws its own noise": elementwise(np.exp, lambda x, y, dy: dy * np.random.default_rng().random(x.shape)),
        "the forward pass is random": lambda x: (x + np.random.default_rng().random(x.shape), lambda dy: dy),
        "the value is the input itself, or a view": lambda x: (x[::1], lambda dy: dy),
        "expected an array": lambda x: (2 * x, lambda dy: 3.0),
        "float32": lambda x: (2 * x, lambda dy: (2 * dy).astype(np.float32)),
    }.items(),
)  # fmt: skip
def test_elementwise_mistakes_are_recognized_without_being_told_the_formula(words, f):
    assert words in told(f, X)


def test_two_derivatives_that_write_into_one_array():
    buffer = np.empty((3, 5))
    assert "two derivatives write into one array" in said(
        lambda a, b: (a * b, lambda dy: np.multiply(dy, b, out=buffer), lambda dy: np.multiply(dy, a, out=buffer)),
        X, X + 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "words, dW",
    {
        "the upstream gradient dy is not used": lambda y, dy: X.T @ np.ones_like(dy),
        "y stands where dy belongs": lambda y, dy: X.T @ y,
        "the mean of dy stands where dy belongs": lambda y, dy: X.T @ np.full_like(dy, dy.mean()),
        "dy is squared": lambda y, dy: X.T @ dy**2,
    }.items(),
)
def test_another_upstream_gradient_is_recognized_in_any_operation(words, dW):
    assert words in said(matmul(dW=lambda dy: dW(X @ W, dy)), X, W)


def test_a_kink_excuses_nothing_else():
    x = X.copy()
    x[1, 2] = 0
    text = said(elementwise(lambda x: np.maximum(x, 0), lambda x, y, dy: 2 * dy * (x > 0)), x)
    assert "no derivative" not in text and "is wrong in" in text


def test_one_name_for_the_same_numbers():
    text = said(elementwise(sigmoid, lambda x, y, dy: dy * y), X)           # y is σ(x), which also has a name
    assert "`y (1 − y)`" in text and "stands where" not in text


def test_a_kink_is_no_mistake():
    x = X.copy()
    x[1, 2] = 0
    assert "there is no derivative" in said(ops.relu.raw, x)
    assert "in 1 of 15 elements" in said(ops.relu.raw, x)


@pytest.mark.parametrize(
    "f, x",
    [
        (elementwise(lambda x: np.exp(5 * x), lambda x, y, dy: dy * y), np.linspace(1.5, 3, 7)),
        (elementwise(lambda x: 1e6 * x * x, lambda x, y, dy: 1e6 * dy * x), X),
        (elementwise(lambda x: 1 / x, lambda x, y, dy: dy * y * y), np.linspace(0.01, 0.02, 7)),
        (elementwise(lambda x: np.tanh(200 * x), lambda x, y, dy: dy * (1 - y * y)), X / 100),
    ],
)
def test_a_steep_function_is_no_kink(f, x):
    assert "no derivative" not in said(f, x)


def test_a_kink_of_a_function_of_tensors():
    x = X.copy()
    x[1, 2] = 0
    assert "there is no derivative" in said(lambda x: ops.relu(x), Tensor(x))


def test_a_constant_may_be_a_size_by_accident():
    """Where the lines of the source cannot be asked: np.vectorize of a compiled function is one step."""
    cube = np.frompyfunc(lambda v: v**3, 1, 1)
    square = np.frompyfunc(lambda v: v**2, 1, 1)
    text = said(lambda x: (cube(x).astype(float), lambda dy: (square(x) * dy).astype(float)), X)
    assert "0.333333 times the right one" in text and "with one more factor 3" in text


def test_names_that_are_in_the_way():
    a, b = X, X[::-1] + 1.0
    assert "a factor a too many" in told(lambda y, a: (y * a, lambda dy: dy * a * a, lambda dy: dy * y), b, a)
    assert "a factor 2 too many" in told(lambda a: (a * 1.0, lambda dy: 2 * dy), a)        # the value equals the input
    assert "t (1 − t) stands where" in told(lambda t: (sigmoid(t), lambda dy: dy * t * (1 - t)), X)


def test_not_a_number_in_the_input_is_no_change_of_the_input():
    assert "changed this input" not in said(lambda x: (x * x, lambda dy: 2 * dy), np.array([1.0, np.nan]))


def test_a_function_of_tensors():
    def twice_too_much(x):
        return ops.sum(x.detach() * x)                        # the derivative of x² without one of its two halves

    text = said(twice_too_much, Tensor(X))
    assert "0.5 times the right one" in text and "without detach around `x`" in text


def test_a_number_that_is_not_finite_has_its_place():
    X = np.array([[0.5, 1.0, 2.0]])
    assert "is not finite at (0, 1): inf" in said(lambda x: (x * x, lambda dy: np.where(x == 1, np.inf, dy * x)), X)
    assert "is not finite: inf" in said(lambda x: (x * x, lambda dy: np.array(np.inf)), np.array(0.5))

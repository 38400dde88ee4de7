"""Proves that finite differences are as accurate as they say, and that they leave the input as it was.

These tests would catch an estimated error that is too small, a step that leaves the domain and spoils the others, an
input that stays moved after an error, and a strong curve that is taken for a kink.
"""

import numpy as np
import pytest

from npvae.autodiff.differences import beside, extrapolated, kinks, numeric_gradient

FUNCTIONS = {
    "√x": (np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-6, 1e-3, 1.0, 1e4]),
    "ln x": (np.log, lambda x: 1 / x, [1e-5, 1e-2, 3.0, 1e5]),
    "eˣ": (np.exp, np.exp, [-30.0, -1.0, 2.0, 20.0]),
    "tanh x": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, [-8.0, 1e-4, 0.5]),
    "sin 300x": (lambda x: np.sin(300 * x), lambda x: 300 * np.cos(300 * x), [0.1, 2.0]),
    "1000 + x³": (lambda x: 1000 + x**3, lambda x: 3 * x**2, [-2.0, 0.01, 10.0]),
    "1 / x": (lambda x: 1 / x, lambda x: -1 / x**2, [-1e-3, 0.5, 30.0]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_true_derivative_lies_within_the_estimated_error(name):
    f, slope, points = FUNCTIONS[name]
    for point in points:
        x = np.array([point])
        found, error = extrapolated(lambda x=x: f(x), x, np.ones(1), (0,))
        true = float(slope(point))
        assert abs(found - true) <= 10 * error and error <= 1e-5 * max(abs(true), 1e-6 * abs(f(point))), (point, error)
        assert x[0] == point


def test_a_step_that_is_too_large_everywhere_gives_no_estimate():
    x = np.array([1e-6])
    _, error = extrapolated(lambda: np.sin(1 / x), x, np.ones(1), (0,))
    assert error == np.inf


def test_a_function_that_refuses_a_large_step():
    x = np.array([0.001])

    def root():
        if x[0] < 0:
            raise ValueError("negative")
        return np.sqrt(x)

    found, _ = extrapolated(root, x, np.ones(1), (0,))
    assert found == pytest.approx(0.5 / np.sqrt(0.001))
    with pytest.raises(ValueError, match="negative"):
        beside(root, x, (0,), 1.0)
    assert x[0] == 0.001


def test_only_the_elements_that_are_wanted(rng):
    x, dy = rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
    gradient = numeric_gradient(lambda: x**2, x, dy, [(0, 1), (2, 4)])
    assert np.argwhere(np.isfinite(gradient)).tolist() == [[0, 1], [2, 4]]
    assert np.allclose(gradient[0, 1], 2 * x[0, 1] * dy[0, 1])
    assert np.allclose(numeric_gradient(lambda: x**2, x, dy), 2 * x * dy)


def test_kinks_are_found_and_strong_curves_are_not():
    x = np.array([0.0, 1.0, 1e-3])
    assert kinks(lambda: np.abs(x), x, np.ndindex(3)).tolist() == [True, False, False]
    assert kinks(lambda: np.sin(1e6 * x) + np.tanh(1e5 * x), x, np.ndindex(3)).tolist() == [False, False, False]
    assert kinks(lambda: np.sqrt(x + 1e-3), x, np.ndindex(3)).tolist() == [False, False, False]
    assert kinks(lambda: np.abs(x), x, [(1,)]).tolist() == [False, False, False]         # only where it is asked

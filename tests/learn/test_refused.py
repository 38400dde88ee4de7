"""Proves that solutions which are right at first sight are refused: one for each kind of thing that a check must try.

These tests would catch a check with too few numbers, calls, options, dtypes or parameters: each wrong solution here
gives the right numbers for the plain inputs.
"""

import numpy as np

from npvae import probability as p
from npvae.autodiff import ops
from npvae.learn import catalogue, outcome


def screen(name, f):
    """Return the screen about a wrong solution of an exercise, in one line; it must not pass."""
    result = outcome.judge(catalogue.find(name), f)
    assert result.status == outcome.WRONG, result
    assert all(len(line) <= 80 for line in "\n".join(result.lines).splitlines())
    return " ".join(" ".join(result.lines).split())


# --- operations -------------------------------------------------------------------------------------------------------


def test_values_between_small_and_huge_in_float32():
    def softplus(x):
        with np.errstate(over="ignore"):
            y = np.where(x > 200, x, np.log(1 + np.exp(x)))
        return y.astype(x.dtype), lambda dy: dy * ops.sigmoid.raw(x)[0]

    def log_likelihood(logits, x):
        with np.errstate(over="ignore"):
            zeta = np.where(np.abs(logits) > 300, np.maximum(logits, 0), np.log(1 + np.exp(logits)))
        return (x * logits - zeta).sum(axis=-1), lambda dy: dy[:, None] * (x - ops.sigmoid.raw(logits)[0]), None

    for name, f in {"softplus": softplus, "bernoulli": log_likelihood}.items():
        assert "Is not finite at" in screen(name, f) and "89.0" in screen(name, f) and "float32" in screen(name, f)


def test_a_threshold_that_is_too_low():
    def softplus(x):
        return np.where(x > 10, x, np.log1p(np.exp(np.minimum(x, 10)))), lambda dy: dy * ops.sigmoid.raw(x)[0]

    assert "Is wrong at x = [15.0, -15.0]: found" in screen("softplus", softplus)


def test_numbers_that_are_wrong_in_float32():
    def kl(mu, logvar):
        y, *derivatives = p.kl_to_standard_normal.raw(mu, logvar)
        return (y if mu.dtype == np.float64 else 2 * y), *derivatives

    assert "for float32 inputs its numbers are wrong" in screen("kl", kl)


def test_arrays_with_rules_of_their_own():
    def with_value(change):
        def relu(x):
            y, dx = ops.relu.raw(x)
            return change(y), dx

        return relu

    def with_derivative(change):
        def relu(x):
            y, dx = ops.relu.raw(x)
            return y, lambda dy: change(dx(np.asarray(dy)))

        return relu

    for change, name in ((np.matrix, "a matrix"), (np.ma.masked_array, "a MaskedArray")):
        assert f"y This is {name}, expected a plain np.ndarray" in screen("relu", with_value(change))
        assert f"dx This is {name}, expected a plain np.ndarray" in screen("relu", with_derivative(change))
    assert "a matrix" in screen("dense_forward", lambda x, W, b: np.matrix(x) * np.matrix(W) + b)
    mean, components, eigenvalues = range(3)
    for part in (mean, components, eigenvalues):
        def principal_components(x, count, part=part):
            found = list(catalogue.find("pca").solution(x, count))
            found[part] = np.ma.masked_array(found[part])
            return tuple(found)

        assert "a MaskedArray" in screen("pca", principal_components)


def test_a_softmax_that_is_right_for_one_axis_only():
    def logsumexp(x, *, axis=None):
        y, _ = ops.logsumexp.raw(x, axis=axis)
        return y, lambda dy: np.exp(x - y) * dy

    def over_axis_0(x, *, axis=None):
        e = np.exp(x - x.max(axis=0))
        return ops.logsumexp.raw(x, axis=axis)[0], lambda dy: e / e.sum(axis=0) * ops._restore_axes(dy, x.shape, axis)

    assert "axis=1" in screen("iwae_weights", logsumexp)
    assert "axis=1" in screen("iwae_weights", over_axis_0)


def test_a_convolution_for_one_stride_only():
    convolution = catalogue.find("convolution")

    def conv2d(x, W, b, *, stride=1, padding=0):
        y = convolution.solution.raw(x, W, b, stride=stride, padding=padding)[0]
        return y, *(
            lambda dy, i=i: convolution.solution.raw(x, W, b, stride=2, padding=1)[i](dy) for i in (1, 2, 3)
        )

    assert "stride=1" in screen("convolution", conv2d)


def test_what_is_kept_from_an_earlier_call():
    kept = {}

    def value_by_shape(x, W, b):
        return kept.setdefault((x.shape, W.shape, str(x.dtype)), x @ W + b)

    def first_input(x):
        seen = kept.setdefault((x.shape, str(x.dtype)), x.copy())
        return np.maximum(x, 0), lambda dy: dy * (seen > 0)

    def last_input(x):
        kept["x"] = x
        return np.maximum(x, 0), lambda dy: dy * (kept["x"] > 0)

    def first_gradient(x):
        mine = []

        def dx(dy):
            mine.append(dy * (x > 0))
            return mine[0]

        return np.maximum(x, 0), dx

    def one_buffer(x):
        y = kept.setdefault(("buffer", x.shape, str(x.dtype)), np.empty_like(x))
        return np.maximum(x, 0, out=y), lambda dy: dy * (x > 0)

    assert "gave the same value: the function keeps something from the first" in screen("dense_forward", value_by_shape)
    assert "wrong in the second of two calls with different inputs" in screen("relu", first_input)
    assert "wrong in the first of two calls, after the second" in screen("relu", last_input)
    assert "dx keeps its first result" in screen("relu", first_gradient)
    assert "Another call changes the value" in screen("relu", one_buffer)

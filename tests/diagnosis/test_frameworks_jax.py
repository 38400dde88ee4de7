"""Proves that `gradcheck` accepts right functions written for JAX, and says in its words what is wrong with others.

These tests would catch a form of custom_vjp that cannot be checked, a switch to float64 that outlives the check, and an
error without the words of JAX.
"""

import functools

import numpy as np
import pytest

from npvae.autodiff import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.frameworks import jax_operation

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture
def x(rng):
    return rng.standard_normal((3, 5))


@pytest.fixture
def W(rng):
    return rng.standard_normal((5, 7))


def custom(f, bwd, fwd=None, **options):
    """Return a custom_vjp; by default, its residuals are the arguments."""
    f.__name__ = "mine"
    made = jax.custom_vjp(f, **options)
    made.defvjp(fwd or (lambda *given: (f(*given), given)), bwd)
    return made


def _product(x, W):
    return x @ W


RIGHT = {
    "residuals": (custom(_product, lambda given, dy: (dy @ given[1].T, given[0].T @ dy)), 2),
    "a constant in the middle": (
        custom(lambda x, n: x**n, lambda n, given, dy: (dy * n * given[0] ** (n - 1),), nondiff_argnums=(1,)),
        1,
    ),
    "None": (custom(lambda x: 2 * x, lambda given, dy: (2 * dy,), lambda x: (2 * x, None)), 1),
    "a number": (custom(lambda x: jnp.sum(x), lambda given, dy: (dy * jnp.ones_like(given[0]),)), 1),
    "two outputs": (
        custom(lambda x: {"a": 2 * x, "b": 3 * x.sum(0)}, lambda given, dy: (2 * dy["a"] + 3 * dy["b"],)), 1,
    ),
    "compiled": (jax.jit(custom(lambda x: x * x, lambda given, dy: (2 * given[0] * dy,))), 1),
    "a function": (lambda x, W: jnp.tanh(x @ W), 2),
    "custom_jvp": (jax.nn.relu, 1),
    "partial": (functools.partial(lambda x, W: jnp.tanh(x @ W), W=np.ones((5, 2))), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_pass(name, x, W):
    f, inputs = RIGHT[name]
    constants = {"n": 3} if name == "a constant in the middle" else {}
    report = gradcheck(jax_operation(f, **constants), *(x, W)[:inputs])
    report.assert_ok()
    assert not diagnose(report).findings


def test_float64_ends_with_the_check(x):
    gradcheck(jax_operation(lambda x: x * x), x).assert_ok()
    assert jnp.asarray(x).dtype == np.float32


def test_the_rows_have_the_names_of_the_arguments(x, W):
    report = gradcheck(jax_operation(RIGHT["residuals"][0]), x, W)
    assert [row.name for row in report.rows] == ["x", "W"] and report.name == "mine"


def test_labels_have_no_gradient(x):
    def bwd(given, dy):
        return jax.nn.one_hot(given[1], 5, dtype=dy.dtype) * dy[:, None], None

    picked = custom(lambda x, labels: x[jnp.arange(3), labels], bwd)
    report = gradcheck(jax_operation(picked), x, np.array([4, 0, 2]))
    assert report.ok and "not checked" in report.rows[1].sentence


def test_wrong_numbers_are_diagnosed(x, W):
    wrong = custom(_product, lambda given, dy: (dy @ given[1].T, 2 * given[0].T @ dy))
    report = gradcheck(jax_operation(wrong), x, W)
    assert report.rows[0].error < 1e-7 < report.rows[1].error
    assert "2 times the right one" in str(diagnose(report))


def test_a_stopped_path_is_wrong(x):
    report = gradcheck(jax_operation(lambda x: x * jax.lax.stop_gradient(x)), x)
    assert not report.ok and "0.5 times the right one" in str(diagnose(report))


def double(x):
    return 2 * x


REFUSED = {
    "of mine returns one array, expected a tuple.*write return": custom(double, lambda given, dy: 2 * dy),
    r"returns 2 gradients, expected a tuple with one gradient for each argument \(x\)": custom(
        double, lambda given, dy: (dy, dy)
    ),
    "returns None: is its return missing": custom(double, lambda given, dy: None),
    "of mine turns float64 into float32 for x": custom(double, lambda given, dy: (2 * dy.astype(jnp.float32),)),
    "mine turns float64 into float32": custom(lambda x: x.astype(jnp.float32), lambda given, dy: (dy,)),
    "of mine returns another value than mine itself": custom(
        double, lambda given, dy: (2 * dy,), lambda x: (3 * x, None)
    ),
    "of mine returns an ArrayImpl, expected a pair": custom(double, lambda given, dy: (dy,), lambda x: 2 * x),
    "JAX itself cannot differentiate mine: ": custom(
        double, lambda given, dy: (2 * dy,), lambda x: (2 * x, lambda: None)
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_compared_is_one_sentence(words, x):
    with pytest.raises(TypeError, match=words) as raised:
        gradcheck(jax_operation(REFUSED[words]), x)
    assert "\n" not in str(raised.value)


def test_a_custom_vjp_needs_its_derivative():
    def square(x): return x * x

    with pytest.raises(TypeError, match=r"square has no derivative yet: call square.defvjp\(fwd, bwd\) first"):
        jax_operation(jax.custom_vjp(square))


def test_a_wrong_shape_is_a_row(x, W):
    wrong = custom(_product, lambda given, dy: (dy @ given[1].T, dy.T @ given[0]))
    report = gradcheck(jax_operation(wrong), x, W)
    assert report.rows[1].sentence == "the derivative has shape (7, 5), the input (5, 7)"
    assert "transposed" in str(diagnose(report))


def test_a_gradient_that_is_not_summed_is_wrong(x):
    report = gradcheck(jax_operation(custom(lambda x, b: x + b, lambda given, dy: (dy, dy))), x, x[0])
    assert "the derivative has shape (3, 5), the input (5,)" in report.rows[1].sentence

"""Proves what a gradient check of one draw cannot: properties that hold for all shapes, dtypes and values.

Hypothesis looks for counterexamples. It would find an operation that changes its input or the upstream gradient in
place, returns memory that it shares with an input, silently turns float32 into float64, forgets to sum over a
broadcast axis, or overflows where the mathematics does not. tests/gradchecks/test_gradchecks.py proves that every
derivative agrees with finite differences.
"""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npvae import gradchecks
from npvae.autodiff import Tensor, gradcheck, ops
from npvae.autodiff.tensor import input_gradients

OPERATIONS = pytest.mark.parametrize("check", gradchecks.OPERATION_CHECKS, ids=lambda check: check.name)
sizes = st.tuples(st.integers(3, 6), st.integers(1, 6), st.integers(1, 6))
dtypes = st.sampled_from([np.float32, np.float64])


def draw(check, seed, sizes, dtype):
    (f, *inputs), options = check.arguments(seed, sizes)
    return f, [x.astype(dtype) if isinstance(x, np.ndarray) else x for x in inputs], options


@OPERATIONS
@given(seed=st.integers(0, 2**32 - 1), sizes=sizes, dtype=dtypes)
def test_an_operation_changes_nothing_shares_nothing_and_keeps_the_dtype(check, seed, sizes, dtype):
    f, inputs, options = draw(check, seed, sizes, dtype)
    before = [np.copy(x) for x in inputs]
    y, *derivatives = f(*inputs, **options)
    dy = np.random.default_rng(seed).standard_normal(np.shape(y)).astype(dtype)
    dy_before, y_before = dy.copy(), np.copy(y)
    gradients = input_gradients(check.name, range(9), derivatives, dy, [True] * len(inputs))
    again = input_gradients(check.name, range(9), derivatives, dy, [True] * len(inputs))

    assert all(np.array_equal(a, b) for a, b in zip(inputs, before)), "an input was changed"
    assert np.array_equal(dy, dy_before), "the upstream gradient was changed"
    assert np.array_equal(y, y_before), "the value was changed by a derivative"
    assert np.asarray(y).dtype == dtype, "the value has another dtype"
    for x, dx, dx_again in zip(inputs, gradients, again):
        if dx is not None and isinstance(x, np.ndarray):
            assert dx.shape == x.shape, "a gradient has another shape"
            assert dx.dtype == dtype, "a gradient has another dtype"
            assert np.array_equal(dx, dx_again), "a derivative gives something else when it is called again"
            assert not any(np.shares_memory(dx, other) for other in (*inputs, y)), "a gradient is not its own array"
    assert not any(np.shares_memory(y, x) for x in inputs), "the value shares memory with an input"


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
def test_sum_to_is_the_transpose_of_broadcasting(shapes):
    """⟨broadcast(a), dy⟩ = ⟨a, sum_to(dy)⟩, exactly: all numbers are small integers."""
    rng = np.random.default_rng(0)
    dy = rng.integers(-9, 10, shapes.result_shape).astype(float)
    for shape in shapes.input_shapes:
        a = rng.integers(-9, 10, shape).astype(float)
        da = ops.sum_to(dy, shape)
        assert da.shape == shape and np.sum(np.broadcast_to(a, dy.shape) * dy) == np.sum(a * da)


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4), seed=st.integers(0, 1000))
@pytest.mark.parametrize("f", [ops.add, ops.sub, ops.mul, ops.div], ids=lambda f: f.__name__)
def test_broadcasting_in_every_shape(f, shapes, seed):
    rng = np.random.default_rng(seed)
    a, b = (gradchecks.check.positive(rng, *shape) for shape in shapes.input_shapes)
    gradcheck(f.raw, np.array(a), np.array(b), rng=rng).assert_ok()


floats = hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=2), elements=st.floats(-1e4, 1e4))


@given(x=floats)
def test_activations_agree_with_their_definitions_and_never_overflow(x):
    with np.errstate(all="raise", under="ignore"):
        sigmoid, softplus = ops.sigmoid.raw(x)[0], ops.softplus.raw(x)[0]
    small = np.abs(x) < 30
    assert np.allclose(sigmoid[small], 1 / (1 + np.exp(-x[small])), rtol=1e-14)
    assert np.allclose(softplus[small], np.log1p(np.exp(x[small])), rtol=1e-14)
    assert np.allclose(softplus - ops.softplus.raw(-x)[0], x)                  # ζ(x) − ζ(−x) = x
    assert np.isfinite(sigmoid).all() and (sigmoid >= 0).all() and (sigmoid <= 1).all()


@given(x=floats, c=st.floats(-1e4, 1e4))
def test_logsumexp_moves_with_a_constant(x, c):
    assert np.allclose(ops.logsumexp.raw(x + c)[0], ops.logsumexp.raw(x)[0] + c, atol=1e-8)
    assert np.all(ops.logsumexp.raw(x)[0] >= x.max())


def test_logsumexp_of_nothing_but_minus_infinity():
    with np.errstate(all="raise"):
        assert ops.logsumexp.raw(np.full(3, -np.inf))[0] == -np.inf
        assert ops.logsumexp.raw(np.array([-np.inf, 0.0]))[0] == 0


@given(x=hnp.arrays(np.float32, 5, elements=st.floats(-200, 200, width=32)))
def test_sigmoid_keeps_its_digits_in_float32(x):
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    with np.errstate(under="ignore"):
        assert np.allclose(ops.sigmoid.raw(x)[0], exact, rtol=1e-6, atol=1e-38)


def test_dense_is_matmul_and_add(rng):
    x, W, b = rng.standard_normal((3, 5)), rng.standard_normal((5, 7)), rng.standard_normal(7)
    assert np.array_equal(ops.dense(x, W, b).data, (ops.matmul(x, W) + b).data)


def test_relu_has_derivative_zero_at_the_kink():
    x = Tensor(np.array([-1.0, 0.0, 2.0]), requires_grad=True)
    ops.relu(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 1]


@pytest.mark.parametrize("upstream", [3.0, np.nan])
def test_relu_lets_the_gradient_through_where_x_is_nan(upstream):
    """A derivative of 0 there would hide where NaN began."""
    x = Tensor(np.array([np.nan, -1.0, 2.0]), requires_grad=True)
    y = ops.relu(x)
    y.backward(np.array([upstream, 1.0, 5.0]))
    assert np.isnan(y.data[0]) and np.array_equal(x.grad, [upstream, 0, 5], equal_nan=True)


@pytest.mark.parametrize("slope", [-0.1, 1.5, np.nan])
def test_a_slope_that_would_compute_something_else_is_refused(slope):
    with pytest.raises(ValueError, match=f"leaky_relu cannot take x .* the slope is {slope}, expected a number from 0"):
        ops.leaky_relu(np.ones(3), slope=slope)


def shapes_beside(shape):
    """Yield shapes that NumPy would broadcast or multiply as well: an axis more, one less, of length 1, or none."""
    yield from [(), (1,), shape[1:], shape[:-1], (3, *shape), (1, *shape)]
    yield from [(*shape[:i], 1, *shape[i + 1 :]) for i in range(len(shape))]


@OPERATIONS
def test_inputs_of_unusual_shapes_are_refused_or_have_right_derivatives(check):
    """Whatever the forward pass accepts, the derivatives must fit: a wrong one shows here, whoever wrote it."""
    (f, *inputs), options = check.arguments()
    rng = np.random.default_rng(1)
    for i, x in enumerate(inputs):
        for shape in shapes_beside(np.shape(x)) if np.ndim(x) else []:
            given = [np.array(a) for a in inputs]
            draw = gradchecks.check.positive if np.all(x > 0) else gradchecks.check.off_zero
            given[i] = draw(rng, *shape)
            try:
                f(*given, **options)
            except (ValueError, IndexError, TypeError):
                continue
            report = gradcheck(f, *given, **options)
            assert report.ok, f"input {i} of shape {shape}:\n{report}"


def test_python_operators_are_the_operations():
    x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]))
    for y, expected in [
        (2.0 - x, 2 - x.data), (2.0 / x, 2 / x.data), (-x, -x.data), (x.T, x.data.T), (x[0], x.data[0]),
        (x @ x, x.data @ x.data), (x.sum(axis=0), x.data.sum(0)), (x.mean(), x.data.mean()), (x**3, x.data**3),
        (x**-0.5, x.data**-0.5), (x.sum(1, keepdims=True), x.data.sum(1, keepdims=True)),
        (x.mean(axis=0, keepdims=True), x.data.mean(0, keepdims=True)), (x.reshape((4, 1)), x.data.reshape(4, 1)),
        (x.reshape(-1), x.data.reshape(-1)), (x.reshape([1, -1]), x.data.reshape(1, 4)),
    ]:  # fmt: skip
        assert np.array_equal(y.data, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_derivative_of_logsumexp_is_the_softmax_and_holds_no_denormal_numbers(dtype):
    x = Tensor(np.array([0, -5, -20, -100, -800], dtype=dtype), requires_grad=True)
    ops.logsumexp(x).backward()
    exact = np.exp(x.data.astype(np.float64))
    assert np.allclose(x.grad, exact / exact.sum(), rtol=1e-6, atol=1e-14)
    assert (x.grad[:3] > 0).all() and ((x.grad == 0) | (x.grad > 1e-35)).all()


def test_the_mean_over_an_axis_of_no_examples_is_empty():
    y, dx = ops.mean.raw(np.zeros((0, 3)), axis=1)
    assert y.shape == (0,) and dx(y).shape == (0, 3)

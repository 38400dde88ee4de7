"""Proves that the checker can fail: a checker that cannot is worse than none, and some famous ones cannot.

For every operation of the package, a wrong derivative replaces each right one (zero, negated, scaled by 1.0005,
transposed, one element off), and the check must object. These tests would catch a tolerance that is too wide, an
upstream gradient of ones, a comparison that lets NaN pass, and inputs at which two different formulas agree.
"""

import dataclasses

import numpy as np
import pytest

from npvae import gradchecks, nn
from npvae.autodiff import Tensor, gradcheck, op, ops
from npvae.autodiff.gradcheck import Fault
from npvae.autodiff.tensor import input_gradients, input_names
from npvae.diagnosis import diagnose


def one_element_off(dx):
    dx = np.array(dx)
    dx.flat[dx.size // 2] += 1e-4
    return dx


DAMAGES = {
    "zeroed": np.zeros_like,
    "negated": np.negative,
    "scaled by 1.0005": lambda dx: 1.0005 * dx,
    "transposed": np.transpose,
    "one element off": one_element_off,
    "NaN": lambda dx: np.full_like(dx, np.nan),
}


def with_damage(f, i, damage):
    """The operation f, with `damage` applied to the gradient of its input i."""

    def damaged(*inputs, **options):
        y, *derivatives = f(*inputs, **options)
        if len(derivatives) == 1 and len(inputs) > 1:
            together = derivatives[0]
            return y, lambda dy: tuple(damage(dx) if j == i else dx for j, dx in enumerate(together(dy)))
        return y, *(d and (lambda dy, d=d: damage(d(dy))) if j == i else d for j, d in enumerate(derivatives))

    return damaged


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("check", gradchecks.OPERATION_CHECKS, ids=lambda check: check.name)
def test_a_wrong_derivative_is_caught(check, damage):
    sizes = (3, 3, 3) if damage == "transposed" else gradchecks.check.SIZES  # only a transposed square keeps its shape
    (f, *inputs), options = check.arguments(sizes=sizes)
    planted = 0
    for i, x in enumerate(inputs):
        y, *derivatives = f(*inputs, **options)
        gradient = input_gradients(check.name, range(9), derivatives, np.ones_like(y), [True] * len(inputs))[i]
        if not isinstance(x, np.ndarray) or gradient is None:
            continue                                                  # no derivative here
        if damage == "transposed" and (x.ndim != 2 or x.shape[0] != x.shape[1]):
            continue
        if damage == "transposed" and check.name in ("sum", "mean"):
            continue                                                  # the gradient is constant: equal to its transpose
        report = gradcheck(with_damage(f, i, DAMAGES[damage]), *inputs, **options)
        assert not report.ok, f"{check.name}: the derivative for input {i}, {damage}, passed\n{report}"
        planted += 1
    assert planted or damage == "transposed"


def test_ones_as_the_upstream_gradient_would_hide_a_wrong_softmax():
    def softmax(x):
        e = np.exp(x - x.max())
        y = e / e.sum()
        return y, lambda dy: np.zeros_like(x)                         # wrong, but right for dy = 1, because Σ_j y_j = 1

    class Ones:
        def standard_normal(self, shape):
            return np.ones(shape)

    x = np.random.default_rng(0).standard_normal(5)
    assert gradcheck(softmax, x, rng=Ones()).ok
    assert not gradcheck(softmax, x).ok


def test_the_upstream_gradient_is_not_the_input():
    x, W = (np.random.default_rng(0).standard_normal((3, 3)) for _ in range(2))

    def matmul(x, W):
        return x @ W, lambda dy: dy @ W.T, lambda dy: (x.T @ dy).T    # wrong, but right if dy = x

    assert gradcheck(matmul, x, W, rng=np.random.default_rng(0)).ok   # the trap
    assert not gradcheck(matmul, x, W).ok


def test_a_report_is_neither_true_nor_false(rng):
    report = gradcheck(ops.exp.raw, rng.standard_normal((3, 5)))
    with pytest.raises(TypeError, match="assert_ok"):
        assert report


def test_a_report_says_where_and_what():
    def square(x):
        return x * x, lambda dy: one_element_off(2 * x * dy)

    report = gradcheck(square, np.ones((3, 5)))
    assert report.rows[0].where == (1, 2)
    assert report.rows[0].analytic - report.rows[0].numeric == pytest.approx(1e-4, rel=1e-3)
    assert "square: FAILED" in str(report) and "(1, 2)" in str(report) and "<- wrong" in str(report)
    with pytest.raises(AssertionError, match="square: FAILED"):
        report.assert_ok()
    assert all(len(line) <= 80 for line in str(report).splitlines())


def test_a_wrong_shape_randomness_and_mutation_are_named(rng):
    x = rng.standard_normal((3, 5))

    def forgets_the_rows(x):
        return x * 2, lambda dy: 2 * dy.sum(axis=0)

    def redraws_its_noise(x):
        return x + rng.standard_normal(x.shape), lambda dy: dy

    def changes_dy(x):
        def dx(dy):
            dy *= 2
            return dy
        return 2 * x, dx

    def changes_x(x):
        x *= 2
        return x.copy(), lambda dy: 2 * dy

    assert "the derivative has shape (5,), the input (3, 5)" in str(gradcheck(forgets_the_rows, x))
    report = str(gradcheck(redraws_its_noise, x))
    assert "freeze the noise" in report
    assert max(map(len, report.splitlines())) <= 80
    assert "changed dy in place" in str(gradcheck(changes_dy, x))
    assert "changed this input in place" in str(gradcheck(changes_x, x))
    before = x.copy()
    gradcheck(ops.exp.raw, x)
    assert np.array_equal(x, before)


def test_derivatives_that_cannot_be_trusted_do_not_pass(rng):
    x, buffer = rng.standard_normal((3, 5)), np.empty((3, 5))
    assert gradcheck(lambda x: (2 * x, lambda dy: 2 * dy), x).ok
    noisy = gradcheck(lambda x: (2 * x, lambda dy: 2 * dy + 1e-9 * rng.standard_normal(dy.shape)), x)
    assert not noisy.ok and "two calls of this derivative" in str(noisy)
    times = lambda factor: lambda dy: np.multiply(dy, factor, out=buffer)  # noqa: E731
    assert gradcheck(lambda a, b: (a + b, times(1), times(1)), x, x).ok         # the same numbers: nothing lost
    shared = gradcheck(lambda a, b: (a - b, times(1), times(-1)), x, x)
    assert not shared.ok and "another derivative uses its memory" in " ".join(str(shared).split())
    assert not gradcheck(lambda x: (2 * x, lambda dy: (2 * dy).astype(np.float32)), x).ok
    assert "shares its memory with this input" in str(gradcheck(lambda x: (x[:], lambda dy: dy.copy()), x))


def test_blanks_and_surplus_derivatives_do_not_pass(rng):
    x = rng.standard_normal((3, 5))
    with pytest.raises(TypeError, match="the derivative for its input W returned nothing"):
        gradcheck(lambda x, W: (x @ W, lambda dy: dy @ W.T, lambda dy: None), x, rng.standard_normal((5, 7)))
    with pytest.raises(TypeError, match="2 derivatives for 1 inputs"):
        gradcheck(lambda x: (2 * x, lambda dy: 2 * dy, lambda dy: 2 * dy), x)


def test_a_value_that_a_derivative_overwrites(rng):
    def exp(x):
        y = np.exp(x)
        def dx(dy):
            np.multiply(y, dy, out=y)
            return y.copy()
        return y, dx

    assert "changed the operation's value in place" in str(gradcheck(exp, rng.standard_normal(3)))


def test_numbers_are_checked_and_what_has_no_derivative_is_listed(rng):
    def scale(x, c, eps):
        return c * x + eps, lambda dy: c * dy, lambda dy: 99 * (dy * x).sum(), None

    report = gradcheck(scale, rng.standard_normal(3), 1.5, rng.standard_normal(3))
    assert [(row.name, row.error <= report.limit) for row in report.rows] == [("x", True), ("c", False), ("eps", True)]
    assert "eps    has no derivative: not checked" in str(report)


def test_what_people_pass_by_mistake(rng):
    x, W = rng.standard_normal((3, 5)), rng.standard_normal((5, 7))
    gradcheck(ops.matmul, x, W).assert_ok()                           # the recorded operation instead of the raw one
    gradcheck(ops.matmul, Tensor(x), W).assert_ok()                   # an array among Tensors is a constant
    gradcheck(ops.exp, Tensor(x, requires_grad=True) * 2.0).assert_ok()
    assert "is empty" in str(gradcheck(ops.exp, x[:0]))
    W = Tensor(W, requires_grad=True)
    report = gradcheck(lambda x: ops.matmul(x, W), x, parameters=[("W", W)])    # an array, and parameters
    assert [row.name for row in report.rows] == ["W"] and report.ok
    gradcheck(nn.ReLU(), Tensor(np.broadcast_to(1.0, (3, 5)))).assert_ok()      # a read-only array
    with pytest.raises(TypeError, match=r"named_parameters\(\)"):
        gradcheck(lambda: None, parameters=[Tensor(x)])
    with pytest.raises(TypeError, match="returns a Tensor, found tuple"):
        gradcheck(lambda x: (x, {}), Tensor(x))
    with pytest.raises(TypeError, match="one derivative for each input, found ndarray"):
        gradcheck(np.exp, x)
    with pytest.raises(TypeError, match="none of the derivatives exists"):
        gradcheck(lambda x: (x, None), x)


def test_what_the_check_would_leave_out_is_refused(rng):
    """Two parameters of one name, of which it would check one; a parameter cut into rows; a value without elements."""
    encoder, decoder = (nn.Dense(3, 3, rng).astype(np.float64) for _ in range(2))
    loss = lambda: decoder(encoder(np.ones((5, 3)))).sum()  # noqa: E731
    with pytest.raises(TypeError, match="the parameter 'W' twice"):
        gradcheck(loss, parameters=[*encoder.named_parameters(), *decoder.named_parameters()])
    with pytest.raises(TypeError, match="the parameter 'V' twice"):
        gradcheck(loss, parameters={"W": encoder.W, "V": encoder.W})
    for parameters in ([Tensor(np.ones(2))], [("W", encoder.W.data)], encoder):
        with pytest.raises(TypeError, match=r"takes parameters by name: pass model.named_parameters\(\)"):
            gradcheck(loss, parameters=parameters)
    x = rng.standard_normal((5, 3))
    for report in (gradcheck(lambda x: x[:0], Tensor(x)), gradcheck(lambda x: (x[:0].copy(), lambda dy: 0 * x), x)):
        assert not report.ok and "y      is empty: there is nothing to compare" in str(report)


def test_arrays_that_are_constants_are_float64_too(rng):
    x = rng.standard_normal((3, 5))
    for c in (x.astype(np.float32), np.arange(15).reshape(3, 5)):
        with pytest.raises(TypeError, match=f"needs float64 arrays, found c of type {c.dtype}"):
            gradcheck(lambda x, c: (x * c, lambda dy: dy * c, None), x, c)


@dataclasses.dataclass
class Scale:  # no hash, as all dataclasses that compare
    factor: float

    def __call__(self, x):
        return self.factor * x, lambda dy: self.factor * dy


def test_functions_of_every_kind_can_be_asked_for_their_names(rng):
    """An object, a function that is built in, one that takes any number of inputs, one that takes none."""
    x = rng.standard_normal((3, 5))
    gradcheck(Scale(2.0), x).assert_ok()
    with pytest.raises(TypeError, match="one derivative for each input, found float"):
        gradcheck(float, 2.0)
    assert input_names(max, 2) == ["input[0]", "input[1]"]
    assert input_names(lambda x, *more: 0, 3) == ["x", "more[0]", "more[1]"]
    with pytest.raises(TypeError, match="takes 0 positional arguments but 1 was given"):
        gradcheck(lambda: x, x)


def test_lists_and_integers_are_refused():
    for x in ([1.0, 2.0], 2):
        with pytest.raises(TypeError, match=f"needs float64 arrays, found x of type {type(x).__name__}"):
            gradcheck(lambda x: (2 * np.asarray(x, np.float64), lambda dy: 2 * dy), x)


def test_tensor_functions_layers_and_bounds(rng):
    x = Tensor(rng.standard_normal((3, 5)))
    gradcheck(lambda x: (x * x).sum(axis=0), x).assert_ok()

    layer = nn.Dense(5, 7, rng).astype(np.float64)
    report = gradcheck(layer, x)
    assert [row.name for row in report.rows] == ["input 0", "W", "b"]
    report.assert_ok()

    loss = lambda: ops.tanh(layer(x)).sum()  # noqa: E731
    report = gradcheck(loss, parameters=layer.named_parameters())
    assert [row.name for row in report.rows] == ["W", "b"]
    report.assert_ok()
    assert layer.W.grad is None and x.requires_grad is False          # the check leaves no trace


def test_a_function_of_tensors_is_held_to_the_rules_of_an_operation(rng):
    """Its operations may not change dy; and it may be right about one dy and ignore the next."""
    @op
    def greedy(x):
        def dx(dy):
            dy *= 2
            return dy
        return 2 * x, dx

    x = Tensor(rng.standard_normal((3, 5)))
    [row] = gradcheck(lambda x: greedy(x), x).rows
    assert row.fault is Fault.CHANGED_DY

    @op
    def forgetful(x):
        return 2 * x, lambda dy: np.full_like(dy, 2.0)

    [row] = gradcheck(lambda x: forgetful(x), x).rows
    assert row.error > 0.1 and row.fault is None
    assert "dy is not used" in str(diagnose(gradcheck(lambda x: forgetful(x), x)))


def test_a_parameter_that_the_loss_forgets_is_caught(rng):
    @op
    def without_bias(x, W, b):
        return x @ W + b, lambda dy: dy @ W.T, lambda dy: x.T @ dy, lambda dy: 0 * b

    layer = nn.Dense(5, 7, rng).astype(np.float64)
    layer.forward = lambda x: without_bias(x, layer.W, layer.b)
    report = gradcheck(layer, Tensor(rng.standard_normal((3, 5))))
    assert [row.name for row in report.rows if row.error > report.limit] == ["b"]


def test_float32_and_nothing_to_check_are_refused(rng):
    with pytest.raises(TypeError, match="float64"):
        gradcheck(ops.exp.raw, rng.standard_normal(3).astype(np.float32))
    with pytest.raises(TypeError, match="nothing to check"):
        gradcheck(lambda: None)

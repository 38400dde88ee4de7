"""Proves that the checker can fail: a checker that cannot is worse than none, and some famous ones cannot.

For every operation of the package, a wrong derivative replaces each right one (zero, negated, scaled by 1.0005,
transposed, one element off), and the check must object. These tests would catch a tolerance that is too wide, an
upstream gradient of ones, a comparison that lets NaN pass, and inputs at which two different formulas agree.
"""

import dataclasses
import importlib
import time

import numpy as np
import pytest

from npvae import gradchecks, nn
from npvae.autodiff import Tensor, gradcheck, op, ops
from npvae.autodiff.report import Fault
from npvae.autodiff.tensor import input_gradients, input_names
from npvae.diagnosis import diagnose
from npvae.errors import UserError


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

    class Ones(np.random.Generator):
        def standard_normal(self, shape):
            return np.ones(shape)

    x = np.random.default_rng(0).standard_normal(5)
    assert gradcheck(softmax, x, rng=Ones(np.random.PCG64())).ok
    assert not gradcheck(softmax, x).ok


def test_the_upstream_gradient_is_not_the_input():
    x, W = (np.random.default_rng(0).standard_normal((3, 3)) for _ in range(2))

    def matmul(x, W):
        return x @ W, lambda dy: dy @ W.T, lambda dy: (x.T @ dy).T    # wrong, but right if dy = x

    assert gradcheck(matmul, x, W, rng=np.random.default_rng(0)).ok   # the trap
    assert not gradcheck(matmul, x, W).ok


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
    with pytest.raises(TypeError, match="no float64 array among the inputs has a derivative"):
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
    c = x.astype(np.float32)
    with pytest.raises(TypeError, match="needs float64 arrays, found c of type float32"):
        gradcheck(lambda x, c: (x * c, lambda dy: dy * c, None), x, c)


@pytest.mark.parametrize("labels", [np.array([2, 0, 1]), np.array([True, False, True]), [2, 0, 1], np.uint8([2, 0, 1])])
def test_labels_are_passed_on_and_not_checked(rng, labels):
    """Cross-entropy: integers pick the elements, and a conversion to floats would break the indexing."""
    def cross_entropy(scores, labels):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        rows, labels = np.arange(len(scores)), np.asarray(labels, int)
        def dscores(dy):
            d = p.copy()
            d[rows, labels] -= 1
            return dy * d
        return -np.log(p[rows, labels]).sum(), dscores, None

    report = gradcheck(cross_entropy, rng.standard_normal((3, 5)), labels)
    report.assert_ok()
    assert [row.checked for row in report.rows] == [15, 0]
    zero = lambda s, l: (*cross_entropy(s, l)[:2], lambda dy: np.zeros(3))  # noqa: E731
    report = gradcheck(zero, rng.standard_normal((3, 5)), labels)
    assert report.ok and "not floats" in str(report) and "not checked" in str(report)


@pytest.mark.parametrize("returned", [lambda x: ((x**2).sum(), 2 * x), lambda x: ((x**2).sum(), {"x": 2 * x})])
def test_a_cost_and_its_gradient_get_a_sentence_that_says_what_to_return(rng, returned):
    with pytest.raises(TypeError, match=r"found float64, \w+ .*return cost, lambda dy: dy \* g"):
        gradcheck(returned, rng.standard_normal((3, 5)))
    gradcheck(lambda x: ((x**2).sum(), lambda dy: dy * (2 * x)), rng.standard_normal((3, 5))).assert_ok()


class Cached:
    """Layers as objects, which keep in `forward` what `backward` reads: three usual ways to write them."""

    def __init__(self, slope=1.0):
        self.slope = slope

    def dense(self, x):
        self.x, self.W = x, np.arange(1.0, 26).reshape(5, 5)
        return x @ self.W

    def d_dense(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W.T

    def sigmoid(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out.copy()

    def d_sigmoid(self, dy):
        return self.slope * dy * self.out * (1 - self.out)

    def relu(self, x):
        self.mask = x <= 0
        y = x.copy()
        y[self.mask] = 0
        return y

    def d_relu(self, dy):
        self.dinputs = dy.copy()
        self.dinputs[self.mask] = 0
        return self.dinputs

    def norm(self, x):
        self.cache = (x - x.mean(axis=0), np.sqrt(x.var(axis=0)))
        return self.cache[0] / self.cache[1]

    def d_norm(self, dy):
        d, s = self.cache
        x_hat = d / s
        return (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)) / s


@pytest.mark.parametrize("names", [["dense"], ["sigmoid"], ["relu"], ["norm"], ["dense", "norm", "relu", "sigmoid"]])
def test_layers_that_keep_their_input_in_an_object_are_right(rng, names):
    layers = [(Cached(), name) for name in names]
    def stack(x):
        for layer, name in layers:
            x = getattr(layer, name)(x)
        def backward(dy):
            for layer, name in reversed(layers):
                dy = getattr(layer, f"d_{name}")(dy)
            return dy
        return x, backward

    report = gradcheck(stack, 0.1 + rng.standard_normal((3, 5)))
    report.assert_ok()
    report = gradcheck(lambda x: (Cached().sigmoid(x), lambda dy: 0 * dy), rng.standard_normal(3))
    assert not report.ok and not report.notes


def test_a_stale_cache_is_noted_and_a_wrong_derivative_of_such_a_layer_is_wrong(rng):
    x, layer, wrong = rng.standard_normal((3, 5)), Cached(), Cached(slope=1.001)
    report = gradcheck(lambda x: (layer.sigmoid(x), layer.d_sigmoid), x)
    report.assert_ok()
    assert "call backward right after forward" in " ".join(str(report).split())
    assert gradcheck(lambda x: (2 * x, lambda dy: 2 * dy), x).notes == []
    report = gradcheck(lambda x: (wrong.sigmoid(x), wrong.d_sigmoid), x)
    assert not report.ok and report.rows[0].fault is None


def thirteen_sigmoids(derivative):
    def f(x):
        y, slope = x, 1.0
        for _ in range(13):
            y = 1 / (1 + np.exp(-y))
            slope = slope * y * (1 - y)
        return y, lambda dy: derivative(dy * slope)
    return f


def test_a_vanishing_gradient_that_is_wrong_does_not_pass(rng):
    x = rng.standard_normal((3, 5))
    gradcheck(thirteen_sigmoids(lambda d: d), x).assert_ok()
    for wrong in (lambda d: 0 * d, lambda d: -d, lambda d: 1.01 * d, one_element_off, lambda d: d[::-1].copy()):
        report = gradcheck(thirteen_sigmoids(lambda d, wrong=wrong: 1.0 * wrong(d)), x)
        assert not report.ok, report
        assert np.abs(report.rows[0].numeric_gradient).max() < 1e-7 or wrong is one_element_off
    assert "yours is zero" in " ".join(str(diagnose(gradcheck(thirteen_sigmoids(lambda d: 0 * d), x))).split()).lower()
    assert "−1 times the right one" in " ".join(str(diagnose(gradcheck(thirteen_sigmoids(lambda d: -d), x))).split())


def test_a_gradient_of_zero_is_still_right_where_rounding_moves_the_value(rng):
    """The sum of a softmax is 1: its numeric gradient is nothing but rounding."""
    def total(x):
        e = np.exp(x - x.max())
        return (e / e.sum()).sum(), lambda dy: np.zeros_like(x)

    gradcheck(total, 3 * rng.standard_normal(7)).assert_ok()


def test_gradients_too_small_to_be_told_from_zero_are_noted(rng):
    def twenty_sigmoids(factor):
        def f(x):
            y, slope = x, factor
            for _ in range(20):
                y = 1 / (1 + np.exp(-y))
                slope = slope * y * (1 - y)
            return y, lambda dy: dy * slope
        return f

    for factor in (1, -1, 1000):
        report = gradcheck(twenty_sigmoids(factor), rng.standard_normal((3, 5)))
        assert "cannot tell them from zero: they are not checked" in " ".join(str(report).split())
    assert gradcheck(lambda x: (2 * x, lambda dy: 2 * dy), rng.standard_normal(3)).notes == []


@pytest.mark.parametrize("x", [1e-8, 1e-9])
def test_beside_the_edge_of_the_domain_there_is_no_verdict_and_no_nan_that_is_called_right(x):
    with np.errstate(all="ignore"):
        report = gradcheck(lambda x: (np.log(x), lambda dy: dy / x), np.array([x, 0.5]))
    assert [row.fault for row in report.rows] == [Fault.INACCURATE]
    assert "NO VERDICT" in str(report) and "<- wrong" not in str(report) and "right" not in str(diagnose(report))


def test_what_else_people_pass_by_mistake(rng):
    x = rng.standard_normal((3, 5))
    gradcheck(ops.exp, x, rng=0).assert_ok()
    for elements in (0, -1, 2.5, "3"):
        with pytest.raises(UserError, match=r"elements is .*, expected a whole number from 1 on"):
            gradcheck(ops.exp, x, elements=elements)
    with pytest.raises(TypeError, match="or pass whole numbers by keyword"):
        ops.add(x, np.arange(5))


SHARP = {
    "a root near zero": (lambda x: (np.sqrt(x), lambda dy: dy / (2 * np.sqrt(x))), [1e-3, 1e-6, 2.0]),
    "a logarithm near zero": (lambda x: (np.log(x), lambda dy: dy / x), [1e-5, 1e-3, 2.0]),
    "a small variance": (
        lambda v: (-0.5 * (v + 0.09 * np.exp(-v)), lambda dy: -0.5 * dy * (1 - 0.09 * np.exp(-v))), [-8.0, -14.0, 0.0],
    ),
    "a large number": (lambda x: (x * x, lambda dy: dy * 2 * x), [1e6, -1e7, 1.0]),
    "a fast oscillation": (lambda x: (np.sin(1000 * x), lambda dy: 1000 * dy * np.cos(1000 * x)), [0.3, 0.7, 1.0]),
    "a value far from zero": (lambda x: (1e5 + np.tanh(x), lambda dy: dy / np.cosh(x) ** 2), [0.3, 0.7, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARP)
def test_right_derivatives_pass_where_one_step_is_not_accurate(name):
    f, x = SHARP[name]
    gradcheck(f, np.array(x)).assert_ok()
    for factor in (1.001, 0.0, -1.0):
        wrong = gradcheck(lambda x, c=factor: (f(x)[0], lambda dy: c * f(x)[1](dy)), np.array(x))
        assert not wrong.ok and wrong.rows[0].fault is None, wrong


def test_where_no_step_is_accurate_there_is_no_verdict():
    x = np.array([1e-6, 3e-6])
    for factor in (1, 1.01):
        report = gradcheck(lambda x, c=factor: (np.sin(1 / x), lambda dy: -c * dy * np.cos(1 / x) / x**2), x)
        text = " ".join(str(report).split())
        assert not report.ok and "not accurate enough here, no verdict" in text
        assert "inputs and values of order 1" in text
        assert max(map(len, str(report).splitlines())) <= 80


def test_a_check_that_takes_long_says_how_to_check_less(monkeypatch, capsys, rng):
    x = rng.standard_normal((5, 7))
    monkeypatch.setattr(importlib.import_module("npvae.autodiff.gradcheck"), "SLOW", 0.02)

    def slow(x, labels):
        time.sleep(0.001)
        return ops.exp.raw(x)[0], lambda dy: dy * np.exp(x), None

    gradcheck(slow, x, np.arange(1000), elements=30)
    gradcheck(ops.exp, x[:1, :1])
    assert capsys.readouterr().err == ""
    gradcheck(slow, x, np.arange(1000))
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("gradcheck: all 35 elements take about 0 seconds; elements=100 checks 100 of each input")


def test_a_random_part_of_the_elements(rng):
    x, W, b = rng.standard_normal((5, 784)), 0.1 * rng.standard_normal((784, 50)), rng.standard_normal(50)
    report = gradcheck(ops.dense, x, W, b, elements=40)
    report.assert_ok()
    assert [row.checked for row in report.rows] == [40, 40, 40]
    assert "of W: 40 of 39,200 elements, chosen at random" in str(report)
    assert np.isfinite(report.rows[1].numeric_gradient).sum() == 40
    zero = lambda x, W, b: (*ops.dense.raw(x, W, b)[:2], lambda dy: 0 * W, lambda dy: dy.sum(axis=0))  # noqa: E731
    report = gradcheck(zero, x, W, b, elements=40)
    assert not report.ok and "check all elements for a diagnosis" in " ".join(str(diagnose(report)).split())
    assert [row.checked for row in gradcheck(ops.exp, b[:7], elements=40).rows] == [7]


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


def test_lists_of_floats_are_refused_and_numbers_alone_are_not_enough():
    double = lambda x: (2 * np.asarray(x, np.float64), lambda dy: 2 * dy)  # noqa: E731
    with pytest.raises(TypeError, match=r"found x of type list: make it an np.array"):
        gradcheck(double, [1.0, 2.0])
    with pytest.raises(TypeError, match="nothing to check: no float64 array among the inputs"):
        gradcheck(double, 2)


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


def test_rng_may_be_a_seed_and_the_number_of_elements_is_checked():
    x = np.linspace(0.1, 0.9, 5)
    gradcheck(ops.exp, x, rng=3).assert_ok()
    for elements in (0, -1, 2.5):
        with pytest.raises(ValueError, match=r"elements is .*, expected a whole number from 1 on"):
            gradcheck(ops.exp, x, elements=elements)

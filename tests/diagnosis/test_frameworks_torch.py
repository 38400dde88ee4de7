"""Proves that `gradcheck` accepts right functions written for PyTorch, and says in its words what is wrong with others.

These tests would catch a style of Function that cannot be checked, a mistake that passes because autograd forgives it,
and an error without the words of PyTorch.
"""

import numpy as np
import pytest

from npvae.autodiff import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.frameworks import torch_operation

torch = pytest.importorskip("torch")
Function = torch.autograd.Function


@pytest.fixture
def x(rng):
    return rng.standard_normal((3, 5))


@pytest.fixture
def W(rng):
    return rng.standard_normal((5, 7))


def function(forward, backward, setup=None):
    """Return a Function with these methods."""
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Mine", (Function,), methods | ({"setup_context": staticmethod(setup)} if setup else {}))


def _save(ctx, *tensors):
    ctx.save_for_backward(*tensors)


def _product(ctx, x, W):
    ctx.save_for_backward(x, W)
    return x @ W


def _gradients_of_product(ctx, dy):
    x, W = ctx.saved_tensors
    return dy @ W.T, x.T @ dy


def _power(ctx, x, n):
    ctx.save_for_backward(x)
    ctx.n = n
    return x**n


RIGHT = {
    "saved tensors": (function(_product, _gradients_of_product), 2),
    "setup_context": (
        function(
            lambda x, W: x @ W, _gradients_of_product, lambda ctx, inputs, output: ctx.save_for_backward(*inputs)
        ),
        2,
    ),
    "the input itself is returned": (function(lambda ctx, x: x.view_as(x), lambda ctx, dy: dy), 1),
    "an expanded gradient": (function(lambda ctx, x: x.sum(), lambda ctx, dy: dy.expand(3, 5)), 1),
    "a gradient that autograd sums": (function(lambda ctx, x, b: x * 0 + b, lambda ctx, dy: (0 * dy, dy)), 0),
    "trailing None": (function(lambda ctx, x: 2 * x, lambda ctx, dy: (2 * dy, None, None)), 1),
    "two outputs": (function(lambda ctx, x: (2 * x, 3 * x.sum(0)), lambda ctx, dy, ds: 2 * dy + 3 * ds), 1),
    "a function": (lambda x, W: torch.tanh(x @ W), 2),
    "a module": (torch.nn.LayerNorm(5, dtype=torch.float64), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_pass(name, x, W):
    f, inputs = RIGHT[name]
    report = gradcheck(torch_operation(f), *{0: (x, x[0]), 1: (x,), 2: (x, W)}[inputs])
    report.assert_ok()
    assert not diagnose(report).findings


def test_the_rows_have_the_names_of_the_arguments(x, W):
    report = gradcheck(torch_operation(function(_product, _gradients_of_product)), x, W)
    assert [row.name for row in report.rows] == ["x", "W"] and report.name == "Mine"


def test_arguments_that_are_no_tensors(x):
    right = function(_power, lambda ctx, dy: (dy * ctx.n * ctx.saved_tensors[0] ** (ctx.n - 1), None))
    gradcheck(torch_operation(right), x, 3).assert_ok()
    gradcheck(torch_operation(right, n=3), x).assert_ok()
    gradcheck(torch_operation(right, n=2.5), np.abs(x) + 1).assert_ok()
    with pytest.raises(TypeError, match="gradient for n, which is no tensor: return None"):
        gradcheck(torch_operation(function(_power, lambda ctx, dy: (dy, dy))), x, 3)


def test_labels_have_no_gradient(x):
    picked = function(
        lambda ctx, x, labels: (_save(ctx, labels), x[torch.arange(len(x)), labels])[1],
        lambda ctx, dy: (torch.nn.functional.one_hot(ctx.saved_tensors[0], 5) * dy[:, None], None),
    )
    report = gradcheck(torch_operation(picked), x, np.array([4, 0, 2]))
    assert report.ok and "not checked" in report.rows[1].sentence


def test_an_output_without_a_derivative_does_not_count(x):
    def forward(ctx, x):
        largest = x.max(dim=1)
        ctx.mark_non_differentiable(largest.indices)
        ctx.save_for_backward(largest.indices)
        return largest.values, largest.indices

    def backward(ctx, dy, _):
        return torch.zeros(3, 5, dtype=dy.dtype).scatter_(1, ctx.saved_tensors[0][:, None], dy[:, None])

    report = gradcheck(torch_operation(function(forward, backward)), x)
    assert report.ok and report.known["y"].shape == (3,)


def test_wrong_numbers_are_diagnosed(x, W):
    wrong = function(_product, lambda ctx, dy: (dy @ ctx.saved_tensors[1].T, 2 * (ctx.saved_tensors[0].T @ dy)))
    report = gradcheck(torch_operation(wrong), x, W)
    assert report.rows[0].error < 1e-7 < report.rows[1].error
    assert "2 times the right one" in str(diagnose(report))


def test_a_detached_path_is_wrong(x):
    report = gradcheck(torch_operation(lambda x: x * x.detach()), x)
    assert not report.ok and "0.5 times the right one" in str(diagnose(report))


def _overwrites_input(ctx, x):
    return x.mul_(2).clone()


def _marks_dirty(ctx, x):
    ctx.mark_dirty(x)
    return x.mul_(2)


def _backward_with_view(ctx, dy):
    return 2 * dy.view(-1).reshape(3, 5)


def _memory_without_strides(ctx, dy):
    return 2 * torch.as_strided(dy, (3, 5), (5, 1))


double = lambda ctx, x: 2 * x  # noqa: E731
REFUSED = {
    "backward changes its grad_output in place": function(double, lambda ctx, dy: dy.mul_(2)),
    "backward turns torch.float64 into torch.float32 for x": function(double, lambda ctx, dy: 2 * dy.float()),
    "Mine.forward turns torch.float64 into torch.float32": function(lambda ctx, x: 2 * x.float(), lambda ctx, dy: dy),
    r"backward returns 2 gradients, expected 1: one for each argument of forward \(x\)": function(
        double, lambda ctx, dy: (dy, dy)
    ),
    "backward returns None: is its return missing": function(double, lambda ctx, dy: None),
    "backward returns an ndarray for x, expected a torch.Tensor": function(double, lambda ctx, dy: 2 * dy.numpy()),
    "forward returns None: is its return missing": function(lambda ctx, x: None, lambda ctx, dy: dy),
    "forward returns an ndarray, expected a torch.Tensor": function(
        lambda ctx, x: x.detach().numpy(), lambda ctx, dy: dy
    ),
    "forward changes its input x in place": function(_overwrites_input, lambda ctx, dy: 2 * dy),
    "forward changes its input that it marks with mark_dirty in place": function(_marks_dirty, lambda ctx, dy: 2 * dy),
    "fails for a grad_output that is not contiguous.*reshape in the place of view": function(
        double, _backward_with_view
    ),
    "gives other gradients for a grad_output that is not contiguous": function(double, _memory_without_strides),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_compared_is_one_sentence(words, x):
    with pytest.raises(TypeError, match=words) as raised:
        gradcheck(torch_operation(REFUSED[words]), x)
    assert "\n" not in str(raised.value)


def test_too_few_gradients(x, W):
    with pytest.raises(TypeError, match=r"1 gradient, expected 2: one for each argument of forward \(x, W\)"):
        gradcheck(torch_operation(function(_product, lambda ctx, dy: dy @ ctx.saved_tensors[1].T)), x, W)


def test_methods_must_be_static():
    class Mine(Function):
        def forward(ctx, x): return 2 * x
        def backward(ctx, dy): return 2 * dy

    with pytest.raises(TypeError, match=r"Mine.forward is not static: write @staticmethod above it"):
        torch_operation(Mine)


def test_backward_must_exist():
    with pytest.raises(TypeError, match="Mine has no backward"):
        torch_operation(type("Mine", (Function,), {"forward": staticmethod(double)}))


def test_a_wrong_shape_is_a_row(x, W):
    transposed = function(_product, lambda ctx, dy: (dy @ ctx.saved_tensors[1].T, dy.T @ ctx.saved_tensors[0]))
    report = gradcheck(torch_operation(transposed), x, W)
    assert report.rows[1].sentence == "the derivative has shape (7, 5), the input (5, 7)"
    assert "transposed" in str(diagnose(report))


def test_noise_and_shared_buffers_are_named(x):
    noisy = function(double, lambda ctx, dy: dy * torch.rand_like(dy))
    assert "same dy gave different arrays" in gradcheck(torch_operation(noisy), x).rows[0].sentence
    buffer = torch.empty(3, 5, dtype=torch.float64)

    def shared(ctx, dy):
        return torch.mul(dy, 2, out=buffer), torch.mul(dy, 3, out=buffer)

    assert not gradcheck(torch_operation(function(lambda ctx, x, b: 2 * x + 3 * b, shared)), x, x + 1).ok

"""Proves that functions of PyTorch and JAX are recorded as graphs, about which the diagnosis asks its questions.

These tests would catch a graph that does not give the numbers that the framework gives, a line that is not the
author's, and a diagnosis of a Function that falls back to numbers alone.
"""

import numpy as np
import pytest

from npvae.autodiff import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.frameworks import jax_operation, torch_operation
from npvae.diagnosis.trace import Untraceable, trace


@pytest.fixture
def x(rng):
    return rng.standard_normal((3, 5))


def torch_function(forward, backward):
    torch = pytest.importorskip("torch")
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Mine", (torch.autograd.Function,), methods)


def jax_function(fwd, bwd):
    jax = pytest.importorskip("jax")
    f = jax.custom_vjp(lambda x: fwd(x)[0])
    f.defvjp(fwd, bwd)
    return f


def torch_layer_norm(backward):
    def forward(ctx, x):
        mean = x.mean(dim=1, keepdim=True)
        var = ((x - mean) ** 2).mean(dim=1, keepdim=True)
        inv = 1 / (var + 1e-3).sqrt()
        y = (x - mean) * inv
        ctx.save_for_backward(y, inv)
        return y

    return torch_operation(torch_function(forward, backward))


def torch_without_variance(ctx, dy):
    _, inv = ctx.saved_tensors
    return inv * (dy - dy.mean(dim=1, keepdim=True))


def torch_over_the_wrong_axis(ctx, dy):
    y, inv = ctx.saved_tensors
    return inv * (dy - dy.mean(dim=0, keepdim=True) - y * (dy * y).mean(dim=1, keepdim=True))


def jax_layer_norm(bwd):
    jnp = pytest.importorskip("jax").numpy

    def fwd(x):
        mean = x.mean(axis=1, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=1, keepdims=True)
        inv = 1 / jnp.sqrt(var + 1e-3)
        y = (x - mean) * inv
        return y, (y, inv)

    return jax_operation(jax_function(fwd, bwd))


def jax_without_variance(residuals, dy):
    _, inv = residuals
    return (inv * (dy - dy.mean(axis=1, keepdims=True)),)


def jax_over_the_wrong_axis(residuals, dy):
    y, inv = residuals
    return (inv * (dy - dy.mean(axis=0, keepdims=True) - y * (dy * y).mean(axis=1, keepdims=True)),)


CASES = {
    "torch": (torch_layer_norm, torch_without_variance, torch_over_the_wrong_axis),
    "jax": (jax_layer_norm, jax_without_variance, jax_over_the_wrong_axis),
}
each = pytest.mark.parametrize("made, without_variance, wrong_axis", CASES.values(), ids=CASES)


@each
def test_the_graph_gives_the_numbers_of_the_framework(made, without_variance, wrong_axis, x, rng):
    operation, dy = made(without_variance), rng.standard_normal((3, 5))
    y, backward = operation(x)
    graph = trace(operation, {"x": x}, dy)
    assert np.allclose(graph.outputs["y"].value, y) and np.allclose(graph.outputs["dx"].value, backward(dy)[0])
    moved = graph.run({graph.inputs["x"]: lambda node, array: x + 1e-3 * dy})
    assert np.allclose(moved[graph.outputs["y"]], operation(x + 1e-3 * dy)[0])
    assert {node.site.file for node in graph.nodes if node.site} == {__file__}


@each
def test_a_missing_path_is_named(made, without_variance, wrong_axis, x):
    said = str(diagnose(gradcheck(made(without_variance), x)))
    assert "if `var` did not depend on `x`" in said and "var = ((x - mean) ** 2).mean(" in said


@each
def test_an_edit_is_named(made, without_variance, wrong_axis, x):
    said = str(diagnose(gradcheck(made(wrong_axis), x)))
    assert "axis 1 in place of axis 0" in said and "return" in said


def test_work_in_place_is_recorded(x):
    torch = pytest.importorskip("torch")

    def backward(ctx, dy):
        g = dy.clone()
        g[ctx.saved_tensors[0] < 0] = 0
        g.mul_(3.0)
        return g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 3 * torch.relu(x)

    graph = trace(torch_operation(torch_function(forward, backward)), {"x": x}, x + 1)
    assert np.allclose(graph.outputs["dx"].value, 3 * (x + 1) * (x > 0))
    assert np.allclose(graph.run({graph.inputs["dy"]: lambda node, array: x})[graph.outputs["dx"]], 3 * x * (x > 0))


def test_what_cannot_be_recorded_is_untraceable(x):
    pytest.importorskip("torch")
    through_a_view = torch_function(lambda ctx, x: 2 * x, lambda ctx, dy: _written_through_a_view(dy))
    with pytest.raises(Untraceable, match="memory that another tensor shows"):
        trace(torch_operation(through_a_view), {"x": x}, x)
    branch = jax_function(lambda x: (2 * x, None), lambda _, dy: (2 * dy,) if dy.sum() > 0 else (dy + dy,))
    with pytest.raises(Untraceable):
        trace(jax_operation(branch), {"x": x}, x)


def _written_through_a_view(dy):
    g = dy.clone()
    g[0].mul_(2)
    return g * 1

"""Proves that the training steps that chapter 14 shows in PyTorch and JAX are the engine's.

The chapter shows them as text, because neither library is needed to run it. These tests take that text, give it our
weights and the same noise, and compare in float64. They would catch a misprint, a mean in place of a sum, a weight that
is not transposed, and an Adam with its ε in another place.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from npvae.bench.ours import GivenNoise
from npvae.bench.workloads import BY_NAME, LEARNING_RATE
from npvae.nn.optim import Adam

CHAPTER = next((Path(__file__).parents[2] / "tutorials").glob("14_*.py")).read_text(encoding="utf-8")
PROGRAMS = [
    re.sub(r"^# ?", "", block, flags=re.MULTILINE)
    for block in re.findall(r"^# ```python\n(.*?)^# ```$", CHAPTER, re.DOTALL | re.MULTILINE)
]
STEPS, LIMIT = 3, 1e-10


def program(library):
    """Run the chapter's program for this library; return its names."""
    (text,) = [text for text in PROGRAMS if f"import {library}\n" in text]
    names = {}
    exec(compile(text, f"chapter 14, {library}", "exec"), names)
    return names


class Ours:
    """Our reference network in float64, its minibatches, and its steps with given noise."""

    def __init__(self):
        self.model = BY_NAME["reference"].build().astype(np.float64)
        self.optimizer = Adam(self.model.parameters(), LEARNING_RATE)
        self.x = [x.astype(np.float64) for x in BY_NAME["reference"].minibatches()[:STEPS]]

    def arrays(self):
        return [p.data for p in self.model.parameters()]

    def step(self, x, eps):
        """Take a step; return the loss and its gradients."""
        loss, _ = self.model.loss(x, GivenNoise(eps))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss), [p.grad for p in self.model.parameters()]


def assert_equal(theirs, ours):
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(np.asarray(a) - b).max() < LIMIT


def test_a_step_in_pytorch_is_ours():
    torch = pytest.importorskip("torch")
    names, ours = program("torch"), Ours()
    model = names["model"].double()

    def from_torch(arrays):
        return [a.detach().numpy().T for a in arrays]

    with torch.no_grad():
        for p, a in zip(model.parameters(), ours.arrays(), strict=True):
            p.copy_(torch.from_numpy(a.T))
    for step, x in enumerate(ours.x):
        torch.manual_seed(step)
        eps = torch.randn(len(x), 10).double().numpy()
        torch.manual_seed(step)
        loss = names["training_step"](torch.from_numpy(x))
        our_loss, gradients = ours.step(x, eps)
        assert abs(loss - our_loss) < LIMIT
        assert_equal(from_torch(p.grad for p in model.parameters()), gradients)
        assert_equal(from_torch(model.parameters()), ours.arrays())


@pytest.fixture
def jax():
    """JAX with float64, which it does not use otherwise."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def test_a_step_in_jax_is_ours(jax):
    names, ours = program("jax"), Ours()
    arrays = [jax.numpy.array(a) for a in ours.arrays()]
    layers = [{"W": W, "b": b} for W, b in zip(arrays[::2], arrays[1::2])]
    params = {"encoder": layers[:3], "mu": layers[3], "logvar": layers[4], "decoder": layers[5:]}

    def listed(params):
        layers = [*params["encoder"], params["mu"], params["logvar"], *params["decoder"]]
        return [layer[name] for layer in layers for name in ("W", "b")]

    m, v = (jax.tree.map(jax.numpy.zeros_like, params) for _ in range(2))
    state, key = (params, m, v, 0), jax.random.key(0)
    for x in ours.x:
        eps = jax.random.normal(jax.random.split(key)[1], (len(x), 10))
        given = jax.grad(names["loss"])(state[0], x, eps)
        state, key, loss = names["training_step"](state, key, x)
        our_loss, gradients = ours.step(x, np.array(eps))
        assert abs(float(loss) - our_loss) < LIMIT
        assert_equal(listed(given), gradients)
        assert_equal(listed(state[0]), ours.arrays())

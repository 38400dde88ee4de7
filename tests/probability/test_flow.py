"""Proves that the density of a flow is that of its samples. (Its derivatives are among the checks of gradchecks.)

These tests would catch a determinant with the wrong sign, layers inverted in the wrong order, and a layer that moves
the coordinates by which it decides.
"""

import numpy as np
import pytest

from npvae.autodiff import no_grad
from npvae.errors import UserError
from npvae.probability import DiagonalGaussian, Flow, jacobian
from npvae.probability.flow import Coupling


@pytest.fixture
def flow(rng):
    """A flow of three dimensions and three layers that bend it."""
    flow = Flow(3, 3, 5, rng)
    for p in flow.parameters():
        p.data[...] = 0.7 * rng.standard_normal(p.shape)
    return flow


def test_a_layer_is_inverted_and_its_determinant_is_that_of_its_jacobian(rng):
    layer = Coupling(np.array([0.0, 1.0, 0.0]), 5, rng).astype(np.float64)
    for p in layer.parameters():
        p.data[...] = rng.standard_normal(p.shape)
    z = rng.standard_normal((11, 3))
    moved, log_det = layer(z)
    back, same = layer.inverse(moved)
    assert np.allclose(back.data, z) and np.allclose(same.data, log_det.data)
    assert np.array_equal(moved.data[:, 1], z[:, 1]) and (moved.data[:, [0, 2]] != z[:, [0, 2]]).all()
    assert np.allclose(np.linalg.slogdet(jacobian(lambda z: layer(z)[0], z))[1], log_det.data)


def test_samples_have_the_density_that_the_flow_says(flow, rng):
    z, log_q = flow.rsample(rng, 50)
    assert np.allclose(flow.log_prob(z.data).data, log_q.data)


def test_the_density_integrates_to_one_and_has_the_moments_of_the_samples(rng):
    flow = Flow(2, 4, 7, rng)
    for p in flow.parameters():
        p.data[...] = 0.4 * rng.standard_normal(p.shape)
    edges = np.linspace(-14, 14, 701)
    centres = (edges[1:] + edges[:-1]) / 2
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    with no_grad():
        mass = np.exp(flow.log_prob(grid).data) * (edges[1] - edges[0]) ** 2
        z = flow.rsample(rng, 40_000)[0].data
    assert mass.sum() == pytest.approx(1, abs=1e-3)
    mean = mass @ grid
    deviation = np.sqrt(mass @ (grid - mean) ** 2)
    assert (np.abs(z.mean(axis=0) - mean) < 5 * deviation / 200).all()
    assert np.allclose(z.std(axis=0), deviation, rtol=0.05)


def test_without_layers_and_at_the_start_it_is_a_gaussian(rng):
    z = rng.standard_normal((7, 3))
    expected = DiagonalGaussian(np.zeros((1, 3)), np.zeros((1, 3))).log_prob(z).data
    assert np.allclose(Flow(3, 0, 5, rng).log_prob(z).data, expected)
    assert np.allclose(Flow(3, 4, 5, rng).log_prob(z).data, expected)


def test_one_dimension_is_refused(rng):
    with pytest.raises(UserError, match="at least 2 dimensions, found 1"):
        Flow(1, 2, 5, rng)

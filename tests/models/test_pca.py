"""Proves that PCA is the best linear map, and that angles between subspaces are angles.

It would catch components that are not sorted, a mean that decoding forgets, and eigenvalues with the wrong divisor.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import PCA, principal_angles

D = 9


@pytest.fixture
def x(rng):
    return (rng.standard_normal((500, D)) @ rng.standard_normal((D, D)) + 3).astype(np.float32)


def error(x, copy):
    return np.square(x - copy).sum(axis=1).mean()


def test_the_error_is_the_sum_of_the_other_eigenvalues(x):
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T.astype(np.float64), bias=True)))[::-1]
    for latent_dim in (1, 4, D):
        pca = PCA(D, latent_dim).fit(x)
        assert error(x, pca.reconstruct(x)) == pytest.approx(eigenvalues[latent_dim:].sum(), rel=1e-4, abs=1e-8)
        assert np.allclose(pca.eigenvalues, eigenvalues[:latent_dim], rtol=1e-4)
        assert pca.loss(x)[1]["loss"] == pytest.approx(eigenvalues[latent_dim:].sum(), rel=1e-4, abs=1e-8)


def test_no_other_projection_is_better(x, rng):
    pca = PCA(D, 3).fit(x)
    for _ in range(20):
        other = PCA(D, 3).fit(x)
        nearby = pca.components.T + 0.1 * rng.standard_normal((D, 3))
        other.components = np.linalg.qr(nearby)[0].T.astype(np.float32)
        assert error(x, other.reconstruct(x)) > error(x, pca.reconstruct(x))


def test_components_are_orthonormal_and_codes_uncorrelated(x):
    pca = PCA(D, 4).fit(x)
    assert np.allclose(pca.components @ pca.components.T, np.eye(4), atol=1e-6)
    assert np.allclose(np.cov(pca.codes(x).T, bias=True), np.diag(pca.eigenvalues), atol=1e-3)
    assert np.allclose(pca.codes(x).mean(axis=0), 0, atol=1e-4)
    assert (pca.components[np.arange(4), np.abs(pca.components).argmax(axis=1)] > 0).all()


def test_with_fewer_examples_than_dimensions_it_is_the_same(x):
    few = x[:5]
    a = PCA(D, 3).fit(few)
    direct = np.linalg.eigh(np.cov(few.T.astype(np.float64), bias=True))[1][:, ::-1][:, :3].T
    assert principal_angles(a.components, direct).max() < 1e-3
    assert np.allclose(np.abs(np.sum(a.components * direct, axis=1)), 1, atol=1e-5)
    assert np.allclose(PCA(D, 5).fit(few).reconstruct(few), few, atol=1e-3)      # 4 dimensions are enough for 5 points
    with pytest.raises(UserError, match="the latent dimension is 6, but there are only 5 examples"):
        PCA(D, 6).fit(few)


def test_samples_are_drawn_from_the_codes(x, rng):
    pca = PCA(D, D).fit(x).fit_prior(x)
    samples = pca.sample(50_000, rng)
    covariance = np.cov(x.T, bias=True)
    assert np.allclose(np.cov(samples.T), covariance, atol=0.05 * np.abs(covariance).max())


def test_a_state_comes_back(x):
    pca, other = PCA(D, 3).fit(x), PCA(D, 3)
    other.load_state_dict(pca.state_dict())
    assert np.array_equal(pca.reconstruct(x), other.reconstruct(x))


def test_too_many_components_are_refused():
    with pytest.raises(UserError, match="the latent dimension is 10, but the data has only 9"):
        PCA(9, 10)


def test_principal_angles():
    x, y, z = np.eye(3)
    slanted = np.cos(0.3) * x + np.sin(0.3) * z
    assert principal_angles(np.stack([x, y]), np.stack([2 * y, x - y])) == pytest.approx([0, 0], abs=1e-12)
    assert principal_angles(np.stack([x, y]), np.stack([y, slanted])) == pytest.approx([0, np.degrees(0.3)])
    assert principal_angles(x[None], np.stack([y, z])) == pytest.approx([90])
    tiny = principal_angles(x[None], (x + 1e-10 * y)[None])
    assert tiny == pytest.approx([np.degrees(1e-10)], rel=1e-4)

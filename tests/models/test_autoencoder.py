"""Proves that autoencoders copy, that the linear one finds the subspace of PCA, and that noise is what its name says.

These tests would catch a denoising autoencoder that learns to copy its noise, masking with the complement of the
probability, and samples that do not come from the codes of the data.
"""

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.models import PCA, Autoencoder, ConvolutionalAutoencoder, principal_angles
from npvae.models.autoencoder import gaussian_noise, masking_noise
from npvae.nn import optim, schedules


def fit(model, x, rng, steps, lr=1e-2):
    optimizer = optim.Adam(model.parameters(), schedules.polynomial_decay(lr, scale=100))
    for step in range(steps):
        optimizer.zero_grad()
        model.loss(x, rng, step)[0].backward()
        optimizer.step()
    return model


def test_the_linear_one_finds_the_subspace_of_pca(rng):
    x = (rng.standard_normal((500, 7)) * [5, 4, 3, 1, 1, 0.5, 0.5] @ rng.standard_normal((7, 7))).astype(np.float32)
    pca, model = PCA(7, 3).fit(x), fit(Autoencoder(7, 3, [], rng), x, rng, 3000)
    best = np.square(pca.reconstruct(x) - x).sum(axis=1).mean()
    assert best < np.square(model.reconstruct(x) - x).sum(axis=1).mean() < 1.01 * best
    assert principal_angles(pca.components, model.decoder.layers[1].W.data).max() < 3


def test_the_shapes_of_the_networks(rng):
    model = Autoencoder(20, 3, [11, 7], rng)
    assert [p.shape for name, p in model.named_parameters() if name.endswith("W")] == [
        (20, 11), (11, 7), (7, 3), (3, 7), (7, 11), (11, 20),
    ]  # fmt: skip
    x = rng.random((13, 20)).astype(np.float32)
    assert model.codes(x).shape == (13, 3) and model.reconstruct(x).shape == (13, 20)
    assert model(x).shape == (13, 20) and model.posteriors(x) is None


def test_the_loss_is_the_squared_error_per_example(rng):
    model, x = Autoencoder(20, 3, [11], rng), rng.random((13, 20)).astype(np.float32)
    loss, parts = model.loss(x, rng)
    expected = np.square(model.reconstruct(x) - x).sum(axis=1).mean()
    assert float(loss) == parts["loss"] == pytest.approx(expected, rel=1e-5)


def test_noise(rng):
    x = np.ones((100, 1000), dtype=np.float32)
    noisy = gaussian_noise(x, rng, 0.3)
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(1, abs=5 * 0.3 / np.sqrt(x.size))
    assert noisy.std() == pytest.approx(0.3, abs=5 * 0.3 / np.sqrt(2 * x.size))
    masked = masking_noise(x, rng, 0.3)
    assert masked.dtype == np.float32 and set(np.unique(masked)) == {0, 1}
    assert 1 - masked.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.3 * 0.7 / x.size))


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_a_denoising_autoencoder_is_trained_to_restore_the_clean_input(rng, noise):
    """For twenty noisy patterns, the reconstruction is nearer to the clean pattern than the input is."""
    x = np.repeat((rng.random((20, 30)) < 0.5).astype(np.float32), 10, axis=0)
    model = fit(Autoencoder(30, 10, [64], rng, noise, 0.4), x, rng, 800, lr=3e-3)
    seen = model.corrupt(x, rng)
    restored = model.reconstruct(seen)
    assert np.square(restored - x).mean() < 0.35 * np.square(seen - x).mean()
    clean = Autoencoder(30, 10, [64], rng)
    assert clean.corrupt(x, rng) is x


def test_samples_come_from_a_gaussian_fitted_to_the_codes(rng):
    x = rng.random((300, 20)).astype(np.float32)
    model = Autoencoder(20, 3, [11], rng)
    with pytest.raises(UserError, match="has no prior: call fit_prior"):
        model.sample(5, rng)
    model.fit_prior(x, batch_size=70)
    codes = model.codes(x)
    drawn = model.from_noise(rng.standard_normal((100_000, 3)))
    assert np.allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.02)
    assert np.allclose(drawn.std(axis=0), codes.std(axis=0), rtol=0.02)
    assert model.sample(5, rng).shape == (5, 20)


def test_the_convolutional_one_learns_a_batch(rng):
    x = rng.random((16, 8 * 12 * 3)).astype(np.float32)
    model = ConvolutionalAutoencoder((8, 12, 3), 16, [16, 32], rng)
    first = model.loss(x, rng)[1]["loss"]
    fit(model, x, rng, 400)
    assert model.loss(x, rng)[1]["loss"] < 0.1 * first
    assert 0 <= model.reconstruct(x).min() and model.reconstruct(x).max() <= 1


def test_what_is_refused(rng):
    with pytest.raises(UserError, match="unknown noise 'gausian': did you mean 'gaussian'"):
        Autoencoder(20, 3, [11], rng, "gausian")
    with pytest.raises(UserError, match="level of the masking noise is 1, expected a probability from 0 to below 1"):
        Autoencoder(20, 3, [11], rng, "masking", 1)
    with pytest.raises(UserError, match="level of the gaussian noise is -1, expected a number from 0 on"):
        Autoencoder(20, 3, [11], rng, "gaussian", -1)
    with pytest.raises(UserError, match="latent_dim is 0, expected a whole number from 1 on"):
        Autoencoder(20, 0, [11], rng)

"""Proves that the pictures show what their names say.

These tests would catch reconstructions of other images, an interpolation with the wrong beginning or end, a traversal
that moves the wrong dimension, and data in [−1, 1] that is drawn as if it were in [0, 1].
"""

import numpy as np
import pytest

from npvae import datasets
from npvae.errors import UserError
from npvae.figures import pictures, plots
from npvae.training import Run


def test_the_pictures_show_what_their_names_say(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "run", {"data": "bars", "hidden": [8], "latent_dim": 2})
    run.training.run(3)
    drawn = {}
    for name in ("reconstructions", "image_sheet", "latent_scatter", "manifold"):
        original = getattr(plots, name)

        def note(*arguments, name=name, original=original, **options):
            drawn.setdefault(name, []).append(arguments)
            return original(*arguments, **options)

        monkeypatch.setattr(plots, name, note)
    pictures.draw(run)
    x, model = run.dataset.x_test, run.model
    originals, reconstructed = drawn["reconstructions"][0]
    assert np.array_equal(originals.reshape(100, -1), x[:100])
    assert np.array_equal(reconstructed.reshape(100, -1), model.reconstruct(x[:100]))
    sheets = [arguments[0].reshape(len(arguments[0]), -1) for arguments in drawn["image_sheet"]]
    assert any(np.array_equal(s, model.sample(100, np.random.default_rng(0))) for s in sheets)
    between = next(s for s in sheets if len(s) == 110 and np.allclose(s[0], model.reconstruct(x[:1])[0], atol=1e-6))
    assert np.allclose(between[[10, 11, 21]], model.reconstruct(x[[1, 2, 3]]), atol=1e-6)
    codes, labels = drawn["latent_scatter"][0]
    assert np.array_equal(labels, run.dataset.y_test)
    assert np.allclose(codes[:50], model.encode(x[:50]).mean, atol=1e-6)
    assert np.array_equal(drawn["manifold"][0][0].reshape(400, -1), model.generate(plots.manifold_codes(20)))


def sheets_of(run, monkeypatch, draw):
    """Return what `draw()` puts on sheets: a list of (images, columns, title)."""
    drawn = []

    def note(images, columns, title="", row_names=()):
        drawn.append((images, columns, title))
        return plots.new_figure(1, 1)

    monkeypatch.setattr(plots, "image_sheet", note)
    draw()
    return drawn


@pytest.fixture
def run(tmp_path):
    run = Run.create(tmp_path / "run", {"data": "bars", "hidden": [8], "latent_dim": 3})
    run.training.run(3, run.save)
    return run


def test_a_traversal_moves_one_dimension(run, monkeypatch):
    model, moved = run.model, []
    generate = model.generate
    monkeypatch.setattr(model, "generate", lambda z: moved.append(z) or generate(z))
    sheets_of(run, monkeypatch, lambda: pictures.draw(run))
    z = next(z for z in moved if len(z) == 3 * 11).reshape(3, 11, 3)
    base, codes = model.codes(run.x_test[:1])[0], model.codes(run.x_test[:100])
    for row, j in enumerate(np.argsort(-codes.var(axis=0))):
        assert np.allclose(z[row, :, j], np.linspace(-3, 3, 11))
        others = [k for k in range(3) if k != j]
        assert np.allclose(z[row][:, others], base[others])


def test_images_are_drawn_in_their_own_range(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "other", {"data": "bars", "model": "conv-ae"})
    run.training.run(2, run.save)
    drawn = sheets_of(run, monkeypatch, lambda: pictures.interpolate(run, 3, 7, 4))
    images = drawn[0][0].reshape(-1, 64)
    assert np.allclose(images[[0, -1]], run.dataset.x_test[[3, 7]])


LINES = {2: [0, 0.5, 1], 4: [0, 1 / 3, 0.5, 2 / 3, 1], 5: [0, 0.25, 0.5, 0.75, 1]}


@pytest.mark.parametrize("steps, expected", LINES.items())
def test_the_midpoint_is_always_among_the_steps(steps, expected):
    a, b = np.array([1.0, 0.0]), np.array([3.0, -4.0])
    assert np.allclose(pictures.between(a, b, steps), [(1 - w) * a + w * b for w in expected])


def test_an_interpolation_of_two_chosen_images(run, monkeypatch):
    drawn = sheets_of(run, monkeypatch, lambda: pictures.interpolate(run, 3, 7, 6))
    images, columns, _ = drawn[0]
    images, x = images.reshape(-1, 64), run.x_test
    assert len(images) == columns == 7 + 2                  # six steps and the midpoint
    assert np.array_equal(images[[0, -1]], x[[3, 7]])
    assert np.allclose(images[[1, -2]], run.model.reconstruct(x[[3, 7]]), atol=1e-6)
    middle = run.model.generate(run.model.codes(x[[3, 7]]).mean(axis=0, keepdims=True))
    assert np.allclose(images[4], middle[0], atol=1e-6)
    with pytest.raises(UserError, match="no test image 500: expected one from 0 to 499"):
        pictures.interpolate(run, 3, 500, 6)
    with pytest.raises(UserError, match="1 steps, expected from 2, its two ends, to 100"):
        pictures.interpolate(run, 3, 7, 1)


def test_what_a_denoising_autoencoder_saw_is_drawn(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "dae", {"data": "bars", "model": "dae", "hidden": [8], "noise": "masking"})
    run.training.run(2, run.save)
    drawn = sheets_of(run, monkeypatch, lambda: pictures.draw(run))
    seen, restored, original = next(d[0] for d in drawn if d[2].startswith("seen")).reshape(3, 10, 64)
    assert np.array_equal(original, run.x_test[:10])
    assert (seen <= original).all() and 0.3 < seen.sum() / original.sum() < 0.7
    assert np.allclose(restored, run.model.reconstruct(seen), atol=1e-6)


def test_the_factors_of_a_synthetic_set_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "shapes", lambda: datasets.load_shapes(N=400))
    run = Run.create(tmp_path / "shapes", {"data": "shapes", "model": "pca", "latent_dim": 4})
    run.training.run(0, run.save)
    given = []
    monkeypatch.setattr(plots, "factors", lambda *a: given.append(a) or plots.new_figure(1, 1))
    assert "factors.png" in pictures.draw(run)
    shares, names = given[0]
    assert shares.shape == (4, 5) and names == ["shape", "hue", "size", "across", "down"]
    assert shares.max() <= 1 and shares[:, names.index("across")].max() > 0.3


def test_the_manifold_lies_where_the_codes_are(tmp_path, monkeypatch):
    run = Run.create(tmp_path / "pca", {"data": "bars", "model": "pca", "latent_dim": 2})
    run.training.run(0, run.save)
    drawn = []
    monkeypatch.setattr(plots, "manifold", lambda images, side: drawn.append(images) or plots.new_figure(1, 1))
    pictures.draw(run)
    codes = run.model.code_mean + run.model.code_std * plots.manifold_codes(20)
    assert np.allclose(drawn[0].reshape(400, -1), run.model.generate(codes), atol=1e-6)


def test_data_in_another_range_is_drawn_from_black_to_white(tmp_path, rng, monkeypatch):
    np.savez(tmp_path / "mine.npz", x=rng.uniform(-50, 200, (50, 4, 4)))
    run = Run.create(tmp_path / "run", {"data": str(tmp_path / "mine.npz"), "model": "pca", "latent_dim": 3})
    run.training.run(0, run.save)
    images = sheets_of(run, monkeypatch, lambda: pictures.interpolate(run, 0, 1, 3))[0][0][[0, -1]].reshape(2, -1)
    x = run.x_test
    assert np.allclose(images, (x[:2] - x.min()) / (x.max() - x.min()), atol=1e-6)


def test_the_rows_of_the_traversals_have_names(run):
    run.model.mu.W.data[:, 1] *= 100
    figure = pictures._traversals(run, run.model, run.model.codes(run.x_test[:100]))
    assert figure.axes[0].get_yticklabels()[0].get_text() == "z2"


@pytest.fixture
def conditional(tmp_path):
    run = Run.create(tmp_path / "cvae", {"data": "bars", "model": "cvae", "hidden": [8], "latent_dim": 2})
    run.training.run(3, run.save)
    return run


def named_sheets(monkeypatch, draw):
    """Return what `draw()` puts on sheets, by its title: a dict to (images, columns, column names)."""
    drawn = {}

    def note(images, columns, title="", row_names=(), column_names=()):
        drawn[title] = images.reshape(len(images), -1), columns, list(column_names)
        return plots.new_figure(1, 1)

    monkeypatch.setattr(plots, "image_sheet", note)
    draw()
    return drawn


def test_samples_of_a_conditional_model_have_a_column_for_each_label_and_a_row_for_each_code(conditional, monkeypatch):
    run, model = conditional, conditional.model
    drawn = named_sheets(monkeypatch, lambda: pictures.draw(run))
    images, columns, names = drawn["each column: a label; each row: one code z"]
    z = np.random.default_rng(0).standard_normal((10, 2))
    assert names == [1, 2, 3, 4] and columns == 4 and len(images) == 40
    for column, label in enumerate(names):
        assert np.allclose(images[column::4], model.given(label).generate(z), atol=1e-6)


def test_its_other_pictures_use_the_label_of_the_image(conditional, monkeypatch):
    run, model, (x, y) = conditional, conditional.model, (conditional.x_test, conditional.dataset.y_test)
    codes, shown = model.given(y[:100]).codes(x[:100]), []
    reconstructions = plots.reconstructions
    monkeypatch.setattr(plots, "reconstructions", lambda *a: shown.append(a) or reconstructions(*a))
    monkeypatch.setattr(plots, "latent_scatter", lambda *a: shown.append(a) or plots.new_figure(1, 1))
    drawn = named_sheets(monkeypatch, lambda: pictures.draw(run))
    assert np.allclose(shown[0][0], model.given(y).codes(x), atol=1e-6)
    assert np.allclose(shown[1][1].reshape(100, -1), model.given(y[:100]).generate(codes), atol=1e-6)
    lines = drawn["from one code to another"][0].reshape(10, 11, -1)
    for n, line in enumerate(lines):                        # both ends have the label of the first
        assert np.allclose(line[[0, -1]], model.given(y[2 * n]).generate(codes[[2 * n, 2 * n + 1]]), atol=1e-6)
    traversals = next(images for title, (images, _, _) in drawn.items() if "latent dimension" in title)
    assert np.abs(traversals[:, None] - model.given(y[0]).generate(codes[:1])).max() < 1


def test_samples_of_one_label(conditional, run, monkeypatch, tmp_path, rng):
    drawn = named_sheets(monkeypatch, lambda: pictures.samples_of_label(conditional, 3))
    expected = conditional.model.given(3).sample(100, np.random.default_rng(0))
    assert np.allclose(drawn["samples of the label 3"][0], expected, atol=1e-6)
    with pytest.raises(UserError, match="there is no label 9: expected one of 1, 2, 3, 4"):
        pictures.samples_of_label(conditional, 9)
    with pytest.raises(UserError, match="the model vae knows no labels: train --model cvae"):
        pictures.samples_of_label(run, 3)


def test_labels_of_vectors_cannot_be_drawn(tmp_path, rng):
    np.savez(tmp_path / "vectors.npz", x=rng.random((50, 10)), y=np.arange(50) % 3)
    run = Run.create(tmp_path / "run", {"data": str(tmp_path / "vectors.npz"), "model": "cvae", "hidden": [8]})
    run.training.run(2, run.save)
    assert pictures.draw(run) == ["history.png"]
    with pytest.raises(UserError, match="holds vectors, not images"):
        pictures.samples_of_label(run, 2)

"""Proves that figures show what they claim: the right pixel is in the right place, and every figure can be saved.

These tests would catch rows and columns exchanged in a grid, a reconstruction in place of the original, and a manifold
upside down.
"""

import statistics

import numpy as np
import pytest

from npvae import figures


def numbered(n, shape=(2, 3, 1)):
    """Return n images; every pixel of image i has the grey value i / n."""
    return np.broadcast_to(np.arange(n).reshape(-1, 1, 1, 1) / n, (n, *shape))


def test_tile_puts_images_row_by_row():
    sheet = figures.tile(numbered(5), columns=2, gap=1)
    assert sheet.shape == (3 * (2 + 1) + 1, 2 * (3 + 1) + 1, 1)
    for n in range(5):
        row, column = divmod(n, 2)
        assert (sheet[1 + 3 * row : 3 + 3 * row, 1 + 4 * column : 4 + 4 * column] == np.float32(n / 5)).all()
    assert (sheet[0] == 0.5).all() and (sheet[7:9, 5:8] == 0.5).all()     # the gaps and the empty place


def sheet_of(figure):
    return figure.axes[0].images[0].get_array()


def test_a_grid_of_100_reconstructions_is_10_by_20_with_the_reconstruction_on_the_left():
    originals, reconstructed = np.ones((100, 4, 4, 1)), np.zeros((100, 4, 4, 1))
    sheet = sheet_of(figures.reconstructions(originals, reconstructed))
    assert sheet.shape == (10 * 6 + 2, 20 * 6 + 2)
    assert (sheet[2:6, 2:6] == 0).all() and (sheet[2:6, 8:12] == 1).all()


def test_colour_images_keep_their_colours():
    red = np.zeros((4, 2, 2, 3))
    red[..., 0] = 1
    assert sheet_of(figures.image_sheet(red, columns=2))[2, 2].tolist() == [1, 0, 0]


def test_manifold_codes_are_equally_likely_and_z2_points_upwards():
    codes = figures.manifold_codes(5).reshape(5, 5, 2)
    assert (np.diff(codes[:, :, 0], axis=1) > 0).all() and (np.diff(codes[:, :, 1], axis=0) < 0).all()
    probabilities = [statistics.NormalDist().cdf(z) for z in codes[0, :, 0]]
    assert probabilities == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


@pytest.mark.parametrize("labels", [None, np.arange(50) % 10, np.arange(50) % 3 + 7, np.arange(50)])
def test_the_latent_scatter_shows_every_code(tmp_path, rng, labels):
    figure = figures.latent_scatter(rng.standard_normal((50, 2)), labels)
    assert len(figure.axes[0].collections[0].get_offsets()) == 50
    figure.savefig(tmp_path / "latent.png")


@pytest.mark.parametrize("steps", [1, 2, 50, 1000])
def test_the_history_of_runs_of_any_length(tmp_path, steps):
    rows = np.linspace(500, 100, steps)[:, None] * [1, 0.8, 0.2]
    figure = figures.history(rows, ["loss", "rec", "kl"], "nats", [(steps, 100.0)])
    assert [axes.get_title() for axes in figure.axes] == ["loss", "rec", "kl"]
    figure.savefig(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 1000


def test_lines_have_their_own_style_each():
    axes = figures.lines({"a": ([1, 2, 4], [1, 2, 3]), "b": ([1, 2, 4], [3, 2, 1])}, "x", "y", log_x=True).axes[0]
    a, b = axes.get_lines()
    assert (a.get_linestyle(), a.get_marker()) != (b.get_linestyle(), b.get_marker())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]


def test_factors_are_sorted_by_what_they_explain():
    shares = np.array([[0.0, 0.05], [0.1, 0.8], [0.9, 0.0], [0.2, 0.6]])
    axes = figures.factors(shares, ["size", "hue"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z3", "z2", "z4", "z1"]
    assert [text.get_text() for text in axes.texts][:2] == ["0.90", "0.00"]


def test_a_posterior_is_drawn_where_it_is():
    z2, z1 = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21), indexing="ij")
    log_p = -((z1 - 0.5) ** 2 + (z2 + 0.5) ** 2)
    axes = figures.posterior(np.stack([z1, z2], axis=-1), log_p, log_p).axes[0]
    image = axes.get_images()[0]
    row, column = np.unravel_index(np.argmax(image.get_array()), (21, 21))
    left, right, bottom, top = image.get_extent()
    assert left + (right - left) * (column + 0.5) / 21 == pytest.approx(0.5) and image.origin == "lower"
    assert bottom + (top - bottom) * (row + 0.5) / 21 == pytest.approx(-0.5)


def test_what_is_pushed_stands_beside_what_it_was(rng):
    z = rng.standard_normal((50, 2))
    left, right = figures.pushed(z, 2 * z, "before", "after").axes
    assert np.allclose(left.collections[0].get_offsets(), z) and left.get_title() == "before"
    assert np.allclose(right.collections[0].get_offsets(), 2 * z) and right.get_title() == "after"


def test_growth_is_in_milliseconds():
    grown = {"batch": {"ours": ([1, 2], [0.002, 0.003])}, "width": {"ours": ([64], [0.001])}}
    left, right = figures.growth(grown, "title").axes
    assert left.lines[0].get_xydata().tolist() == [[1, 2], [2, 3]] and left.get_xlabel() == "batch"
    assert right.lines[0].get_xydata().tolist() == [[64, 1]] and "milliseconds" in right.get_ylabel()


def test_labels_are_written_among_their_own(rng):
    """The median of a ring lies in its middle, which may belong to another label."""
    angle = rng.uniform(0, 2 * np.pi, 200)
    ring, middle = np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.1 * rng.standard_normal((100, 2))
    codes, labels = np.concatenate([ring, middle]), np.repeat([3, 8], [200, 100])
    for text in figures.latent_scatter(codes, labels).axes[0].texts:
        nearest = np.square(codes - text.xy).sum(axis=1).argsort()[:30]
        assert np.all(labels[nearest] == int(text.get_text()))


def test_labels_that_would_meet_are_led_to_their_places(rng):
    codes, labels = rng.standard_normal((60, 2)), np.arange(60) % 20
    texts = figures.latent_scatter(codes, labels).axes[0].texts
    places = np.array([text.get_position() for text in texts])
    apart = np.abs(places[:, None] - places).max(axis=-1)[~np.eye(20, dtype=bool)]
    assert apart.min() >= 0.05 * np.ptp(codes, axis=0).max() - 1e-9
    moved = [text for text in texts if tuple(text.get_position()) != tuple(text.xy)]
    assert moved and all(text.arrow_patch is not None for text in moved)


def test_a_label_that_moves_stays_near_its_cluster(rng):
    """Ten clusters along a line, of which two have the same place: only one label moves, by about its own height."""
    centres = np.stack([np.arange(10.0), np.zeros(10)], axis=1)
    centres[7] = centres[6]
    codes, labels = np.repeat(centres, 30, axis=0) + 0.01 * rng.standard_normal((300, 2)), np.repeat(np.arange(10), 30)
    texts = figures.latent_scatter(codes, labels).axes[0].texts
    moved = [np.linalg.norm(np.subtract(text.get_position(), text.xy)) for text in texts]
    assert np.count_nonzero(moved) == 1 and max(moved) < 0.1 * np.ptp(codes)


@pytest.mark.parametrize("spans", [(1, 1), (20, 3), (3, 20), (0, 0)])
def test_a_plane_of_codes_has_one_scale_and_shows_them_all(rng, spans):
    figure = figures.latent_scatter(spans * rng.standard_normal((40, 2)), np.arange(40) % 4)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = axes.collections[0].get_offsets().T
    assert left < x.min() and x.max() < right and bottom < y.min() and y.max() < top and axes.get_aspect() == 1
    for label in (axes.xaxis.label, axes.yaxis.label):
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1


def test_ellipses_are_one_standard_deviation_wide():
    figure = figures.posterior_ellipses(np.array([[1.0, 2], [0, 0]]), np.log([[4.0, 9], [1, 1]]), np.array([5, 7]))
    ellipse = figure.axes[0].patches[0]
    assert (*ellipse.center, ellipse.width, ellipse.height) == pytest.approx((1, 2, 4, 6))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["5", "7"]


def test_ellipses_lie_over_the_codes(rng):
    codes = rng.standard_normal((50, 2))
    axes = figures.posterior_ellipses(codes[:3], np.zeros((3, 2)), codes=codes).axes[0]
    assert np.allclose(axes.collections[0].get_offsets(), codes) and len(axes.patches) == 3
    assert axes.get_xlim()[0] < codes[:, 0].min() and axes.get_ylim()[1] > codes[:, 1].max()


def test_nested_subspaces_are_drawn_with_right_angles():
    left, right = figures.nested_subspaces().axes
    (m, copy), (start, x) = (left.lines[i].get_xydata() for i in (2, 3))
    assert np.array_equal(copy, start) and abs((copy - m) @ (x - copy)) < 1e-9
    assert [text.get_text() for text in right.texts] == ["x", "k = 2", "k = 1", "m"]


def test_rows_and_columns_have_names():
    axes = figures.image_sheet(numbered(6), 3, row_names=["a", "b"], column_names=[7, 8, 9]).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["7", "8", "9"]
    for ticks, size, n in ((axes.get_xticks(), sheet_of(axes.figure).shape[1], 3), (axes.get_yticks(), 10, 2)):
        assert np.allclose(ticks, (np.arange(n) + 0.5) * size / n)

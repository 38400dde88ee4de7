"""Proves that a chapter's figure reaches its reader, in a notebook and from a program, with letters large enough.

These tests would catch a figure that a notebook draws twice, digits that a dark page shows as negatives, and letters
that nobody can read on a phone.
"""

import base64
import io
import sys
import types

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
from matplotlib.text import Text

from npvae import figures
from npvae.figures import diagrams


@pytest.fixture
def notebook(monkeypatch):
    """Return what a notebook would display: triples of data, metadata, raw."""
    shown = []
    display = types.SimpleNamespace(
        display=lambda data, metadata, raw: shown.append((data, metadata, raw)), get_ipython=lambda: None,
        version_info=(9, 0),
    )
    for name in ("ipykernel", "IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, display)
    return shown


def test_a_program_writes_the_figure_and_prints_its_path(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    figures.show(figures.lines({"a": ([1, 2], [3, 4])}, "x", "y"), "1.2")
    figures.show(diagrams.latent_variable_model(), "1.3")
    printed = capsys.readouterr().out.split("\n")
    assert printed[:2] == [f"[Figure 1.{i}: runs/tutorials/figure-1.{i}.{s}]" for i, s in ((2, "png"), (3, "svg"))]
    assert (tmp_path / "runs/tutorials/figure-1.2.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "runs/tutorials/figure-1.3.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_notebook_displays_the_figure_once(notebook):
    figure, _ = plt.subplots(figsize=(4, 3))
    figures.show(figure, "3.1")
    (data, metadata, raw), = notebook
    assert base64.b64decode(data["image/png"])[:4] == b"\x89PNG" and data["text/plain"] == "Figure 3.1" and raw
    about = {"alt": "Figure 3.1, which its caption describes", "drawing": True, "width": 400}
    assert metadata == {"image/png": about}
    assert not plt.fignum_exists(figure.number)              # otherwise the notebook would draw it twice


def test_pictures_are_told_from_drawings(notebook):
    for figure in (figures.image_sheet(np.zeros((4, 8, 8, 1)), 2), diagrams.latent_variable_model()):
        figures.show(figure, "3.1")
    (_, sheet, _), (_, diagram, _) = notebook
    assert not sheet["image/png"]["drawing"] and diagram["image/svg+xml"]["drawing"]


def test_pictures_have_no_background_and_letters_for_light_and_dark_pages(notebook):
    for figure in (figures.image_sheet(np.zeros((4, 8, 8, 1)), 2, "title", row_names=["a", "b"]), plt.subplots()[0]):
        figures.show(figure, "3.1")
    sheet, drawing = (PIL.Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) for data, *_ in notebook)
    assert sheet.getpixel((0, 0))[3] == 0 and drawing.getpixel((0, 0)) == (255, 255, 255, 255)
    inked = np.asarray(sheet.convert("RGBA"))[:20].reshape(-1, 4)
    letters = inked[inked[:, 3] == 255]
    assert len(letters) and (letters[:, :3] == 0x77).all()


@pytest.mark.parametrize("width", [4, 6.4, 9])
def test_letters_have_nine_pixels_on_a_phone(notebook, width):
    figure, axes = plt.subplots(figsize=(width, 3))
    axes.set_title("small", fontsize=3)
    axes.plot([1, 2], label="a")
    axes.legend(fontsize=20)
    figures.show(figure, "3.1")
    heights = [text.get_fontsize() / 72 * 350 / width for text in figure.findobj(Text)]
    assert min(heights) == pytest.approx(9) and max(text.get_fontsize() for text in figure.findobj(Text)) == 20

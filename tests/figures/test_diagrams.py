"""Proves that diagrams are well-formed SVG in which nothing leaves the page, and arrows end at the edges of things.

These tests would catch a circle that is cut off, an arrow to something that is not drawn, and text that breaks the XML.
"""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from npvae.figures import diagrams
from npvae.figures.diagrams import RADIUS, Diagram

SVG = "{http://www.w3.org/2000/svg}"
ALL = [
    diagrams.latent_variable_model(), diagrams.latent_variable_model(with_encoder=True),
    diagrams.autoencoder_with_noise(), diagrams.draw_as_node_and_as_input(),
]  # fmt: skip


@pytest.mark.parametrize("diagram", ALL)
def test_everything_is_on_the_page(diagram):
    root = ElementTree.fromstring(diagram._repr_svg_())
    for circle in root.iter(f"{SVG}circle"):
        x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "r"))
        assert r < x < diagram.width - r and r < y < diagram.height - r
    for text in root.iter(f"{SVG}text"):
        half = 4 * len(text.text)
        assert 0 < float(text.get("y")) < diagram.height
        assert text.get("text-anchor") == "end" or half < float(text.get("x")) < diagram.width - half + 8
    for rect in root.iter(f"{SVG}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x >= 0 and x + float(rect.get("width")) <= diagram.width
        assert y >= 0 and y + float(rect.get("height")) <= diagram.height


def test_a_box_holds_its_text_in_every_line():
    d = Diagram(300, 300)
    d.box("map", 150, 150, text="probabilistic PCA\nand\nits year")
    root = ElementTree.fromstring(d._repr_svg_())
    _, box = root.iter(f"{SVG}rect")
    left, top, width, height = (float(box.get(name)) for name in ("x", "y", "width", "height"))
    assert width < 12 * len("probabilistic PCA")                  # as wide as one line, not as all
    for text in root.iter(f"{SVG}text"):
        half = 4 * len(text.text)
        assert left < 150 - half and 150 + half < left + width and top + 15 < float(text.get("y")) < top + height - 5


@pytest.mark.parametrize("x, y", [(200, 60), (60, 180), (190, 150)])
def test_an_arrow_goes_from_edge_to_edge(x, y):
    d = Diagram(300, 300)
    d.circle("a", 60, 60)
    d.circle("b", x, y)
    d.arrow("a", "b")
    path = re.search(r"M(\S+),(\S+) Q\S+ (\S+),(\S+)\"", d._repr_svg_())
    ax, ay, bx, by = map(float, path.groups())
    assert math.hypot(ax - 60, ay - 60) == pytest.approx(RADIUS + 4, abs=0.2)
    assert math.hypot(bx - x, by - y) == pytest.approx(RADIUS + 4, abs=0.2)


def test_text_is_escaped():
    d = Diagram(100, 100)
    d.label("a < b & c", 50, 50)
    assert next(ElementTree.fromstring(d._repr_svg_()).iter(f"{SVG}text")).text == "a < b & c"

"""Diagrams of models, drawn as SVG: circles for random variables, boxes for functions, arrows for what depends on what.

    >>> d = Diagram(300, 160)
    >>> d.circle("z", 60, 80)
    >>> d.circle("x", 220, 80, observed=True)
    >>> d.arrow("z", "x")

In a notebook, the last line of a cell draws it; `figures.show` does so anywhere.
"""

import html
import math

RADIUS, LETTER, LINE = 24, 17, 21  # pixels: of a circle; heights of a letter and a line of text
MARGIN = 30  # pixels between a plate and what it holds
DASHES = 'stroke-dasharray="6 4"'


class Diagram:
    """A drawing of the given size in pixels. Things have names, which are also their text; places are their centres."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self._things, self._arrows, self._plates = {}, [], []

    def circle(self, name, x, y, observed=False):
        """Draw a random variable; grey if it is observed."""
        fill = "#d8d8d8" if observed else "white"
        shape = f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{fill}" stroke="black" stroke-width="1.5"/>'
        self._things[name] = x, y, RADIUS, RADIUS, shape + _text(name, x, y)

    def box(self, name, x, y, text=None):
        """Draw a function, or anything else that is computed, as large as its text."""
        text = name if text is None else text
        lines = text.split("\n")
        height = LINE * len(lines) + 23
        width = max(height, 18 + 0.53 * LETTER * max(map(len, lines)))
        corner = f'x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" height="{height}"'
        shape = f'<rect {corner} rx="5" fill="white" stroke="black" stroke-width="1.5"/>'
        self._things[name] = x, y, width / 2, height / 2, shape + _text(text, x, y)

    def label(self, name, x, y):
        """Write text, without a frame: a parameter, a remark."""
        lines = name.split("\n")
        self._things[name] = x, y, 0.3 * LETTER * max(map(len, lines)) + 4, LINE * len(lines) / 2, _text(name, x, y)

    def arrow(self, start, end, dashed=False, bend=0):
        """Draw an arrow from one thing to another; bend: how far its middle moves to the left."""
        self._arrows.append((start, end, dashed, bend))

    def plate(self, names, text):
        """Draw a frame around things that there are several of, with the number in its lower right corner."""
        self._plates.append((names, text))

    def _repr_svg_(self):
        size = f'width="{self.width}" height="{self.height}"'
        head = '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {self.width} {self.height}" {size} '
            f'font-family="sans-serif" font-size="{LETTER}">',
            f'<defs>{head}<path d="M0,0 L10,5 L0,10 z"/></marker></defs>',
            f'<rect {size} fill="white"/>',
            *(self._plate_svg(*plate) for plate in self._plates),
            *(self._arrow_svg(*arrow) for arrow in self._arrows),
            *(svg for *_, svg in self._things.values()),
            "</svg>",
        ])  # fmt: skip

    def _plate_svg(self, names, text):
        things = [self._things[name] for name in names]
        left, top = (min(t[i] - t[i + 2] for t in things) - MARGIN for i in (0, 1))
        right, bottom = (max(t[i] + t[i + 2] for t in things) + MARGIN for i in (0, 1))
        bottom += LINE                                       # room for the number
        frame = f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="8"'
        number = _text(text, right - 8, bottom - 12, 'text-anchor="end"')
        return f'{frame} fill="none" stroke="black"/>{number}'

    def _arrow_svg(self, start, end, dashed, bend):
        """Return a curve from edge to edge: a parabola whose control point lies beside the middle."""
        (x0, y0, *_), (x1, y1, *_) = self._things[start], self._things[end]
        length = math.hypot(x1 - x0, y1 - y0)
        left = (y1 - y0) / length, -(x1 - x0) / length       # a unit vector to the left of the arrow
        middle = [(a + b) / 2 + 2 * bend * n for a, b, n in zip((x0, y0), (x1, y1), left)]
        (ax, ay), (bx, by) = self._edge(start, *middle), self._edge(end, *middle)
        line = f'<path d="M{ax:.1f},{ay:.1f} Q{middle[0]:.1f},{middle[1]:.1f} {bx:.1f},{by:.1f}" fill="none"'
        style = f'stroke="black" stroke-width="1.5" marker-end="url(#head)" {DASHES if dashed else ""}'
        return f"{line} {style}/>"

    def _edge(self, name, x, y):
        """Return the point where the line from a thing's centre towards (x, y) leaves it, and a little further."""
        cx, cy, half_width, half_height, svg = self._things[name]
        dx, dy = x - cx, y - cy
        if svg.startswith("<circle"):
            scale = half_width / math.hypot(dx, dy)
        else:
            scale = min(half / abs(d) for half, d in ((half_width, dx), (half_height, dy)) if d)
        scale += 4 / math.hypot(dx, dy)
        return cx + scale * dx, cy + scale * dy


def _text(text, x, y, anchor='text-anchor="middle"'):
    lines = text.split("\n")
    first = y + 0.35 * LETTER - (len(lines) - 1) * LINE / 2
    ys = [first + i * LINE for i in range(len(lines))]
    return "".join(f'<text x="{x:g}" y="{y:.1f}" {anchor}>{html.escape(line)}</text>' for y, line in zip(ys, lines))


def latent_variable_model(with_encoder=False):
    """Draw p(z) p(x | z) with a plate for N examples; with_encoder: the encoder's q(z | x) too, as dashed arrows."""
    d = Diagram(330, 250)
    d.circle("z", 165, 60)
    d.circle("x", 165, 170, observed=True)
    d.label("θ", 290, 115)
    d.arrow("z", "x")
    d.arrow("θ", "x")
    if with_encoder:
        d.label("φ", 40, 115)
        d.arrow("x", "z", dashed=True, bend=26)
        d.arrow("φ", "z", dashed=True)
    d.plate(["z", "x"], "N")
    return d


def autoencoder_with_noise():
    """Draw a VAE as a pipeline: image, encoder, μ and σ, noise, code, decoder, and the distribution of the image."""
    d = Diagram(640, 220)
    d.label("image\nx", 35, 80)
    d.box("encoder", 145, 80)
    d.box("μ", 255, 45)
    d.box("σ", 255, 115)
    d.circle("z", 365, 80)
    d.label("z = μ + σ ε", 365, 34)
    d.circle("ε", 365, 178)
    d.box("decoder", 475, 80)
    d.label("p(x | z)", 595, 80)
    d.arrow("image\nx", "encoder")
    for name in ("μ", "σ"):
        d.arrow("encoder", name)
        d.arrow(name, "z")
    d.arrow("ε", "z")
    d.arrow("z", "decoder")
    d.arrow("decoder", "p(x | z)")
    return d


def draw_as_node_and_as_input():
    """Draw the two graphs of a draw: a random node, which stops gradients, and noise as an input of a function."""
    d = Diagram(620, 240)
    for side, x in (("left", 160), ("right", 450)):
        d.box(f"f {side}", x, 40, text="f(z)")
        d.label("μ, σ" if side == "left" else " μ, σ", x - 130, 120)
    d.circle("z", 160, 120)
    d.box("z = μ + σ ε", 450, 120)
    d.circle("ε", 585, 120)
    d.arrow("μ, σ", "z", dashed=True)
    d.arrow("z", "f left")
    d.arrow(" μ, σ", "z = μ + σ ε")
    d.arrow("ε", "z = μ + σ ε")
    d.arrow("z = μ + σ ε", "f right")
    d.label("z ~ N(μ, σ²) is a random node:\nthe gradient stops", 160, 195)
    d.label("the noise is an input:\nthe gradient passes", 450, 195)
    return d

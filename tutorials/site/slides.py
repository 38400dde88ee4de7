"""The figures of a chapter as slides: a PDF with a title page and a page for each figure, with its number and caption.

The figures are those of the executed notebook. A picture goes onto its page as it is; a diagram, which the notebook has
as SVG, is drawn once more by matplotlib, so that its letters stay sharp. All words are text that a reader can search.
"""

import base64
import functools
import io
import re
import xml.etree.ElementTree

import matplotlib
import numpy as np
import PIL.Image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

WIDTH, HEIGHT = 13.333, 7.5  # inches: 16 to 9
MARGIN, GAP, HEADING = 0.5, 0.3, 0.75  # inches; of a page, between a figure and its caption, and of the heading
SIZES = (22, 20, 18)  # points: the caption takes the first at which everything fits, and is never smaller
LINE = 1.3  # heights of a letter
BESIDE = (3.8, 4.6, 5.4, 6.2)  # inches: widths of a caption beside its figure
FONTS = {"sans-serif": ("DejaVu Sans", 0.86), "monospace": ("DejaVu Sans Mono", 1)}  # DejaVu Sans is a wide font
CAPTION = re.compile(r"\*(Figure (\d+\.\d+))\. ([^*]+)\*")


def figures_of(notebook):
    """Return the figures of a notebook, a dict from numbers ("1.2") to pairs: a PIL image or SVG text, and the caption.
    """
    prose = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    captions = {number: " ".join(text.split()) for _, number, text in CAPTION.findall(prose)}
    found = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            number = "".join(data.get("text/plain", "")).removeprefix("Figure ")
            if "image/png" in data:
                found[number] = _on_white(base64.b64decode("".join(data["image/png"]))), captions[number]
            elif "image/svg+xml" in data:
                found[number] = "".join(data["image/svg+xml"]), captions[number]
    return found


def _on_white(png):
    """Return the picture as an image without transparency."""
    picture = PIL.Image.open(io.BytesIO(png)).convert("RGBA")
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def write(path, title, about, figures):
    """Write the slides of a chapter; returns how many pages they have.

    about     a sentence below the title
    figures   what `figures_of` returns
    """
    with matplotlib.rc_context({"pdf.fonttype": 42, "pdf.compression": 9}):      # fonttype 42: letters stay letters
        with PdfPages(path, metadata={"Title": title, "CreationDate": None, "Creator": "npvae"}) as pages:
            for page in [title_page(title, about), *(figure_page(title, n, *f) for n, f in figures.items())]:
                pages.savefig(page)
    return 1 + len(figures)


def _page():
    page = Figure(figsize=(WIDTH, HEIGHT), dpi=72)
    FigureCanvasAgg(page)
    return page


def _write(page, x, y, text, size, **how):
    """Write text at a place in inches, from the left and from the top."""
    page.text(x / WIDTH, 1 - y / HEIGHT, text, fontsize=size, parse_math=False, va="top", linespacing=LINE, **how)


def title_page(title, about):
    """Return the first page: the title, and below it what the chapter is about."""
    page = _page()
    lines = wrapped(title, WIDTH - 4 * MARGIN, 44)
    _write(page, 2 * MARGIN, 2.2, "\n".join(lines), 44, weight="bold")
    below = wrapped(about, WIDTH - 4 * MARGIN, 24)
    _write(page, 2 * MARGIN, 2.6 + len(lines) * 44 * LINE / 72, "\n".join(below), 24)
    _write(page, 2 * MARGIN, HEIGHT - MARGIN - 0.3, "npvae", 18, color="0.35")
    return page


def figure_page(title, number, figure, caption):
    """Return the page of a figure: its number, the figure as large as its caption leaves it, and the caption."""
    size_of_it = figure.size if isinstance(figure, PIL.Image.Image) else _svg_size(figure)
    lines, size, place, (left, top, width, height) = _layout(caption, size_of_it[0] / size_of_it[1])
    page = _page()
    _write(page, MARGIN, MARGIN, f"Figure {number}", 22, weight="bold")
    _write(page, WIDTH - MARGIN, MARGIN, title, 18, color="0.35", ha="right")
    _write(page, *place, "\n".join(lines), size)
    axes = page.add_axes((left / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT))
    axes.axis("off")
    if isinstance(figure, PIL.Image.Image):
        axes.imshow(np.asarray(figure), interpolation="none", aspect="auto")
    else:
        _draw_svg(axes, figure, 72 * width / size_of_it[0])
    return page


def _layout(caption, shape):
    """Return where everything goes: the caption's lines, their size, their place, and the box of a figure.

    shape   width divided by height of the figure
    The caption stands below or beside, wherever the figure becomes larger.
    """
    across, down = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN - HEADING
    best = None
    for size in SIZES:
        for beside in (None, *BESIDE):
            lines = wrapped(caption, beside or across, size)
            height = len(lines) * size * LINE / 72
            room = (across - beside - GAP, down) if beside else (across, down - height - GAP)
            if height > down or room[1] < 1:
                continue
            width = min(room[0], room[1] * shape)
            box = (MARGIN + (room[0] - width) / 2, MARGIN + HEADING, width, width / shape)
            below = box[1] + box[3] + GAP
            place = (WIDTH - MARGIN - beside, MARGIN + HEADING) if beside else (MARGIN, below)
            if best is None or width > 1.08 * best[3][2]:    # a larger letter is worth some of the figure
                best = lines, size, place, box
    if best is None:
        raise ValueError(f"a caption of {len(caption)} letters does not fit on a page, expected fewer: {caption[:60]}…")
    return best


@functools.cache
def _renderer():
    return _page().canvas.get_renderer()


@functools.cache
def _width(word, weight="normal"):
    """The width of a word in points, at one point."""
    width, _, _ = _renderer().get_text_width_height_descent(word, FontProperties(size=100, weight=weight), False)
    return width / 100


def wrapped(text, width, size):
    """Return the lines of a text that is so many inches wide, in letters of so many points."""
    lines, line, used, room = [], [], 0, 72 * width * 0.985 / size
    for word in text.split():
        step = _width(word, "bold" if size > 40 else "normal") + _width("n n") - _width("nn")
        if line and used + step > room:
            lines, line, used = [*lines, " ".join(line)], [], 0
        line, used = [*line, word], used + step
    return [*lines, " ".join(line)]


# --- diagrams ---------------------------------------------------------------------------------------------------------


def _svg_size(svg):
    root = xml.etree.ElementTree.fromstring(svg)
    return float(root.get("width")), float(root.get("height"))


def _draw_svg(axes, svg, scale):
    """Draw what the diagrams and tapes of npvae consist of: rectangles, circles, curves with arrowheads, and text.

    scale   points for each pixel of the SVG
    """
    root = xml.etree.ElementTree.fromstring(svg)
    axes.set(xlim=(0, float(root.get("width"))), ylim=(float(root.get("height")), 0))
    family, narrow = FONTS[root.get("font-family")]
    letters = float(root.get("font-size")) * scale * narrow
    for part in _parts(root):
        number = {key: float(value) for key, value in part.items() if re.fullmatch(r"-?[\d.]+", value)}
        kind = part.tag.rpartition("}")[2]
        if kind == "text":
            anchor = {"middle": "center", "end": "right", "start": "left"}[part.get("text-anchor", "start")]
            axes.text(number["x"], number["y"], part.text, fontsize=letters, family=family, ha=anchor, va="baseline",
                      parse_math=False)
            continue
        fill = part.get("fill", "black")
        style = {
            "facecolor": fill, "edgecolor": part.get("stroke", "none"),
            "linewidth": number.get("stroke-width", 1) * scale,
            "linestyle": "--" if part.get("stroke-dasharray", "").strip() else "-",
        }
        if kind == "rect":
            corner, size = (number.get("x", 0), number.get("y", 0)), (number["width"], number["height"])
            box = f"round,pad=0,rounding_size={number['rx']}" if number.get("rx") else "square,pad=0"
            axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=box, **style))
        elif kind == "circle":
            axes.add_patch(Circle((number["cx"], number["cy"]), number["r"], **style))
        elif kind == "path":
            points, codes = _curve(part.get("d"))
            axes.add_patch(PathPatch(Path(points, codes), **style))
            if part.get("marker-end"):
                axes.add_patch(Polygon(_arrowhead(*points[-2:]), closed=True, facecolor="black", edgecolor="none"))
        else:
            raise ValueError(f"a diagram has <{kind}>, expected rect, circle, path or text: add it to {__file__}")


def _parts(element):
    """Yield what is drawn, without the definitions and descriptions."""
    for part in element:
        kind = part.tag.rpartition("}")[2]
        if kind == "g":
            yield from _parts(part)
        elif kind not in ("defs", "title", "desc"):
            yield part


def _curve(d):
    """Return points and codes of a path of the commands M, L, Q and C."""
    points, codes = [], []
    for command, numbers in re.findall(r"([A-Z])([^A-Z]*)", d):
        pairs = np.array(re.findall(r"-?[\d.]+", numbers), dtype=float).reshape(-1, 2)
        code = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3, "C": Path.CURVE4}[command]
        points, codes = [*points, *pairs], [*codes, *[code] * len(pairs)]
    return points, codes


def _arrowhead(before, tip, length=10.8, half=5.4):
    """Return the corners of an arrowhead at the tip of a curve, where `before` is the point before the last."""
    along = (tip - before) / np.linalg.norm(tip - before)
    across = np.array([-along[1], along[0]])
    base = tip - length * along
    return [tip + 0.1 * length * along, base + half * across, base - half * across]

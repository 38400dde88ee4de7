"""Showing a figure to the reader of a chapter: in a notebook, on the site, and from a program.

Its caption is the next cell of text, "*Figure 1.2. …*". It says in words what there is to see, so a reader who cannot
see the figure misses nothing.
"""

import base64
import io
import pathlib
import sys

from .plots import PICTURES

PHONE, LETTER = 350, 9  # pixels: the width of a figure on a phone, and the height of letters that can be read there
BOTH = "#777777"  # the colour of letters that can be read on a white page and on a dark one


def show(figure, number):
    """Show a figure.

    figure   a matplotlib figure, or anything with `_repr_svg_`: a diagram, a tape
    number   of the chapter, and of the figure in it: "1.2"

    In a notebook, the figure appears below the cell. A program writes it to runs/tutorials/ and prints its path.
    """
    name, (kind, content, width) = f"Figure {number}", _rendered(figure)
    if "ipykernel" in sys.modules:
        from IPython.display import display

        is_drawing = getattr(figure, "get_label", str)() != PICTURES
        about = {"alt": f"{name}, which its caption describes", "drawing": is_drawing, **width}
        shown = content.decode() if kind == "image/svg+xml" else base64.b64encode(content).decode()
        display({kind: shown, "text/plain": name}, metadata={kind: about}, raw=True)
    else:
        path = pathlib.Path("runs", "tutorials", f"figure-{number}.{'svg' if kind == 'image/svg+xml' else 'png'}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"[{name}: {path.as_posix()}]")


def _rendered(figure):
    """Return the figure's media type, its bytes, and a dict with its width in pixels where the bytes do not tell."""
    if hasattr(figure, "_repr_svg_"):
        return "image/svg+xml", figure._repr_svg_().encode(), {}
    from matplotlib.text import Text

    smallest = LETTER / PHONE * 72 * figure.get_figwidth()   # points: the figure's width is in inches
    has_pictures = figure.get_label() == PICTURES            # which no page inverts, so they need no background
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), smallest))
        if has_pictures:
            text.set_color(BOTH)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=1.5 * figure.dpi, metadata={"Software": None}, transparent=has_pictures)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)       # or a notebook would show it twice
    return "image/png", buffer.getvalue(), {"width": round(figure.get_figwidth() * figure.dpi)}

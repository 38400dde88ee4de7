"""The figures that answer: a page each, of tutorials/explorables/, and a frame in the chapter that it belongs to.

A chapter says `<!-- explorable: 04_bound -->` where the frame goes. A notebook shows nothing there; its static figure
stands above.
"""

import html
import pathlib
import re

FOLDER = pathlib.Path(__file__).parents[1] / "explorables"
NAMES = sorted(path.stem for path in FOLDER.glob("[0-9][0-9]_*.html"))
MARK = re.compile(r"<!-- explorable: (\w+) -->")


def page(name):
    """The page of a figure, as text: its own part in the frame that all share, and no request to the outside."""
    own = (FOLDER / f"{name}.html").read_text(encoding="utf-8")
    title, body, script = re.fullmatch(
        r"<title>(.*?)</title>\n(.*)<script>\n(.*)</script>\n", own, re.DOTALL
    ).groups()
    data = FOLDER / f"{name}.json"
    if data.exists():
        script = script.replace("[[data]]", data.read_text(encoding="utf-8").strip())
    parts = {"title": title, "body": body, "script": script}
    parts |= {part: (FOLDER / part).read_text(encoding="utf-8") for part in ("kit.css", "kit.js")}
    frame = (FOLDER / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\[\[([\w.]+)\]\]", lambda match: parts[match[1]], frame)


def title(name):
    """What a figure is called."""
    return re.match(r"<title>(.*?)</title>", (FOLDER / f"{name}.html").read_text(encoding="utf-8"))[1]


def framed(text):
    """The text of a chapter with a frame wherever it names one of the figures."""
    return MARK.sub(lambda match: _frame(match[1]), text)


def _frame(name):
    about = html.escape(title(name))
    source = f"explorables/{name}.html"
    return (
        f'<iframe class="explorable" src="{source}" title="{about}" loading="lazy"></iframe>\n'
        f'<p class="alone"><a href="{source}">Open this figure alone</a></p>'
    )


def write(built):
    """Write the pages of all figures into the built site, a path."""
    (built / "explorables").mkdir()
    for name in NAMES:
        (built / "explorables" / f"{name}.html").write_text(page(name), encoding="utf-8")

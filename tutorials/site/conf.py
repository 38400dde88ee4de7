"""How Sphinx makes the site. `python tutorials/build.py site` gathers the pages and calls it.

Nothing is fetched when a page is opened: formulas are drawn by MathJax from one local file, as curves, which need no
fonts; the theme uses the fonts of the reader's system.
"""

import importlib.util
import pathlib
import re

project = "npvae"
html_title = "npvae"
html_theme = "furo"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

HERE = pathlib.Path(__file__).parent
MATHJAX = pathlib.Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
html_static_path = [str(MATHJAX / "tex-svg-full.js"), str(HERE / "site.css")]
html_css_files = ["site.css"]
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

nb_execution_mode = "off"  # the notebooks are executed already
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
smartquotes = False  # in a docstring, ' is a prime and " belongs to a program
html_copy_source = False
html_show_search_summary = False  # it would have to fetch pages, which a browser refuses to a page from disk
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False

autodoc_typehints = "none"
default_role = "literal"  # docstrings write `name` as Markdown does
highlight_language = "none"  # what they show as it stands is no program
AS_IT_STANDS = re.compile(r"    |\S.*?  +\S")  # what is indented, or has a gap of two spaces: a row of a table


def docstring_to_rst(app, what, name, thing, options, lines):
    """The docstrings are plain text: a table of arguments and an indented formula are shown as they stand.

    In reStructuredText that is a block after "::", and signs that would mean something there get a backslash.
    """
    rst, verbatim = [], False
    for line in lines:
        if line.strip() and bool(AS_IT_STANDS.match(line)) != verbatim:
            verbatim = not verbatim
            rst += ["", "::", ""] if verbatim else [""]
        rst.append(f"    {line}" if verbatim else _escaped(line))
    lines[:] = rst


def _escaped(line):
    """The signs *, | and _ mean themselves, except around `code` and *emphasis*, after which a letter may follow."""
    parts = re.split(r"(`[^`]*`|\*\w+\*)", line)
    return "".join(p + r"\ " if i % 2 else re.sub(r"([*|_\\])", r"\\\1", p) for i, p in enumerate(parts))


def skip_member(app, what, name, thing, skip, options):
    """Leave out the fields of named tuples: Python gives them a meaningless docstring."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app):
    app.connect("autodoc-process-docstring", docstring_to_rst)
    app.connect("autodoc-skip-member", skip_member)

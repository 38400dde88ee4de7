"""How Sphinx makes the site. `python tutorials/build.py site` gathers the pages and calls it.

Nothing is fetched when a page is opened: formulas are drawn by MathJax from one file of our own, as curves, which need
no fonts; the theme uses the fonts of the reader's system.
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
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
templates_path, html_show_copyright = [], False

autodoc_typehints = "none"
default_role = "literal"  # docstrings write `name` as Markdown does


def docstring_to_rst(app, what, name, thing, options, lines):
    """The docstrings are plain text: an indented block, a table or formulas, is shown as it stands.

    In reStructuredText that is a block after "::", and signs that would mean something there get a backslash.
    """
    rst, verbatim = [], False
    for line in lines:
        if line.strip() and line.startswith("    ") != verbatim:
            verbatim = not verbatim
            rst += ["", "::", ""] if verbatim else [""]
        rst.append(line if verbatim else _escaped(line))
    lines[:] = rst


def _escaped(line):
    """The signs *, | and _ mean themselves, except within backticks, after which a letter may follow (`Tensor`s)."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(p + r"\ " if p.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", p) for p in parts)


def setup(app):
    app.connect("autodoc-process-docstring", docstring_to_rst)

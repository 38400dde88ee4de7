"""How Sphinx makes the site. `python tutorials/build.py site` gathers the pages and calls it.

Nothing is fetched when a page is opened: formulas are drawn by MathJax from one local file, as curves, which need no
fonts; the theme uses the fonts of the reader's system.
"""

import ast
import importlib.util
import pathlib
import re

project = "npvae"
html_title = "npvae"
html_theme = "furo"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

HERE = pathlib.Path(__file__).parent
MATHJAX = pathlib.Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
html_static_path = [str(MATHJAX / "tex-svg-full.js"), str(HERE / "site.css"), str(HERE / "search_excerpts.js"),
                    str(HERE / "explorables.js")]
html_css_files = ["site.css"]
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

nb_execution_mode = "off"  # the notebooks are executed already
nb_code_prompt_show, nb_code_prompt_hide = "Show the {type}", "Hide the {type}"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
smartquotes = False  # in a docstring, ' is a prime and " belongs to a program
exclude_patterns = ["notebooks/*"]  # offered for download, and not pages
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses to a page from disk: see build.py
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
    """The signs *, | and _ mean themselves, except around `code` and *emphasis*, after which a letter may follow.

    Code that is the name of something in the engine becomes a link to it.
    """
    parts = re.split(r"(`[^`]*`|\*\w[\w -]*\w\*)", line)
    for i, part in enumerate(parts):
        if i % 2:
            name = NAMES.get(part.strip("`"))
            parts[i] = (f":py:obj:`{part.strip('`')} <{name}>`" if name else part) + r"\ "
        else:
            parts[i] = re.sub(r"([*|_\\])", r"\\\1", part)
    return "".join(parts)


def _names():
    """The public functions, classes and methods of the engine whose name is unique: from the name to its place."""
    found = {}
    for path in (HERE.parents[1] / "npvae").rglob("*.py"):
        module = ".".join(path.relative_to(HERE.parents[1]).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(f"{module}.{node.name}")
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        found.setdefault(f"{node.name}.{method.name}", []).append(f"{module}.{node.name}.{method.name}")
    return {name: places[0] for name, places in found.items() if len(places) == 1}


NAMES = _names()


def skip_member(app, what, name, thing, skip, options):
    """Leave out the fields of named tuples: Python gives them a meaningless docstring."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field number") else None


def add_scripts(app, page, template, context, doctree):
    """The page of the search loads the script with the excerpts, and no other does: it holds the text of all pages.

    A chapter with figures that answer loads the script that makes room for them.
    """
    if page == "search":
        app.add_js_file("search_excerpts.js")
    if page[:2].isdigit() and list((HERE.parent / "explorables").glob(f"{page[:2]}_*.html")):
        app.add_js_file("explorables.js")


def setup(app):
    app.connect("html-page-context", add_scripts)
    app.connect("autodoc-process-docstring", docstring_to_rst)
    app.connect("autodoc-skip-member", skip_member)

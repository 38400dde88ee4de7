"""Makes everything that is made of the chapters: the executed notebooks beside them, and the site.

    python tutorials/build.py              both
    python tutorials/build.py notebooks    only the notebooks, all of them or those of the given chapters (01 05)
    python tutorials/build.py site         only the site, from the notebooks, which must be those of the chapters
    python tutorials/build.py slides       only the slides of all chapters, or of the given ones (01 05), as PDFs

A chapter is a Python program in percent format. Its notebook holds the same cells, and what they print and draw. It has
no cell ids, no execution times and no versions, so that building it twice gives the same bytes. The site is made by
Sphinx with MyST-NB, configured in tutorials/site/conf.py; it needs no network, and begins at site/html/index.html.

The slides hold the figures of the notebooks. The site's page for teachers offers them; `slides` alone writes slides/.

A cell with the tag hide-input folds its code, and one with hide-output what it prints and draws, on the site and in
Jupyter. The first is for plots, the second for what a reader should predict first.

Chapters link to the engine by the name of a function, [elbo](../npvae/probability/bounds.py). In the notebook the link
gets its line; on the site it leads to the page with the highlighted source.
"""

import argparse
import ast
import base64
import configparser
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import bs4
    import jupytext
    import nbclient
    import nbformat
except ModuleNotFoundError as error:
    sys.exit(f"build.py: {error.name} is not installed: pip install -e '.[docs]'")

from npvae.learn import catalogue
from npvae.learn.exercises import BY_CHAPTER

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "site"))
import exercise_pages  # noqa: E402
import explorables  # noqa: E402
import slides  # noqa: E402
import teaching_page  # noqa: E402

CHAPTERS = sorted(HERE.glob("[0-9][0-9]_*.py"))
ENGINE = HERE.parent / "npvae"
SITE = HERE / "site" / "html"
SLIDES = HERE / "slides"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
LINK_TO_ENGINE = re.compile(r"\[([^\]]*)\]\(\.\./(npvae/[^)#]*)(#[^)]*)?\)")
PACKAGES = [  # and modules, in the order in which they import one another
    "errors", "runtime", "autodiff", "datasets", "nn", "diagnosis", "probability", "models", "training", "gradchecks",
    "figures", "learn",
]
WORDS_PER_MINUTE = 200  # of text, formulas and code
PAGES = [  # beside the chapters
    "teaching", "own_exercises", "notation", "results", "benchmarks", "beyond_one_machine", "contributing", "changes",
]  # fmt: skip


# --- notebooks --------------------------------------------------------------------------------------------------------


def unexecuted(chapter):
    """The notebook of a chapter, a path, before it is executed: its cells, with the lines of all links to the engine.

    Raises ValueError for a link to something that is not there.
    """
    notebook = jupytext.read(chapter, fmt="py:percent")
    for cell in notebook.cells:
        cell.metadata = _folded(cell.metadata.get("tags", []))
        cell.pop("id", None)
        if cell.cell_type == "markdown":
            cell.source = LINK_TO_ENGINE.sub(lambda match: _with_line(match, chapter), cell.source)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 4        # from 4.5 on, every cell has an id
    return notebook


def _folded(tags):
    """The metadata of a cell with these tags: MyST-NB folds what the tags name, and Jupyter what the rest names."""
    folds = {"hide-input": {"source_hidden": True}, "hide-output": {"outputs_hidden": True}}
    jupyter = {key: value for tag in tags for key, value in folds[tag].items()}
    return nbformat.from_dict({"tags": tags, "jupyter": jupyter} if tags else {})


def _with_line(match, chapter):
    """[elbo](../npvae/probability/bounds.py) with the line at which `elbo` is defined: …bounds.py#L61)."""
    name, path, _ = match.groups()
    if path.endswith(f"/{name}") and (HERE.parent / path).exists():      # the whole file
        return match.group(0)
    line = line_of(name, HERE.parent / path)
    if line is None:
        raise ValueError(f"{chapter.name} links to {name} in {path}, which does not define it")
    return f"[{name}](../{path}#L{line})"


def line_of(name, path):
    """The line of a Python file at which a function, class or method (Class.method) is defined; None if it is not."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else []
    for part in name.split("."):
        found = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part]
        if not found:
            return None
        nodes = found[0].body
    return found[0].lineno


def execute(notebook):
    """Run a notebook in the folder of the chapters; keep what its cells print and draw, and strip everything else."""
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(HERE)}}).execute()
    notebook.metadata = nbformat.from_dict(METADATA)                             # without the version of Python
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)                 # its times
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)
    return notebook


def _merged(outputs):
    """Outputs in which what is printed comes in one piece: in how many it arrives depends on the moment."""
    merged = []
    for output in outputs:
        if merged and output.output_type == "stream" and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def build_notebooks(chapters):
    """Write the executed notebook beside each of the chapters, a list of paths. Raises ValueError where one fails."""
    for chapter in chapters:
        print(f"{chapter.name}: executing", flush=True)
        notebook = unexecuted(chapter)
        try:
            execute(notebook)
        except nbclient.exceptions.CellExecutionError as error:
            what = f"{error.ename}: {error.evalue}".rstrip(": ")
            raise ValueError(f"{what} in {chapter.name}; python tutorials/{chapter.name} says where") from error
        nbformat.write(notebook, chapter.with_suffix(".ipynb"))


# --- the site ---------------------------------------------------------------------------------------------------------


def build_site():
    """Build the site from the notebooks into site/html.

    Raises ValueError where a notebook is missing or is not that of its chapter, and where Sphinx has any complaint.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, built = pathlib.Path(folder, "source"), pathlib.Path(folder, "html")
        source.mkdir()
        _gather(source)
        sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
        done = subprocess.run([*sphinx, "-c", HERE / "site", "-d", source / "doctrees", source, built])
        if done.returncode:
            raise ValueError("Sphinx has complained, above: the site was not built")
        _write_excerpts(built)
        explorables.write(built)
        write_slides(CHAPTERS, built / "slides")
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(built, SITE)
    (SITE / "sources").write_text(digest(), encoding="utf-8")
    print(f"the site begins at {SITE / 'index.html'}")


def _write_excerpts(built):
    """Write the texts of all pages, and of all functions, into the script that shows excerpts of search results."""
    texts = {}
    for page in built.rglob("*.html"):
        article = bs4.BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find("article")
        if article is None or page.is_relative_to(built / "_modules"):
            continue
        for formula in article.find_all(class_="math"):
            formula.replace_with("…")                        # in the page it is raw TeX
        address, text = page.relative_to(built).as_posix(), lambda part: " ".join(part.get_text().split())
        for function in article.select("dt[id]"):
            summary = function.find_next_sibling("dd").find("p")
            if summary:
                texts[f"{address}#{function['id']}"] = text(summary)
        texts[address] = text(article).replace("¶", "")
    script = built / "_static" / "search_excerpts.js"
    excerpts = f"const EXCERPTS = {json.dumps(texts, ensure_ascii=False, sort_keys=True)};\n"
    script.write_text(excerpts + script.read_text(encoding="utf-8"), encoding="utf-8")


def digest():
    """SHA-256 of all that the site is made of: it tells whether the site is still what would be built now."""
    patterns = ("*.ipynb", "*.md", "exercises/*", "own_exercises/*", "explorables/*", "figures/*", "site/*.*")
    found = [path for pattern in patterns for path in HERE.glob(pattern)]
    result = hashlib.sha256()
    for path in sorted([*found, HERE / "build.py", *ENGINE.rglob("*.py")]):
        if path.is_file():
            result.update(path.relative_to(ENGINE.parent).as_posix().encode() + path.read_bytes())
    return result.hexdigest()


def _gather(source):
    """Put all pages of the site into one folder: chapters, notation, exercises, reference."""
    (source / "notebooks").mkdir()
    for chapter in CHAPTERS:
        path = chapter.with_suffix(".ipynb")
        notebook = nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()
        if [cell.source for cell in notebook.cells] != [cell.source for cell in unexecuted(chapter).cells]:
            raise ValueError(f"{path.name} is not what {chapter.name} makes: build.py notebooks {chapter.name[:2]}")
        for cell in notebook.cells:
            _adapt(cell)
        teaching_page.mark_figures(notebook)
        notebook.cells[0].source += _offer(chapter)
        nbformat.write(notebook, source / path.name)
        shutil.copy(path, source / "notebooks")
    shutil.copytree(HERE / "figures", source / "figures")
    shutil.copytree(HERE / "own_exercises", source / "own_exercises", ignore=shutil.ignore_patterns("__pycache__"))
    pages = {
        "index": _landing(source) + _contents(["chapters", "exercises", "reference", *PAGES]),
        "chapters": (HERE / "README.md").read_text(encoding="utf-8") + _contents(chapter.stem for chapter in CHAPTERS),
        **{page: (HERE / f"{page}.md").read_text(encoding="utf-8") for page in PAGES},
    }
    pages["teaching"] = teaching_page.page(pages["teaching"], [_about(chapter) for chapter in CHAPTERS])
    for page, text in pages.items():
        (source / f"{page}.md").write_text(_for_site(text), encoding="utf-8")
    (source / "exercises").mkdir()
    (source / "exercises.md").write_text(_exercises(source), encoding="utf-8")
    (source / "reference").mkdir()
    (source / "reference.md").write_text(_reference(source), encoding="utf-8")


def _offer(chapter):
    """A line that offers the notebook of a chapter."""
    colab = in_colab(chapter.stem, (HERE.parent / "setup.cfg").read_text(encoding="utf-8"))
    return f"\n\n{{download}}`Download this chapter as a notebook <notebooks/{chapter.stem}.ipynb>`{colab}."


def in_colab(name, setup):
    """The words that offer a notebook in Colab, if the text of setup.cfg has a `url` of a repository on GitHub."""
    settings = configparser.ConfigParser()
    settings.read_string(setup)
    url = settings["metadata"].get("url", "")
    if not url.startswith("https://github.com/"):
        return ""
    repository = url.removeprefix("https://github.com/").strip("/")
    address = f"https://colab.research.google.com/github/{repository}/blob/main/tutorials/{name}.ipynb"
    return f", or [open it in Colab]({address})"


def _adapt(cell):
    """A cell of a notebook, for the site: links lead to its pages, a picture has its text and names its fold."""
    if cell.cell_type == "markdown":
        cell.source = explorables.framed(_for_site(cell.source))
        return
    drawn = [output for output in cell.outputs if output.get("metadata")]
    if len(drawn) > 1:
        raise ValueError(f"a cell draws {len(drawn)} pictures, expected one, since MyST-NB has one text for all")
    for output in drawn:
        name, (about,) = output["data"]["text/plain"], output["metadata"].values()
        folds = {f"code_prompt_{verb}": f"{name}: {verb} the {{type}}" for verb in ("show", "hide")}
        cell.metadata["mystnb"] = {"image": {"alt": about["alt"], "classes": _kind(about)}, **folds}


def _kind(about):
    """The class of a picture in site.css, from what its output says about it."""
    return "drawing" if about["drawing"] else "pictures"


def _for_site(text):
    """Markdown whose links to files of the repository lead to the pages that the site has for them."""
    text = LINK_TO_ENGINE.sub(_to_source, text)
    text = text.replace("](README.md)", "](chapters.md)").replace("](exercises/README.md)", "](exercises.md)")
    return re.sub(r"\]\(exercises/(\w+)\.py\)", r"](exercises/\1.md)", text)


def _to_source(match):
    """A link to the engine, as one to the page of the highlighted source, and there to the function."""
    name, path, line = match.groups()
    page = path.removesuffix(".py")
    return f'<a href="_modules/{page}.html{f"#{name}" if line else ""}"><code>{name}</code></a>'


def _landing(source):
    """The text of the first page: that of site/index.md, with a card for each chapter."""
    page, cards = (HERE / "site" / "index.md").read_text(encoding="utf-8"), []
    for chapter in CHAPTERS:
        about = _about(chapter)
        cells = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4).cells
        picture, kind = _first_picture(cells, source / "cards", chapter.stem)
        cards += ["````{container} card", f"```{{image}} cards/{picture}"]
        cards += [f":alt: A figure of the chapter {about.title}", f":class: {kind}", "```", ""]
        cards += [f"[{about.title}]({chapter.stem}.ipynb)", ""]
        cards += [f"{about.topics}. *{about.minutes} minutes to read.*", "````", ""]
    return page.replace("<!-- cards -->", "\n".join(cards))


def _about(chapter):
    """What other pages say about a chapter."""
    readme, title = (HERE / "README.md").read_text(encoding="utf-8"), _title(chapter)
    topics = dict(re.findall(r"^\| \[(.*?)\].*?\| (.*?) \|", readme, re.MULTILINE))[title]
    notebook = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)
    minutes = round(sum(len(cell.source.split()) for cell in notebook.cells) / WORDS_PER_MINUTE)
    topics = topics[0].upper() + topics[1:]                  # `capitalize` would turn VAE into vae
    return teaching_page.Chapter(chapter.stem, title, topics, minutes, slides.figures_of(notebook))


def _first_picture(cells, folder, name):
    """Write the first picture of a notebook into a folder, and return the name of its file and its class."""
    folder.mkdir(exist_ok=True)
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        if "image/png" in data:
            (folder / f"{name}.png").write_bytes(base64.b64decode(data["image/png"]))
            return f"{name}.png", _kind(output["metadata"]["image/png"])
    raise ValueError(f"the notebook {name} has no picture for the first page")


def _contents(pages):
    """What tells Sphinx which pages belong below this one: the side bar lists them."""
    return "\n".join(["\n```{toctree}", ":hidden:", "", *pages, "```", ""])


def _exercises(source):
    """Write a page for each exercise; the text of the page that lists them, each under its chapter."""
    text = "# Exercises\n" + (HERE / "exercises" / "README.md").read_text(encoding="utf-8").split("\n", 1)[1]
    titles = {_title(chapter): chapter.stem for chapter in CHAPTERS}
    for title, exercises in BY_CHAPTER.items():
        names = [catalogue.file_name(exercise).removesuffix(".py") for exercise in exercises]
        for exercise, name in zip(exercises, names):
            code = (HERE / "exercises" / f"{name}.py").read_text(encoding="utf-8").split('"""', 2)[2].lstrip()
            chapter = f"[{title}](../{titles[title]}.ipynb)"
            page = exercise_pages.page(exercise, catalogue.NUMBER[exercise.name], chapter, code)
            (source / "exercises" / f"{name}.md").write_text(page, encoding="utf-8")
        text += _listed(title, names)
    return text


def _title(chapter):
    return re.search(r"^# # (.*)", chapter.read_text(encoding="utf-8"), re.MULTILINE)[1]


def _listed(title, names):
    """A heading and, below it, a list of links to pages of exercises."""
    pages = [f"exercises/{name}" for name in names]
    return "\n".join([f"\n## {title}\n", "```{toctree}", ":maxdepth: 1", "", *pages, "```", ""])


def _reference(source):
    """Write a page of the reference for each package and each module; the text of the page that lists them."""
    names = []
    for part in PACKAGES:
        path = ENGINE / part
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        modules = [".".join(file.relative_to(ENGINE.parent).with_suffix("").parts) for file in files]
        blocks = [f"# npvae.{part}\n"] + [_module(name, len(files) > 1) for name in modules]
        (source / "reference" / f"{part}.md").write_text("\n".join(blocks), encoding="utf-8")
        names.append(f"reference/{part}")
    text = "# Reference\n\nEvery public name of the engine, in the order in which the packages import one another.\n\n"
    return text + "\n".join(["```{toctree}", ":maxdepth: 1", "", *names, "```", ""])


def _module(name, with_title):
    """What Sphinx is told of a module; of a package itself, only its docstring: its names come from its modules."""
    if name.endswith(".__init__"):
        return f"```{{eval-rst}}\n.. automodule:: {name.removesuffix('.__init__')}\n```\n"
    title = f"\n## {name.rsplit('.', 1)[1]}\n" if with_title else ""
    summary = [".. currentmodule:: None", "", ".. autosummary::", "   :nosignatures:", "", *_public(name), ""]
    members = [f".. automodule:: {name}", "   :members:", "   :member-order: bysource"]
    return "\n".join([title, "```{eval-rst}", *summary, *members, "```", ""])


def _public(module):
    """The public functions and classes that a module defines, each as a line of `autosummary`."""
    path = ENGINE.parent.joinpath(*module.split(".")).with_suffix(".py")
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [f"   ~{module}.{name}" for name in names if not name.startswith("_")]


# --- the slides -------------------------------------------------------------------------------------------------------


def write_slides(chapters, folder):
    """Write the slides of the chapters, a list of paths, into a folder, as NN_name.pdf; return the pages of each."""
    folder.mkdir(exist_ok=True)
    pages = {}
    for chapter in map(_about, chapters):
        about = re.sub(r"\$([^$]*)\$", lambda match: match[1].replace(r"\ln", "ln"), chapter.topics)
        pages[chapter.stem] = slides.write(folder / f"{chapter.stem}.pdf", chapter.title, about, chapter.figures)
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    whats = ["notebooks", "site", "slides"]
    parser.add_argument("what", nargs="?", choices=whats, help="only this; by default the notebooks and the site")
    of_which = "the numbers of chapters whose notebooks or slides are made, such as 01"
    parser.add_argument("chapters", nargs="*", help=of_which)
    arguments = parser.parse_args()
    numbers = {chapter.name[:2]: chapter for chapter in CHAPTERS}
    for number in arguments.chapters:
        if number not in numbers or arguments.what not in ("notebooks", "slides"):
            expected = f"expected numbers of chapters after notebooks or slides: {', '.join(numbers)}"
            parser.error(f"found {number}, {expected}")
    chapters = [numbers[number] for number in arguments.chapters or numbers]
    try:
        if arguments.what in (None, "notebooks"):
            build_notebooks(chapters)
        if arguments.what in (None, "site"):
            build_site()
        if arguments.what == "slides":
            for name, count in write_slides(chapters, SLIDES).items():
                print(f"{SLIDES / name}.pdf: {count} pages")
    except ValueError as error:
        sys.exit(f"build.py: {error}")


if __name__ == "__main__":
    main()

"""Makes everything that is made of the chapters: the executed notebooks beside them, and the site.

    python tutorials/build.py              both
    python tutorials/build.py notebooks    only the notebooks, all of them or those of the given chapters (01 05)
    python tutorials/build.py site         only the site, from the notebooks, which must be those of the chapters

A chapter is a Python program in percent format. Its notebook holds the same cells, and what they print and draw. It has
no cell ids, no execution times and no versions, so that building it twice gives the same bytes. The site is made by
Sphinx with MyST-NB, configured in tutorials/site/conf.py; it needs no network, and begins at site/html/index.html.

Chapters link to the engine by the name of a function, [elbo](../npvae/probability/bounds.py). In the notebook the link
gets its line; on the site it leads to the page with the highlighted source.
"""

import argparse
import ast
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import jupytext
    import nbclient
    import nbformat
except ModuleNotFoundError as error:
    sys.exit(f"build.py: {error.name} is not installed: pip install -e '.[docs]'")

from npvae.learn import catalogue

HERE = pathlib.Path(__file__).resolve().parent
CHAPTERS = sorted(HERE.glob("[0-9][0-9]_*.py"))
ENGINE = HERE.parent / "npvae"
SITE = HERE / "site" / "html"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py"},
}
LINK_TO_ENGINE = re.compile(r"\[([^\]]*)\]\(\.\./(npvae/[^)#]*)(#[^)]*)?\)")
PACKAGES = [  # and modules, in the order in which they import one another
    "errors", "runtime", "autodiff", "datasets", "nn", "diagnosis", "probability", "models", "training", "gradchecks",
    "figures", "learn",
]
PAGES = ["notation", "results", "benchmarks", "contributing", "changes"]  # beside the chapters


# --- notebooks --------------------------------------------------------------------------------------------------------


def unexecuted(chapter):
    """The notebook of a chapter, a path, before it is executed: its cells, with the lines of all links to the engine.

    Raises ValueError for a link to something that is not there.
    """
    notebook = jupytext.read(chapter, fmt="py:percent")
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id", None)
        if cell.cell_type == "markdown":
            cell.source = LINK_TO_ENGINE.sub(lambda match: _with_line(match, chapter), cell.source)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 4        # from 4.5 on, every cell has an id
    return notebook


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
        cell.metadata = {}                                   # the times of execution
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
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(built, SITE)
    (SITE / "sources").write_text(digest(), encoding="utf-8")
    print(f"the site begins at {SITE / 'index.html'}")


def digest():
    """SHA-256 of all that the site is made of: it tells whether the site is still what would be built now."""
    patterns = ("*.ipynb", "*.md", "exercises/*", "figures/*", "site/*.*")
    found = [path for pattern in patterns for path in HERE.glob(pattern)]
    result = hashlib.sha256()
    for path in sorted([*found, HERE / "build.py", *ENGINE.rglob("*.py")]):
        if path.is_file():
            result.update(path.relative_to(ENGINE.parent).as_posix().encode() + path.read_bytes())
    return result.hexdigest()


def _gather(source):
    """Put all pages of the site into one folder: chapters, notation, exercises, reference."""
    for chapter in CHAPTERS:
        path = chapter.with_suffix(".ipynb")
        notebook = nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()
        if [cell.source for cell in notebook.cells] != [cell.source for cell in unexecuted(chapter).cells]:
            raise ValueError(f"{path.name} is not what {chapter.name} makes: build.py notebooks {chapter.name[:2]}")
        for cell in notebook.cells:
            _adapt(cell)
        nbformat.write(notebook, source / path.name)
    for name, page, more in [("README", "index", _contents()), *((name, name, "") for name in PAGES)]:
        text = _for_site((HERE / f"{name}.md").read_text(encoding="utf-8"))
        (source / f"{page}.md").write_text(text + more, encoding="utf-8")
    shutil.copytree(HERE / "figures", source / "figures")
    (source / "exercises").mkdir()
    (source / "exercises.md").write_text(_exercises(source), encoding="utf-8")
    (source / "reference").mkdir()
    (source / "reference.md").write_text(_reference(source), encoding="utf-8")


def _adapt(cell):
    """A cell of a notebook, for the site: links lead to pages of the site, and a picture has its alternative text."""
    if cell.cell_type == "markdown":
        cell.source = _for_site(cell.source)
        return
    pictures = [output.metadata["image/png"]["alt"] for output in cell.outputs if "image/png" in output.get("data", {})]
    if len(pictures) > 1:
        raise ValueError(f"a cell draws {len(pictures)} pictures, expected one, since MyST-NB has one text for all")
    if pictures:
        cell.metadata["mystnb"] = {"image": {"alt": pictures[0]}}


def _for_site(text):
    """Markdown whose links to files of the repository lead to the pages that the site has for them."""
    text = LINK_TO_ENGINE.sub(_to_source, text)
    text = text.replace("](README.md)", "](index.md)").replace("](exercises/README.md)", "](exercises.md)")
    return re.sub(r"\]\(exercises/(\w+)\.py\)", r"](exercises/\1.md)", text)


def _to_source(match):
    """A link to the engine, as one to the page of the highlighted source, and there to the function."""
    name, path, line = match.groups()
    page = path.removesuffix(".py")
    return f'<a href="_modules/{page}.html{f"#{name}" if line else ""}"><code>{name}</code></a>'


def _contents():
    chapters, pages = "\n".join(chapter.stem for chapter in CHAPTERS), "\n".join(PAGES)
    return f"\n```{{toctree}}\n:hidden:\n\n{chapters}\nexercises\nreference\n{pages}\n```\n"


def _exercises(source):
    """Write a page for each exercise; the text of the page that lists them, each under the chapter that asks for it."""
    text = "# Exercises\n" + (HERE / "exercises" / "README.md").read_text(encoding="utf-8").split("\n", 1)[1]
    names = [catalogue.file_name(exercise).removesuffix(".py") for exercise in catalogue.ALL]
    for exercise, name in zip(catalogue.ALL, names):
        stub = (HERE / "exercises" / f"{name}.py").read_text(encoding="utf-8")
        task = ast.get_docstring(ast.parse(stub))
        code = stub.split('"""', 2)[2].lstrip()
        page = f"# {exercise.name}: {exercise.title}\n\n```text\n{task}\n```\n\n```python\n{code}```\n"
        (source / "exercises" / f"{name}.md").write_text(page, encoding="utf-8")
    for chapter in CHAPTERS:
        chapter_text = chapter.read_text(encoding="utf-8")
        asked = [name for name in names if f"(exercises/{name}.py)" in chapter_text]
        names = [name for name in names if name not in asked]
        text += _listed(re.search(r"^# # (.*)", chapter_text, re.MULTILINE)[1], asked)
    museum = [name for name in names if "_bug_" in name]
    return text + _listed("The museum of bugs, continued", museum) + _listed("Beyond", sorted({*names} - {*museum}))


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
    title = f"\n## {name}\n" if with_title else ""
    return f"{title}\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :member-order: bysource\n```\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["notebooks", "site"], help="only this; by default both")
    parser.add_argument("chapters", nargs="*", help="the numbers of chapters whose notebooks are built, such as 01")
    arguments = parser.parse_args()
    numbers = {chapter.name[:2]: chapter for chapter in CHAPTERS}
    for number in arguments.chapters:
        if number not in numbers or arguments.what != "notebooks":
            parser.error(f"found {number}, expected numbers of chapters after notebooks: {', '.join(numbers)}")
    try:
        if arguments.what != "site":
            build_notebooks([numbers[number] for number in arguments.chapters or numbers])
        if arguments.what != "notebooks":
            build_site()
    except ValueError as error:
        sys.exit(f"build.py: {error}")


if __name__ == "__main__":
    main()

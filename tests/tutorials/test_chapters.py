"""Proves that every chapter runs as a program, and that its notebook shows what the chapter says now.

A chapter asserts what its prose claims, so running it is the test. These tests would catch an engine that no longer
does what the prose says, an outdated notebook, a link to a function that has moved, and a picture without alternative
text.
"""

import ast
import base64
import io
import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest

from npvae.learn import catalogue

TUTORIALS = pathlib.Path(__file__).parents[2] / "tutorials"
CHAPTERS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
WIDTH, PRINTED = 92, 80  # columns of code that fit on the site, and of printed lines
SECONDS = 900  # many times what a chapter takes, because the machine may be busy
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)


def notebook(chapter):
    return json.loads(chapter.with_suffix(".ipynb").read_text(encoding="utf-8"))


def outputs(chapter):
    """Return what the code cells of a notebook printed and drew."""
    cells = [cell for cell in notebook(chapter)["cells"] if cell["cell_type"] == "code"]
    return [output for cell in cells for output in cell["outputs"]]


def text_of(output):
    """Return the printed text, or the name of a figure, as a program prints it."""
    lines = output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
    return "".join(lines)


PLACE = r"(\S*/)?\S+\.py:\d+|cell:\d+|called at|\(line \d+\)"  # the place of a call, in a program or a notebook
NUMBER = r"[-+−]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?"


def words(text):
    """Return the words without numbers, places and line breaks: these do not depend on the machine."""
    text = re.sub(r"\[(Figure \S+): runs/tutorials/\S+\]", r"\1", text)
    text = re.sub(PLACE, " ", text)
    return re.sub(rf"{NUMBER}|\b(nan|inf)\b|\s+", " ", text).split()


def numbers(text):
    """Return the numbers, except in lines about places and about rounding errors, which depend on the processor."""
    text = re.sub(r"^  line \d+:", "", text, flags=re.MULTILINE)             # a diagnosis counts the lines of a cell
    lines = [line for line in re.sub(PLACE, " ", text).splitlines() if not re.search(r"e-\d", line)]
    found = re.findall(NUMBER, re.sub(r"\w*[A-Za-z_]\d+", " ", " ".join(lines)))
    return [float(number.replace("−", "-").replace(",", "").rstrip(".")) for number in found]


def differ(a, b, is_trained):
    """Return whether two numbers differ by more than a change of processor explains, which is much after training."""
    absolute, relative = (1, 0.3) if is_trained else (0.02, 0.02)
    return abs(a - b) > absolute + relative * max(abs(a), abs(b))


def small(picture):
    """Return a picture, from a path or bytes, as 48 × 48 grey values from 0 to 1."""
    return np.asarray(PIL.Image.open(picture).convert("L").resize((48, 48)), dtype=float) / 255


def test_what_differs_is_found():
    shown = "gap 0.452 nats,\nlargest error 6.3e-11 at (2, 1)\n  0 dense (3,5)  cell:2"
    assert words(shown) == words(shown.replace("cell", "a/b.py").replace("1", "7").replace(",\n", ",  "))
    assert words(shown) != words(shown.replace("gap", "bump")) and words("a b") != words("b a")
    assert numbers(shown) == [0.452, 0, 3, 5] == numbers(shown.replace("6.3e", "9.9e"))
    assert not differ(0.452, 0.46, False) and differ(0.452, 0.5, False) and not differ(0.452, 0.5, True)
    assert differ(0.452, 7.452, True) and differ(-104.0, 104.0, True)


@pytest.mark.tutorial
@every_chapter
def test_a_chapter_runs_as_a_program(chapter, tmp_path):
    start = time.monotonic()
    program = [sys.executable, "-W", "error::UserWarning", str(chapter)]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS)
    print(f"{chapter.name}: {time.monotonic() - start:.0f} s")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= PRINTED
    shown = "\n".join(map(text_of, outputs(chapter)))
    assert words(done.stdout) == words(shown), "python tutorials/build.py notebooks makes it anew"
    printed = re.sub(r"\[Figure .*\]\n", "", done.stdout)
    found, expected = numbers(printed), numbers("".join(text_of(o) for o in outputs(chapter) if "text" in o))
    is_trained = re.search(r'datasets\.load\("mnist"\)|optim\.Adam', chapter.read_text(encoding="utf-8"))
    assert len(found) == len(expected) and not [pair for pair in zip(found, expected) if differ(*pair, is_trained)]
    for output in outputs(chapter):
        if "image/png" in output.get("data", {}):
            drawn = tmp_path / "runs" / "tutorials" / f"{text_of(output).replace('Figure ', 'figure-')}.png"
            picture = io.BytesIO(base64.b64decode(output["data"]["image/png"]))
            assert np.abs(small(drawn) - small(picture)).mean() < 0.05, drawn.name


@every_chapter
def test_a_notebook_has_the_cells_of_its_chapter(chapter):
    pytest.importorskip("jupytext")
    sys.path.insert(0, str(TUTORIALS))
    from build import unexecuted

    expected = [(cell.cell_type, cell.source) for cell in unexecuted(chapter).cells]
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook(chapter)["cells"]]
    assert found == expected, "python tutorials/build.py notebooks makes it anew"


@every_chapter
def test_a_notebook_was_executed_from_its_beginning_to_its_end(chapter):
    cells = [cell for cell in notebook(chapter)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@every_chapter
def test_a_notebook_holds_nothing_that_changes_from_build_to_build(chapter):
    for cell in notebook(chapter)["cells"]:
        assert set(cell["metadata"]) <= {"tags", "jupyter"} and "id" not in cell
    assert set(notebook(chapter)["metadata"]) == {"kernelspec", "language_info"}
    assert not re.search(r"ipykernel_\d|/tmp/|object at 0x", chapter.with_suffix(".ipynb").read_text(encoding="utf-8"))


@every_chapter
def test_every_output_is_a_text_or_a_figure(chapter):
    for output in outputs(chapter):
        if output["output_type"] == "stream":
            assert output["name"] == "stdout"
            assert max(map(len, text_of(output).splitlines())) <= PRINTED
        else:
            assert output["output_type"] == "display_data" and re.fullmatch(r"Figure \d+\.\d+", text_of(output))
            assert all(about["alt"].startswith(text_of(output)) for about in output["metadata"].values())


def texts(chapter):
    """Return the chapter's cells as triples of their kind, their tags and their source."""
    for cell in notebook(chapter)["cells"]:
        yield cell["cell_type"], cell["metadata"].get("tags", []), "".join(cell["source"])


@every_chapter
def test_every_figure_has_a_number_a_caption_and_a_mention(chapter):
    names = [text_of(output) for output in outputs(chapter) if output["output_type"] == "display_data"]
    assert names == [f"Figure {int(chapter.name[:2])}.{i}" for i in range(1, len(names) + 1)] != []
    prose = " ".join("\n".join(source for kind, _, source in texts(chapter) if kind == "markdown").split())
    for name in names:
        caption = re.search(rf"\*{re.escape(name)}\. ([^*]+)\*", prose)
        assert caption and len(caption[1]) > 60, f"{name} has no caption"
        assert len(re.findall(rf"\b{re.escape(name)}\b", prose, re.IGNORECASE)) > 1, f"no sentence mentions {name}"


@every_chapter
def test_a_prediction_comes_before_its_answer(chapter):
    """The cell that answers folds its output, and the text behind it folds the explanation."""
    cells = list(texts(chapter))
    asked = [i for i, (kind, _, source) in enumerate(cells) if kind == "markdown" and "> **Predict.**" in source]
    assert asked
    for i in asked:
        answer = next(j for j in range(i + 1, len(cells)) if "hide-output" in cells[j][1])
        assert answer <= i + 2, f"nothing answers: {cells[i][2][-80:]}"
        explained = next(j for j in range(answer + 1, len(cells)) if cells[j][0] == "markdown")
        assert "<details>" in cells[explained][2], f"nothing explains: {cells[i][2][-80:]}"


@every_chapter
def test_no_assert_that_is_seen_answers_a_prediction(chapter):
    asked = False
    for kind, tags, source in texts(chapter):
        if kind == "markdown":
            asked = source.rfind("> **Predict.**") > source.rfind("<details>") or (asked and "<details>" not in source)
        elif asked and "hide-input" not in tags:
            assert not re.search(r"^assert\b", source, re.MULTILINE), source


@every_chapter
def test_plots_are_folded(chapter):
    """A reader came for the mathematics, and can open the code of a plot."""
    for kind, tags, source in texts(chapter):
        if kind == "code" and "hide-input" not in tags:
            assert not re.search(r"\b(ax|axes|fig|plt|top|bottom)\.", source), source


@every_chapter
def test_a_chapter_has_a_blank_that_is_checked_on_the_page(chapter):
    assert any(kind == "code" and "learn.check(" in source for kind, _, source in texts(chapter))


def to_write(name, source):
    """Return the parameters of the function `name`, and the derivatives inside it that are to be written."""
    tree = ast.parse(source)
    f = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    inside = [node for node in ast.walk(f) if isinstance(node, ast.FunctionDef)]
    return ast.unparse(f.args).replace("math.", "np."), [d.name for d in inside if ast.unparse(d.args) == "dy"]


@every_chapter
def test_a_blank_asks_for_what_its_exercise_checks(chapter):
    """Whoever writes the function that a page shows must not be refused for its parameters."""
    for kind, _, source in texts(chapter):
        checked = kind == "code" and re.search(r"^learn\.check\((\w+)\)", source, re.MULTILINE)
        if checked:
            renamed = re.search(rf'^{checked[1]}\.__name__ = "(\w+)"', source, re.MULTILINE)
            name = renamed[1] if renamed else checked[1]
            exercise = next(e for e in catalogue.ALL if name in (e.name, e.function_name))
            blank = to_write(checked[1], source[: checked.start()])
            assert blank == to_write(exercise.function_name, catalogue.text(exercise))


@every_chapter
def test_code_fits_on_the_page(chapter):
    code = [line for line in chapter.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    assert [line for line in code if len(line) > WIDTH] == []

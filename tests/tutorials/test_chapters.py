"""Proves that every chapter runs as a program, and that its notebook shows what the chapter says now.

A chapter asserts what its prose claims, so running it is the test. These tests would catch an engine that no longer
does what the prose says, an outdated notebook, a link to a function that has moved, and a picture without alternative
text.
"""

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
    """Return the printed text, or the alternative text of a picture, as a program prints it."""
    lines = output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
    return "".join(lines)


PLACE = r"(\S*/)?\S+\.py:\d+|cell:\d+|called at"  # the place of a call, in a program or a notebook
NUMBER = r"[-+−]?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?"


def words(text):
    """Return the words without numbers, places and line breaks: these do not depend on the machine."""
    text = re.sub(r"\[runs/tutorials/\S+:", " ", text.replace("]", " "))
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
    printed = re.sub(r"(?s)\[runs/tutorials/.*?\]\n", "", done.stdout)
    found, expected = numbers(printed), numbers("".join(text_of(o) for o in outputs(chapter) if "text" in o))
    is_trained = 'datasets.load("mnist")' in chapter.read_text(encoding="utf-8")
    assert len(found) == len(expected) and not [pair for pair in zip(found, expected) if differ(*pair, is_trained)]
    pictures = [output["data"]["image/png"] for output in outputs(chapter) if "data" in output]
    drawn = sorted(tmp_path.glob("runs/tutorials/*.png"), key=lambda path: int(path.stem.rpartition("-")[2]))
    assert len(drawn) == len(pictures) > 0
    for path, picture in zip(drawn, pictures):
        assert np.abs(small(path) - small(io.BytesIO(base64.b64decode(picture)))).mean() < 0.05, path.name


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
        assert cell["metadata"] == {} and "id" not in cell
    assert set(notebook(chapter)["metadata"]) == {"kernelspec", "language_info"}
    assert not re.search(r"ipykernel_\d|/tmp/|object at 0x", chapter.with_suffix(".ipynb").read_text(encoding="utf-8"))


@every_chapter
def test_every_output_is_a_text_or_a_picture_with_words(chapter):
    for output in outputs(chapter):
        if output["output_type"] == "stream":
            assert output["name"] == "stdout"
            assert max(map(len, text_of(output).splitlines())) <= PRINTED
        else:
            assert output["output_type"] == "display_data"
            assert output["metadata"]["image/png"]["alt"] == text_of(output) and len(text_of(output)) > 60


@every_chapter
def test_code_fits_on_the_page(chapter):
    code = [line for line in chapter.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    assert [line for line in code if len(line) > WIDTH] == []

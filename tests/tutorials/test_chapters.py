"""Proves that every chapter runs as a program, and that its notebook shows what the chapter says now.

A chapter asserts what its prose claims, so running it is the test. It would catch an engine that no longer does what
the prose says, a notebook that was not built again, a link to a function that has moved, and a picture without words.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

import pytest

TUTORIALS = pathlib.Path(__file__).parents[2] / "tutorials"
CHAPTERS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
WIDTH, PRINTED = 92, 80  # columns of code that fit on the site, and of what is printed
SECONDS = 300  # a chapter takes at most 90 s on two cores; not on a machine that is busy
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)


def notebook(chapter):
    return json.loads(chapter.with_suffix(".ipynb").read_text(encoding="utf-8"))


def outputs(chapter):
    """What the code cells of a notebook printed and drew."""
    cells = [cell for cell in notebook(chapter)["cells"] if cell["cell_type"] == "code"]
    return [output for cell in cells for output in cell["outputs"]]


def text_of(output):
    """What is printed, or the alternative text of a picture, as a program prints it."""
    lines = output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
    return "".join(lines)


def words(text):
    """The words without numbers, paths and where lines end: what does not depend on the machine."""
    text = re.sub(r"\[runs/tutorials/\S+:", " ", text.replace("]", " "))
    text = re.sub(r"(\S*/)?\S+\.py:\d+|cell:\d+|called at", " ", text)
    return re.sub(r"[-+−]?\d[\d,.]*(e[-+]?\d+)?|\b(nan|inf)\b|\s+", " ", text).split()


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
    shown = " ".join(text_of(output) for output in outputs(chapter))
    assert sorted(words(done.stdout)) == sorted(words(shown)), "python tutorials/build.py notebooks makes it anew"
    pictures = [output for output in outputs(chapter) if "data" in output]
    assert len(list(tmp_path.glob("runs/tutorials/*.png"))) == len(pictures) > 0


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
            assert len(output["metadata"]["image/png"]["alt"]) > 60


@every_chapter
def test_code_fits_on_the_page(chapter):
    code = [line for line in chapter.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    assert [line for line in code if len(line) > WIDTH] == []

"""Proves that the teacher's guide says what the chapters, the exercises and the collected mistakes say now.

These tests would catch a link to a figure that a chapter does not have, a chapter or an exercise that the guide
forgets, a count that is not that of the collection, an answer that nobody measures, and a slide on which something is
cut.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from npvae.learn import catalogue
from npvae.learn.museum.exhibits import Exhibit
from tests.diagnosis.mistakes import FOLDERS, load
from tests.learn.test_exercises import PREDICTED

TUTORIALS = pathlib.Path(__file__).parents[2] / "tutorials"
sys.path.insert(0, str(TUTORIALS / "site"))
import slides  # noqa: E402
import teaching_page  # noqa: E402
import usual_mistakes  # noqa: E402

NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(TUTORIALS.glob("[01]*.ipynb"))}
TITLES = {stem: "".join(book["cells"][0]["source"]).split("\n")[0][2:] for stem, book in NOTEBOOKS.items()}
CHAPTERS = [
    teaching_page.Chapter(stem, TITLES[stem], "A topic", 20, slides.figures_of(book))
    for stem, book in NOTEBOOKS.items()
]
TEXT = (TUTORIALS / "teaching.md").read_text(encoding="utf-8")
MISTAKES = [mistake for folder in FOLDERS for mistake in load(folder) if mistake.exercise]
LINK = re.compile(r"\[Figure (\d+)\.\d+\]\((\w+)\.ipynb#figure-(\d+\.\d+)\)")


@pytest.fixture(scope="module")
def page():
    return teaching_page.page(TEXT, CHAPTERS)


# --- weeks and chapters -----------------------------------------------------------------------------------------------


def weeks():
    """Return the rows of each table of weeks, by their number."""
    tables = re.findall(r"^\| week \|.*\n\|.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return {len(rows.splitlines()): rows.splitlines() for rows in tables}


def test_a_course_has_6_10_or_14_weeks_and_the_longest_has_everything():
    assert list(weeks()) == [6, 10, 14]
    for rows in weeks().values():
        assert [row.split("|")[1].strip() for row in rows] == [str(i) for i in range(1, len(rows) + 1)]
        assert all(row.split("|")[4].count("?") >= 1 and "ipynb" in row.split("|")[2] for row in rows)
    assert set(re.findall(r"\((\w+)\.ipynb\)", "".join(weeks()[14]))) == set(NOTEBOOKS)


def test_no_question_is_asked_twice_or_is_a_prediction():
    asked = [q.strip() for rows in weeks().values() for row in rows for q in re.findall(r"[^.?]+\?", row.split("|")[4])]
    chapters = " ".join(
        " ".join("".join(cell["source"]).split()) for book in NOTEBOOKS.values() for cell in book["cells"]
    )
    assert len(set(asked)) == len(asked) > 50
    assert not [question for question in asked if len(question) > 25 and question in chapters]


def test_the_minutes_of_a_week_are_those_of_its_links(page):
    row = "| 1 | [a](01_from_noise_to_data.ipynb) | [b](exercises/05_relu.py), [c](exercises/08_pca.py) | c? | m |"
    relu, pca = (teaching_page.estimated(catalogue.find(name)) for name in ("relu", "pca"))
    assert teaching_page.minutes_of(row, {chapter.stem: chapter for chapter in CHAPTERS}) == 20 + relu + pca
    assert "<!--" not in page and page.count("{container} weeks") == 3


def test_every_function_to_fill_in_has_a_week():
    everything = "".join(row for rows in weeks().values() for row in rows)
    done = {catalogue.find(name).name for name in re.findall(r"\(exercises/(\w+)\.py\)", everything)}
    functions = {exercise.name for exercise in catalogue.ALL if not isinstance(exercise, Exhibit)}
    assert functions <= done


def test_every_chapter_has_two_or_three_misconceptions_each_met_by_a_figure_of_it():
    for chapter in CHAPTERS:
        number = int(chapter.stem[:2])
        (section,) = re.findall(rf"^### {re.escape(chapter.title)}\n\n((?:[-  ].*\n)+)", TEXT, re.MULTILINE)
        met = [LINK.search(" ".join(item.split())) for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]]
        assert 2 <= len(met) <= 3 and all(met), chapter.stem
        assert all((int(m[1]), m[2]) == (number, chapter.stem) for m in met)


def test_every_figure_that_is_named_exists_and_brings_its_caption(page):
    names = LINK.findall(TEXT)
    assert len(names) > 40
    figures = {chapter.stem: chapter.figures for chapter in CHAPTERS}
    for _, stem, number in names:
        first = figures[stem][number][1].split(". ")[0].rstrip(".")
        assert f'<a href="{stem}.html#figure-{number}">Figure {number}</a> (*{first}*)' in page
    with pytest.raises(ValueError, match="does not have"):
        teaching_page.page("[Figure 1.9](01_from_noise_to_data.ipynb#figure-1.9)", CHAPTERS)


def test_a_figure_gets_its_anchor_above_it():
    nbformat = pytest.importorskip("nbformat")
    for stem in NOTEBOOKS:
        book = nbformat.read(TUTORIALS / f"{stem}.ipynb", as_version=4)
        teaching_page.mark_figures(book)
        prose = "".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
        numbers = next(chapter.figures for chapter in CHAPTERS if chapter.stem == stem)
        assert re.findall(r'<div id="figure-([\d.]+)">', prose) == list(numbers)


# --- exercises --------------------------------------------------------------------------------------------------------


def test_the_groups_hold_every_mistake_of_the_collection_once():
    grouped = {name: " ".join(groups.values()).split() for name, groups in usual_mistakes.GROUPS.items()}
    for name in grouped:
        found = sorted(mistake.name for mistake in MISTAKES if mistake.exercise == name)
        assert sorted(grouped[name]) == found and len(found) > 10, f"{name}: put each into usual_mistakes.py once"
    assert sum(map(len, grouped.values())) == len(MISTAKES)
    carried = sum(mistake.source.startswith("carried over") for mistake in MISTAKES)
    assert f"{len(MISTAKES)}, found in public threads" in TEXT and f"{carried} of which" in " ".join(TEXT.split())


@pytest.mark.parametrize("exercise", catalogue.ALL, ids=lambda exercise: exercise.name)
def test_an_exercise_has_its_mistakes_its_minutes_and_its_answer(page, exercise):
    _, section = page.split(f"**[{exercise.name}](exercises/{catalogue.file_name(exercise)[:-3]}.md)**")
    section = section.split("</details>")[0]
    answer = section.split("</summary>")[1]
    prediction = exercise.prediction
    right = prediction.measure()
    assert answer.strip().startswith(f"{right + 1}. {prediction.choices[right]}\n") and prediction.because in answer
    assert f"Estimate: {teaching_page.estimated(exercise)} minutes" in section and prediction.question in section
    if isinstance(exercise, Exhibit):
        assert f"Defect {exercise.defect}" in answer and "none collected" in section
    else:
        assert PREDICTED[exercise.name] == prediction.choices[right]
        total = sum(mistake.exercise == exercise.name for mistake in MISTAKES)
        rows = [int(count) for count in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
        assert f"| of {total} | what goes wrong |" in section and sum(rows) == total
        assert rows == sorted(rows, reverse=True)


def test_minutes_are_an_estimate_by_the_rule_that_the_page_states():
    relu, bug = catalogue.find("relu"), catalogue.find("bug_1")
    assert len(teaching_page.left_out(relu)) == 2
    assert teaching_page.estimated(relu) == 25               # 10 + 2 · 3 + 5, rounded up to five
    lines = len(bug.source().splitlines())
    assert teaching_page.estimated(bug) == 5 * -(-int(10 + lines / 2) // 5)
    words = " ".join(TEXT.split())
    assert "nobody has measured them" in words and "3 for each line of code that is left out" in words
    assert all(teaching_page.estimated(e) % 5 == 0 and 25 <= teaching_page.estimated(e) <= 60 for e in catalogue.ALL)


# --- slides -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_nothing_on_a_slide_is_cut_or_small(chapter):
    figures = [f"Figure {number}" for number in chapter.figures]
    assert figures == [f"Figure {int(chapter.stem[:2])}.{i}" for i in range(1, len(figures) + 1)] != []
    pages = [slides.figure_page(chapter.title, number, *figure) for number, figure in chapter.figures.items()]
    for page in [slides.title_page(chapter.title, "A long sentence about it, " * 8), *pages]:
        whole = page.bbox
        boxes = [text.get_window_extent() for text in page.texts] + [axes.get_window_extent() for axes in page.axes]
        assert all(whole.x0 <= b.x0 and b.x1 <= whole.x1 and whole.y0 <= b.y0 and b.y1 <= whole.y1 for b in boxes)
        assert not [(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if overlap(a, b)]
        assert min(text.get_fontsize() for text in page.texts) >= 18
    for page, (_, caption) in zip(pages, chapter.figures.values()):
        assert page.texts[2].get_text().split() == caption.split()
        width, height = page.axes[0].get_window_extent().size
        assert width * height > 0.12 * page.bbox.width * page.bbox.height


def overlap(a, b):
    """Return whether two boxes share more than a hair."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1


def test_what_would_be_cut_is_refused():
    with pytest.raises(ValueError, match="does not fit on a page"):
        slides.figure_page("Title", "1.1", CHAPTERS[0].figures["1.1"][0], "Many words. " * 400)
    with pytest.raises(ValueError, match="expected rect, circle"):
        svg = '<svg width="9" height="9" font-size="9" font-family="monospace"><ellipse/></svg>'
        slides.figure_page("Title", "1.1", svg, "A caption.")


def test_the_slides_are_a_pdf_with_words_that_can_be_searched(tmp_path):
    chapter, path = CHAPTERS[14], tmp_path / "15.pdf"
    assert slides.write(path, chapter.title, "About it", chapter.figures) == 1 + len(chapter.figures)
    first = path.read_bytes()
    assert first.count(b"/Type /Page ") == 1 + len(chapter.figures) and b"/Subtype /Type3" not in first
    slides.write(path, chapter.title, "About it", chapter.figures)
    assert path.read_bytes() == first                        # no date in it
    if shutil.which("pdftotext"):
        words = subprocess.run(["pdftotext", path, "-"], capture_output=True, encoding="utf-8", check=True).stdout
        assert "Figure 15.1" in words and chapter.figures["15.1"][1][:40] in " ".join(words.split())


def test_a_diagram_keeps_its_words_and_its_arrows():
    svg, caption = CHAPTERS[0].figures["1.7"]
    (axes,) = slides.figure_page("Title", "1.7", svg, caption).axes
    assert {"encoder", "decoder", "μ", "σ", "z = μ + σ ε"} <= {text.get_text() for text in axes.texts}
    kinds = [type(patch).__name__ for patch in axes.patches]
    assert kinds.count("PathPatch") == kinds.count("Polygon") == svg.count("marker-end") > 5

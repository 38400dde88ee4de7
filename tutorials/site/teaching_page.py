"""The page for teachers: tutorials/teaching.md, with the parts that are made from chapters and exercises filled in.

In that text,

    <!-- minutes -->     in a row of a table, becomes an estimate for the chapters and exercises that it links to;
    [Figure 1.4](…)      leads to the figure in its chapter, and gets the first sentence of its caption;
    <!-- exercises -->   becomes a section for each exercise: how long, what goes wrong how often, and the answer;
    <!-- slides -->      becomes a list of the slides.
"""

import dataclasses
import inspect
import re

import usual_mistakes

from npvae.learn import catalogue
from npvae.learn.exercises import BY_CHAPTER
from npvae.learn.museum.exhibits import DEFECTS, Exhibit
from npvae.learn.operation import OperationExercise
from npvae.learn.stubs import function_stub

READ, LINE, DERIVATIVE, PROGRAM_LINE, LEAST = 10, 3, 5, 0.5, 25  # minutes: `estimated` says what each is for
WEEKS = re.compile(r"((?:^\| week \|.*\n)(?:\|.*\n)+)", re.MULTILINE)
FIGURE = re.compile(r"\[(Figure (\d+\.\d+))\]\((\w+)\.ipynb#(figure-\d+\.\d+)\)")


@dataclasses.dataclass
class Chapter:
    """What the page says about a chapter: its file's name, title, topics, minutes to read, and `slides.figures_of`."""

    stem: str
    title: str
    topics: str
    minutes: int
    figures: dict


def estimated(exercise):
    """Return how many minutes an exercise takes, by a rule and not by measurement, rounded up to five.

    10 to read and to predict; 3 for each line of code that is left out; 5 for each derivative to derive on paper. For a
    program with a defect: 10, and half a minute for each line of the program. Never less than 25: a solution of one
    line may stand on a function of the engine that does the rest.
    """
    if isinstance(exercise, Exhibit):
        minutes = READ + PROGRAM_LINE * len(exercise.source().splitlines())
    else:
        derivatives = len(set(exercise.blanks) - {"y"}) if isinstance(exercise, OperationExercise) else 0
        minutes = READ + LINE * len(left_out(exercise)) + DERIVATIVE * derivatives
    return max(LEAST, 5 * -(-int(minutes) // 5))


def left_out(exercise):
    """Return the lines of the solution that the student's file lacks: without comments, docstring and blank lines."""
    solution = inspect.unwrap(getattr(exercise.solution, "raw", exercise.solution))
    source = re.sub(r'"""(.|\n)*?"""', "", inspect.getsource(solution))
    given = {_bare(line) for line in function_stub(exercise).splitlines()}
    return [line for line in map(_bare, source.splitlines()) if line and line not in given and line[0] != "@"]


def _bare(line):
    return line.split("#")[0].strip()


def counts(name):
    """Return the groups of mistakes of an exercise, and how many of the collection belong to each: most first."""
    groups = {group: len(names.split()) for group, names in usual_mistakes.GROUPS.get(name, {}).items()}
    return dict(sorted(groups.items(), key=lambda item: -item[1]))


def page(text, chapters):
    """Return the page in Markdown, from the text of teaching.md and a list of `Chapter`."""
    by_stem = {chapter.stem: chapter for chapter in chapters}
    lines = [_with_minutes(line, by_stem) for line in text.splitlines()]
    text = FIGURE.sub(lambda match: _to_figure(match, by_stem), "\n".join(lines) + "\n")
    text = WEEKS.sub(r"````{container} weeks\n\n\1\n````\n", text)               # site.css sets it for a phone
    text = text.replace("<!-- exercises -->", _exercises())
    return text.replace("<!-- slides -->", "\n".join(map(_slides, chapters)))


def _with_minutes(row, by_stem):
    """A row of a table with the minutes that it takes."""
    if "<!-- minutes -->" not in row:
        return row
    return row.replace("<!-- minutes -->", str(minutes_of(row, by_stem)))


def minutes_of(row, by_stem):
    """Return the minutes for all chapters and exercises to which a row of a table links, rounded to five."""
    reading = sum(by_stem[stem].minutes for stem in re.findall(r"\]\((\w+)\.ipynb\)", row))
    doing = sum(estimated(catalogue.find(name)) for name in re.findall(r"\]\(exercises/(\w+)\.py\)", row))
    return 5 * round((reading + doing) / 5)


def _to_figure(match, by_stem):
    """A link to the figure in its chapter, with the first sentence of the caption."""
    name, number, stem, anchor = match.groups()
    if number not in by_stem[stem].figures or anchor != f"figure-{number}":
        raise ValueError(f"teaching.md links to {match[0]}, which {stem} does not have")
    first = re.split(r"(?<=[.!?])\s", by_stem[stem].figures[number][1])[0]
    return f'<a href="{stem}.html#{anchor}">{name}</a> (*{first.rstrip(".")}*)'


def mark_figures(notebook):
    """Put an anchor for each figure at the end of the text above it, where a reader arrives also if it is folded."""
    above = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            above = cell
        for output in cell.get("outputs", []):
            name = output.get("data", {}).get("text/plain", "")
            if name.startswith("Figure "):
                above.source += f'\n\n<div id="{name.lower().replace(" ", "-")}"></div>'


def _slides(chapter):
    pages = 1 + len(chapter.figures)
    return f'- <a href="slides/{chapter.stem}.pdf">{chapter.title}</a> ({pages} pages)'


def _exercises():
    """A section for each chapter that has exercises, and in it a section for each of them."""
    parts = []
    for title, exercises in BY_CHAPTER.items():
        parts.append(f"### Exercises of “{title}”\n")
        parts += map(_exercise, exercises)
    return "\n".join(parts)


def _exercise(exercise):
    """How long an exercise takes, what goes wrong how often, and the answer to its prediction behind a press."""
    address = f"exercises/{catalogue.file_name(exercise).removesuffix('.py')}.md"
    found = counts(exercise.name)
    head = f"**[{exercise.name}]({address})**: {exercise.title}. Estimate: {estimated(exercise)} minutes."
    if isinstance(exercise, Exhibit):
        mistakes = "*Usual mistakes: none collected. The program itself holds a mistake that people made.*"
    else:
        rows = [f"| {count} | {group.rstrip('.')} |" for group, count in found.items()]
        mistakes = "\n".join([f"| of {sum(found.values())} | what goes wrong |", "| --- | --- |", *rows])
    return f"{head}\n\n{mistakes}\n\n{_answer(exercise)}\n"


def _answer(exercise):
    """The question, and behind a press what is measured, why, and the defect of a program."""
    prediction = exercise.prediction
    right = prediction.measure()
    choices = [f"> {i}. {choice}" for i, choice in enumerate(prediction.choices, start=1)]
    answer = [f"{right + 1}. {prediction.choices[right]}", "", prediction.because]
    if isinstance(exercise, Exhibit):
        defect = f"Defect {exercise.defect}: {DEFECTS[exercise.defect]}."
        answer += ["", f"{defect} It has `{exercise.wrong_line.strip().splitlines()[0]}`.", "", exercise.lesson]
    summary = f"<details><summary>The answer to the prediction of {exercise.name}</summary>"
    question = [f"> **Predict.** {prediction.question}", ">", *choices]
    return "\n".join([*question, "", summary, "", *answer, "", "</details>"])

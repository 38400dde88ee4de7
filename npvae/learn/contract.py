"""The contract of an exercise: what a student may rely on, promise by promise.

`npvae learn contract FOLDER` examines exercises of your own. The tests of npvae use the same functions to examine its
exercises. Each promise is a function of an exercise. It returns "" if the exercise keeps the promise, and otherwise a
sentence that says what is wrong.
"""

import ast
import inspect
import re
import tempfile
import textwrap
from pathlib import Path

import numpy as np

from ..diagnosis.finding import WIDTH
from . import catalogue, outcome
from .exercise import ProcedureExercise, Unfit
from .exercises import ALL
from .own import files_of, read, said_by
from .stubs import stub

SEEDS = 5  # of draws that the solution must pass
SEEDS_NEAR_KINKS = 50
SEEDS_OF_WRONG = 2  # of draws that must expose every wrong version
TEXT_WIDTH, STUB_WIDTH = 88, 120
SHORTEST_HINT = 12  # characters
STEP = 1e-2  # on both sides of an input: a kink nearer than this is detected
BEND = 1e-4  # relative: a smooth function bends less than this within a step


def exercises_to_examine(folder):
    """Return the exercises of a folder, a list, even if names collide; UserError as in `own.read`."""
    found = [exercise for path in files_of(folder) for exercise in read(path)]
    for number, exercise in enumerate(found, start=len(ALL) + 1):
        exercise.number = number
    return found


def examine(exercise):
    """Return a dict from each promise, in words, to "", or to a sentence if the exercise breaks it.

    An exception from the teacher's functions breaks a promise, too.
    """
    found = {}
    for promise, broken in PROMISES.items():
        try:
            with np.errstate(all="ignore"):
                found[promise] = broken(exercise)
        except Unfit as error:
            found[promise] = _sentence_of(error)
        except Exception as error:
            found[promise] = said_by(error, exercise)
    return found


def _sentence_of(error):
    name, sentence, *_ = error.args
    return f"{name}: {sentence}" if name else sentence


def stub_that_is_not_blank(exercise):
    """The stub counts as not written yet, and says what to write in which line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stub.py")
        path.write_text(catalogue.text(exercise), encoding="utf-8")
        try:
            exercise.comparisons(outcome.load(exercise, path))
        except NotImplementedError as error:
            says_what = re.search(r"compute the value|return the gradient|write the function", str(error))
            says_where = "line " in outcome.judge_file(exercise, path).lines[0]
            return "" if says_what and says_where else "the stub is blank, but does not say what to write"
        except Exception as error:
            return f"the stub does not run: {type(error).__name__}: {error}; list lines that it needs in imports=(…)"
    return "the stub runs to its end, so nothing is left to write"


def solution_that_fails(exercise, seeds=SEEDS):
    """The solution passes its own check."""
    for seed in range(seeds):
        try:
            comparisons = exercise.comparisons(exercise.reference(), seed)
        except Unfit as error:
            return f"{_sentence_of(error)} (seed {seed})"
        for c in comparisons:
            if not c.ok:
                error = float(np.nanmax(c.error)) if c.error.size else np.nan
                return f"{c.name} is wrong by {error:.1e} in {c.wrong.sum()} of {c.wrong.size} numbers (seed {seed})"
        if not comparisons:
            return "nothing is compared"
    return ""


def answers_that_are_wrong(exercise):
    """Two runs of the solution give the grader the same answers."""
    for seed in range(SEEDS):
        wrong = exercise.wrong_answers(exercise.answers(exercise.reference(), seed), seed)
        if wrong:
            where = f"{wrong[0]} (seed {seed})"
            return f"two runs of the solution differ in {where}: draw only from the rng that inputs receives"
    return ""


def inputs_near_a_kink(exercise):
    """The inputs stay away from kinks, where finite differences do not measure a derivative.

    The slopes on the two sides of an input differ in proportion to the step, unless a kink lies in between.
    """
    if sentence := solution_that_fails(exercise, SEEDS_NEAR_KINKS if exercise.own else 1):
        return f"the solution does not pass for all seeds: {sentence}"
    if isinstance(exercise, ProcedureExercise):
        return ""
    for seed in range(SEEDS_NEAR_KINKS):
        inputs, _, _, rng = next(exercise.draws(seed))
        y, *derivatives = exercise.engine(*map(np.copy, inputs.values()), **exercise.options)
        dy = rng.standard_normal(y.shape)
        for name, d in zip(inputs, derivatives):
            if f"d{name}" in exercise.blanks and (near := _near_a_kink(exercise, inputs, name, dy, d(dy.copy()))):
                place, value = near
                words = f"within {STEP} of {name}{list(place)} = {value:.4f} (seed {seed})"
                return f"there is a kink {words}: draw inputs that keep a distance from it"
    return ""


def _near_a_kink(exercise, inputs, name, dy, gradient):
    """Return the index and value of an element near which the slope jumps; None if there is none."""

    def shifted(place, step):
        given = {other: x.copy() for other, x in inputs.items()}
        given[name][place] += step
        return (exercise.engine(*given.values(), **exercise.options)[0] * dy).sum()

    usual = shifted((0,) * inputs[name].ndim, 0.0)
    for place in np.ndindex(inputs[name].shape):
        bends = [(shifted(place, h) - 2 * usual + shifted(place, -h)) / h for h in (STEP, STEP / 2)]
        size = max(1.0, abs(gradient[place]), *(abs(bend) / STEP for bend in bends))
        if abs(bends[0] - 2 * bends[1]) > BEND * size:
            return place, inputs[name][place]
    return None


def wrong_version_that_passes(exercise):
    """Every wrong version is caught, and named if it has words; the screen about it is 80 columns wide."""
    for name, wrong in exercise.wrong.items():
        for seed in range(SEEDS_OF_WRONG):
            findings, _ = outcome.findings_about(exercise, exercise.wrong_version(name), seed)
            if not findings:
                return f"{name!r} passes (seed {seed}): does it compute anything other than the solution?"
            for finding in findings:
                said = " ".join([finding.measured, *finding.causes])
                if wrong.cause not in said:
                    return f"{name!r} is caught, but {wrong.cause!r} is not in what the check says: {said}"
                if any(len(line) > WIDTH for line in "\n".join(finding.lines()).splitlines()):
                    return f"the screen about {name!r} is wider than {WIDTH} columns"
    return ""


def formula_that_differs(exercise):
    """The formulas of the diagnosis, if there are any, give the same numbers as the solution."""
    for c in exercise.comparisons(exercise.reference()):
        if c.formula and not np.allclose(sum(c.evaluate().values()), c.expected, rtol=1e-7, atol=1e-7):
            return f"the formula for {c.name} gives numbers that differ from the solution's"
    return ""


def hints_that_do_not_help(exercise):
    """There are hints, and none of them holds a line of the solution."""
    if not exercise.hints:
        return "there are none: write two or three, from a nudge to nearly everything"
    for number, hint in enumerate(exercise.hints, start=1):
        if len(hint) <= SHORTEST_HINT:
            return f"hint {number} is too short to help: {hint!r}"
        for line in solution_lines(exercise):
            if line in squeezed(hint):
                return f"hint {number} holds a line of the solution: {line}"
    return ""


def lines_too_long(exercise):
    """The lines of the text, the stub and `npvae learn list` fit on a screen."""
    listed = f"✓ {exercise.number:2} {exercise.name:<20} {exercise.title}"
    if "\n" in exercise.title or len(listed) > WIDTH:
        most = len(exercise.title) - len(listed) + WIDTH
        return f"the title has {len(exercise.title)} characters, expected one line of at most {most}"
    for what, text, width in (("text", exercise.text, TEXT_WIDTH), ("stub", catalogue.text(exercise), STUB_WIDTH)):
        for line in text.splitlines():
            if len(line) > width:
                return f"a line of the {what} has {len(line)} characters, at most {width} fit: {line.strip()[:40]} …"
    return ""


def prediction_without_answer(exercise):
    """If there is a question, the measured answer is one of its choices."""
    prediction = exercise.prediction
    if prediction is None:
        return ""
    if not (prediction.question and prediction.because):
        return "the question or the reason for its answer is empty"
    right, choices = prediction.measure(), range(len(prediction.choices))
    if isinstance(right, bool) or not isinstance(right, int | np.integer) or right not in choices:
        return f"measure returns {right!r}, expected the index of a choice, from 0 to {len(choices) - 1}"
    return ""


def name_that_is_taken(exercise):
    """No other exercise has its name."""
    for other in ALL + (exercises_to_examine(exercise.own) if exercise.own else []):
        is_itself = other is exercise or (other.own and other.defined_at == exercise.defined_at)
        if other.name == exercise.name and not is_itself:
            where = other.defined_at[0] if other.own else "npvae"
            return f"{exercise.name!r} is also the name of an exercise of {where}: choose another"
    return ""


PROMISES = {
    "the stub is blank, and says what to do": stub_that_is_not_blank,
    f"the solution passes, for {SEEDS} seeds": solution_that_fails,
    "a grader gets right answers from it": answers_that_are_wrong,
    f"the inputs stay away from kinks, for {SEEDS_NEAR_KINKS} seeds": inputs_near_a_kink,
    "every wrong version is caught, and named if it has words": wrong_version_that_passes,
    "the formulas agree with the solution": formula_that_differs,
    "there are hints, and they do not give the solution away": hints_that_do_not_help,
    "the lines fit": lines_too_long,
    "the question has its answer among the choices": prediction_without_answer,
    "no other exercise has its name": name_that_is_taken,
}


def solution_lines(exercise):
    """Return the expressions that the student must find, without spaces, and without the names they are assigned to."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(exercise.solution))))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return | ast.Assign | ast.AugAssign)]
    plain = ast.Name | ast.Attribute | ast.Constant | ast.Tuple | None  # no formula
    lines = [squeezed(ast.unparse(value)) for value in values if not isinstance(value, plain)]
    given = squeezed(stub(0, exercise))
    return [line for line in lines if len(line) > 6 and line not in given]


def squeezed(text):
    """Return a text without spaces, and with the symbols of mathematics replaced by those of Python."""
    for sign, plain in {"−": "-", "·": "*", "⊙": "*", "ᵀ": ".T", " ": "", "μ": "mu", "ε": "eps", "½": "0.5*"}.items():
        text = text.replace(sign, plain)
    return text

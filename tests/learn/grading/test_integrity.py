"""Proves that work which is not the student's own is noticed, and that independent work is not accused.

These tests would catch a copy that passes unseen after its names were changed, finite differences in a derivative, and
a note about students who only wrote what everybody writes.
"""

import ast
import inspect
import re

import numpy as np
import pytest

from npvae import probability as p
from npvae.autodiff import ops
from npvae.learn import catalogue
from npvae.learn.answers import right_answers
from npvae.learn.grading import integrity
from npvae.learn.grading.marking import mark
from npvae.learn.museum.exhibits import Exhibit
from tests.learn.grading.classroom import right_files

EXERCISES = [exercise for exercise in catalogue.ALL if not isinstance(exercise, Exhibit)]
by_name = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
ENGINE = inspect.getsource(p.kl_to_standard_normal.raw)


def marked(name, source):
    result = mark(catalogue.find(name), f"{name}.py", source.encode(), 5)
    assert result.has_passed, result
    return result


def renamed(source, **names):
    for old, new in names.items():
        source = re.sub(rf"\b{old}\b", new, source)
    return source


IMPORTED = "from npvae.probability import kl_to_standard_normal as f\n\n\ndef kl_to_standard_normal(mu, logvar):\n"
NUMERIC = '''
import numpy as np


def softplus(x):
    y = np.logaddexp(0, x)

    def dx(dy):
        h = 1e-6
        return dy * (softplus(x + h)[0] - softplus(x - h)[0]) / (2 * h)

    return y, dx
'''


def test_the_engines_function_imported():
    for call in ("f.raw(mu, logvar)", "(lambda *given: f.raw(*given))(mu, logvar)"):
        notes = " ".join(marked("kl", f"{IMPORTED}    return {call}\n").notes)
        assert "calls the engine's own kl_to_standard_normal" in notes and "line 1 imports npvae.probability" in notes
    hidden = IMPORTED.replace("from npvae.probability import", "import npvae.probability\nf = npvae.probability.")
    hidden = hidden.replace(" kl_to_standard_normal as f", "kl_to_standard_normal")
    assert "calls the engine's own" in " ".join(marked("kl", f"{hidden}    return f.raw(mu, logvar)\n").notes)


def test_a_program_that_reaches_into_the_grader():
    """Its answers may be those of the engine, without a call that the trace can see: its text says so."""
    patched = (
        "import sys\nmodule = sys.modules['npvae.learn.exercise']\nkind = module.ProcedureExercise\n"
        "answers = kind.answers\nkind.answers = lambda self, f, seed=0: answers(self, self.reference(), seed)\n"
        "sys.modules['npvae.learn.grading.child'].judge = lambda *_: passed\n"
        "passed = sys.modules['npvae.learn.outcome'].Outcome('passed', [])\n"
        "def update(*arguments):\n    pass\n"
    )
    result = mark(catalogue.find("adam"), "adam.py", patched.encode(), 5)
    assert result.has_passed and "line 2 uses modules" in result.notes
    by_import = patched.replace("import sys", "import npvae.learn.outcome, sys")
    assert "line 1 imports npvae.learn.outcome" in mark(catalogue.find("adam"), "adam.py", by_import.encode(), 5).notes


def test_finite_differences_within_a_derivative():
    """Notices them where the check lets them pass: the digits of float32 give most of them away already."""
    exercise = catalogue.find("dense_backward")
    right = right_answers(exercise, 5)
    rounded = {name: a + 1e-9 * np.ones_like(a) if "draw 0: dW" in name else a for name, a in right.items()}
    assert integrity.about_digits(exercise, rounded, right).startswith("dW agrees with the right one to")
    path = "numeric.py"
    scope = {}
    exec(compile(NUMERIC, path, "exec"), scope)
    calls = integrity.traced_calls(catalogue.find("softplus"), scope["softplus"], path, 5)
    assert "its derivatives call its own softplus again" in calls[0]


def test_the_engines_function_copied():
    """After new names, without comments, and with another order of functions, it keeps its form."""
    tree = ast.parse(ENGINE[ENGINE.index("def ") :])
    copied = renamed(ast.unparse(tree), mu="m", logvar="l", dy="g", dmu="first", dlogvar="second", y="value")
    copied = f"import numpy as np\n\n\ndef sum_to(a, shape):\n    return a\n\n\n{copied}\n"
    result = marked("kl", copied)
    notes = integrity.compare({"kl": {"Ada": result.prints}})
    assert "of the form of the engine's own function" in notes["Ada"][0]


def test_a_comment_of_the_engines():
    """The comments on lines that the stub leaves out are the engine's alone."""
    exercise = catalogue.find("softplus")
    comments = re.findall(r"#\s*(.+)", integrity.solution_source(exercise))
    (comment, *_) = [c for c in comments if len(c) >= 15 and c not in catalogue.text(exercise)]
    source = right_files("softplus")[0]
    assert integrity.read(exercise, source)[0] == []
    assert integrity.read(exercise, f"{source}\n# {comment}\n")[0] == [f"it has a comment of the engine's: {comment!r}"]


def test_another_encoding_hides_nothing():
    """A reader sees a comment where Python, which follows the coding line, sees a program."""
    hidden = "from npvae.learn import catalogue +AAo-relu +AD0- catalogue.find('relu').reference()"
    result = marked("relu", f"# -*- coding: utf-7 -*-\n# my own solution +AAo-{hidden}\n")
    assert any("imports npvae.learn.catalogue" in note for note in result.notes)


@by_name
def test_independent_solutions_are_not_accused(exercise):
    prints = {}
    for i, text in enumerate(right_files(exercise.name)):
        _, hashes = integrity.read(exercise, text)
        prints[f"student {i}"] = hashes.tolist()
        scope = {}
        exec(compile(text, "right.py", "exec"), scope)
        f = scope[exercise.function_name]
        answers = exercise.answers(f, 5)
        assert integrity.about_digits(exercise, answers, right_answers(exercise, 5)) == ""
        assert integrity.traced_calls(exercise, f, "right.py", 5) == []
    if exercise.name != "training_step":  # a loop of four calls, which has one form
        assert integrity.compare({exercise.name: prints}) == {}


def test_copies_among_students():
    """Two of twelve have the same files, with other names; the others wrote something else, or what all write."""
    prints = {}
    for name in ("kl", "gaussian", "adam", "relu"):
        files = right_files(name)
        for i in range(12):
            text = files[i % 2]
            if i in (3, 8):
                text = files[-1] if i == 3 else renamed(files[-1], dy="upstream", x="argument")
            prints.setdefault(name, {})[i] = integrity.read(catalogue.find(name), text)[1].tolist()
    notes = integrity.compare(prints)
    assert set(notes) == {3, 8}
    assert notes[3] == ["kl, gaussian, adam: of a form that 8 has too, and few others have"]


def test_renaming_reformatting_and_moving_change_nothing():
    exercise, text = catalogue.find("kl"), right_files("kl")[-1]
    prints = set(integrity.read(exercise, text)[1].tolist())
    other = renamed(text, mu="m", dy="gradient") + "\n\n# a comment of my own\n"
    assert set(integrity.read(exercise, other)[1].tolist()) == prints
    stub = set(integrity.read(exercise, catalogue.text(exercise))[1].tolist())
    assert len(stub & prints) == 0


def test_a_file_that_the_parser_refuses_gets_its_line():
    deep = "x = " + "(" * 500 + "1" + ")" * 500 + "\n" + right_files("relu")[0]
    result = mark(catalogue.find("relu"), "relu.py", deep.encode(), 5)
    assert result.status == "does not run" and "parentheses" in " ".join(result.lines)


def test_the_derivative_of_the_engine_is_never_inexact():
    exercise = catalogue.find("softplus")
    assert integrity.about_digits(exercise, right_answers(exercise, 5), right_answers(exercise, 5)) == ""
    assert ops.softplus is exercise.solution

"""Proves that an exercise of your own is one like any other, for students, for teachers and for the grader.

These tests would catch a student's folder that needs the teacher's, a grader that believes a copy in a submission, an
own exercise without a diagnosis, a traceback for a teacher's slip, and a page whose screens are not what is printed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from npvae.errors import UserError
from npvae.learn import catalogue, check, own, sandbox, variants
from npvae.learn.folder import Folder, contents
from npvae.learn.grading import integrity, marking, submissions
from npvae.learn.outcome import BLANK, PASSED, WRONG, findings_about

TUTORIALS = pathlib.Path(__file__).parents[2] / "tutorials"
EXAMPLES = TUTORIALS / "own_exercises"
PAGE = (TUTORIALS / "own_exercises.md").read_text(encoding="utf-8")
HUBER = (EXAMPLES / "huber.py").read_text(encoding="utf-8")
SIMPLE = (
    HUBER[: HUBER.index("    r = rng.choice")]
    + ('    return {"x": rng.standard_normal((N, D)), "t": rng.standard_normal((N, D))}\n\n\n')
    + HUBER[HUBER.index("HUBER = ") :]
)
NUMBER = len(catalogue.ALL) + 1
RIGHT = """\
    r = x - t
    small = np.minimum(np.abs(r), 1)
    y = (small * np.abs(r) - small**2 / 2).sum(axis=1)
    def dx(dy):
        return np.sign(r) * small * dy[:, None]
    return y, dx, None
"""
NOTHING = "    return 0 * x[:, 0], lambda dy: 0 * x, None\n"


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """A folder "exercises" with huber.py, in an empty folder that the test works in."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("exercises").mkdir()
    shutil.copy(EXAMPLES / "huber.py", "exercises")
    return pathlib.Path("exercises")


def write(body, folder="."):
    """Replace the body of huber in a student's folder."""
    path, first = pathlib.Path(folder, f"{NUMBER}_huber.py"), "->   y (N,)\n"
    path.write_text(path.read_text(encoding="utf-8").split(first)[0] + first + body, encoding="utf-8")


@pytest.fixture
def learn(npvae_, teacher):
    """learn("check", "huber") runs npvae learn in a student's folder that was made with the teacher's."""
    assert npvae_("learn", "--with", "exercises", "init", "mine")[0] == 0
    os.chdir("mine")

    def learn(*arguments, status=0):
        found, out, error = npvae_("learn", *arguments)
        assert found == status and error == "", (found, out, error)
        assert "Traceback" not in out and all(len(line) <= 80 for line in out.splitlines()), out
        return out

    return learn


# --- a student's way --------------------------------------------------------------------------------------------------


def test_a_students_folder_works_without_the_teachers(learn):
    shutil.rmtree("../exercises")
    assert f"0 of {NUMBER} exercises have passed" in learn()
    assert (
        learn("list").splitlines()[NUMBER - 1]
        == f"  {NUMBER} huber                a squared error that forgives outliers"
    )
    assert "huber: not written yet" in learn("check", "huber", status=1)
    assert "1 of 2" in learn("hint", "huber") and "2 of 2; that was the last one" in learn("hint", NUMBER)
    assert "huber asks no question" in learn("predict", "huber")
    write(RIGHT)
    out = learn("check", f"{NUMBER}_huber.py")
    assert (
        "huber: passed" in out
        and f"compare yours with the solution:\n    {os.path.join('own', 'huber.py')}, line 8" in out
    )
    assert f"✓ {NUMBER} huber" in learn("list")
    assert f"yours is kept as {NUMBER}_huber.kept1.py" in learn("reset", "huber")
    assert "predict" not in learn("check", "huber", status=1)


def test_the_option_adds_to_a_folder_and_takes_the_place_of_its_copy(learn):
    assert learn("--with", EXAMPLES, "list").count("\n? ") == 3  # bits_per_dim, gelu and layer_norm
    assert "gelu.py is as it was at the start" in learn("--with", EXAMPLES, "reset", "gelu")
    assert "gelu: not written yet" in learn("--with", EXAMPLES, "check", "gelu", status=1)
    assert "Measured: 2, ½." in learn("--with", EXAMPLES, "predict", "gelu", 1)
    assert "1 of 3" in learn("--with", EXAMPLES, "hint", "gelu")
    pathlib.Path("own/huber.py").write_text("this is no Python")
    write(RIGHT)
    assert "huber: passed" in learn("--with", "../exercises", "check", "huber")


def test_a_new_folder_has_stub_copy_and_a_line_in_its_guide(teacher):
    files, usual = contents(own=teacher), contents()
    assert set(files) - set(usual) == {f"{NUMBER}_huber.py", "own/huber.py"} and files["own/huber.py"] == HUBER
    assert "| of your teacher | `huber` |" in files["README.md"] and "of your teacher" not in usual["README.md"]
    stub = files[f"{NUMBER}_huber.py"]
    assert "np.clip" not in stub and stub.count("NotImplementedError") == 2 and "Predict" not in stub
    assert "def huber(x, t):                 # x (N, D)" in stub and "return y, dx, None" in stub


def test_the_lines_that_a_student_gets_are_those_of_the_solution():
    text = catalogue.text(catalogue.find("layer_norm", own=EXAMPLES))
    assert "x_hat = (x - x.mean(axis=1, keepdims=True)) / s          # each row" in text and "s = np.sqrt" in text
    assert "return dy.sum(axis=0)" in text and "(dy * x_hat)" not in text and text.count("NotImplementedError") == 2


def test_a_seed_reorders_the_choices_and_keeps_the_numbers(npvae_, teacher):
    exercises = {seed: variants.of_seed(seed, EXAMPLES)[-3] for seed in ("", "4711", "23", "5")}
    assert {e.name for e in exercises.values()} == {"gelu"} and {e.number for e in exercises.values()} == {NUMBER + 1}
    assert len({tuple(e.prediction.choices) for e in exercises.values()}) > 1
    assert {e.prediction.choices[e.prediction.measure()] for e in exercises.values()} == {"½"}
    status, out, _ = npvae_("learn", "--with", teacher, "init", "mine", "--seed", "4711")
    assert status == 0 and "seed '4711'" in out and "own keeps those that are not npvae's" in " ".join(out.split())
    assert Folder("mine").exercises[-1].seed == "4711" and Folder("mine").exercises[-1].own.endswith("own")


def test_the_check_runs_in_a_process_and_a_notebook_knows_it_too(learn, capsys):
    exercise = catalogue.find("huber", ".")
    place = catalogue.place(".", exercise)
    assert sandbox.check(exercise, place.resolve(), pathlib.Path.cwd()).status == BLANK
    write(RIGHT + "\nwhile True: pass\n")
    outcome = sandbox.check(exercise, place.resolve(), pathlib.Path.cwd(), seconds=2)
    assert "It was stopped after 2 s" in "".join(outcome.lines)

    def huber(x, t):
        return 0 * x[:, 0], lambda dy: 0 * x, None

    check(huber, own="../exercises")
    assert "huber: not right yet" in capsys.readouterr().out
    with pytest.raises(UserError, match="unknown exercise"):
        check(huber)


def test_pytest_in_a_students_folder_knows_it(learn):
    write(RIGHT)
    environment = os.environ | {"PYTHONPATH": str(TUTORIALS.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "huber", "-p", "no:cacheprovider"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
    )
    assert "1 passed" in done.stdout and "warning" not in done.stdout, done.stdout


# --- the examples and the page ----------------------------------------------------------------------------------------


def test_the_examples_are_in_the_order_of_their_files_and_short():
    exercises = own.exercises_of(EXAMPLES)
    assert [e.name for e in exercises] == ["bits_per_dim", "gelu", "huber", "layer_norm"]
    assert [e.number for e in exercises] == [NUMBER, NUMBER + 1, NUMBER + 2, NUMBER + 3]
    fields = HUBER[HUBER.index("HUBER = ") :].splitlines()
    assert len(fields) <= 20


SLIPS = [  # in examples, that nobody listed: file, what stands there, what a student wrote, words of the diagnosis
    ("gelu", "1 - t * t", "1 + t * t", "with the opposite sign"),
    ("gelu", "3 * c * x * x", "2 * c * x * x", "with 3 in place of `2`"),
    ("huber", "r * r / 2", "r * r", "one more factor 0.5"),
    ("layer_norm", "sum(axis=0)\n    def dbeta", "sum(axis=1)\n    def dbeta", "axis"),
    ("layer_norm", "(d * x_hat).mean", "(d * x_hat).sum", "mean"),
    ("bits_per_dim", "return 8 - log_p", "return 8 + log_p", "opposite sign"),
]


@pytest.mark.parametrize("name, right, wrong, words", SLIPS, ids=[f"{slip[0]}: {slip[2]}" for slip in SLIPS])
def test_the_diagnosis_needs_no_list_of_mistakes(name, right, wrong, words, tmp_path):
    path = tmp_path / "student.py"
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    scope = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    exercise = catalogue.find(name, own=EXAMPLES)
    findings, _ = findings_about(exercise, scope[exercise.function_name])
    assert findings and words in " ".join(" ".join("\n".join(f.lines()).split()) for f in findings)


def blocks():
    """Return the blocks of the page: pairs of a language and a text."""
    return re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_template_of_the_page_is_the_file():
    assert ("python", HUBER) in blocks()


def test_the_screens_of_the_page_about_a_teachers_file_are_what_is_printed(npvae_, teacher):
    texts = [text for language, text in blocks() if language == "text"]
    assert npvae_("learn", "contract", "exercises") == (0, texts[0], "")
    (teacher / "huber.py").write_text(SIMPLE, encoding="utf-8")
    status, out, _ = npvae_("learn", "contract", "exercises")
    assert status == 1 and texts[1] in out and out.endswith("1 promise is broken.\n")
    (teacher / "huber.py").write_text(HUBER.replace("blanks=", "blank="), encoding="utf-8")
    assert npvae_("learn", "contract", "exercises") == (2, "", texts[2])


def test_the_screens_of_the_page_about_mistakes_are_what_is_printed(learn):
    pairs = [(a[1], b[1]) for a, b in zip(blocks(), blocks()[1:]) if (a[0], b[0]) == ("python", "text")]
    assert len(pairs) == 3
    for function, screen in pairs:
        assert function.startswith("def huber(x, t):")
        write(function.split("\n", 1)[1])
        assert learn("check", "huber", status=1) == screen
    write(pairs[0][0].split("\n", 1)[1].replace("np.clip(r, 0, 1)", "np.sign(r)"))
    assert "No simple mistake gives these numbers, so there is no guess" in learn("check", "huber", status=1)


# --- grading ----------------------------------------------------------------------------------------------------------


def test_grading_takes_the_teachers_exercise_and_never_the_copy(npvae_, learn):
    os.chdir("..")
    for student, body in {"Ann": RIGHT, "Bob": NOTHING, "Cat": NOTHING}.items():
        shutil.copytree("mine", f"class/{student}/mine")
        write(body, f"class/{student}/mine")
    forged = HUBER[: HUBER.index("    r = x - t")] + NOTHING + HUBER[HUBER.index("\n\ndef draw") :]
    for student in ("Bob", "Cat"):
        pathlib.Path("class", student, "mine/own/huber.py").write_text(forged, encoding="utf-8")
    with zipfile.ZipFile("class/Bob.zip", "w") as archive:
        for path in pathlib.Path("class/Bob").rglob("*.py"):
            archive.write(path, path.relative_to("class/Bob"))
    shutil.rmtree("class/Bob")
    arguments = ["--with", "exercises", "grade", "class", "--exercises", "huber", "relu", "--points", "huber=3"]
    status, out, error = npvae_("learn", *arguments)
    rows = [line.split()[:3] for line in out.splitlines()[:5]]
    assert status == 0, error
    assert rows[0] == ["02"] or rows[0] == ["2"] or out.splitlines()[0].strip() in ("02", "2")
    assert rows[2:] == [["Ann", "3", "·✓"], ["Bob", "0", "·✗"], ["Cat", "0", "·✗"]]
    assert "cannot be read" not in out
    pathlib.Path("exercises/huber.py").write_text(HUBER.replace("np.clip(r, -1, 1)", "np.clip(r, -1, 1) + 0"))
    before = pathlib.Path("grades/grading.json").read_text()
    assert npvae_("learn", *arguments)[0] == 0 and pathlib.Path("grades/grading.json").read_text() != before


def test_without_the_option_an_own_exercise_does_not_count(npvae_, learn):
    os.chdir("..")
    shutil.copytree("mine", "class/Ann")
    write(RIGHT, "class/Ann")
    status, out, _ = npvae_("learn", "grade", "class")
    assert status == 0 and "✓" not in out.splitlines()[2]
    assert "unknown exercise 'huber'" in npvae_("learn", "grade", "class", "--exercises", "huber")[2]


def test_a_copy_is_not_taken_for_a_students_file(learn):
    os.chdir("..")
    shutil.copytree("mine", "class/Ann/mine")
    pathlib.Path(f"class/Ann/mine/{NUMBER}_huber.py").unlink()
    shutil.make_archive("class/Bob", "zip", "class/Ann")
    ann, bob = submissions.collect(["class"], ["huber", "relu"])
    assert set(ann.files) == set(bob.files) == {"relu"}


def test_a_mark_of_an_own_exercise_and_the_form_of_its_file(teacher):
    exercise = catalogue.find("bits_per_dim", own=EXAMPLES)
    source = catalogue.text(exercise).replace(
        "    raise NotImpl", "    return 8 - log_p / np.log(2) / D\n    raise NotImpl"
    )
    mark = marking.mark(exercise, "27_bits_per_dim.py", source.encode(), seed=3)
    assert mark.status == PASSED and not any("cannot be read" in note for note in mark.notes)
    wrong = source.replace("8 - ", "7 - ")
    assert marking.mark(exercise, "27_bits_per_dim.py", wrong.encode(), seed=3).status == WRONG
    prints = {"bits_per_dim": {"Ann": mark.prints, "Bob": mark.prints}}
    assert integrity.compare(prints, EXAMPLES) == {}  # one line is too short to say anything


# --- a teacher's slips ------------------------------------------------------------------------------------------------

BROKEN = {
    "a syntax error": (
        "title=",
        "title==",
        "huber.py, line 37: positional argument follows keyword argument, expected Python",
    ),
    "a name that is not defined": ("np.abs", "nq.abs", "huber fails on what inputs draws: NameError: name 'nq'"),
    "an import that fails": ("import numpy as np", "import numpi as np", "line 3: ModuleNotFoundError: No module"),
    "a missing field": ("    text=", "    unknown=", "line 21: OperationExercise has no 'unknown', expected"),
    "no name": ('    name="huber",\n', "", "line 21: the OperationExercise lacks 'name'"),
    "a name with a blank": ('name="huber"', 'name="Huber loss"', "name is 'Huber loss', expected lowercase letters"),
    "a title that is no text": (
        'title="a squared error that forgives outliers"',
        "title=3",
        "title is 3, expected a string",
    ),
    "a solution that is no function": ("solution=huber", "solution=3", "solution is 3, expected a function"),
    "a lambda": (
        "solution=huber",
        "solution=lambda x, t: (x, None, None)",
        "expected a function defined with def",
    ),
    "hints that are a text": ("hints=[", 'hints="h", imports=[', "hints is no list of strings"),
    "a wrong version that is none": ("Wrong(changes=", "dict(changes=", "wrong is no dict of wrong versions"),
    "a prediction that is none": (
        "    blanks",
        '    prediction="?", blanks',
        "prediction is '?', expected a Prediction",
    ),
    "no inputs": ("inputs=draw", "inputs=None", "inputs is no function"),
    "inputs that fail": ("(N, D)) * rng", "(N, Q)) * rng", "inputs fails for N = 3, D = 5, K = 7: NameError"),
    "inputs in another order": (
        '{"x": r + t, "t": t}',
        '{"t": t, "x": r + t}',
        "inputs draws ['t', 'x'], expected a dict in",
    ),
    "inputs of another type": (
        '"x": r + t',
        '"x": (r + t).tolist()',
        "inputs draws x as list, expected a float64 array",
    ),
    "a value without derivatives": ("return y, dx, None ", "return y ", "does not return a value and 2 derivatives"),
    "a blank that is none": ('("y", "dx")', '("y", "dt")', "blanks is ('y', 'dt'), expected a tuple of some of y, dx"),
    "blanks that are a text": ('("y", "dx")', '"y"', "blanks is 'y', expected a tuple"),
    "a body on the line of its def": (
        HUBER[HUBER.index("def huber") : HUBER.index("\n\ndef draw")],
        "def huber(x, t): return (x - t).sum(axis=1), lambda dy: dy[:, None] + 0 * x, None\n",
        "no stub can be made of huber, expected",
    ),
    "a form without a stub": (
        "return y, dx, None ",
        "return (result := (y, dx, None)) ",
        "no stub can be made of huber",
    ),
    "no exercise": ("HUBER = Operation", "Operation", "line 37: the file ends and defines no exercise"),
    "the name of another": ('name="huber"', 'name="relu"', "the name 'relu' is that of an exercise of npvae"),
    "an exit": ("HUBER = ", "raise SystemExit(3)\nHUBER = ", "line 21: SystemExit: 3"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_slip_of_a_teacher_is_one_sentence_with_the_line(refuse, teacher, what):
    right, wrong, words = BROKEN[what]
    assert right in HUBER
    (teacher / "huber.py").write_text(HUBER.replace(right, wrong, 1), encoding="utf-8")
    said = refuse("learn", "--with", "exercises", "init", "mine")
    assert words in said and re.search(r"huber\.py, line \d+: ", said), said
    assert not pathlib.Path("mine").exists()


def test_two_exercises_of_one_name_and_a_file_that_is_no_text(refuse, teacher):
    shutil.copy(teacher / "huber.py", teacher / "robust.py")
    said = refuse("learn", "--with", "exercises", "init", "mine")
    assert "exercises/robust.py, line 21: the name 'huber' is that of an exercise of huber.py: choose another" in said
    (teacher / "robust.py").write_bytes(b"\xff\xfe\x00")
    assert "robust.py cannot be read, expected a Python file in UTF-8" in refuse("learn", "contract", "exercises")


def test_an_exercise_of_npvae_is_not_one_of_the_file(refuse, teacher):
    (teacher / "huber.py").write_text("from npvae.learn.exercises.kl import KL\n")
    assert "line 1: the file ends and defines no exercise" in refuse("learn", "--with", "exercises", "init", "mine")


def test_a_folder_that_is_missing_empty_or_a_file(refuse, teacher):
    pathlib.Path("empty").mkdir()
    for folder, words in {
        "nowhere": "does not exist",
        "empty": "holds no Python file",
        "exercises/huber.py": "is a file",
    }.items():
        for arguments in (["init", "mine"], ["grade", "exercises"]):
            assert f"{folder} {words}, expected" in refuse("learn", "--with", folder, *arguments)
        assert f"{folder} {words}, expected" in refuse("learn", "contract", folder)


def test_a_damaged_copy_is_one_sentence(learn, refuse):
    pathlib.Path("own/huber.py").write_text("def huber(:\n")
    for action in ([], ["list"], ["check", "relu"]):
        assert "huber.py, line 1: invalid syntax, expected Python" in refuse("learn", *action)

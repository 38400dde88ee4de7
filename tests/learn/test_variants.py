"""Proves that a seed gives every student exercises of their own, and that two programs do not show each other's defect.

These tests would catch a seed that changes nothing, one that gives other exercises on another machine, a museum with a
defect too many, an answer that no longer belongs to its question, a command that forgets the seed of its folder, and a
defect that is the only line in which two programs differ.
"""

import difflib
import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from npvae.errors import UserError
from npvae.learn import catalogue
from npvae.learn.folder import Folder, contents
from npvae.learn.museum.exhibits import DEFECTS, EXHIBITS, MOST, PROGRAMS, exhibits_of, module_of
from npvae.learn.museum.style import source_of
from npvae.learn.outcome import PASSED, WRONG, judge_file
from npvae.learn.shuffle import shuffled
from npvae.learn.variants import of_folder, of_seed

SEEDS = [str(number) for number in range(4711, 4761)]  # of fifty students


def texts(seed):
    return [catalogue.text(exercise) for exercise in of_seed(seed)]


# --- seeds ------------------------------------------------------------------------------------------------------------


def test_the_order_of_a_seed_is_the_same_on_every_machine():
    assert shuffled("abcdef", "4711", "test") == list("cfdeab")
    assert sorted(shuffled(range(100), "x")) == list(range(100)) and shuffled([], "x") == []


def test_the_exercises_of_a_seed_are_the_same_in_another_process():
    program = (
        "import hashlib; from npvae.learn import catalogue, variants; "
        "texts = [catalogue.text(exercise) for exercise in variants.of_seed('4711')]; "
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert len(runs[0]) == 65 and runs[0] == runs[1]


def test_two_seeds_differ_and_blanks_around_a_seed_do_not_matter():
    assert len({tuple(texts(seed)) for seed in SEEDS}) == len(SEEDS)
    assert of_seed("4711") is of_seed(" 4711\n") and of_seed("e\u0301") is of_seed("\xe9")
    assert of_seed(" ") is of_seed() is catalogue.ALL
    with pytest.raises(UserError, match="is no text"):
        of_seed("\udcff")


def test_without_a_seed_everything_has_its_number():
    assert [exhibit.defect for exhibit in EXHIBITS] == list("DABECFGHI")
    assert [e.name for e in of_seed("4711")] == [e.name for e in catalogue.ALL]
    assert {e.seed for e in catalogue.ALL} == {""} and {e.seed for e in of_seed("4711")} == {"4711"}


# --- the museum -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_each_museum_has_each_defect_once_and_uses_each_program(seed):
    exhibits = exhibits_of(seed)
    assert sorted(exhibit.defect for exhibit in exhibits) == sorted(DEFECTS)
    assert [exhibit.name for exhibit in exhibits] == [f"bug_{number}" for number in range(1, 10)]
    counts = [sum(exhibit.solution is program.module for exhibit in exhibits) for program in PROGRAMS]
    assert all(1 <= count <= MOST for count in counts)
    for exhibit in exhibits:
        assert exhibit.program.count(exhibit.right) == 1 and exhibit.source().count(exhibit.wrong_line) == 1
        assert all(len(line) <= 120 for line in catalogue.text(exhibit).splitlines())
        assert "{" not in "".join(exhibit.hints) + exhibit.lesson


def test_every_place_is_chosen_for_somebody_and_every_number_has_every_letter():
    chosen = {(e.name, e.defect) for seed in range(300) for e in exhibits_of(str(seed))}
    hints = {
        (e.defect, e.solution, e.lesson[:20], e.hints[1][:20]) for seed in range(300) for e in exhibits_of(str(seed))
    }
    assert len(chosen) == 81 and len(hints) > 25


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_find_it_name_it_and_repair_it(seed, tmp_path):
    path = tmp_path / "program.py"
    for exhibit in of_seed(seed):
        if not exhibit.name.startswith("bug_"):
            continue
        broken = catalogue.text(exhibit)
        path.write_text(broken, encoding="utf-8")
        assert judge_file(exhibit, path).status == WRONG
        repaired = broken.replace(exhibit.wrong_line, exhibit.right)
        path.write_text(repaired.replace('DEFECT = ""', f'DEFECT = "{exhibit.defect}"'), encoding="utf-8")
        passed = judge_file(exhibit, path)
        assert passed.status == PASSED and exhibit.lesson.split()[-1] in passed.lines[-1]
        assert all(len(line) <= 80 for line in "\n".join(passed.lines).splitlines())


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_the_answer_about_the_gradient_check_is_measured(seed):
    """By hand, the check sees every defect; of what automatic differentiation computes, it sees none."""
    for exhibit in of_seed(seed):
        if exhibit.name.startswith("bug_"):
            prediction = exhibit.prediction
            assert sorted(prediction.choices) == ["no", "yes"]
            with np.errstate(over="ignore"):
                answer = prediction.choices[prediction.measure()]
            assert answer == ("yes" if exhibit.solution.__name__.endswith("by_hand") else "no")


# --- what a comparison of two programs shows --------------------------------------------------------------------------


def differing(one, other):
    """Return the lines of the other program that difflib reports as different, and how many lines it has."""
    one, other = ([line for line in source.splitlines() if line.strip()] for source in (one, other))
    matched = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    same = {match.b + i for match in matched for i in range(match.size)}
    return [line for i, line in enumerate(other) if i not in same], len(other)


def assert_hides(one, exhibit):
    """The defective lines are among many lines that differ."""
    lines, total = differing(one, exhibit.source())
    others = [line for line in lines if line not in exhibit.wrong_line.splitlines()]
    assert len(lines) >= total / 3 and len(others) >= 10, "\n".join(lines)


def test_two_programs_of_a_museum_do_not_show_each_others_defect():
    for seed in ["", *SEEDS]:
        for one, other in itertools.permutations(exhibits_of(seed), 2):
            if one.solution is other.solution:
                assert_hides(one.source(), other)


def test_the_programs_own_file_does_not_show_the_defect():
    for seed in ["", *SEEDS]:
        for exhibit in exhibits_of(seed):
            assert_hides(source_of(exhibit.solution), exhibit)


def test_two_students_do_not_show_each_other_their_defects():
    museums = [exhibits_of(seed) for seed in ["", *SEEDS]]
    for one, other in itertools.pairwise(museums):
        for mine, theirs in itertools.product(one, other):
            if mine.solution is theirs.solution:
                assert_hides(mine.source(), theirs)


# --- the questions ----------------------------------------------------------------------------------------------------


def test_choices_stand_in_another_order_and_the_right_one_goes_with_them():
    moved = 0
    for exercise, standard in zip(of_seed("4711"), catalogue.ALL):
        mine, theirs = exercise.prediction, standard.prediction
        moved += mine.choices != theirs.choices
        assert mine.question == theirs.question and mine.because == theirs.because
        if not exercise.name.startswith("bug_"):
            assert sorted(mine.choices) == sorted(theirs.choices)
            assert mine.choices[mine.measure()] == theirs.choices[theirs.measure()]
    assert moved > len(catalogue.ALL) / 3


# --- a folder ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def learn(npvae_):
    """learn("check", "bug_1") runs npvae learn in the folder of the student 4711."""
    status, out, _ = npvae_("learn", "init", "mine", "--seed", "4711")
    assert status == 0 and "the seed '4711'" in out and all(len(line) <= 80 for line in out.splitlines())
    os.chdir("mine")

    def learn(*arguments, status=0):
        found, out, error = npvae_("learn", *arguments)
        assert found == status and error == "", (found, out, error)
        assert all(len(line) <= 80 or line.startswith("    /") for line in out.splitlines()), out
        return " ".join(out.split())

    return learn


def exhibit_number(number):
    return next(exercise for exercise in of_seed("4711") if exercise.name == f"bug_{number}")


def repair(number):
    exhibit, path = exhibit_number(number), pathlib.Path(catalogue.file_name(exhibit_number(number)))
    text = path.read_text(encoding="utf-8").replace(exhibit.wrong_line, exhibit.right)
    path.write_text(text.replace('DEFECT = ""', f'DEFECT = "{exhibit.defect}"'), encoding="utf-8")


def test_a_folder_holds_the_stubs_of_its_seed_and_keeps_the_seed(learn):
    found = {path.name: path.read_text(encoding="utf-8") for path in pathlib.Path().iterdir()}
    assert found == contents("4711") and found["seed.txt"] == "4711\n" and found != contents("4712")
    assert "seed.txt" not in contents() and of_folder(".") is of_seed("4711") is Folder().exercises


def test_every_command_knows_the_seed(learn):
    exhibit = exhibit_number(3)
    assert exhibit.defect != EXHIBITS[2].defect
    for i, hint in enumerate(exhibit.hints, start=1):
        assert f"{i}. {hint}" in learn("hint", "bug_3")
    assert "bug_3: not right yet" in learn("check", "bug_3", status=1)
    right = exhibit.prediction.measure()
    assert "Right." in learn("predict", "bug_3", right + 1) and "Measured" in learn("predict", "bug_3", 2 - right)
    assert exhibit.title in learn("list")
    repair(3)
    assert "bug_3: passed" in learn("check", "bug_3") and exhibit.lesson in learn("check", "18_bug_3.py")
    assert "yours is kept as" in learn("reset", "bug_3")
    assert pathlib.Path("18_bug_3.py").read_text(encoding="utf-8") == catalogue.text(exhibit)


def test_every_screen_of_the_museum_fits_into_80_columns(learn):
    for number in range(1, 10):
        name = f"bug_{number}"
        assert "FAILS" in learn("check", name, status=1)
        assert all("1." in learn("hint", name) for _ in range(3)) and learn("predict", name, 1)


def test_lost_progress_does_not_lose_the_seed(learn, refuse):
    learn("hint", "bug_1")
    pathlib.Path(".progress.json").write_text("{damaged", encoding="utf-8")
    assert "delete it" in refuse("learn", "list")
    os.remove(".progress.json")
    assert exhibit_number(1).hints[0] in learn("hint", "bug_1")
    pathlib.Path("seed.txt").write_bytes(b"\xff")
    assert "seed.txt cannot be read: write the seed into it" in refuse("learn", "hint", "bug_1")


def test_a_folder_without_a_seed_has_the_standard_exercises(npvae_):
    for seed in ([], ["--seed", " "]):
        folder = f"mine{len(seed)}"
        assert npvae_("learn", "init", folder, *seed)[0] == 0
        assert sorted(os.listdir(folder)) == sorted(contents()) and of_folder(folder) is catalogue.ALL


def test_pytest_checks_the_exercises_of_the_seed(learn):
    repair(1)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "bug_1 or bug_2"]
    out = subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout
    assert "1 failed, 1 passed" in out and "bug_2: not right yet" in out


def test_a_seed_may_be_any_text(npvae_):
    for i, seed in enumerate(('"""', "\\", "Łukasz {x} % 'a'", "12 34")):
        assert npvae_("learn", "init", f"folder{i}", "--seed", seed)[0] == 0
        assert of_folder(f"folder{i}") is of_seed(seed)
        assert module_of(pathlib.Path(f"folder{i}", "16_bug_1.py").read_text(encoding="utf-8")).DEFECT == ""

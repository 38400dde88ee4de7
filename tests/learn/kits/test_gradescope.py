"""Proves that Gradescope's archive grades, by running it as Gradescope does, in a folder in place of /autograder.

These tests would catch a script without its permission, points that Gradescope would not add up, and a note to the
teacher that a student can read.
"""

import json
import os
import zipfile

import pytest

from npvae.learn.kits.wheel import NAME


@pytest.fixture
def autograder(kit, machine, tmp_path):
    """The folder /autograder of a machine on which setup.sh has run."""
    folder = tmp_path / "autograder"
    (folder / "results").mkdir(parents=True)
    with zipfile.ZipFile(kit / "gradescope" / "autograder.zip") as archive:
        archive.extractall(folder / "source")
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"setup.sh": 0o100755, "run_autograder": 0o100755, NAME: 0o100644}
    (folder / "venv").symlink_to(machine[0])
    return folder


def graded(autograder, run, script):
    """Run the autograder; return what it has written for Gradescope."""
    text = script(autograder / "source" / "run_autograder").replace("/autograder/", f"{autograder}/")
    program = autograder / "run_autograder"
    program.write_text(text, encoding="utf-8")
    os.chmod(program, 0o755)
    ran = run([program], autograder)
    assert ran.returncode == 0, ran.stderr
    return json.loads((autograder / "results" / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind, scores", [("right", [1, 3, 1.5]), ("wrong", [0, 0, 0])])
def test_each_exercise_has_its_points(autograder, hand_in, run, script, kind, scores):
    hand_in(kind, autograder / "submission" / "my-vae")
    results = graded(autograder, run, script)
    assert [test["name"] for test in results["tests"]] == ["relu", "kl", "bug_1"]
    assert [test["score"] for test in results["tests"]] == scores
    assert [test["max_score"] for test in results["tests"]] == [1, 3, 1.5]
    assert {test["status"] for test in results["tests"]} == {"passed" if sum(scores) else "failed"}
    assert results["stdout_visibility"] == "hidden"
    assert "is wrong in" in results["tests"][1]["output"] or kind == "right"


def test_what_is_for_the_teacher_alone_is_hidden(autograder, hand_in, run, script):
    hand_in("forged", autograder / "submission")
    *tests, notes = graded(autograder, run, script)["tests"]
    assert notes["visibility"] == "hidden" and notes["max_score"] == 0 and notes["output"].startswith("relu: ")
    assert tests[0]["score"] == 0 and notes["output"] not in json.dumps(tests)


def test_an_empty_submission_gets_no_points(autograder, run, script):
    (autograder / "submission").mkdir()
    results = graded(autograder, run, script)
    assert not any(test["score"] for test in results["tests"]) and "no file of an exercise" in results["output"]


def test_the_setup_can_be_read(autograder, script):
    assert f"pip install /autograder/source/{NAME}" in script(autograder / "source" / "setup.sh")

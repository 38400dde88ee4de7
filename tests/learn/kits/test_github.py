"""Proves that the workflow of the template repository grades a push, by running its steps.

These tests would catch a workflow that is no YAML, a result that the reporter cannot read, and a file of the student's
that the grader imports.
"""

import base64
import json
import textwrap

import pytest

from npvae.learn.folder import Folder
from npvae.learn.kits.wheel import NAME


@pytest.fixture
def workflow(kit):
    return (kit / "github-classroom" / ".github" / "workflows" / "classroom.yml").read_text(encoding="utf-8")


def graded(workflow, checkout, run, tmp_path):
    """Run the step that grades; return its outputs, a dict, and the page of the run."""
    step = textwrap.dedent(workflow.split("run: |\n")[1].split("      - name: Report")[0])
    outputs, page = tmp_path / "outputs", tmp_path / "page"
    given = {"GITHUB_WORKSPACE": checkout, "GITHUB_OUTPUT": outputs, "GITHUB_STEP_SUMMARY": page}
    ran = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step], checkout, **given)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    lines = outputs.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines), page.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind, scores", [("right", [1, 3, 1.5]), ("wrong", [0, 0, 0])])
def test_each_exercise_has_its_points(workflow, hand_in, run, tmp_path, kind, scores):
    outputs, page = graded(workflow, hand_in(kind), run, tmp_path)
    results = [json.loads(base64.b64decode(text)) for text in outputs.values()]
    assert list(outputs) == ["relu", "kl", "bug_1"]
    assert [result["max_score"] for result in results] == [1, 3, 1.5]
    assert [result["tests"][0]["score"] for result in results] == scores
    assert {result["status"] for result in results} == {"pass" if sum(scores) else "fail"}
    assert page.startswith(f"## {'5.5' if sum(scores) else '0'} of 5.5 points")


def test_what_is_for_the_teacher_alone_is_not_on_the_page(workflow, hand_in, run, tmp_path):
    outputs, page = graded(workflow, hand_in("forged"), run, tmp_path)
    assert json.loads(base64.b64decode(outputs["relu"]))["status"] == "fail"
    assert "its program claims to have passed" not in page


def test_the_workflow_is_yaml_and_names_every_result(workflow):
    yaml = pytest.importorskip("yaml")
    *_, install, grade, report = yaml.safe_load(workflow)["jobs"]["run-autograding-tests"]["steps"]
    assert install["run"] == f"pip install .github/npvae/{NAME}"
    assert report["with"]["runners"] == "relu,kl,bug_1"
    for name in ("relu", "kl", "bug_1"):
        assert report["env"][f"{name.upper()}_RESULTS"] == f"${{{{ steps.{grade['id']}.outputs.{name} }}}}"


def test_students_start_with_the_stubs_of_the_chosen_exercises(kit):
    folder = Folder(kit / "github-classroom")
    assert folder.next().name == "relu" and len(list(folder.path.glob("*.py"))) == 3
    readme = (folder.path / "README.md").read_text(encoding="utf-8")
    assert "| 05_relu.py |" in readme and "| 3 |" in readme and NAME in readme

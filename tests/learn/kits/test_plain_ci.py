"""Proves that grade.sh grades a folder, and that its exit status and its JUnit file say the same.

These tests would catch a job that is green for wrong files, and a file that no XML reader accepts.
"""

import xml.etree.ElementTree as xml

import pytest

from npvae.learn.kits.wheel import NAME


@pytest.mark.parametrize("kind, status, failures", [("right", 0, 0), ("wrong", 1, 3)])
def test_the_script_grades_a_folder(kit, hand_in, run, script, tmp_path, kind, status, failures):
    script(kit / "plain-ci" / "grade.sh")
    ran = run(["bash", kit / "plain-ci" / "grade.sh", ".", "results"], hand_in(kind))
    assert ran.returncode == status, ran.stderr
    results = tmp_path / "student" / "results"
    suite = xml.parse(results / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", str(failures))
    assert [case.get("name").split()[0] for case in suite] == ["relu", "kl", "bug_1"]
    assert len(suite.findall("testcase/failure")) == failures
    assert ran.stdout in ("5.5 of 5.5 points\n", "0 of 5.5 points\n")
    assert ran.stdout.strip() in (results / "feedback.md").read_text(encoding="utf-8")


def test_a_missing_folder_is_an_error_of_its_own(kit, run, tmp_path):
    assert run(["bash", kit / "plain-ci" / "grade.sh", "nowhere", "results"], tmp_path).returncode != 0


def test_the_example_is_yaml(kit):
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((kit / "plain-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8"))["grade"]
    assert job["script"][1] == f"pip install /tmp/grading/{NAME}"

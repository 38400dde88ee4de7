"""Proves that the grading script for Classroom 50 writes the result that its runner reads.

These tests would catch a field that the contract wants, points that are no whole numbers, and a file of the student's
that the script imports.
"""

import json

import pytest

FIELDS = ["schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime", "score",
          "max-score", "tests"]  # fmt: skip
GIVEN = {"CLASSROOM": "vae", "ASSIGNMENT": "one", "SUBMISSION_TAG": "submit/1", "COMMIT_URL": "c", "RELEASE_URL": "r"}


@pytest.mark.parametrize("kind, scores", [("right", [100, 300, 150]), ("wrong", [0, 0, 0])])
def test_the_result_is_what_the_runner_reads(kit, hand_in, run, kind, scores):
    checkout = hand_in(kind)
    ran = run(["python", kit / "classroom50" / "autograder.py"], checkout, **GIVEN)
    assert ran.returncode == 0, ran.stderr
    result = json.loads((checkout / "result.json").read_text(encoding="utf-8"))
    assert list(result) == FIELDS and result["schema"] == "classroom50/result/v1"
    assert [test["score"] for test in result["tests"]] == scores  # in hundredths, because bug_1 is worth 1.5
    assert (result["score"], result["max-score"]) == (sum(scores), 550)
    assert all(isinstance(test[field], int) for test in result["tests"] for field in ("score", "max-score"))
    assert result["review"] == "c" and "points" in (checkout / "release-body.md").read_text(encoding="utf-8")

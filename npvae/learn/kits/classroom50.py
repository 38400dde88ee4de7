"""Classroom 50: a grading script in the teacher's repository, where no student can change it.

The runner of Classroom 50 fetches autograder.py and the files beside it, runs it in the student's checkout, and reads
result.json from the checkout.

Source: the page "Advanced Autograding" of the wiki of github.com/foundation50/classroom50.
"""

import datetime
import json
import os
import sys

from .github import summary
from .report import Report, write

FOLDER = "classroom50"
README = """\
A grading script for Classroom 50 (classroom50.org), the open successor of GitHub Classroom. The script stays
in your own repository `classroom50`, so no student can change it.

1. Make a template repository from `github-classroom/`, but leave out `.github/workflows`.
2. Create an assignment with this template and without tests.
3. Copy the two files of this folder to `CLASSROOM/autograders/ASSIGNMENT/` in your repository `classroom50`.

Classroom 50 counts in whole points. If an exercise is worth a fraction, it shows all points in hundredths.
"""

AUTOGRADER = '''\
"""Grades the checkout in the working directory with npvae, and writes result.json there."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

OPTIONS = {options!r}
HERE, CHECKOUT = pathlib.Path(__file__).resolve().parent, pathlib.Path.cwd()


def run(*command, cwd=HERE):
    """Run Python outside the checkout, so that it imports none of the student's files."""
    subprocess.run([sys.executable, "-m", *map(str, command)], cwd=cwd, check=True)


with tempfile.TemporaryDirectory() as work:
    run("pip", "install", "--quiet", HERE / "{wheel}")
    student = pathlib.Path(work, "submissions", "student")
    shutil.copytree(CHECKOUT, student, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    with open(pathlib.Path(work, "grade.log"), "w") as log:
        grade = ["npvae", "learn", "grade", "submissions", "--json", "grades.json", *OPTIONS.split()]
        subprocess.run([sys.executable, "-m", *grade], cwd=work, stdout=log, check=True)
    run("npvae.learn.kits.classroom50", "grades.json", CHECKOUT, cwd=work)
'''


def files(kit):
    """Return the files of the folder: a dict from names to bytes."""
    script = AUTOGRADER.format(options=kit.options, wheel=kit.wheel_name)
    return {"autograder.py": script.encode(), kit.wheel_name: kit.wheel}


def result(report, given, now):
    """Return a report in the form that Classroom 50 reads: a dict.

    given   the runner's environment variables, which say what it grades
    now     a datetime in UTC
    """
    factor = 1 if all(isinstance(line.most, int) for line in report.lines) else 100
    tests = [
        {
            "test-name": line.name, "passed": line.has_passed,
            "score": round(line.points * factor), "max-score": round(line.most * factor),
        } for line in report.lines
    ]  # fmt: skip
    return {
        "schema": "classroom50/result/v1",
        "classroom": given["CLASSROOM"], "assignment": given["ASSIGNMENT"], "submission": given["SUBMISSION_TAG"],
        "commit": given["COMMIT_URL"], "release": given["RELEASE_URL"],
        "review": given.get("REVIEW_URL") or given["COMMIT_URL"],
        "datetime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "score": sum(test["score"] for test in tests), "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }  # fmt: skip


def main(grades, folder):
    """Convert the report in the file `grades`, and write result.json and the feedback to the folder."""
    report, now = Report.read(grades), datetime.datetime.now(datetime.timezone.utc)
    write(os.path.join(folder, "result.json"), json.dumps(result(report, os.environ, now), indent=1) + "\n")
    write(os.path.join(folder, "release-body.md"), summary(report))


if __name__ == "__main__":
    main(*sys.argv[1:])

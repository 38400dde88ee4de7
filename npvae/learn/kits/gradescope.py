"""Gradescope: an archive with two scripts: one builds the machine, the other grades a submission.

Gradescope unpacks the archive to /autograder/source and runs setup.sh once; for each submission it runs run_autograder,
which reads /autograder/submission and writes /autograder/results/results.json. `main` writes that file.

Source: the autograder specifications at gradescope-autograders.readthedocs.io.
"""

import json
import sys

from .report import GRADING, Report, write
from .wheel import archive

FOLDER = "gradescope"
README = """\
`autograder.zip` is an autograder for a programming assignment.

1. Create a programming assignment. Give it {most} points.
2. Under *Configure autograder*, upload `autograder.zip`, and wait until Gradescope has built the image.
3. Test it with a right file and a wrong one. Students upload their files `NN_name.py`, or the whole folder.
4. Read the output of that test, which only you see: it lists the protections that the machine lacks, if
   any.

A student sees the points of each exercise, and what `npvae learn check` says. Notes for you alone
appear as an entry that is hidden from students; if a submission has one, Gradescope may also hide its total from them.
"""

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the machine.
set -euo pipefail
apt-get update
apt-get install -y python3 python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install /autograder/source/{wheel}
"""

RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for every submission.
set -euo pipefail
export PATH=/autograder/venv/bin:$PATH
{grading}\
cat grade.log
python -m npvae.learn.kits.gradescope grades.json /autograder/results/results.json
"""


def files(kit):
    """Return the files of the folder: a dict from names to bytes."""
    texts = {
        "setup.sh": SETUP.format(wheel=kit.wheel_name),
        "run_autograder": RUN.format(grading=GRADING.format(folder="/autograder/submission", options=kit.options)),
    }
    content = {name: text.encode() for name, text in texts.items()} | {kit.wheel_name: kit.wheel}
    return {"autograder.zip": archive(content, executable=texts)}


def results(report):
    """Return a report in the form that Gradescope reads: a dict."""
    tests = [
        {
            "name": line.name, "score": line.points, "max_score": line.most, "output": line.text,
            "status": "passed" if line.has_passed else "failed", "visibility": "visible",
        } for line in report.lines
    ]  # fmt: skip
    if report.notes:
        about = {"name": "for the teacher", "score": 0, "max_score": 0, "output": "\n".join(report.notes)}
        tests.append(about | {"visibility": "hidden"})
    return {"output": "\n".join(report.problems), "stdout_visibility": "hidden", "tests": tests}


def main(grades, path):
    """Convert the report in the file `grades`, and write it to the path."""
    write(path, json.dumps(results(Report.read(grades)), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

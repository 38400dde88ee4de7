"""Any other continuous integration: a script that grades and writes JUnit XML, and an example for GitLab."""

import sys
import xml.etree.ElementTree as xml

from ..grading.tables import shown
from .github import summary
from .report import GRADING, Report, write

FOLDER = "plain-ci"
README = """\
A script that grades one student's folder, for any continuous integration with Bash and Python.

1. Put `grade.sh` and the wheel where students cannot change them, such as a repository of your own that the job clones.
2. In the job, `pip install npvae-….whl`, then `bash grade.sh FOLDER RESULTS`. The script writes `junit.xml`,
   which most systems display, and `feedback.md` for the student into RESULTS. The exit status is 0 if every exercise
   has passed, 1 if not, and another number if grading itself failed.
3. For GitLab, `.gitlab-ci.yml` is an example: replace `YOUR/GRADING` in it. Keep it in your own repository,
   and set it as the *CI/CD configuration file* of the students' projects: anyone who can edit it can change the job.
"""

SCRIPT = """\
#!/usr/bin/env bash
# Grades a student's folder: bash grade.sh FOLDER RESULTS
set -euo pipefail
folder=$(cd "$1" && pwd)
mkdir -p "$2"
results=$(cd "$2" && pwd)
{grading}\
python -m npvae.learn.kits.plain_ci grades.json "$results"
"""

GITLAB = """\
grade:
  image: python:3.12
  script:
    - git clone "https://gitlab-ci-token:${{CI_JOB_TOKEN}}@${{CI_SERVER_HOST}}/YOUR/GRADING.git" /tmp/grading
    - pip install /tmp/grading/{wheel}
    - bash /tmp/grading/grade.sh "$CI_PROJECT_DIR" results
  artifacts:
    when: always
    paths: [results]
    reports:
      junit: results/junit.xml
"""


def files(kit):
    """Return the files of the folder: a dict from names to bytes."""
    texts = {
        "grade.sh": SCRIPT.format(grading=GRADING.format(folder='"$folder"', options=kit.options)),
        ".gitlab-ci.yml": GITLAB.format(wheel=kit.wheel_name),
    }
    return {name: text.encode() for name, text in texts.items()} | {kit.wheel_name: kit.wheel}


def junit(report):
    """Return a report as JUnit XML: a string."""
    failures = sum(not line.has_passed for line in report.lines)
    suite = xml.Element("testsuite", name="npvae", tests=str(len(report.lines)), failures=str(failures))
    for line in report.lines:
        points = f"{shown(line.points)} of {shown(line.most)} points"
        case = xml.SubElement(suite, "testcase", classname="npvae", name=f"{line.name} ({points})")
        if not line.has_passed:
            xml.SubElement(case, "failure", message=line.status).text = line.text
    return xml.tostring(suite, encoding="unicode") + "\n"


def main(grades, folder):
    """Convert the report in the file `grades` to files in the folder; return the exit status."""
    report = Report.read(grades)
    write(f"{folder}/junit.xml", junit(report))
    write(f"{folder}/feedback.md", summary(report))
    print(f"{shown(report.points)} of {shown(report.most)} points")
    return 0 if all(line.has_passed for line in report.lines) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

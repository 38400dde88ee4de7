"""GitHub: a template repository for students, with a workflow that grades every push.

The workflow has the form of GitHub Classroom's: a job called run-autograding-tests, a result for each exercise, and the
action `education/autograding-grading-reporter`, which adds them up and attaches the sum to the commit. A result is JSON
in base64: {"max_score", "status", "tests": [{"name", "status", "score", …}]}.

Source: the README and src/ of github.com/education/autograding-grading-reporter.
"""

import base64
import json
import sys

from ..grading.tables import shown
from .report import GRADING, Report

FOLDER = "github-classroom"
README = """\
A template repository for students to start from, with a workflow that grades every push. GitHub closed its service
GitHub Classroom in August 2026. The workflow keeps the form of that service, and runs in any repository on GitHub.

1. Make a private repository from the files in this folder, including those in `.github`, and mark it as a template
   (*Settings*, *Template repository*).
2. Make a repository from it for each student, by hand or with a service such as Classroom 50.
3. After a push, the tab *Actions* shows the points and the feedback, and the commit's check
   *run-autograding-tests* shows the total.

The workflow is part of the student's repository, and anyone who can push there can change it. So protect `.github/**`:
a ruleset with *Restrict file paths* (GitHub Team or Enterprise) rejects pushes that change it. Or take the grades that
count from elsewhere: `classroom50/` grades with files that no student can change, and you can run `npvae learn grade`
on clones of the repositories.
"""

STUDENTS = """\
# The exercises

You write parts of a variational autoencoder yourself. Each file holds one exercise: its docstring has the mathematics,
and below it is a function with parts left out.

```sh
pip install .github/npvae/WHEEL
npvae learn                 # what to do next
npvae learn check relu      # is it right? if not, what is wrong?
npvae learn hint relu       # a hint; each call reveals one more
```

Instead of relu, you can name any exercise in the table. Commit and push: the tab *Actions* shows how many points your
files earn now.

| file | exercise | points |
| --- | --- | --- |
"""

WORKFLOW = """\
name: Autograding Tests
on: [push, workflow_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install npvae
        run: pip install .github/npvae/{wheel}
      - name: Grade
        id: grade
        run: |
{grading}\
          python -m npvae.learn.kits.github grades.json "$GITHUB_OUTPUT" "$GITHUB_STEP_SUMMARY"
      - name: Report
        uses: education/autograding-grading-reporter@v1
        env:
{results}\
        with:
          runners: {runners}
"""


def files(kit):
    """Return the files of the folder: a dict from names to bytes."""
    grading = GRADING.format(folder='"$GITHUB_WORKSPACE"', options=kit.options)
    workflow = WORKFLOW.format(
        wheel=kit.wheel_name,
        grading="".join(f"          {line}\n" for line in grading.splitlines()),
        results="".join(
            f"          {name.upper()}_RESULTS: ${{{{ steps.grade.outputs.{name} }}}}\n" for name in kit.worth
        ),
        runners=",".join(kit.worth),
    )
    rows = [f"| {file} | {kit.title(name)} | {shown(kit.worth[name])} |" for name, file in kit.stub_names.items()]
    students = STUDENTS.replace("WHEEL", kit.wheel_name).replace("relu", next(iter(kit.worth)))
    students += "\n".join(rows) + "\n"
    texts = {"README.md": students, ".github/workflows/classroom.yml": workflow, **kit.stubs}
    return {name: text.encode() for name, text in texts.items()} | {f".github/npvae/{kit.wheel_name}": kit.wheel}


def result(line):
    """Return the result of an exercise in the form that the reporter reads: a string."""
    status = "pass" if line.has_passed else "fail"
    test = {"name": line.name, "status": status, "score": line.points, "line_no": 0}
    text = json.dumps({"version": 1, "status": status, "max_score": line.most, "tests": [test]})
    return base64.b64encode(text.encode()).decode()


def summary(report):
    """Return the summary page of a run, in Markdown: the points, and what the check says about each exercise."""
    lines = [f"## {shown(report.points)} of {shown(report.most)} points", "", *report.problems, ""]
    for line in report.lines:
        lines += [f"### {line.name}: {shown(line.points)} of {shown(line.most)}", ""]
        lines += [*(f"    {text}" for text in line.text.splitlines()), ""]  # indented: Markdown shows it as code
    return "\n".join(lines)


def main(grades, outputs, page):
    """Convert the report in the file `grades`, and append it to the step's files for outputs and summary."""
    report = Report.read(grades)
    with open(outputs, "a", encoding="utf-8") as file:
        file.writelines(f"{line.name}={result(line)}\n" for line in report.lines)
    with open(page, "a", encoding="utf-8") as file:
        file.write(summary(report))


if __name__ == "__main__":
    main(*sys.argv[1:])

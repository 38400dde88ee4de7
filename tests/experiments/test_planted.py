"""Proves the diagnosis by planting mistakes: it catches every kind, mixes up none, and gives noise no name.

`pytest -m slow` plants two hundred draws; without it, one draw is planted.
"""

import pytest

from npvae.experiments import diagnosis

PARTS = ("first or last row", "where negative")  # in small arrays, these have too few elements to support a claim


def rows_of(lines):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")][1:]
    return {row[0]: tuple(map(int, row[1:])) for row in rows}


@pytest.mark.parametrize(
    "draws, unexplained", [(1, 60), pytest.param(200, 500, marks=pytest.mark.slow)], ids=["one draw", "200 draws"]
)
def test_the_table(draws, unexplained):
    lines = diagnosis.diagnosis(None, draws, unexplained)
    rows = rows_of(lines)
    assert len(rows) == len(diagnosis.KINDS) + 1
    for kind, (planted, caught, right, wrong, _) in rows.items():
        assert planted >= 5 * draws and caught == planted and wrong == 0, (kind, lines)
        assert right >= (0.7 if kind in PARTS else 0.95) * planted, (kind, lines)
    assert lines[-1] == f"{unexplained} wrong arrays with no simple cause: it claimed something about 0."


def test_the_count_can_be_wrong():
    """A count that says "right" for every diagnosis would prove nothing."""
    relu = next(exercise for exercise in diagnosis.EXERCISES if exercise.name == "relu")
    findings = diagnosis.findings_of(relu, relu.wrong_version("no mask"), 0)
    count = diagnosis.Count()
    count.add(findings, "(x > 0) is missing")
    count.add(findings, "the sign is wrong")
    count.add([], "anything")
    assert (count.planted, count.caught, count.right, count.wrong) == (3, 2, 1, 1)


def test_claims_about_nothing_are_counted(monkeypatch):
    monkeypatch.setattr(diagnosis, "nothing_simple", lambda draws, rng: [-c.expected for c in draws])
    assert diagnosis.diagnosis(None, 0, 7)[-1].endswith("claimed something about 7.")

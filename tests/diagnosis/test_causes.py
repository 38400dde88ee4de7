"""Proves that causes are ranked and merged as a reader needs them.

These tests would catch a screen that shows one change twice because it fits at two places, one that mixes up changes of
the value and of a derivative, and one with causes that are far less plausible than the first.
"""

import dataclasses

import pytest

from npvae.diagnosis.causes import MARGIN, SHOWN, Cause, chosen
from npvae.diagnosis.finding import Finding
from npvae.diagnosis.graph import Site

HERE, THERE = (Site("a file", line, (1, (line, line, 0, 9)), (line, line, 0, 9)) for line in (3, 5))


def test_the_same_change_at_two_places_is_one_cause():
    first = Cause("missing factor", "with one more factor 2", (HERE,), 1.8, "at `dy`")
    second = Cause("missing factor", "with one more factor 2", (THERE,), 1.9, "at `x`")
    assert chosen([second, first]) == [first._replace(sites=(HERE, THERE))]
    assert first.text == "with one more factor 2 at `dy`"


@pytest.mark.parametrize("other", [{"kind": "constant"}, {"words": "with one more factor 3"}, {"is_of_value": True}])
def test_other_changes_are_other_causes(other):
    cause = Cause("missing factor", "with one more factor 2", (HERE,), 1.8)
    assert chosen([cause, cause._replace(**other)]) == [cause, cause._replace(**other)]


def test_a_change_of_the_value_says_so():
    cause = Cause("wrong sign", "with the opposite sign", (HERE,), 1.3, "before `b`", is_of_value=True)
    assert cause.text == "with the opposite sign before `b` in the value: your derivatives are right for that value"


def test_the_cheapest_come_first_and_the_others_must_be_about_as_cheap():
    causes = [Cause("constant", f"with {i}", (HERE,), cost) for i, cost in enumerate((2.0, 1.5, 1.5 + MARGIN + 0.01))]
    assert chosen(causes) == [causes[1], causes[0]]
    assert len(chosen([Cause("constant", f"with {i}", (HERE,), 2.0) for i in range(SHOWN + 1)])) == SHOWN
    assert chosen([]) == []


def test_a_finding_is_never_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Finding().question = "another"

"""Proves that the search for a mistake ends in time, however many steps the author's function takes.

These tests would catch a Jacobian, a slope or a cut that does not look at the clock.
"""

import functools
import gc
import sys
import time
from unittest import mock

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.cuts import path_causes
from npvae.diagnosis.paths import Paths, TooLarge, slopes_of_elements
from npvae.diagnosis.reports import draws_of, settings_of
from npvae.diagnosis.search import search, search_value
from tests.diagnosis.loops import cases

CASES = {f.__name__: (f, inputs) for f, inputs in cases(np.random.default_rng(0))}
LATE = 0.3  # seconds that one edit and the preparations may take


@functools.cache
def checked(name):
    """Return the report of a wrong operation, and its draws."""
    f, inputs = CASES[name]
    report = gradcheck(f, *inputs)
    with mock.patch("npvae.diagnosis.reports.MOST_SECONDS", np.inf):  # on a slow machine, too
        draws = draws_of(report, settings_of(report))
    assert len(draws) == len(inputs)
    return report, draws


@pytest.fixture
def without_old_garbage():
    """What earlier tests have left, the collector would look through in the time of the search."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("name", CASES)
def test_the_search_ends_in_time(name, without_old_garbage):
    _, draws = checked(name)
    for several in draws.values():
        begun = time.thread_time()
        search(several, begun + 0.2)
        assert time.thread_time() - begun < 0.2 + LATE
    begun = time.thread_time()
    search_value(list(draws.values()), begun + 0.2)
    assert time.thread_time() - begun < 0.2 + LATE


def test_nothing_begins_after_the_deadline():
    draws = checked("recurrent")[1]["W"]
    all_paths = [Paths(draw.graph, draw.graph.inputs["W"]) for draw in draws]
    past = time.thread_time()
    with pytest.raises(TooLarge):
        Paths(draws[0].graph, draws[0].graph.inputs["W"], past)
    assert path_causes(draws, all_paths, past) == slopes_of_elements(all_paths[0], past) == []
    assert search(draws, past) == []


def test_the_whole_diagnosis_ends_in_time(monkeypatch, without_old_garbage):
    report, draws = checked("recurrent")
    module = sys.modules["npvae.diagnosis.diagnose"]
    monkeypatch.setattr(module, "SECONDS", 0.4)
    monkeypatch.setattr(module, "ALL_SECONDS", 0.8)
    monkeypatch.setattr(module, "draws_of", lambda report, settings: draws)
    begun = time.thread_time()
    diagnose(report)
    assert time.thread_time() - begun < 0.8 + 5 * LATE


def test_jacobians_are_what_backpropagation_of_each_element_gives():
    draw = checked("recurrent")[1]["x"][0]
    paths = Paths(draw.graph, draw.graph.inputs["x"])
    m = paths.order[len(paths.order) // 2]
    jacobians = paths.jacobians(m)
    for i, row in enumerate(np.eye(m.value.size)):
        for k, gradient in paths.backpropagate(m, row).items():
            assert np.allclose(jacobians[k][i], gradient, rtol=1e-12, atol=1e-14)

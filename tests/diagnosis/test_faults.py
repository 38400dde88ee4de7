"""Proves that everything wrong that gradcheck finds, apart from numbers, has a name on which the diagnosis relies.

These tests would catch a fault without advice, and a diagnosis that changes with the wording of a message.
"""

import dataclasses

import numpy as np
import pytest

from npvae import gradcheck
from npvae.autodiff.report import Fault
from npvae.diagnosis import diagnose
from npvae.diagnosis.faults import ADVICE, ValueFault, finding_of

X, BUFFER = np.random.default_rng(0).standard_normal((3, 5)), np.empty((3, 5))


def changes_dy(x):
    def dx(dy):
        dy *= 2
        return dy
    return 2 * x, dx


def changes_its_value(x):
    y = np.exp(x)
    def dx(dy):
        np.multiply(y, dy, out=y)
        return y.copy()
    return y, dx


def changes_x(x):
    x *= 2
    return x.copy(), lambda dy: 2 * dy


def overwrites(a, b):
    return a - b, lambda dy: np.multiply(dy, 1, out=BUFFER), lambda dy: np.multiply(dy, -1, out=BUFFER)


random = np.random.default_rng(0).standard_normal
FAULTY = {
    Fault.VALUE: (lambda x: (x.astype(np.float32), lambda dy: dy.copy()), X),
    Fault.NOT_FINITE: (lambda x: (x / (x > 0), lambda dy: dy / (x > 0)), X),
    Fault.ROUNDED: (lambda x: (np.exp(x.astype(np.float32)).astype(float), lambda dy: dy * np.exp(x)), X),
    Fault.INACCURATE: (lambda x: (np.sin(1 / x), lambda dy: -dy * np.cos(1 / x) / x**2), 1e-6 * X),
    Fault.CHANGED_DY: (changes_dy, X),
    Fault.CHANGED_VALUE: (changes_its_value, X),
    Fault.CHANGED_INPUT: (changes_x, X),
    Fault.SHARED_MEMORY: (lambda x: (x[:], lambda dy: dy.copy()), X),
    Fault.RANDOM_VALUE: (lambda x: (x + random(x.shape), lambda dy: dy.copy()), X),
    Fault.RANDOM_GRADIENT: (lambda x: (2 * x, lambda dy: 2 * dy + 1e-9 * random(dy.shape)), X),
    Fault.OVERWRITTEN: (overwrites, X, X),
    Fault.NO_ARRAY: (lambda x: (x.sum(), lambda dy: [1.0, 1.0]), X),
    Fault.DTYPE: (lambda x: (2 * x, lambda dy: (2 * dy).astype(np.float32)), X),
    Fault.SHAPE: (lambda x: (2 * x, lambda dy: dy.sum(axis=0)), X),
    Fault.EMPTY: (lambda x: (2 * x, lambda dy: 2 * dy), X[:0]),
}


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_found_by_its_name(fault):
    f, *inputs = FAULTY[fault]
    with np.errstate(all="ignore"):
        report = gradcheck(f, *(x.copy() for x in inputs))
    assert not report.ok and fault in {row.fault for row in report.rows}


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SHAPE])
def test_other_words_for_a_fault_change_no_diagnosis(fault):
    f, *inputs = FAULTY[fault]
    with np.errstate(all="ignore"):
        report = gradcheck(f, *(x.copy() for x in inputs))
    before = diagnose(report).findings
    for row in report.rows:
        row.sentence = "it is wrong" if row.fault else row.sentence
    after = diagnose(report).findings
    assert [finding.measured for finding in after] == ["it is wrong"] * len(after)
    assert [dataclasses.replace(finding, measured="") for finding in after] == [
        dataclasses.replace(finding, measured="") for finding in before
    ]


@pytest.mark.parametrize("fault", [*Fault, *ValueFault])
def test_every_fault_has_a_question(fault):
    assert fault in ADVICE
    finding = finding_of("dx", "it is wrong", fault)
    assert finding.question.endswith("?") and all(len(line) <= 80 for line in "\n".join(finding.lines()).splitlines())

"""Proves that a diagnosis prints nothing of its own accord, and survives a function that ends the program.

These tests would catch a `print` in the author's function that comes a hundred times, and an `exit()` in it that ends
the program that asked for a diagnosis.
"""

import concurrent.futures
import sys

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.diagnose import find_all
from npvae.diagnosis.silence import silent
from npvae.diagnosis.trace import Untraceable, trace

X = np.random.default_rng(0).standard_normal((3, 5))


def printing(x):
    print("forward", x.shape)

    def dx(dy):
        print("backward", file=sys.stdout, flush=True)
        return dy * x

    return np.sin(x), dx


def test_what_the_function_prints_is_not_printed_again(capsys):
    report = gradcheck(printing, X)
    assert "forward" in capsys.readouterr().out              # the check itself runs it as it is
    diagnosis = diagnose(report)
    find_all([])
    trace(printing, {"x": X}, X)
    assert capsys.readouterr().out == ""
    print(diagnosis)
    assert "wrong in all 15 elements" in capsys.readouterr().out


def test_other_threads_print_as_usual_and_everybody_does_afterwards(capsys):
    with silent(), concurrent.futures.ThreadPoolExecutor() as others:
        kept = sys.stdout
        print("here")
        others.submit(print, "elsewhere").result()
        with silent():
            print("here")
        print("here")
    print("afterwards", file=kept)
    assert capsys.readouterr().out == "elsewhere\nafterwards\n"


def ending(error, after):
    """Return a wrong operation that raises an error from this call on."""
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) > after:
            raise error
        return np.sin(x), lambda dy: dy * x

    return f, calls


@pytest.mark.parametrize("error", [AssertionError("negative"), SystemExit(3)])
def test_a_function_that_fails_in_a_changed_step_ends_nothing(error):
    def root(v):
        if (v < 0).any():
            raise error
        return np.sqrt(v)

    def f(x):
        return np.apply_along_axis(root, 1, x * 1.0), lambda dy: 2 * dy / np.apply_along_axis(root, 1, x)

    said = str(diagnose(gradcheck(f, np.abs(X) + 0.5)))
    assert "4 times the right one" in said


def test_an_exit_ends_the_trace_and_nothing_else():
    with pytest.raises(Untraceable):
        trace(ending(SystemExit(1), 0)[0], {"x": X}, X)
    with pytest.raises(KeyboardInterrupt):
        trace(ending(KeyboardInterrupt, 0)[0], {"x": X}, X)


@pytest.mark.parametrize("more", [0, 1, 2, 40])
def test_an_exit_ends_the_diagnosis_of_lines_and_nothing_else(more):
    f, calls = ending(SystemExit(1), 1000)
    report = gradcheck(f, X)
    calls += [1] * (1000 - len(calls) - more)                # the next calls are those of the diagnosis
    assert "wrong in all 15 elements" in str(diagnose(report))
    f, calls = ending(KeyboardInterrupt, 1000)
    report = gradcheck(f, X)
    calls += [1] * (1000 - len(calls) - more)
    with pytest.raises(KeyboardInterrupt):
        diagnose(report)

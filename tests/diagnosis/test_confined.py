"""Proves that an edited version of a function can do no harm: to files, to the memory, or by never coming to an end.

These tests would catch a slip of the search that writes a file under another name, an endless loop, and a huge array.
"""

import collections
import contextlib
import subprocess
import sys
import time
import types

import numpy as np
import pytest

from npvae import gradcheck
from npvae.diagnosis import diagnose
from npvae.diagnosis.confined import NUMPY, Copies, Refused, confined
from npvae.diagnosis.program import Program
from tests.diagnosis.authors import edited, function, module

OUTSIDE = [
    "open('x', 'w')",
    "open('x', 'ab')",
    "os.open('x', os.O_CREAT)",
    "os.remove('x')",
    "os.mkdir('x')",
    "shutil.rmtree('x')",
    "subprocess.run(['true'])",
    "Path('x').write_text('x')",
    "np.save('x', np.ones(3))",
    "input()",
]


@pytest.mark.parametrize("call", OUTSIDE)
def test_nothing_is_written_and_nothing_is_waited_for(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    f = module(f"import os, shutil, subprocess\nfrom pathlib import Path\ndef f(x):\n    {call}\n    return 2 * x")["f"]
    with pytest.raises(Refused), confined(Program(f).files):
        f(1.0)
    assert list(tmp_path.iterdir()) == []


def test_files_can_be_read_and_afterwards_written(tmp_path):
    path = tmp_path / "data"
    path.write_text("1.5")
    f = module(f"def f(x):\n    return x * float(open({str(path)!r}).read())")["f"]
    with confined(Program(f).files):
        assert f(2.0) == 3.0
    path.write_text("2")
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_variables_and_what_functions_return_are_noted_and_the_trace_is_restored():
    names = module("def f(x):\n    a = x + 1\n    def g(v):\n        b = 2 * v\n        return b\n    return h(g(a))\n"
                   "def h(x):\n    c = x - 1\n    raise ValueError\n")  # fmt: skip
    before, trace = sys.gettrace(), lambda *_: None
    sys.settrace(trace)
    try:
        with pytest.raises(ValueError), confined(Program(names["f"]).files, notes_values=True) as run:
            names["f"](1.0)
        restored = sys.gettrace()
    finally:
        sys.settrace(before)
    assert restored is trace
    assert [run.values[name] for name in ("a", "b", "c", "v", "what g returns")] == [2.0, 4.0, 3.0, 2.0, 4.0]
    assert run.lines == 7


ENDLESS = {
    "numbers": "n = 1\nfor i in range(60):\n    n = n + 1 if i < 5 else n * n if n > 9 else n\nreturn n",
    "while": "n = 1\nwhile n < 5:\n    n += 1\nreturn n",
    "count": "import itertools\nfor i in itertools.count():\n    if i > 5: break\nreturn i",
    "except": "n = 1\nwhile n < 5:\n    try:\n        n += 1\n    except Exception:\n        pass\nreturn n",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_a_loop_that_does_not_end_is_stopped(body):
    f = function(body)
    old, new = ("i > 5", "False") if "count" in body else ("n < 5", "n < np.inf")
    old, new = ("n + 1", "(n + 9) ** 3") if "range" in body else (old, new)
    version, begun = edited(f, old, new), time.thread_time()
    with pytest.raises(Refused), confined(Program(f).files, 1000):
        version(1.0)
    assert time.thread_time() - begun < 1
    with confined(Program(f).files, 1000):
        assert f(1.0) in (5, 6)


@pytest.mark.parametrize("call", ["zeros((9000, 9000))", "eye(9000)", "arange(1e9)", "linspace(0, 1, 10**9)",
                                  "tile([1.0], 10**9)", "repeat([1.0], 10**9)", "full((10**5, 10**5), 1)"])  # fmt: skip
def test_no_huge_array_is_made(call):
    version = edited(function("return x * 1"), "x * 1", f"np.{call}")
    with pytest.raises(Refused):
        version(1.0)


def test_numpy_is_as_usual_otherwise():
    assert np.array_equal(NUMPY.arange(2, 9, 3), np.arange(2, 9, 3)) and NUMPY.zeros((2, 3)).shape == (2, 3)
    assert np.array_equal(NUMPY.tile([1, 2], 3), np.tile([1, 2], 3)) and NUMPY.linalg is np.linalg


def test_copies_share_nothing_but_large_arrays_and_what_cannot_change():
    class Layer:
        pass

    layer = Layer()
    layer.w, layer.itself, layer.parts = np.ones(3), layer, [np.ones(20_000), {"a": [1]}]
    copies = Copies()
    made = copies.of([layer, layer.w, np.float64, "text"])
    copy = made[0]
    assert copy is not layer and copy.itself is copy and made[1] is copy.w is not layer.w
    assert copy.parts[1] == {"a": [1]} and copy.parts[1]["a"] is not layer.parts[1]["a"]
    assert np.shares_memory(copy.parts[0], layer.parts[0]) and not copy.parts[0].flags.writeable
    assert made[2] is np.float64 and copies.of(np) is NUMPY


class Alone:
    """An object of which there is only one: its copy is itself."""

    def __init__(self):
        self.w = np.ones(3)

    def __copy__(self):
        return self


def test_what_cannot_be_copied_stays_as_it_is(tmp_path):
    alone, copies = Alone(), Copies()
    w = alone.w
    assert copies.of(alone) is alone and alone.w is w
    with open(tmp_path / "log", "w") as log:
        assert copies.of([log])[0] is log


def test_a_function_that_holds_an_open_file_is_diagnosed(tmp_path):
    f = module("def f(x):\n    print(x, file=LOG)\n    return x * x, lambda dy: dy * np.sin(x)\n")["f"]
    with open(tmp_path / "log", "w") as f.__globals__["LOG"]:
        assert "dx" in str(diagnose(gradcheck(f, np.array([0.3, 1.7]))))


def test_an_object_that_has_every_attribute_is_no_cache():
    f = module("class Any:\n    def __getattr__(self, name):\n        if name[:2] == '__': raise AttributeError\n"
               "        return 2.0\nANY = Any()\ndef f(x):\n    return ANY.k * x\n")["f"]  # fmt: skip
    assert edited(f, "ANY.k * x", "ANY.k * x * x")(3.0) == 18


class Shared:
    """A class whose objects share an array, one of them in a slot of its own."""

    __slots__ = ("own",)
    w = np.ones(3)


Pair = collections.namedtuple("Pair", "a b")


def test_nothing_that_objects_hold_or_share_is_changed():
    shared = Shared()
    shared.own, pair, row = np.ones(3), Pair(np.ones(3), 2), collections.deque([np.ones(3)])
    copies = Copies()
    made, kind, pair_of_copies, row_of_copies = (copies.of(value) for value in (shared, Shared, pair, row))
    for array in (made.w, made.own, kind.w, pair_of_copies.a, row_of_copies[0]):
        array += 1
    assert all((array == 1).all() for array in (Shared.w, shared.own, pair.a, row[0]))
    assert isinstance(made, kind) and isinstance(made, Shared) and pair_of_copies.b == 2


def test_the_arrays_of_a_module_are_not_changed():
    constants = types.ModuleType("constants")
    constants.W, constants.name = np.ones(3), "c"
    made = Copies().of(constants)
    made.W += 1
    assert (constants.W == 1).all() and made.name == "c" and Copies().of(contextlib) is contextlib


class Heir(Shared):
    """A class that shares what its parent holds."""


def test_inherited_data_is_not_changed():
    made = Copies().of(Heir())
    made.w += 1
    assert (Shared.w == 1).all()


def test_data_that_contains_itself():
    parent = {"w": 2.0}
    parent["children"] = [{"parent": parent}]
    made = Copies().of(parent)
    assert made is not parent and made["children"][0]["parent"] is made

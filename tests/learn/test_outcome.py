"""Proves that whatever a student's file does, the screen shows its own line and one sentence, and no traceback of ours.

These tests would catch a traceback, a message about a line of the package, a check that hangs, and an `exit()` that
ends the check of a whole class.
"""

import os
import time

import pytest

from npvae.learn import catalogue, sandbox
from npvae.learn.outcome import BLANK, BROKEN, PASSED, WRONG, judge_file

RELU = catalogue.find("relu")
SOLVED = """\
import numpy as np
def relu(x):
    y = np.maximum(x, 0)
    def dx(dy): return dy * (y > 0)
    return y, dx
"""


@pytest.fixture
def screen(tmp_path):
    """screen(source) checks a file with this source, and returns the status and the text."""
    path = tmp_path / "05_relu.py"

    def screen(source, check=judge_file):
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        outcome = check(RELU, path) if check is judge_file else sandbox.check(RELU, path, tmp_path, seconds=5)
        text = "\n".join(outcome.lines)
        assert "Traceback" not in text and "npvae/" not in text, text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        return outcome.status, text

    return screen


def test_a_solution_and_a_stub(screen):
    assert screen(SOLVED)[0] == PASSED and "the largest error is" in screen(SOLVED)[1]
    assert screen(catalogue.text(RELU))[0] == BLANK
    half = SOLVED.replace("return dy * (y > 0)", "raise NotImplementedError('dx: to be done')")
    assert screen(half) == (BLANK, "  dx: to be done (line 4)")


@pytest.mark.parametrize(
    "words, source",
    {
        "line 2:\n    def relu(x)\n               ^\n  SyntaxError: expected ':'": "import numpy\ndef relu(x)\n  "
        "return",
        "IndentationError": "def relu(x):\nreturn 3",
        "line 3, in relu:\n    y = np.maximum(x, zero)\n  NameError: name 'zero'": SOLVED.replace("(x, 0)", "(x, "
        "zero)"),
        "line 4, in dx:": SOLVED.replace("(y > 0)", "(y @ y)"),
        "line 1, in <module>:\n    import numppy\n  ModuleNotFoundError": "import numppy",
        "RecursionError": "def relu(x): return relu(x)",
        "there is no function relu in 05_relu.py": "def relo(x): pass",
        "SystemExit": "import sys\nsys.exit(3)",
        "KeyError: 'a'": "d = {}\nd['a']",
        "AssertionError": "assert False",
        "cannot call your function, or cannot use what it returns: TypeError: relu()": "def relu(): pass",
        "codec can't decode byte 0xff": b"\xff\xfe\xfa # relu",
        "cannot be read as Python: source code": b"x = 1\0",
        "KeyboardInterrupt": "raise KeyboardInterrupt",
        "ValueError: first line": "raise ValueError('first line\\nsecond line')",
    }.items(),
)
def test_exceptions_show_the_students_own_line(screen, words, source):
    status, text = screen(source)
    assert status == BROKEN and (words in text or words in " ".join(text.split())), text


@pytest.mark.parametrize(
    "words, source",
    {
        "returns a tuple of 3, expected the value and 1 derivative": SOLVED.replace("return y, dx", "return y, dx, dx"),
        "returns None (is there a return?)": SOLVED.replace("return y, dx", "pass"),
        "returns a list": SOLVED.replace("return y, dx", "return y.tolist(), dx"),
        "yours has the shape": SOLVED.replace("return dy * (y > 0)", "return (dy * (y > 0)).sum(axis=0)"),
        "this derivative returns None: its return is missing": SOLVED.replace("return dy * (y > 0)", "g = dy"),
        "this is an ndarray, expected a function of dy": SOLVED.replace("return y, dx", "return y, 1.0 * (x > 0)"),
        "the derivative is a float": SOLVED.replace("return dy * (y > 0)", "return 1.0"),
        "changed this input in place: x": SOLVED.replace("(x, 0)", "(x, 0, out=x)"),
        "changed dy in place": SOLVED.replace("def dx(dy): return dy * (y > 0)", "def dx(dy):\n        dy *= y > 0\n"
                                              "        return dy"),
        "returns int64 numbers": SOLVED.replace("np.maximum(x, 0)", "np.ones(x.shape, int)"),
    }.items(),
)  # fmt: skip
def test_wrong_types_and_shapes_are_named(screen, words, source):
    status, text = screen(source)
    assert status == WRONG and words.lower() in " ".join(text.split()).lower(), text


def test_an_endless_loop_is_stopped_and_shown(screen):
    start = time.perf_counter()
    status, text = screen(SOLVED.replace("    y = ", "    while True: pass\n    y = "), sandbox)
    assert status == BROKEN and "line 3, in relu:\n    while True: pass" in text and "stopped after 5 s" in text
    assert time.perf_counter() - start < 20


def test_what_a_process_can_do(screen):
    assert screen(SOLVED, sandbox)[0] == PASSED
    status, text = screen("import os\nos._exit(7)", sandbox)
    assert status == BROKEN and "ended in the middle of the check (status 7)" in text
    assert "EOFError" in screen("name = input()", sandbox)[1]
    status, text = screen("print('hello')\n" + SOLVED, sandbox)
    assert status == PASSED and "| hello" in text
    assert len(screen("print('x' * 70 + '\\n' * 3000)\n" + SOLVED, sandbox)[1]) < 12_000
    assert screen("import sys\nsys.stdout.buffer.write(b'\\xff')\n" + SOLVED, sandbox)[0] == PASSED


def test_threads_and_processes_that_are_left_running(screen):
    start = time.perf_counter()
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    assert screen(thread + SOLVED, sandbox)[0] == PASSED
    child = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    assert screen(child + SOLVED, sandbox)[0] == PASSED
    assert time.perf_counter() - start < 20


def test_files_with_the_names_of_modules(screen, tmp_path):
    for name in ("random", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise ValueError('this is not the module that was wanted')")
    assert screen(SOLVED, sandbox)[0] == PASSED
    (tmp_path / "mine.py").write_text("def largest(x): return x * (x > 0)\n")
    assert screen("from mine import largest\n" + SOLVED.replace("np.maximum(x, 0)", "largest(x)"), sandbox)[0] == PASSED


def test_a_file_in_another_encoding(screen):
    assert screen(b"# -*- coding: latin-1 -*-\n# \xfcber\n" + SOLVED.encode())[0] == PASSED


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals")
def test_a_crash_of_the_interpreter(screen):
    assert "status -9" in screen("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", sandbox)[1]


def test_a_file_from_a_windows_editor(screen):
    assert screen(b"\xef\xbb\xbf" + SOLVED.replace("\n", "\r\n").encode())[0] == PASSED


def test_a_file_that_replaces_what_the_check_needs(screen):
    """A student's file may change modules: it does so in its own process, and the next check starts afresh."""
    assert screen("import numpy as np\nnp.array_equal = None\n" + SOLVED, sandbox)[0] == BROKEN
    assert screen(SOLVED, sandbox)[0] == PASSED

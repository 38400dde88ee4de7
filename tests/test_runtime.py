"""Proves that work which is shared out among threads is all done, once, and that an error in a thread is not lost.

It would catch a share that is dropped where there are more threads than items, and a setting of the user's that is
overwritten.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from npvae import runtime


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_every_item_is_done_once(monkeypatch, cores, n):
    monkeypatch.setattr(runtime, "cores", lambda: cores)
    done = []
    runtime.in_threads(done.extend, list(range(n)))
    assert sorted(done) == list(range(n))


def test_an_error_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(runtime, "cores", lambda: 2)

    def fail_at_1(items):
        if 1 in items:
            raise ValueError("1")

    with pytest.raises(ValueError, match="1"):
        runtime.in_threads(fail_at_1, [0, 1])


def test_threads_have_the_callers_error_state(monkeypatch):
    monkeypatch.setattr(runtime, "cores", lambda: 2)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        runtime.in_threads(lambda items: [np.float32(1e38) * np.float32(i) for i in items], [0, 1e10])


def test_the_setting_is_made_before_numpy_loads_and_a_persons_own_is_kept():
    program = "import os, npvae; print(os.environ['OPENBLAS_THREAD_TIMEOUT'])"
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    for given, expected in [({}, "16"), ({"OPENBLAS_THREAD_TIMEOUT": "20"}, "20")]:
        found = subprocess.run(
            [sys.executable, "-c", program], env=environment | given, capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == expected

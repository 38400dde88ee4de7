"""Silence: the check shows what the author's function prints, and what NumPy warns of. The diagnosis runs the function
many times, and shows none of that again.
"""

import contextlib
import functools
import sys
import threading
import warnings

import numpy as np


class _Silent:
    """Standard output that drops what one thread prints."""

    def __init__(self, stream):
        self._stream, self.thread = stream, threading.get_ident()

    def write(self, text):
        """Write the text, unless the silent thread prints it."""
        return len(text) if threading.get_ident() == self.thread else self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


@contextlib.contextmanager
def silent():
    """A context in which `print` shows nothing on this thread; on other threads, it prints as usual."""
    before = sys.stdout
    sys.stdout = now = _Silent(before)
    try:
        yield
    finally:
        now.thread = None  # if other code has stored this stream, it prints again
        sys.stdout = before


def without_warnings(search):
    """Return a search that warns of nothing: many edits overflow, or divide by zero."""

    @functools.wraps(search)
    def quiet(*args):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return search(*args)

    return quiet

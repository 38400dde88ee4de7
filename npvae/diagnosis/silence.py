"""Silence: what the author's function prints comes once from the check, and not again from every run of a diagnosis."""

import contextlib
import sys
import threading


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
    """Within it, `print` shows nothing on this thread; on other threads, it prints as usual."""
    before = sys.stdout
    sys.stdout = now = _Silent(before)
    try:
        yield
    finally:
        now.thread = None  # whoever kept it prints again
        sys.stdout = before

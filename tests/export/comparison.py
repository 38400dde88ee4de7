"""What the tests of both programs compare with."""

import pathlib
import subprocess
import sys

import numpy as np

from npvae.nn import BatchNorm

CONFIG = pathlib.Path(__file__).parents[2] / "pyproject.toml"


def same(ours, theirs, limit, scale=1):
    """Check that two arrays agree to `limit`, relative to their largest number or `scale`."""
    theirs = np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
    assert np.shape(ours) == theirs.shape
    assert np.abs(ours - theirs).max() <= limit * max(scale, np.abs(ours).max())


def before_normalization(model):
    """Return the names of the biases that a batch normalization removes: their gradients are rounding alone."""
    names, previous = set(), None
    for path, layer in model.named_modules():
        if isinstance(layer, BatchNorm) and previous is not None:
            names.add(f"{previous}b")
        previous = path if hasattr(layer, "b") else previous
    return names


def require_style(text, folder):
    """Check that a program has at most 150 lines of 120 columns, and that the linter accepts it."""
    assert len(text.splitlines()) <= 150 and max(map(len, text.splitlines())) <= 120
    (folder / "program.py").write_text(text)
    ruff = [sys.executable, "-m", "ruff", "check", "--config", CONFIG, folder / "program.py"]
    found = subprocess.run(ruff, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout

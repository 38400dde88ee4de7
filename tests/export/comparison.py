"""What the tests of both programs compare with."""

import numpy as np

from npvae.nn import BatchNorm


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

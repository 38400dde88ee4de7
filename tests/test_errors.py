"""Proves that the error for a mistyped name suggests the nearest known name, and for a strange one lists all names.

It would catch a message that leaves the user guessing.
"""

import pytest

from npvae.errors import UserError, choose

TABLE = {"adam": 1, "adagrad": 2, "sgd": 3}


def test_choose():
    assert choose("optimiser", "sgd", TABLE) == 3
    with pytest.raises(UserError, match="unknown optimiser 'adma': did you mean 'adam'"):
        choose("optimiser", "adma", TABLE)
    with pytest.raises(UserError, match="unknown optimiser 'xyz': expected one of adam, adagrad, sgd"):
        choose("optimiser", "xyz", TABLE)

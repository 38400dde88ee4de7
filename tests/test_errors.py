"""Proves that the error for a mistyped name suggests the nearest known name, and for a strange one lists all names.

It would catch a message that leaves the user guessing.
"""

import pytest

from npvae.errors import UserError, choose, choose_name

TABLE = {"adam": 1, "adagrad": 2, "sgd": 3}


def test_choose():
    assert choose("optimiser", "sgd", TABLE) == 3
    with pytest.raises(UserError, match="unknown model 'vea': did you mean 'vae'"):  # and not vem, as near as it
        choose("model", "vea", {"vem": 1, "vae": 2})
    with pytest.raises(UserError, match="unknown optimiser 'adma': did you mean 'adam'"):
        choose("optimiser", "adma", TABLE)
    with pytest.raises(UserError, match="unknown optimiser 'xyz': expected one of adam, adagrad, sgd"):
        choose("optimiser", "xyz", TABLE)


@pytest.mark.parametrize("name", ["conv-vae", "Conv-VAE", "conv_vae", " CONV VAE"])
def test_capitals_and_underscores_do_not_count(name):
    assert choose("model", name, {"vae": 1, "conv-vae": 2}) == 2
    assert choose_name("model", name, ["vae", "conv-vae"]) == "conv-vae"


def test_an_exact_name_comes_first():
    assert choose("operation", "ReLU", {"relu": 1, "ReLU": 2}) == 2

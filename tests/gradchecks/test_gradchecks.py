"""Proves every derivative of the package: operations, layers, distributions and bounds, for several draws.

These tests would catch any wrong derivative, and an operation or layer that is added without a check.
tests/autodiff/test_gradcheck.py proves that the checker itself can fail.
"""

import importlib
import inspect
import pkgutil

import pytest

import npvae
from npvae import gradchecks, nn
from npvae.errors import UserError


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("check", gradchecks.ALL, ids=lambda check: check.name)
def test_derivatives(check, seed):
    check.run(seed).assert_ok()


def modules():
    for module in pkgutil.walk_packages(npvae.__path__, "npvae."):
        if not module.name.endswith("__main__") and ".with_" not in module.name:  # the peers may not be installed
            yield importlib.import_module(module.name)


def test_every_operation_has_a_check():
    operations = {
        name
        for module in modules()
        for name, f in vars(module).items()
        if hasattr(f, "raw") and name == f.__name__
    }
    assert len(operations) > 25
    assert operations <= {check.name.split("(")[0] for check in gradchecks.OPERATION_CHECKS}


def test_every_layer_has_a_check():
    layers = {
        name for name, layer in vars(nn.layers).items()
        if getattr(layer, "__module__", "") == nn.layers.__name__ and (inspect.isclass(layer) or name[0].isupper())
    }  # fmt: skip
    assert layers - {"Activation"} <= {check.name for check in gradchecks.LAYER_CHECKS}


def test_find():
    assert [check.name for check in gradchecks.find("sum")] == ["sum", "sum(axis=1)", "sum(keepdims)"]
    with pytest.raises(UserError, match="unknown operation 'sofplus': did you mean 'softplus'"):
        gradchecks.find("sofplus")

"""Proves that the adapters for PyTorch and JAX need neither of them before they are used.

These tests would catch an `import npvae` that loads torch or jax, and a traceback where one of them is missing.
"""

import subprocess
import sys

import pytest

from npvae.diagnosis.frameworks import jax_operation, torch_operation
from npvae.diagnosis.frameworks.placing import Placing, joined, parted
from npvae.errors import UserError


def test_neither_is_imported_with_npvae():
    program = "import sys, npvae.diagnosis.frameworks; sys.exit(bool({'torch', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


PACKAGES = [(torch_operation, "torch", "PyTorch"), (jax_operation, "jax", "JAX")]


@pytest.mark.parametrize("adapter, package, words", PACKAGES)
def test_a_missing_package_is_one_sentence(adapter, package, words, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"{words}, which is not installed: pip install 'npvae\[{package}\]'"):
        adapter(lambda x: x)


def test_constants_are_placed_by_name():
    def f(x, factor, W, bias=0.0): ...

    placing = Placing("f", f, {"factor": 2.0})
    assert list(placing.signature.parameters) == ["x", "W", "bias"]
    assert placing.arguments([1, 3]) == ([("x", 1), ("factor", 2.0), ("W", 3), ("bias", 0.0)], [0, 2])
    assert Placing("f", lambda *xs: None, {}).arguments([1, 2])[1] == [0, 1]
    with pytest.raises(TypeError, match="no argument 'scale': its arguments are x, factor, W, bias"):
        Placing("f", f, {"scale": 1})


def test_several_arrays_are_one_and_apart_again(rng):
    arrays = [rng.standard_normal(shape) for shape in ((3, 5), (), (7,))]
    back = parted(joined(arrays), [a.shape for a in arrays])
    assert all((a == b).all() and a.shape == b.shape for a, b in zip(arrays, back))

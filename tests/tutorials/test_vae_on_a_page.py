"""Proves that the VAE on one page is one page, stands alone, proves its gradient, and learns.

These tests would catch a page that grows or borrows the bound from the engine, a check that cannot fail, and a formula
that differs from the engine's.
"""

import ast
import importlib.util
import io
import pathlib
import subprocess
import sys
import tokenize

import numpy as np
import pytest

from npvae import Tensor, probability
from npvae.autodiff import op

PAGE = pathlib.Path(__file__).parents[2] / "tutorials" / "vae_on_a_page.py"
MOST_LINES = 70


@pytest.fixture
def page():
    spec = importlib.util.spec_from_file_location("vae_on_a_page", PAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_lines(source):
    """Return the number of lines of code, without docstrings, comments and blanks."""
    documented = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node) is not None:
            documented.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in silent]
    return len({n for token in tokens for n in range(token.start[0], token.end[0] + 1)} - documented)


def test_it_is_one_page_and_borrows_no_bound():
    source = PAGE.read_text()
    assert code_lines(source) <= MOST_LINES
    for borrowed in ("models", "training", "probability"):
        assert f"npvae.{borrowed}" not in source and f", {borrowed}" not in source


def test_it_proves_its_gradient_from_the_command_line():
    done = subprocess.run([sys.executable, PAGE, "--check"], capture_output=True, text=True)
    assert done.returncode == 0 and "gradcheck -ELBO: ok" in done.stdout
    assert all(f"\n  {name}{i}  " in done.stdout for name in "Wb" for i in "1234")


def test_its_check_can_fail(page, monkeypatch, rng):
    """It must catch a derivative of another function on the tape, and a step that is not on the tape."""

    @op
    def relu(x):
        return np.maximum(x, 0), lambda dy: dy * (dy > 0)

    assert page.check(rng).ok
    kl = page.kl
    monkeypatch.setattr(page, "kl", lambda mu, logvar: kl(mu, logvar.detach()))
    assert not page.check(rng).ok
    monkeypatch.undo()
    monkeypatch.setattr(page.ops, "relu", relu)
    assert not page.check(rng).ok


def test_its_formulas_are_the_engines(page, rng):
    mu, logvar, eps, logits = (Tensor(rng.standard_normal((5, 3))) for _ in range(4))
    x = rng.random((5, 3))
    assert np.allclose(page.kl(mu, logvar).data, probability.kl_to_standard_normal(mu, logvar).data)
    assert np.allclose(page.log_likelihood(x, logits).data, probability.bernoulli_log_likelihood(logits, x).data)
    z = probability.reparameterize(mu, logvar, eps.data)
    assert np.allclose(page.reparameterize(mu, logvar, eps.data).data, z.data)


def test_it_learns(page, rng):
    _, losses = page.train(120, rng)
    assert losses[0] > 500 and np.mean(losses[-20:]) < 250

"""Proves that everything that npvae prints can be read where an output knows no Greek and no mathematical signs.

These tests would catch a ? in place of a minus sign, a `print` that raises UnicodeEncodeError, and a student's right
file that "does not run" because it prints a μ.
"""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

import npvae
from npvae import plain
from npvae.learn import catalogue

ENCODINGS = ["ascii", "latin-1", "cp1252", "utf-8"]
ROOT = pathlib.Path(npvae.__file__).parent


@pytest.mark.parametrize(
    "text, expected",
    {
        "½ Σ_d [μ² + σ² − 1 − ln σ²]": "1/2 sum_d [mu^2 + sigma^2 - 1 - ln sigma^2]",
        "10⁻³⁸ · eˣ ± x₁": "10^-38 * e^x +- x1",
        "‖x − x̂‖ ≤ √2 …": "||x - x_hat|| <= sqrt 2 ...",
        "∂ℓ/∂y → Wᵀ": "dl/dy -> W^T",
        "Zoë, “Ωμέγα”": 'Zoe, "omegamuepsilongammaalpha"',
        "你 \udc80": "? ?",
        "plain": "plain",
    }.items(),
)
def test_the_names_of_signs(text, expected):
    assert text.encode("ascii", plain.PLAIN).decode() == expected


def strings(path):
    """Return the strings of a source file, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    explained = {node.body[0].value for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in explained)
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sign_of_ours_has_a_name(path):
    for text in strings(path):
        assert "?" not in plain.in_ascii(text.replace("?", "")), text


def run(*command, encoding, cwd=None):
    """Run Python with an output of this encoding; return its exit status and what it printed."""
    process = subprocess.run(
        [sys.executable, *command], env=os.environ | {"PYTHONIOENCODING": encoding}, cwd=cwd, capture_output=True
    )
    assert b"Traceback" not in process.stderr and not process.stderr, process.stderr.decode(encoding)
    return process.returncode, process.stdout.decode(encoding)


PROGRAM = """
import numpy as np
from npvae import gradcheck, tape, Tensor, nn, autodiff
from npvae.diagnosis import diagnose

def f(μ, σ):
    return μ * σ, lambda dy: -dy * σ, lambda dy: dy * μ * σ

report = gradcheck(f, *np.random.default_rng(0).standard_normal((2, 3)), name="f(μ)")
print(report)
print(diagnose(report))
loss = autodiff.op(f)(Tensor(1.0, requires_grad=True), Tensor(2.0))
print(tape(loss))
layer = nn.Module()
layer.μ = Tensor(1.0, requires_grad=True)
print(layer)
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_you_print_in_a_program_of_your_own(encoding):
    status, out = run("-c", PROGRAM, encoding=encoding)
    assert status == 0 and out.count("−" if encoding == "utf-8" else "-") >= 3
    assert ("dμ" if encoding == "utf-8" else "dmu") in out


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_students_screen(encoding, tmp_path):
    assert run("-m", "npvae", "learn", "init", "mine", encoding=encoding, cwd=tmp_path)[0] == 0
    relu = tmp_path / "mine" / catalogue.file_name(catalogue.find("relu"))
    right = "import numpy as np\nprint('μ − 1')\ndef relu(x): return np.maximum(x, 0), lambda dy: dy * (x > 0)\n"
    relu.write_text(right, encoding="utf-8")
    status, out = run("-m", "npvae", "learn", "check", "relu", encoding=encoding, cwd=relu.parent)
    assert status == 0 and ("| μ − 1" if encoding == "utf-8" else "- 1") in out and "?" not in out
    relu.write_text(right.replace("dy * ", "-dy * "), encoding="utf-8")
    status, out = run("-m", "npvae", "learn", "check", "relu", encoding=encoding, cwd=relu.parent)
    assert status == 1 and ("yours −" if encoding == "utf-8" else "yours -") in out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_exercise_can_be_read(encoding, tmp_path):
    assert run("-m", "npvae", "learn", "init", "mine", encoding=encoding, cwd=tmp_path)[0] == 0
    program = "import sys; from npvae.cli import main\nfor e in sys.argv[1:]:\n main(['learn', 'hint', e])"
    status, out = run("-c", program, *catalogue.BY_NAME, encoding=encoding, cwd=tmp_path / "mine")
    assert status == 0 and "  ?" not in out and "??" not in out

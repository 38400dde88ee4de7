"""Proves the design of the package: imports run downward, everything public has a docstring, and importing is cheap.

These tests would catch a layer that imports the training loop, a function without a docstring, and an `import npvae`
that loads matplotlib.
"""

import ast
import pathlib
import subprocess
import sys

import pytest

import npvae

ROOT = pathlib.Path(npvae.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FLOORS = [  # from the ground up; README.md and the package's docstring name the packages in this order
    {"errors", "arguments", "plain", "runtime"},
    {"autodiff", "datasets"},
    {"nn", "diagnosis"},
    {"probability"},
    {"models"},
    {"training", "gradchecks"},
    {"figures"},
    {"learn", "bench", "export"},
    {"experiments"},
    {"cli"},
    {"__main__", "__init__"},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS, start=1) for name in names}


def own_imports(path):
    """Return the parts of the package that a file imports: 'nn' for `from ..nn.init import …`."""
    parts = ("npvae", *path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: -node.level] + tuple((node.module or "").split(".") if node.module else ())
            yield from ([base[1]] if len(base) > 1 else [alias.name for alias in node.names])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downward(path):
    here = path.relative_to(ROOT).with_suffix("").parts[0]
    assert here in FLOOR, f"{here} is on no floor"
    for name in own_imports(path):
        if here != "__init__":
            assert FLOOR.get(name, 0) <= FLOOR[here], f"{path.name} imports {name}, which is above it"


def test_no_two_packages_import_each_other():
    """Sideways imports are allowed; circles are not."""
    imported = {name: set() for name in FLOOR}
    for path in FILES:
        here = path.relative_to(ROOT).with_suffix("").parts[0]
        imported[here] |= {*own_imports(path)} & imported.keys() - {here, "__init__"}
    while leaves := [name for name, others in imported.items() if not others]:
        imported = {name: others - {*leaves} for name, others in imported.items() if name not in leaves}
    assert not imported, f"these import one another in a circle: {', '.join(imported)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_is_explained(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def names_its_encoding(call):
    """Return whether a call that opens a text file, or reads a pipe as text, says how the text is encoded."""
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    modes = [ast.unparse(a) for a in call.args[1:2]] + [given.get("mode", "")]
    function, method = ast.unparse(call.func), ast.unparse(call.func).rpartition(".")[2]
    if method in ("run", "Popen"):
        needed = "text" in given
    elif method.endswith("TemporaryFile"):
        needed = call.args
    else:
        is_open = function in ("open", "os.fdopen") and not any("b" in mode for mode in modes)
        needed = is_open or method in ("read_text", "write_text")
    return not needed or "encoding" in given


CHAPTERS = sorted((ROOT.parent / "tutorials").glob("*.py"))


@pytest.mark.parametrize("path", FILES + CHAPTERS, ids=lambda path: path.name)
def test_every_text_file_is_opened_with_its_encoding(path):
    """The default is that of the system: a file with a σ in it could be written on Linux and not on Windows."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert names_its_encoding(node), f"{path.name}:{node.lineno}: {ast.unparse(node)}"


def test_importing_npvae_loads_neither_matplotlib_nor_the_command_line():
    program = "import sys, npvae; print([m for m in sys.modules if m.startswith(('matplotlib', 'npvae.cli', 'tqdm'))])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"

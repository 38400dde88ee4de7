"""A kit for two functions and an exhibit, a machine on which npvae's wheel is installed, and what students hand in.

The machine has no network: NumPy and the others come from the Python that runs the tests.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

from npvae.learn import catalogue
from npvae.learn.kits.kit import kit as make
from npvae.learn.kits.wheel import NAME
from tests.learn.grading.classroom import attack_files, right_files, wrong_files

WORTH = {"relu": 1, "kl": 3, "bug_1": 1.5}
HIJACK = "raise SystemExit('a file of the student was imported')\n"


@pytest.fixture(scope="session")
def kit(tmp_path_factory):
    """The folder of a kit."""
    path = tmp_path_factory.mktemp("kit") / "new"
    assert make(path, ["kl", "relu", "bug_1"], ["kl=3", "bug_1=1.5"]) == 0
    return path


@pytest.fixture(scope="session")
def machine(kit, tmp_path_factory):
    """A new virtual environment with the wheel of the kit, and the environment variables with which it is used."""
    folder = tmp_path_factory.mktemp("machine") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GITHUB_"))}
    pip = [sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, kit / "plain-ci" / NAME], env=kept, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    others = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}
    (packages / "others.pth").write_text("\n".join(sorted(others)))
    return folder, kept | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}


@pytest.fixture
def hand_in(tmp_path):
    """hand_in("right", folder) writes the files of a student into a folder: "right", "wrong" or "forged" ones.

    Among them are files with the names of modules that a careless grader would import.
    """

    def hand_in(kind, folder=tmp_path / "student"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in WORTH:
            texts = {"right": right_files, "wrong": wrong_files}.get(kind, wrong_files)(name)
            text = attack_files(name)["patched_check"] if kind == "forged" and name == "relu" else texts[0]
            (folder / catalogue.file_name(catalogue.find(name))).write_text(text)
        for module in ("json", "pip", "numpy", "npvae", "sitecustomize"):
            (folder / f"{module}.py").write_text(HIJACK)
        return folder

    return hand_in


@pytest.fixture
def run(machine):
    """run(["bash", …], cwd, NAME=…) runs a command on the machine, and returns the finished process."""
    _, environment = machine
    if shutil.which("bash") is None:
        pytest.skip("there is no Bash on this machine")

    def run(command, cwd, **variables):
        command, given = list(map(str, command)), environment | {k: str(v) for k, v in variables.items()}
        return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, encoding="utf-8")

    return run


@pytest.fixture
def script():
    """script(path) returns the text of a shell script, which Bash can read."""

    def script(path):
        text = pathlib.Path(path).read_text(encoding="utf-8")
        assert subprocess.run(["bash", "-n"], input=text, text=True, encoding="utf-8").returncode == 0
        return text

    return script

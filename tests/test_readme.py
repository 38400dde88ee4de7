"""Proves that the README's programs run as printed, and that `.ci/run` takes exactly its three commands.

These tests would catch a name that has changed, an example that does not run, and a link to a missing file.
"""

import linecache
import pathlib
import re

import numpy as np
import pytest

import npvae
from npvae.autodiff import Tensor
from npvae.cli import arguments
from npvae.probability import LIKELIHOODS
from npvae.training import settings
from tests.test_house import FLOORS

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_programs_run_one_after_another(capsys):
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(programs) == 5 and "\n@op\n" in programs[1]
    names = {}
    for i, program in enumerate(programs):
        program, file = program.replace("range(1000)", "range(30)"), f"program {i}"
        linecache.cache[file] = len(program), None, program.splitlines(keepends=True), file  # a diagnosis quotes lines
        exec(compile(program, file, "exec"), names)
    printed = capsys.readouterr().out
    assert "gradcheck dense: ok" in printed
    screen = re.search(r"^batch_norm:\n.*?\n```", README, re.MULTILINE | re.DOTALL)[0].removesuffix("\n```")
    assert screen in printed
    assert isinstance(names["loss"], Tensor) and np.isfinite(names["loss"].data)
    assert float(names["loss"]) == pytest.approx(names["parts"]["rec"] + names["parts"]["kl"], rel=1e-5)


def test_its_first_program_is_the_heart_of_the_page():
    heart = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    page = (ROOT / "tutorials" / "vae_on_a_page.py").read_text()
    functions = heart.strip().split("\n\n\n")
    assert len(functions) == 4 and all(f"\n{function}\n" in page for function in functions)


def test_it_is_short():
    assert len(README.split()) <= 1300


def test_the_packages_stand_in_the_order_of_their_floors():
    listed = re.findall(r"^\| (`[a-z`, ]+`) \|", README[README.index("| package |") :], re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in listed] == FLOORS[:-1]
    said = npvae.__doc__[npvae.__doc__.index("errors, arguments") :].split(". Each")[0]
    assert [set(re.findall(r"\w+", floor)) for floor in said.split(";")] == FLOORS[:-1]


def test_the_commands_are_ones_that_the_command_line_knows():
    commands = re.findall(r"^npvae (.*?)(?: +#.*)?$", README, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        options = arguments.build_parser().parse_args(command.split())
        if options.command == "train":
            given = {name: value for name, value in vars(options).items() if value is not None}
            settings.complete({name: given[name] for name in given.keys() & {"model", *settings.SETTINGS}})


def test_every_model_and_likelihood_is_in_the_readme():
    assert all(name in README for name in [*settings.MODELS, *LIKELIHOODS])


def test_there_are_three_commands():
    commands = re.findall(r"^python3 -m venv .* && (.*)$", README, re.MULTILINE)
    assert commands == [".venv/bin/npvae train", ".venv/bin/pytest -n auto", ".venv/bin/python tutorials/build.py site"]


def test_every_file_that_it_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 10 and all((ROOT / link).exists() for link in links)

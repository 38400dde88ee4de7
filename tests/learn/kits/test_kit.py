"""Proves that `npvae learn kit` writes what its README names, into a new folder only.

These tests would catch a folder that is overwritten, a mistake that ends in a traceback, and a README with a platform
that is not there.
"""

import pathlib

import pytest

from npvae.learn import catalogue
from npvae.learn.museum.exhibits import Exhibit

FOLDERS = ["classroom50", "github-classroom", "gradescope", "nbgrader", "otter", "plain-ci"]


def test_the_command_writes_a_folder_for_each_platform(npvae_):
    status, out, _ = npvae_("learn", "kit", "mine", "--exercises", "kl", "relu", "--points", "kl=2.5")
    assert status == 0 and all(name in " ".join(out.split()) for name in FOLDERS)
    assert sorted(path.name for path in pathlib.Path("mine").iterdir()) == ["README.md", *FOLDERS]
    readme = pathlib.Path("mine/README.md").read_text(encoding="utf-8")
    assert "worth 3.5 points in total" in readme and "| relu | 1 |\n| kl | 2.5 |" in readme
    assert all(name in readme for name in FOLDERS) and max(map(len, readme.splitlines())) <= 120
    assert "{" not in readme


def test_without_options_all_exercises_count(npvae_):
    npvae_("learn", "kit", "mine")
    files = {path.name for path in pathlib.Path("mine/github-classroom").glob("*.py")}
    assert files == {catalogue.file_name(exercise) for exercise in catalogue.ALL}


def test_exhibits_alone_make_no_notebooks(npvae_):
    exhibit = next(exercise.name for exercise in catalogue.ALL if isinstance(exercise, Exhibit))
    npvae_("learn", "kit", "mine", "--exercises", exhibit)
    readme = pathlib.Path("mine/README.md").read_text(encoding="utf-8")
    assert not pathlib.Path("mine/otter").exists() and "otter" not in readme


def test_an_empty_folder_is_used(npvae_):
    pathlib.Path("mine").mkdir()
    assert npvae_("learn", "kit", "mine", "--exercises", "kl")[0] == 0


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["full"], "full is not empty"),
        (["file"], "file is a file"),
        (["new", "--exercises", "rellu"], "did you mean 'relu'?"),
        (["new", "--points", "kl=many"], "the points of kl are 'many'"),
        (["new", "--exercises", "kl", "--points", "relu=2"], "unknown exercise 'relu'"),
        ([], "the following arguments are required: DIR"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(refuse, tmp_path, arguments, sentence):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    (tmp_path / "file").write_text("kept")
    assert sentence in refuse("learn", "kit", *arguments)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "mine.txt"]


def test_the_help_fits_80_columns(capsys, monkeypatch):
    from npvae.cli.arguments import build_parser

    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        build_parser().parse_args(["learn", "kit", "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

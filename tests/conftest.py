"""What test files share: a generator, the command line, a browser, and Hypothesis without a time limit for an example.

Hypothesis draws the same examples in every run (derandomize), so that students see what their teacher saw.
"""

import shutil

import hypothesis
import numpy as np
import pytest

from npvae.cli import main

hypothesis.settings.register_profile("npvae", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("npvae")


@pytest.fixture
def rng():
    return np.random.default_rng(0)

@pytest.fixture(scope="module")
def browser():
    """Chromium, for pages that open from disk."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine: install Debian's package chromium, for instance")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def npvae_(capsys, tmp_path, monkeypatch):
    """npvae_("train", …) runs the command in an empty folder and returns its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def refuse(npvae_):
    """refuse("train", …) asserts that the command ends with status 2 and one sentence, which it returns."""

    def refuse(*arguments):
        status, _, error = npvae_(*arguments)
        lines = [line for line in error.splitlines() if "it/s" not in line]
        assert status == 2 and len(lines) == 1 and lines[0].startswith("npvae: "), error
        return lines[0]

    return refuse

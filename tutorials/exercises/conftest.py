"""Tell pytest the names of the exercises."""

import pathlib

from npvae.learn.variants import of_folder


def pytest_configure(config):
    config.addinivalue_line("markers", "exercise: an exercise of `npvae learn`")
    for exercise in of_folder(pathlib.Path(__file__).parent):
        config.addinivalue_line("markers", f"{exercise.name}: the exercise of this name")

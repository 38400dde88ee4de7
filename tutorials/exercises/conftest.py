"""Tell pytest the names of the exercises."""

from npvae.learn import catalogue


def pytest_configure(config):
    config.addinivalue_line("markers", "exercise: an exercise of `npvae learn`")
    for name in catalogue.BY_NAME:
        config.addinivalue_line("markers", f"{name}: the exercise of this name")

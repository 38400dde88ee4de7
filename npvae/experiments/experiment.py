"""What an experiment is, and what several of them need."""

import dataclasses
from collections.abc import Callable

from ..errors import UserError
from ..training import run as runs


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A measurement that can be repeated.

    idea       what it shows, in a few words
    duration   in words, on two cores
    run        from a folder (a pathlib.Path), for networks and figures, to the lines of a table
    """

    idea: str
    duration: str
    run: Callable


def table(header, rows):
    """Lines of a table in Markdown, with columns of even width: header, a list of words, and rows of words."""
    rows = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def trained(folder, steps, prepare=None, **chosen):
    """The run in the folder after so many steps, taken up again where an earlier call was interrupted.

    prepare   what is done to a new run before its first step, a function of the `Run`
    chosen    its settings

    Raises UserError where the folder holds something else.
    """
    if (folder / runs.CHECKPOINT).exists():
        run = runs.load(folder, chosen, to_train=True)
    else:
        run = runs.create(folder, chosen)
        if prepare:
            prepare(run)
    if run.training is None or run.training.step < steps:
        run.train(steps)
    if run.training is not None and run.training.step > steps:
        found = run.training.step
        raise UserError(f"{folder} has been trained for {found} steps, expected {steps}: choose another --out")
    return run

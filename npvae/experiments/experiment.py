"""What an experiment is, and what several experiments need."""

import dataclasses
from collections.abc import Callable

from ..errors import UserError
from ..training import Run
from ..training.folder import CHECKPOINT


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A measurement that can be repeated.

    idea       what it shows, in a few words
    duration   as text, on two cores; tutorials/results.md says where it was measured on one
    run        takes a folder (a pathlib.Path) for networks and figures; returns the lines of a table
    full       the same with the whole published protocol, if `run` stops earlier; else None
    """

    idea: str
    duration: str
    run: Callable
    full: Callable | None = None


def table(header, rows):
    """Return the lines of a Markdown table with aligned columns. header: a list of cells; rows: lists of cells."""
    rows = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def trained(folder, steps, initialize=None, **chosen):
    """Return the run in the folder after this many steps; continue it if an earlier call was interrupted.

    initialize   a function of the `Run`, called for a new run before its first step
    chosen       the settings of the run

    Raises UserError if the folder holds something else.
    """
    if (folder / CHECKPOINT).exists():
        run = Run.load(folder, chosen, to_train=True)
    else:
        run = Run.create(folder, chosen)
        if initialize:
            initialize(run)
    if run.training.step < steps or steps == 0:  # 0: a closed form, or the initial weights
        run.training.run(steps, run.save)
    if run.training.step > steps:
        found = run.training.step
        raise UserError(f"{folder} has been trained for {found} steps, expected {steps}: choose another --out")
    return run

"""How many single mistakes the diagnosis catches, and how many it names. A program that prints a table:

    python -m tests.diagnosis.naming 600

It draws mutations of the operations (all kinds alike), and lists those that are not named.
"""

import collections
import itertools
import sys
import time

import numpy as np

from npvae import gradcheck
from npvae.diagnosis import diagnose
from tests.diagnosis.operations import OPERATIONS
from tests.diagnosis.wrong import singles

ANSWERS = ("named", "named otherwise", "from numbers", "unnamed", "passes")


def answer(wrong):
    """Return what the diagnosis says about one mutation: one of `ANSWERS`, and the edits or causes that it names.

    named             an edit has the kind of the mistake and quotes the changed line, or names the path that is missing
    named otherwise   another edit, which explains the numbers as well
    from numbers      a cause, but no line
    """
    with np.errstate(all="ignore"):
        findings = diagnose(gradcheck(wrong.function, *wrong.inputs, name=wrong.name)).findings
    if not findings:
        return "passes", []
    (mutation,), (line,) = wrong.changes, wrong.lines
    edits = [edit for finding in findings for edit in finding.edits]
    if any(_names(edit, mutation, line) for edit in edits):
        return "named", edits
    if edits:
        return "named otherwise", [f"{edit.kind}, {edit.text}" for edit in edits]
    causes = [cause for finding in findings for cause in finding.causes]
    return "from numbers" if causes else "unnamed", causes


def _names(edit, mutation, line):
    quotes = any(quote == line for _, quote in edit.quotes())
    return edit.kind in mutation.kinds and (quotes or "path" in edit.kind)


def measured(operations, count, rng):
    """Print a table: for each kind of mutation, how many are answered in which way; and yield what was not named."""
    table, started = collections.defaultdict(collections.Counter), time.monotonic()
    for wrong in itertools.islice(singles(operations, rng), count):
        said, what = answer(wrong)
        table[wrong.changes[0].kinds[0]][said] += 1
        if said != "named":
            yield f"{said}: {wrong.name}: {wrong.words}, now `{wrong.lines[0]}`: {'; '.join(what)}"
    print(f"\n{'kind':16}" + "".join(f"{heading:>17}" for heading in ANSWERS))
    for kind, row in [*sorted(table.items()), ("all", sum(table.values(), collections.Counter()))]:
        print(f"{kind:16}" + "".join(f"{row[heading]:17}" for heading in ANSWERS))
    print(f"{(time.monotonic() - started) / count:.2f} s for each")


if __name__ == "__main__":
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for text in measured(OPERATIONS, int(sys.argv[1]), np.random.default_rng(seed)):
        print(text, flush=True)

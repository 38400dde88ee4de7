"""Errors that a person can mend: one sentence with what was found, what was expected, and what to do.

The command line prints the sentence of a `UserError` and leaves with exit status 2; anything else that is raised is
a bug and keeps its traceback.
"""

import difflib
import itertools

MOST_NAMES = 40  # that are listed in an error


class UserError(ValueError):
    """Something that the person at the keyboard can put right: a file, a setting, a name."""


def choose(kind, name, table, or_else=None):
    """table[name]; UserError for an unknown name, with the nearest one as a suggestion, or else all of them.

    or_else: in words, what could be given instead of a name.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(str(name), table, n=1, cutoff=0.65)
    names = [*table] if len(table) <= MOST_NAMES else [*itertools.islice(table, MOST_NAMES), "…"]
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    hint += f" or {or_else}" if or_else and not near else ""
    raise UserError(f"unknown {kind} {name!r}: {hint}")

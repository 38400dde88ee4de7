"""Errors that the user can fix: one sentence with what was found, what was expected, and what to do.

The command line prints the sentence of a `UserError` and exits with status 2; any other exception is a bug and keeps
its traceback.
"""

import difflib
import itertools

MOST_NAMES = 40  # listed in an error


class UserError(ValueError):
    """Something that you can put right at the keyboard: a file, a setting, a name."""


def choose(kind, name, table, or_else=None):
    """Return table[name]; UserError for an unknown name, which suggests the nearest one, or else lists all of them.

    or_else   what could be given instead of a name
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(str(name), table, n=1, cutoff=0.65)
    names = [*table] if len(table) <= MOST_NAMES else [*itertools.islice(table, MOST_NAMES), "…"]
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    hint += f" or {or_else}" if or_else and not near else ""
    raise UserError(f"unknown {kind} {name!r}: {hint}")

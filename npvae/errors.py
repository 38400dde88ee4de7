"""Errors that the user can fix: each says what was found, what was expected, and what to do.

The command line prints the message of a `UserError` and exits with status 2; any other exception is a bug and keeps
its traceback.
"""

import difflib
import itertools

MOST_NAMES = 40  # that an error lists
LONGEST_NAME = 60  # characters of a name that an error shows


class UserError(ValueError):
    """An error that the user can fix, in a file, a setting or a name."""


def choose(kind, name, table, or_else=None):
    """Return table[name], for a name as `choose_name` takes it."""
    return table[choose_name(kind, name, table, or_else)]


def choose_name(kind, name, table, or_else=None):
    """Return the name as the table has it: capitals do not count, nor do _ and spaces in place of -.

    kind      what the name stands for, for the message
    or_else   what the user could give instead of a name, or None

    Raises UserError for an unknown name. The message suggests the nearest name; if none is near, it lists the names.
    """
    if isinstance(name, str) and name in table:
        return name
    for known in table:
        if isinstance(name, str) and _plain(name) == _plain(known):
            return known
    typed = str(name)[:LONGEST_NAME]
    near = [known for known in table if sorted(known) == sorted(typed)]  # letters that are only exchanged
    near = near or difflib.get_close_matches(typed, table, n=1, cutoff=0.65)
    names = [*table] if len(table) <= MOST_NAMES else [*itertools.islice(table, MOST_NAMES), "…"]
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    hint += f" or {or_else}" if or_else and not near else ""
    found = repr(name) if len(repr(name)) <= LONGEST_NAME else repr(name)[: LONGEST_NAME - 1] + "…"
    raise UserError(f"unknown {kind} {found}: {hint}")


def _plain(name):
    return name.strip().lower().replace("_", "-").replace(" ", "-")

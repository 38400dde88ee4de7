"""Errors that a person can mend: one sentence with what was found, what was expected, and what to do.

The command line prints the sentence of a `UserError` and leaves with exit status 2; anything else that is raised is
a bug and keeps its traceback.
"""

import difflib


class UserError(ValueError):
    """Something that the person at the keyboard can put right: a file, a setting, a name."""


def unknown(kind, name, known):
    """A `UserError` for a name that is not among the known ones, with the nearest one as a suggestion."""
    known = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), known, n=1)
    return UserError(
        f"unknown {kind} {name!r}: " + (f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}")
    )

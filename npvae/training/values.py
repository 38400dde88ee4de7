"""The values that a setting can have, whether they come from an option, from a program, or from a saved file."""

import argparse
import dataclasses
import math
import numbers
import os
from typing import Any

from ..datasets.files import shown
from ..errors import UserError, choose_name

LARGEST = 1e9  # a larger number is probably a typo


@dataclasses.dataclass(frozen=True)
class Number:
    """Reads numbers of one kind from text, and says whether a value is such a number.

    kind    int or float
    name    what messages call the kind
    zero    whether the number may be zero
    limit   the largest number
    """

    kind: type
    name: str
    zero: bool = False
    limit: float = LARGEST

    @property
    def expected(self):
        """What is expected, for messages."""
        limit = f" and up to {self.limit:g}" if self.limit < math.inf else ""
        return f"{self.name} {'from 0 on' if self.zero else 'above zero'}{limit}"

    def accepts(self, value):
        """Return whether a value is such a number."""
        kind = numbers.Integral if self.kind is int else numbers.Real
        return (
            isinstance(value, kind) and not isinstance(value, bool)
            and 0 <= value <= self.limit and (self.zero or value != 0)
        )  # fmt: skip

    def __call__(self, text):
        try:
            value = self.kind(text)
        except ValueError:
            value = None
        if not self.accepts(value):
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {self.expected}")
        return value


@dataclasses.dataclass(frozen=True, eq=False)  # argparse needs a hash, and a dict has none
class Name:
    """A name from a table. `complete` checks it, with all other settings.

    kind    what the name stands for, for messages
    table   a dict, or a tuple of names
    """

    kind: str
    table: Any

    def __call__(self, text):
        return text


count = Number(int, "a whole number")
count_or_0 = Number(int, "a whole number", zero=True)
real = Number(float, "a number")
real_or_0 = Number(float, "a number", zero=True)
seed = Number(int, "a whole number", zero=True, limit=math.inf)


def valid(name, kind, value):
    """Return the value of the setting `name`, as JSON can hold it.

    kind   a Number, a Name, or str

    Raises UserError for a value of another kind.
    """
    if isinstance(kind, Name) and isinstance(value, str):
        return choose_name(kind.kind, value, kind.table)
    if isinstance(kind, Number) and kind.accepts(value):
        return kind.kind(value)
    if kind is str and isinstance(value, str | os.PathLike):
        return str(value)
    expected = kind.expected if isinstance(kind, Number) else "text"
    raise UserError(f"the setting {name} is {shown(repr(value))}, expected {expected}")

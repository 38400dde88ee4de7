"""What a gradient check found: a row for each input, and a fault where something besides the numbers is wrong."""

import dataclasses
import enum
import textwrap
from collections.abc import Callable

import numpy as np

from ..plain import printable


class Fault(enum.Enum):
    """What can be wrong with an operation besides its numbers; the value is the sentence that the table shows."""

    VALUE = "the value has the dtype {}, expected float64"
    NOT_FINITE = "the value is not finite at {}: {}"
    CHANGED_DY = "a derivative changed dy in place: other operations read it too"
    CHANGED_VALUE = "a derivative changed the operation's value in place"
    CHANGED_INPUT = "the operation changed this input in place"
    SHARED_MEMORY = "the value shares its memory with this input: return a copy"
    RANDOM_VALUE = "two calls with the same input gave different values: freeze the noise"
    RANDOM_GRADIENT = "two calls of this derivative with the same dy gave different arrays"
    OVERWRITTEN = "this array was changed after it was returned: another derivative uses its memory"
    NO_ARRAY = "the derivative is a {}, expected an array"
    DTYPE = "the derivative turned float64 into {}"
    SHAPE = "the derivative has shape {}, the input {}"
    EMPTY = "is empty: there is nothing to compare"
    ROUNDED = "the value is rounded to float32 on the way: it moves in steps"
    INACCURATE = (
        "finite differences are not accurate enough here, no verdict: at {} they give {:.3g} ± {:.0e}; check it with "
        "inputs and values of order 1, away from where the function bends sharply"
    )


@dataclasses.dataclass
class Row:
    """What the check found for one input.

    name, shape   those of the input
    error         the largest |analytic − numeric| / max(1, |numeric|); infinity if the two could not be compared
    where         the index of the element with the largest error
    analytic      what the derivative says there
    numeric       what finite differences say there
    fault         a `Fault`, or None
    sentence      what the table shows in place of the numbers, or empty
    checked       how many elements were compared
    is_lost       whether some gradients are too small for finite differences

    A diagnosis also needs whole arrays, where they exist: `gradient`, what the derivative says; `numeric_gradient`,
    what finite differences say; if the two differ, `kinks`, where there is no derivative; and to take differences
    again, the input x, and `value()`, which reads it.
    """

    name: str
    shape: tuple
    error: float = float("inf")
    where: tuple = ()
    analytic: float = float("nan")
    numeric: float = float("nan")
    fault: Fault | None = None
    sentence: str = ""
    checked: int = 0
    is_lost: bool = False
    gradient: np.ndarray | None = None
    numeric_gradient: np.ndarray | None = None
    kinks: np.ndarray | None = None
    x: np.ndarray | None = None
    value: Callable | None = None

    def blame(self, fault, *details):
        """Mark the row as wrong for this reason. Returns self."""
        self.fault, self.sentence, self.error = fault, fault.value.format(*details), float("inf")
        return self


class Report:
    """The result of a check: `print` it to read it, `assert_ok()` to make a test of it.

    name    what was checked
    rows    one `Row` for each input
    known   a dict of the arrays that took part: the inputs by name, the value "y" and the upstream gradient "dy"; an
            input of one of these names takes its place
    limit   the largest error that passes
    notes   sentences about what is not a mistake, but worth knowing

    A diagnosis also needs what was checked, to run it again: `operation`, a bare operation, and `inputs`, what it
    received, by name.

    A report is neither true nor false: `assert gradcheck(...)` would look like a test and always pass, so it raises
    TypeError.
    """

    def __init__(self, name, rows, known, limit, notes=(), operation=None, inputs=None):
        self.name, self.rows, self.known, self.limit, self.notes = name, rows, known, limit, list(notes)
        self.operation, self.inputs = operation, inputs or {}

    @property
    def ok(self):
        """Whether every input was compared and every error is at most the limit; an error of NaN never is."""
        return bool(self.rows) and all(row.error <= self.limit for row in self.rows)

    @property
    def largest_error(self):
        """The largest error over all inputs; infinity if one of them could not be compared."""
        return max((row.error for row in self.rows), default=float("inf"))

    def __bool__(self):
        raise TypeError("a gradcheck report is neither true nor false: call its assert_ok(), or read its ok")

    def __str__(self):
        width = max([len(row.name) for row in self.rows] + [5])
        wrong = [row for row in self.rows if not row.error <= self.limit]
        verdict = "NO VERDICT" if all(row.fault is Fault.INACCURATE for row in wrong) else "FAILED"
        verdict = f"ok, largest error {self.largest_error:.1e}" if self.ok else verdict
        lines = [
            f"gradcheck {self.name}: {verdict} (limit {self.limit:.0e})",
            f"  {'input':<{width}}  {'error':>8}  {'at':<12} {'analytic':>13} {'numeric':>13}",
        ]
        for row in self.rows:
            where = "(" + ", ".join(map(str, row.where)) + ")"
            is_right = row.error <= self.limit
            pair = (row.analytic, row.numeric)
            analytic, numeric = (f"{a:.6g}" for a in pair) if is_right else told_apart(*pair)
            numbers = f"{row.error:8.1e}  {where:<12} {analytic:>13} {numeric:>13}"
            mark = "" if is_right or row.fault is Fault.INACCURATE else "  <- wrong"
            line = f"  {row.name:<{width}}  {row.sentence or numbers}{mark}"
            lines.append(textwrap.fill(line, 80, subsequent_indent=" " * (width + 4)) if row.sentence else line)
        for row in self.rows:
            if 0 < row.checked < (size := int(np.prod(row.shape))):
                lines.append(f"  of {row.name}: {row.checked:,} of {size:,} elements, chosen at random")
        notes = [textwrap.fill(note, 80, subsequent_indent=" " * 8) for note in self.notes]
        return printable("\n".join(lines + notes))

    def assert_ok(self):
        """Raise AssertionError with the whole table if the check failed."""
        if not self.ok:
            raise AssertionError("\n" + str(self))


def told_apart(a, b):
    """Return two numbers as text: to six digits, or to as many as it takes to tell them apart."""
    for digits in range(6, 18):
        texts = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return f"{a:.6g}", f"{b:.6g}"

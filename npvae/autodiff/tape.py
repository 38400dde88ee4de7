"""The tape of a loss, printed: what ran, on which shapes, and what each derivative keeps in memory until it is used.

    >>> print(tape(loss))
"""

import numpy as np

from .tensor import records

WIDTH = 80


def tape(y):
    """The tape of the Tensor y as text, in the order of execution.

    For every operation: its number, its name, the shapes of its inputs and of its value, and the line that called it;
    below it, for the derivative of every input, the arrays that it holds on to. A derivative that nobody needs is
    marked "not needed".
    """
    lines = []
    for number, record in enumerate(records(y)):
        inputs = " ".join(map(_shape, record.shapes))
        line = f"{number:4} {record.operation:<12} {inputs} -> {_shape(record.shape)}"
        fits = len(line) + 4 + len(record.caller) <= WIDTH
        lines += [f"{line}    {record.caller}"] if fits else [line, f"       called at {record.caller}"]
        together = len(record.derivatives) == 1 < len(record.inputs)
        names = ["all inputs"] if together else record.names
        wanted = [True] if together else [x is not None for x in record.inputs]
        for name, derivative, is_wanted in zip(names, record.derivatives, wanted):
            lines.append(f"       d{name}: " + (_keeps(derivative) if is_wanted else "not needed"))
    return "\n".join(lines) if lines else "the tape is empty: this Tensor was not made from anything with a gradient"


def _shape(shape):
    return "(" + ",".join(map(str, shape)) + ")"


def _keeps(derivative):
    """The arrays that a derivative captured: the cells of its closure."""
    if not hasattr(derivative, "__code__"):
        return "is not a function of its own" if derivative else "does not exist"
    cells = zip(derivative.__code__.co_freevars, derivative.__closure__ or ())
    arrays = [(name, cell.cell_contents) for name, cell in cells if isinstance(cell.cell_contents, np.ndarray)]
    return "keeps " + ", ".join(f"{name} {_shape(a.shape)}" for name, a in arrays) if arrays else "keeps nothing"

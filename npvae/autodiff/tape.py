"""The tape of a loss, printed or drawn: what ran, on which shapes, and what each derivative keeps in memory.

    >>> print(tape(loss))                    text, in the order of execution
    >>> tape(loss)                           in a notebook, the graph
    >>> tape(loss).save("graph.svg")

Read the picture from top to bottom. An operation stands below all operations that it depends on, and a parameter or a
data array one row above the operation that first uses it, so every line runs downwards. Lines that skip rows run in
lanes on the left, one for each box that they come from, and pass behind no box. Operations have round corners,
parameters a thick border, and data a dashed one.
"""

import contextlib
import dataclasses
import html
import pathlib
import textwrap

import numpy as np

from ..plain import printable
from . import guards
from .tensor import Tensor, leaf_gradients, records

WIDTH = 80  # columns of the text
LETTER, LINE, GAP, LANE = 7.5, 16, 22, 8  # pixels: a letter's width, a line's height, between boxes, between lanes
MOST_VALUES = 40  # operations in a picture with values
BORDERS = {"operation": 'rx="14"', "parameter": 'stroke-width="3"', "data": 'stroke-dasharray="4 3"'}


def tape(y, parameters=(), values=False):
    """Return the `Tape` of the Tensor y: print it, save it, or let a notebook draw it.

    parameters   pairs of name and Tensor, such as `model.named_parameters()`: names for the picture
    values       whether the picture shows values and gradients too, for a small graph of a single number y

    Raises TypeError for a y that is not a Tensor, and for parameters without names.
    """
    if not isinstance(y, Tensor):
        raise TypeError(f"tape takes a Tensor, such as a loss, found {type(y).__name__}")
    return Tape(y, {p: name for name, p in guards.named_tensors("tape", parameters)}, values)


class Tape:
    """What `tape` returns: text, and a picture (SVG)."""

    def __init__(self, y, names, values):
        self.y, self.names, self.values, self.records = y, names, values, records(y)

    def __str__(self):
        """For each operation: number, name, shapes, and the call; then the arrays that its derivatives keep."""
        lines = []
        for number, record in enumerate(self.records):
            inputs = " ".join(map(_shape, record.shapes))
            line = f"{number:4} {record.operation:<12} {inputs} -> {_shape(record.shape)}"
            fits = len(line) + 4 + len(record.caller) <= WIDTH
            lines += [f"{line}    {record.caller}"] if fits else [line, f"       called at {record.caller}"]
            if record.derivatives is None:
                lines.append("       released by backward: print the tape before it")
                continue
            for name, is_wanted, derivative in record.named_derivatives():
                lines.append(f"       d{name}: " + (_keeps(derivative) if is_wanted else "not needed"))
        lines = [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent=" " * 11)]
        empty = "the tape is empty: this Tensor was not made from anything with a gradient"
        return printable("\n".join(lines) or empty)

    def save(self, path):
        """Write the picture to a file; ValueError for a name that does not end in .svg."""
        if pathlib.Path(path).suffix != ".svg":
            raise ValueError(f"the picture of a tape is an SVG, found {str(path)!r}: give a name that ends in .svg")
        pathlib.Path(path).write_text(self._repr_svg_(), encoding="utf-8")

    def _repr_svg_(self):
        boxes, edges = self._boxes_and_edges()
        skipping = dict.fromkeys(above for above, below in edges if boxes[below].row - boxes[above].row > 1)
        lanes = {above: i for i, above in enumerate(skipping)}  # one for each box, whoever its lines lead to
        width, height = _place(boxes.values(), left=GAP + LANE * len(lanes))
        run = ", ".join(f"{record.operation} {_shape(record.shape)}" for record in self.records)
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" font-family="monospace" font-size="12">',
            "<title>The tape of a loss</title>",
            f"<desc>{len(self.records)} operations with their shapes, in the order of execution: {run}.</desc>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
            *(_line(boxes[above], boxes[below], lanes.get(above)) for above, below in edges),
            *(box.svg() for box in boxes.values()),
            "</svg>",
        ])  # fmt: skip

    def _boxes_and_edges(self):
        """Return a dict of boxes and pairs of their keys: a record for a value, a leaf for itself."""
        values, gradients = self._values_and_gradients() if self.values else ({}, {})
        boxes, edges = {}, []
        for record in self.records:
            above = []
            for x, name, shape in zip(record.inputs, record.names, record.shapes):
                key = (record, name) if x is None else x.record or x
                if key not in boxes:
                    data = "data", f"data {name}"        # the operation's name for it, which a parameter may have too
                    kind, name = data if x is None else ("parameter", self.names.get(x, name))
                    boxes[key] = Box(kind, [name, _shape(shape)], row=None)
                above.append(key)
            row = 1 + max([boxes[key].row for key in above if boxes[key].kind == "operation"] + [0])
            boxes[record] = Box("operation", [record.operation, _shape(record.shape)], row)
            for key in dict.fromkeys(above):
                boxes[key].row = row - 1 if boxes[key].row is None else boxes[key].row
                edges.append((key, record))
        for key, box in boxes.items():
            known = [(name, a[key]) for name, a in (("value", values), ("grad", gradients)) if key in a]
            box.lines += [f"{name} {_numbers(a)}" for name, a in known]
        return boxes, edges

    def _values_and_gradients(self):
        """Return two dicts of arrays, by record or leaf. Nobody's `grad` changes."""
        if len(self.records) > MOST_VALUES:
            raise ValueError(f"found {len(self.records)} operations, expected at most {MOST_VALUES} to show values of")
        gradients = {}
        leaves = leaf_gradients(self.y, guards.upstream_gradient(self.y, None), gradients.__setitem__)
        tensors = [self.y, *(x for record in self.records for x in record.inputs if x is not None)]
        return {x.record or x: x.data for x in tensors}, gradients | leaves


@dataclasses.dataclass
class Box:
    """A box of the picture: "operation", "parameter" or "data", lines of text, its row, its corner, and its height."""

    kind: str
    lines: list
    row: int
    x: float = 0
    y: float = 0
    height: float = 0

    width = property(lambda self: LETTER * max(map(len, self.lines)) + 20)
    middle = property(lambda self: self.x + self.width / 2)
    bottom = property(lambda self: self.y + self.height)

    def svg(self):
        """Return the border and the text."""
        rect = f'<rect x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{self.height:.1f}"'
        parts = [f'{rect} {BORDERS[self.kind]} fill="white" stroke="black"/>']
        for i, line in enumerate(self.lines, start=1):
            text = html.escape("".join(c if c.isprintable() else "?" for c in line))
            parts.append(f'<text x="{self.middle:.1f}" y="{self.y + LINE * i:.1f}" text-anchor="middle">{text}</text>')
        return f'<g class="{self.kind}">{"".join(parts)}</g>'


def _place(boxes, left):
    """Place the boxes row by row, operations first within a row; return the width and the height of the picture."""
    right, y = left, GAP
    for row in sorted({box.row for box in boxes}):
        x, members = left, [box for box in boxes if box.row == row]
        height = LINE * max(len(box.lines) for box in members) + 10
        for box in sorted(members, key=lambda box: box.kind != "operation"):
            box.x, box.y, box.height = x, y, height
            x += box.width + GAP
        right, y = max(right, x), y + height + 1.5 * GAP
    return right, y


def _line(above, below, lane):
    """Return a curve from the lower edge of one box to the upper edge of one in the next row, or a way along a lane."""
    x1, y1, x2, y2 = above.middle, above.bottom, below.middle, below.y
    if below.row - above.row == 1:
        way = f"C{x1:.1f} {y2:.1f} {x2:.1f} {y1:.1f} {x2:.1f} {y2:.1f}"
    else:
        x, aside = GAP + LANE * lane, LANE / 2 * (1 + lane % 5)  # five heights: neighbouring lanes can be told apart
        way = f"V{y1 + aside:.1f}H{x:.1f}V{y2 - aside:.1f}H{x2:.1f}V{y2:.1f}"
    return f'<path d="M{x1:.1f} {y1:.1f}{way}" fill="none" stroke="gray"/>'


def _numbers(a):
    """Return an array in one line: all of its numbers if they are few, else the first two and the last."""
    numbers = [f"{value:.4g}" for value in np.ravel(a)]
    return ", ".join(numbers if len(numbers) <= 4 else [*numbers[:2], "…", numbers[-1]])


def _shape(shape):
    return "(" + ",".join(map(str, shape)) + ")"


def _keeps(derivative):
    """Return the arrays that a derivative captured: the cells of its closure."""
    if not hasattr(derivative, "__code__"):
        return "is not a plain function" if derivative else "does not exist"
    arrays = []
    for name, cell in zip(derivative.__code__.co_freevars, derivative.__closure__ or ()):
        with contextlib.suppress(ValueError):  # of an empty cell: the operation never set this name
            if isinstance(cell.cell_contents, np.ndarray):
                arrays.append(f"{name} {_shape(cell.cell_contents.shape)}")
    return "keeps " + (", ".join(arrays) or "nothing")

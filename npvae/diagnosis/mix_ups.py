"""Mix-ups: one variable or expression in place of another, or one more as a factor, a divisor or a term.

The other expression stands elsewhere in the same function. Its shape must fit, where both shapes are known. The edits
are tuples as in slips.py.
"""

import ast
import copy
from typing import NamedTuple

from .expressions import LONGEST, names_in
from .nodes import binary, is_number, variable

EXTRA = 0.3  # what an expression costs more than a variable
PARTS = (ast.Call, ast.Subscript, ast.Attribute, ast.BinOp)


class Candidate(NamedTuple):
    """What an edit can bring in: its source, its node, its shape (None if unknown), and what it costs more."""

    text: str
    node: ast.expr
    shape: tuple | None
    extra: float


def mix_ups_of(places):
    """Yield pairs of a `Place` and an edit that brings in a variable, or an expression from elsewhere."""
    expressions = {place.text: place for place in places if isinstance(place.node, PARTS)}
    short = [place for text, place in expressions.items() if len(text) <= LONGEST and not text.endswith(".shape")]
    copies = {place.text: copy.deepcopy(place.node) for place in short}  # an expression cannot become part of itself
    for place in places:
        if isinstance(place.node, ast.Name) and place.node.id in place.others:
            for name in place.others:
                if name != place.node.id:
                    yield place, (2.0, "other array", f"with `{name}` in place of {place.where}", variable(name))
        elif place.is_array and isinstance(place.node, (ast.Name, *PARTS)):
            for candidate in _candidates(place, short, copies):
                for edit in _with(candidate, place):
                    yield place, edit
        elif is_number(place.node) and not place.is_size:
            for candidate in _candidates(place, short, copies):
                words = f"with one more factor `{candidate.text}` at {place.where}"
                product = binary(place.node, ast.Mult(), candidate.node)
                yield place, (2.1 + candidate.extra, "missing factor", words, product)


def _candidates(place, expressions, copies):
    """Yield what can be brought in at a place: its variables, and the expressions whose variables it knows."""
    known = {*place.arrays, *place.others}
    for name, shape in place.arrays.items():
        if name != place.text:
            yield Candidate(name, variable(name), shape, 0.0)
    for other in expressions:
        of_other = {*other.arrays, *other.others}
        names = names_in(other.node)
        if other.text != place.text and names & of_other <= known and not names & place.within:
            yield Candidate(other.text, copies[other.text], other.shape, EXTRA)


def _with(candidate, place):
    """Yield the edits that bring in one candidate at one place."""
    text, new, shape, extra = candidate
    is_part = text in place.text  # in place of the whole, that would be several edits
    if place.can_be(shape) and not (is_part and extra):
        cost = 2.0 if isinstance(place.node, ast.Name) else 2.3
        yield cost + extra, "other array", f"with `{text}` in place of {place.where}", new
    if not place.is_operand or place.is_factor or not place.can_meet(shape) or (extra and place.text in text):
        return  # a factor fits anywhere in a product: once is enough
    cost = 2.1 + extra
    at, where = f"at {place.where}", place.where
    yield cost, "missing factor", f"with one more factor `{text}` {at}", binary(place.node, ast.Mult(), new)
    yield cost + 0.1, "extra factor", f"with {where} divided by `{text}`", binary(place.node, ast.Div(), new)
    yield cost + 0.6, "missing term", f"with `{text}` added {at}", binary(place.node, ast.Add(), new)
    yield cost + 0.6, "missing term", f"with `{text}` subtracted {at}", binary(place.node, ast.Sub(), new)

"""Mix-ups: one variable or expression in place of another, or one more as a factor, a divisor or a term.

The other expression stands elsewhere in the same function. Its shape must fit, where both shapes are known. The edits
are tuples as in slips.py.
"""

import ast
import copy
from typing import NamedTuple

from .expressions import LONGEST, names_in
from .nodes import binary, is_number, variable

EXTRA = 0.3  # how much more an expression costs than a variable
PARTS = (ast.Call, ast.Subscript, ast.Attribute, ast.BinOp)


class Candidate(NamedTuple):
    """What an edit can bring in: its source, its node, its shape (None if unknown), and what it costs more."""

    text: str
    node: ast.expr
    shape: tuple | None
    extra: float


def mix_ups_of(expressions):
    """Yield pairs of an `Expression` and an edit that brings in a variable, or an expression from elsewhere."""
    distinct = {expression.text: expression for expression in expressions if isinstance(expression.node, PARTS)}
    short = [other for text, other in distinct.items() if len(text) <= LONGEST and not text.endswith(".shape")]
    copies = {other.text: copy.deepcopy(other.node) for other in short}  # a node cannot become part of itself
    for expression in expressions:
        for name in expression.attributes:
            other = ast.Attribute(expression.node.value, name, ast.Load())
            yield expression, (1.9, "other array", f"with `{ast.unparse(other)}` in place of {expression.where}", other)
        if isinstance(expression.node, ast.Name) and expression.node.id in expression.others:
            for name in expression.others:
                if name != expression.node.id:
                    words = f"with `{name}` in place of {expression.where}"
                    yield expression, (2.0, "other array", words, variable(name))
        elif expression.is_array and isinstance(expression.node, (ast.Name, *PARTS)):
            for candidate in _candidates(expression, short, copies):
                for edit in _with(candidate, expression):
                    yield expression, edit
        elif is_number(expression.node) and not expression.is_size:
            for candidate in _candidates(expression, short, copies):
                cost, words = 2.1 + candidate.extra, f"with one more factor `{candidate.text}`"
                product = binary(expression.node, ast.Mult(), candidate.node)
                yield expression, (cost, "missing factor", words, product, f"at {expression.where}")


def _candidates(expression, others, copies):
    """Yield every `Candidate` at an expression: a variable, or another expression whose variables are known here."""
    known = {*expression.arrays, *expression.others}
    for name, shape in expression.arrays.items():
        if name != expression.text:
            yield Candidate(name, variable(name), shape, 0.0)
    for other in others:
        of_other = {*other.arrays, *other.others}
        is_itself = names_in(other.node) & expression.within  # a function that would call itself, without end
        if other.text != expression.text and names_in(other.node) & of_other <= known and not is_itself:
            yield Candidate(other.text, copies[other.text], other.shape, EXTRA)


def _with(candidate, expression):
    """Yield the edits that bring in one candidate at one expression."""
    text, new, shape, extra = candidate
    is_part = text in expression.text  # in place of the whole, that would be several edits
    if expression.can_be(shape) and not (is_part and extra):
        cost = 2.0 if isinstance(expression.node, ast.Name) else 2.3
        yield cost + extra, "other array", f"with `{text}` in place of {expression.where}", new
    if not expression.is_operand or expression.is_factor or not expression.can_meet(shape):
        return  # a factor fits anywhere in a product: once is enough
    if extra and expression.text in text:
        return
    node, cost, at = expression.node, 2.1 + extra, f"at {expression.where}"
    yield cost, "missing factor", f"with one more factor `{text}`", binary(node, ast.Mult(), new), at
    if not expression.is_divisor:  # or else it would be one more factor of the quotient
        yield cost + 0.1, "extra factor", f"with {expression.where} divided by `{text}`", binary(node, ast.Div(), new)
    yield cost + 0.6, "missing term", f"with `{text}` added", binary(node, ast.Add(), new), at
    yield cost + 0.6, "missing term", f"with `{text}` subtracted", binary(node, ast.Sub(), new), at

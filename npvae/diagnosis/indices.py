"""Slips in an index: one too far, another axis, another array. The edits are tuples as in slips.py."""

import ast
import itertools

from .expressions import said
from .nodes import binary, element, number, variable

ENDS = {"lower": "start", "upper": "end", "step": "step"}  # of a slice: the fields of `ast.Slice`, and their names


def edits_of_index(expression, indexed):
    """Yield the edits of an element or a slice; `indexed` are the names in the indices of the definition."""
    node, index = expression.node, expression.node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    yield 1.7, "moved", f"with {said(node.value)} in place of {expression.where}", node.value
    for i, j in itertools.combinations(range(len(parts)), 2):
        exchanged = list(parts)
        exchanged[i], exchanged[j] = parts[j], parts[i]
        words = f"with the indices {said(parts[i])} and {said(parts[j])} exchanged in {said(node)}"
        yield 1.8, "moved", words, element(node.value, exchanged)
    yield from _of_another_axis(node, parts)
    for i, part in enumerate(parts):
        for words, new in _moved(part):
            moved = element(node.value, [*parts[:i], new, *parts[i + 1 :]])
            yield 1.9, "moved", f"{words} in {said(node)}", moved
        if not isinstance(part, ast.Slice):
            whole = element(node.value, [*parts[:i], ast.Slice(), *parts[i + 1 :]])
            total = ast.Call(ast.Attribute(whole, "sum", ast.Load()), [], [ast.keyword("axis", ast.Constant(i))])
            array = said(node.value if len(parts) == 1 else whole)
            words = f"with the sum of {array} over axis {i} in place of {expression.where}"
            yield 2.0, "missing sum", words, total
    if isinstance(node.value, ast.Name) and isinstance(index, ast.Name):
        known = {*expression.arrays, *expression.others}
        for array, i in itertools.product(expression.arrays, sorted(indexed & known)):
            if array != node.value.id and i != index.id:
                words = f"with `{array}[{i}]` in place of {expression.where}"
                yield 2.3, "other array", words, element(variable(array), [variable(i)])


def _of_another_axis(node, parts):
    """Yield the edits that use an index for the other of two axes."""
    if len(parts) == 1 and not isinstance(parts[0], ast.Slice):
        words = f"with {said(parts[0])} as the index of axis 1 in {said(node)}"
        yield 1.8, "axis", words, element(node.value, [ast.Slice(), parts[0]])
    if len(parts) == 2 and isinstance(parts[0], ast.Slice) and not any(vars(parts[0]).get(end) for end in ENDS):
        words = f"with {said(parts[1])} as the index of axis 0 in {said(node)}"
        yield 1.8, "axis", words, element(node.value, [parts[1]])


def _moved(part):
    """Yield pairs of words and a new part of an index: one larger or smaller, or a slice with another end."""
    if not isinstance(part, ast.Slice):
        yield f"with the index {said(part)} one larger", binary(part, ast.Add(), ast.Constant(1))
        yield f"with the index {said(part)} one smaller", binary(part, ast.Sub(), ast.Constant(1))
        return
    ends = {end: getattr(part, end) for end in ENDS}  # whose values are nodes, or None
    for end, value in ends.items():
        if value is not None:
            larger, smaller = (binary(value, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub()))
            yield f"without the {ENDS[end]} {said(value)}", ast.Slice(**{**ends, end: None})
            yield f"with the {ENDS[end]} {said(value)} one larger", ast.Slice(**{**ends, end: larger})
            yield f"with the {ENDS[end]} {said(value)} one smaller", ast.Slice(**{**ends, end: smaller})
    if part.lower is None:
        yield "with a slice that begins at 1", ast.Slice(**{**ends, "lower": ast.Constant(1)})
    if part.upper is None:
        yield "with a slice that ends before the last element", ast.Slice(**{**ends, "upper": number(-1)})
    if part.step is None:
        yield "with the slice reversed", ast.Slice(**{**ends, "step": number(-1)})

"""Slips in a statement: one too many, one elsewhere, two in another order, one under another condition.

An edit is a tuple: its cost on the scale of causes.py, the kind of the mistake, the words that complete "Every number
would be right …", and pairs of a node and of what takes its place, a statement or a list of statements.
"""

import ast

from .expressions import name_of, said
from .nodes import binary, called_with, variable
from .slips import OPERATORS

AT = {ast.Add: "add", ast.Sub: "subtract"}  # the functions of NumPy whose `at` counts repeated indices
AUGMENTED = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def edits_of_statements(tree):
    """Yield the edits of a function's statements, but for those in a `while` loop."""
    for block in _blocks(tree):
        for i, statement in enumerate(block):
            for cost, kind, text, new in _of_statement(statement):
                new = new if isinstance(new, list) else ast.copy_location(new, statement)
                yield cost, kind, text, [(statement, new)]
            following = block[i + 1] if i + 1 < len(block) else None
            if following is not None and _is_simple(statement) and _is_simple(following):
                text = f"with this line after line {following.lineno}"
                yield 1.7, "place", text, [(statement, [following, statement]), (following, [])]
            if isinstance(statement, ast.For):
                yield from _of_loop(statement, block, i)
                yield from _accumulated(statement)


def _blocks(node):
    """Yield the lists of statements of a tree."""
    if isinstance(node, ast.While):
        return
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
    for child in ast.iter_child_nodes(node):
        yield from _blocks(child)


def _is_simple(statement):
    """Return whether a statement is one line that computes something; a text alone computes nothing."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)) and not is_text


def _of_statement(statement):
    """Yield the cost, the kind, the words and what takes the place of a statement, for every edit of it."""
    if _is_simple(statement):
        yield 1.6, "extra term", "without this line", [ast.Pass()]
        yield 2.4, "place", "with this line twice", [statement, statement]
    if isinstance(statement, ast.If):
        if not statement.orelse:
            yield 1.6, "condition", f"without the lines under the condition {said(statement.test)}", [ast.Pass()]
        yield 1.6, "condition", f"without the condition {said(statement.test)}", statement.body
        yield 1.7, "condition", "with the two branches of this condition exchanged", ast.If(
            ast.UnaryOp(ast.Not(), statement.test), statement.body, statement.orelse
        )
        if statement.orelse:
            words = f"with the branch under `else` alone, without the condition {said(statement.test)}"
            yield 1.7, "condition", words, statement.orelse
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        yield from _of_assignment(statement)
    if isinstance(statement, ast.AugAssign):
        target, op, value = statement.target, statement.op, statement.value
        yield 1.5, "other function", f"with = in place of {OPERATORS.get(type(op), '')}=", ast.Assign([target], value)
        if isinstance(target, ast.Name):
            changed = ast.Assign([target], binary(variable(target.id), op, value))
            words = f"with a new array for {said(target)}, so that the old one does not change"
            yield 1.8, "other array", words, changed
        if isinstance(target, ast.Subscript) and type(op) in AT:
            at = ast.Attribute(ast.Attribute(variable("np"), AT[type(op)], ast.Load()), "at", ast.Load())
            words = f"with np.{AT[type(op)]}.at, which counts an index as often as it occurs"
            added = ast.Expr(ast.Call(at, [target.value, target.slice, value], []))
            yield 1.6, "missing sum", words, added
        for other in AUGMENTED:
            if other is not type(op):
                kind = "wrong sign" if {other, type(op)} == {ast.Add, ast.Sub} else "other function"
                words = f"with {OPERATORS[other]}= in place of {OPERATORS.get(type(op), '')}="
                yield 1.4 + 0.3 * (kind != "wrong sign"), kind, words, ast.AugAssign(target, other(), value)
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
        elements = statement.value.elts
        for i in range(len(elements) - 1):
            turned = [*elements[:i], elements[i + 1], elements[i], *elements[i + 2 :]]
            text = f"with {said(elements[i])} and {said(elements[i + 1])} returned in the other order"
            yield 1.7, "order", text, ast.Return(ast.Tuple(turned, ast.Load()))


def _of_assignment(statement):
    target = statement.targets[0]
    if isinstance(statement.value, (ast.Name, ast.Subscript, ast.Attribute)):
        made = ast.Call(ast.Attribute(statement.value, "copy", ast.Load()), [], [])
        words = f"with a copy of {said(statement.value)}, so that a change of one does not change the other"
        yield 1.8, "other array", words, ast.Assign([target], made)
    if isinstance(target, ast.Subscript):
        for other in AUGMENTED[:1] + AUGMENTED[2:3]:
            sign = OPERATORS[other]
            yield 1.5, "other function", f"with {sign}= in place of =", ast.AugAssign(target, other(), statement.value)
    if isinstance(target, ast.Tuple):
        for i in range(len(target.elts) - 1):
            turned = [*target.elts[:i], target.elts[i + 1], target.elts[i], *target.elts[i + 2 :]]
            text = f"with {said(target.elts[i])} and {said(target.elts[i + 1])} exchanged on the left"
            yield 1.7, "order", text, ast.Assign([ast.Tuple(turned, ast.Store())], statement.value)


def _accumulated(loop):
    """Yield the edits that add up what every round of a loop computes, where only that of the last round remains."""
    for inner in loop.body:
        if isinstance(inner, ast.Assign) and len(inner.targets) == 1 and isinstance(inner.targets[0], ast.Name):
            target, value, count = inner.targets[0], inner.value, _count(loop.iter)
            name = said(target)
            added = ast.AugAssign(target, ast.Add(), value)
            yield 1.8, "missing sum", f"with the sum of {name} over the loop in place of the last one", [(inner, added)]
            if count is not None:
                mean = ast.AugAssign(target, ast.Add(), binary(value, ast.Div(), count))
                words = f"with the mean of {name} over the loop in place of the last one"
                yield 1.9, "missing sum", words, [(inner, mean)]


def _count(iterable):
    """Return the node of the number of rounds of a loop; None if its source does not tell."""
    if isinstance(iterable, ast.Call) and name_of(iterable) == "range" and len(iterable.args) == 1:
        return iterable.args[0]
    return called_with("len", iterable) if isinstance(iterable, ast.Name) else None


def _of_loop(loop, block, i):
    """Yield the edits that move a line into the loop or out of it; `i` is its place in the block."""
    for inner in loop.body:
        if _is_simple(inner) and len(loop.body) > 1:
            gone = inner, [ast.Pass()]
            yield 1.8, "place", "with this line before the loop, not in it", [gone, (loop, [inner, loop])]
            yield 1.8, "place", "with this line after the loop, not in it", [gone, (loop, [loop, inner])]
    last = loop.body[-1]
    if isinstance(last, ast.Return):
        moved = [(last, [ast.Pass()]), (loop, [loop, last])]
        yield 1.6, "place", "with this return after the loop, not in it", moved
    before, after = (block[j] if 0 <= j < len(block) else None for j in (i - 1, i + 1))
    if before is not None and _is_simple(before):
        moved = [(before, [ast.Pass()]), (loop.body[0], [before, loop.body[0]])]
        yield 1.7, "place", "with this line at the beginning of the loop", moved
    if after is not None and _is_simple(after):
        yield 1.7, "place", "with this line at the end of the loop", [(after, [ast.Pass()]), (last, [last, after])]

"""Slips that touch two places at once: two expressions exchanged, or a loop variable that is the wrong index.

Each edit changes several nodes: it is a tuple of its cost on the scale of causes.py, the kind of the mistake, the words
that complete "Every number would be right …", and pairs of a node and of what takes its place.
"""

import ast
import copy
import itertools

from .expressions import LONGEST, said, text_of
from .nodes import binary, variable

LEAVES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
MOST_LOOP_USES = 6  # of a loop variable in one statement
OPERATORS = {ast.Mult: "*", ast.Add: "+", ast.Sub: "-"}


def edits_of_pairs(definition, expressions):
    """Yield the edits that exchange two expressions, of one statement or of two neighbouring ones."""
    by_statement = {}
    for expression in expressions:
        if isinstance(expression.node, LEAVES) and len(expression.text) <= LONGEST:
            by_statement.setdefault(expression.statement, []).append(expression)
    for statement, several in by_statement.items():
        yield from _exchanged(_by_text(several), _by_text(several))
        following = _next(definition, statement)
        if following in by_statement:
            first, second = _by_text(several), _by_text(by_statement[following])
            shared = first.keys() & second.keys()
            yield from _exchanged(*({text: a[text] for text in a.keys() - shared} for a in (first, second)))


def _by_text(expressions):
    """Return the expressions by their source: a dict of lists."""
    found = {}
    for expression in expressions:
        found.setdefault(expression.text, []).append(expression)
    return found


def _next(definition, statement):
    """Return the statement after this one in its block; None if it is the last."""
    parent, field = definition.parents.get(statement, (None, ""))
    block = getattr(parent, field, None)
    i = block.index(statement) + 1 if isinstance(block, list) else 0
    return block[i] if i and i < len(block) else None


def _exchanged(first, second):
    """Yield the edits that put every expression of a first group in place of one of a second, and the reverse."""
    for (a, of_a), (b, of_b) in itertools.product(sorted(first.items()), sorted(second.items())):
        is_again = first.keys() == second.keys() and a >= b
        if is_again or type(of_a[0].node) is not type(of_b[0].node) or not of_a[0].can_be(of_b[0].shape):
            continue
        pairs = [(of.node, copy.deepcopy(of_b[0].node)) for of in of_a]
        pairs += [(of.node, copy.deepcopy(of_a[0].node)) for of in of_b]
        nodes = {old for old, _ in pairs}
        if any(part in nodes for node in nodes for part in ast.walk(node) if part is not node):
            continue
        is_function = isinstance(of_a[0].node, ast.Call) and _arguments(of_a[0].node) == _arguments(of_b[0].node)
        kind = "other function" if is_function else "other array"
        yield 1.9, kind, f"with {said(of_a[0].node)} and {said(of_b[0].node)} exchanged", pairs


def _arguments(call):
    """Return the source of each argument of a call, a list."""
    return [text_of(argument) for argument in (*call.args, *call.keywords)]


def edits_of_loops(tree, values):
    """Yield the edits that scale or shift a loop variable in one statement, and those of two nested loops at once.

    values  the last value of each variable, by name
    """
    sizes = [name for name, value in values.items() if type(value) is int]
    for loops, statement in _statements_in_loops(tree, ()):
        counters = [loop.target.id for loop in loops if isinstance(loop.target, ast.Name)]
        uses = {name: _loads(statement, name) for name in counters}
        uses = {name: nodes for name, nodes in uses.items() if 0 < len(nodes) <= MOST_LOOP_USES}
        for group in [[name] for name in uses] + [list(pair) for pair in itertools.combinations(uses, 2)]:
            for op, size in itertools.product(OPERATORS, sizes):
                if size not in counters:
                    replaced = [(node, binary(variable(name), op(), variable(size))) for name in group
                                for node in uses[name]]  # fmt: skip
                    words = " and ".join(f"`{name} {OPERATORS[op]} {size}` in place of `{name}`" for name in group)
                    yield 2.0 + 0.1 * (len(group) - 1), "moved", f"with {words}", replaced


def _statements_in_loops(node, loops):
    """Yield pairs for every assignment in a loop: the `for` loops around it, outermost first, and the assignment."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.For):
            yield from _statements_in_loops(child, (*loops, child))
        elif isinstance(child, (ast.Assign, ast.AugAssign)) and loops:
            yield loops, child
        elif isinstance(child, ast.stmt) and not isinstance(child, (ast.While, ast.ClassDef)):
            yield from _statements_in_loops(child, loops)


def _loads(statement, name):
    """Return the nodes in a statement that read a variable."""
    return [node for node in ast.walk(statement)
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)]  # fmt: skip

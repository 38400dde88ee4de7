"""The edits of the author's source that the search tries, from a single operator to the same change in several lines.

    slips.py       what stands in one expression: its operator, its number, its index, its axis, its brackets
    mix_ups.py     one expression in place of another, or one more as a factor or a term
    exchanges.py   two expressions exchanged, or another index throughout a loop
    statements.py  whole statements: without one, elsewhere, in another order, under another condition
"""

import ast
import itertools
from typing import NamedTuple

from .exchanges import edits_of_loops, edits_of_pairs
from .expressions import expressions_of, said, text_of
from .graph import Site
from .mix_ups import mix_ups_of
from .nodes import is_number
from .program import Definition
from .slips import slips_of
from .statements import edits_of_statements

MOST_EDITS = 15_000  # of one expression, and as many of several; a long function has a million
MOST_TOGETHER = 3  # places at which the same change is made
IN_CONDITION = 0.4  # how much more an edit of the arithmetic in a condition costs
TOGETHER = 0.1  # how much more the same change costs for each of several places
# Functions whose derivative is zero. An edit that brings one into the value cuts a path, and hides a wrong derivative.
FLAT = {"sign", "floor", "ceil", "trunc", "rint", "round", "fix", "argmax", "argmin", "equal", "greater", "less", "any",
        "all"}  # fmt: skip


class Rewrite(NamedTuple):
    """One edit of a definition.

    cost        on the scale of causes.py
    kind        of the mistake that it repairs, a key of `QUESTIONS`
    words       complete "Every number would be right …"
    definition  a `Definition`
    replaced    pairs of a node and of what takes its place
    where       the end of the words, if they need one: "at `dy`"
    """

    cost: float
    kind: str
    words: str
    definition: Definition
    replaced: list
    where: str = ""

    @property
    def text(self):
        """The words with their end."""
        return f"{self.words} {self.where}".rstrip()

    @property
    def sites(self):
        """The places in the source."""
        return tuple(dict.fromkeys(_site(node, self.definition) for node, _ in self.replaced))

    @property
    def is_flat(self):
        """Whether it brings in a function whose derivative is zero."""
        old, new = (_words_of(node) for node in self.replaced[0])
        return bool((new - old) & FLAT)


def _site(node, definition):
    span = node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
    return Site(definition.file, node.lineno, (definition.tree.lineno, span), span)


def _words_of(node):
    """Return the names and attributes in a node, or in a list of nodes; a comparison has the name of its function."""
    parts = [part for node in (node if isinstance(node, list) else [node]) for part in ast.walk(node)]
    names = {getattr(part, "attr", getattr(part, "id", "")) for part in parts}
    return names | ({"greater"} if any(isinstance(part, ast.Compare) for part in parts) else set())


def rewrites_of(definition, values):
    """Return all edits of a definition, the cheapest first; `values` holds the last value of each variable, by name."""
    expressions = expressions_of(definition, values)
    of_one = itertools.chain(slips_of(expressions), mix_ups_of(expressions))
    found = [
        Rewrite(*_as_condition(expression, cost, kind), words, definition, [(expression.node, new)], *where)
        for expression, (cost, kind, words, new, *where) in itertools.islice(of_one, MOST_EDITS)
    ]
    of_several = itertools.chain(
        edits_of_statements(definition.tree),
        edits_of_pairs(definition, expressions),
        edits_of_loops(definition.tree, values),
    )
    found += [
        Rewrite(cost, kind, words, definition, replaced)
        for cost, kind, words, replaced in itertools.islice(of_several, MOST_EDITS)
    ]
    return _distinct(sorted([*found, *_together(found)], key=lambda rewrite: rewrite.cost))


def _as_condition(expression, cost, kind):
    """Return the cost and the kind of an edit; arithmetic in the condition of an `if` decides which lines run."""
    is_arithmetic = isinstance(expression.node, (ast.BinOp, ast.Name, ast.Attribute))
    is_in_condition = isinstance(expression.statement, ast.If) and is_arithmetic
    return (cost + IN_CONDITION, "condition") if is_in_condition else (cost, kind)


def _together(rewrites):
    """Yield the edits that make the same change everywhere: in one statement, or in the whole definition.

    Changes are the same if they put the same characters in place of the same: `/ z` goes, sin becomes cos. But equal
    numbers in two statements hardly ever mean the same.
    """
    groups = {}
    for rewrite in rewrites:
        if len(rewrite.replaced) == 1 and isinstance(rewrite.replaced[0][1], ast.expr):
            (old, new), definition = rewrite.replaced[0], rewrite.definition
            change = rewrite.kind, *_difference(text_of(old), text_of(new))
            statement = definition.statement_of(old)
            for within in [statement] if is_number(old) else [statement, definition.tree]:
                groups.setdefault((within, *change), []).append(rewrite)
    for several in groups.values():
        nodes = {rewrite.replaced[0][0] for rewrite in several}
        if 1 < len(nodes) == len(several) <= MOST_TOGETHER and not _are_nested(nodes):
            first, replaced = several[0], [pair for rewrite in several for pair in rewrite.replaced]
            words = f"{first.text}, {_also([old for old, _ in replaced])}"
            yield first._replace(cost=first.cost + TOGETHER * len(nodes), words=words, replaced=replaced, where="")


def _also(nodes):
    """Return the words for the places at which the change of the first node is made too."""
    texts = list(dict.fromkeys(map(said, nodes)))
    if len(texts) == 1:
        return "both times" if len(nodes) == 2 else f"all {len(nodes)} times"
    return f"and the same at {' and '.join(texts[1:])}"


def _difference(old, new):
    """Return the characters in which two texts differ, between what they begin and what they end with."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return old[start : len(old) - end], new[start : len(new) - end]


def _common(a, b):
    """Return how many characters at the beginning of two texts are equal."""
    return next((i for i, (c, d) in enumerate(zip(a, b)) if c != d), min(len(a), len(b)))


def _are_nested(nodes):
    """Return whether one of the nodes is part of another."""
    return any(part in nodes for node in nodes for part in ast.walk(node) if part is not node)


def _distinct(rewrites):
    """Return the edits without those that give the same source as an earlier one."""
    found = {}
    for rewrite in rewrites:
        made = tuple((old, "\n".join(map(text_of, new)) if isinstance(new, list) else text_of(new))
                     for old, new in rewrite.replaced)  # fmt: skip
        found.setdefault(made, rewrite)
    return list(found.values())

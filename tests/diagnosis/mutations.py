"""Wrong versions of a right operation, made from its source: one change, or two, in the lines of a derivative.

    source = Source(operation)
    wrong = [source.compiled(mutation) for mutation in source.mutations()]

A mutation replaces one expression of the syntax tree as a mistake would: it drops a factor, flips a sign, changes an
axis, or takes one variable for another. The changed source is registered in `linecache`, so that a diagnosis can quote
its lines.

Two mutations are `apart` if no single change of the source can make up for both. Two factors dropped from one product
are not apart, because their product is one factor. So the mutations must lie in different terms of a sum, or a sum or a
nonlinear function must lie between them. A reduction or a matrix product also separates them, unless one mutation is a
factor or a number (a sign, a constant), which can often be moved past both. Never apart are

    two numbers                        the sign of a sum and of one of its terms are the sign of the other term
    two that concern the same names    one factor dropped from both terms is a factor of their sum
    two with a name in common, if one drops it: a value that lacks a step may have this derivative
    two that exchange names            v + v² for u + v is also u taken for v²
    two missing terms                  the search names two missing paths at once
    two in one expression that the forward pass computes too: its value could stand in place of the expression
"""

import ast
import copy
import inspect
import itertools
import linecache
import textwrap
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FUNCTIONS = {"sin": "cos", "cos": "sin", "exp": "log", "log": "exp", "tanh": "sin", "sqrt": "square"}
REDUCTIONS = {"sum": "mean", "mean": "sum"}
SCALARS = {"wrong sign", "constant", "sum or mean"}  # kinds of mistakes that may be one number
FACTORS = {"missing factor", "other function", "power"}  # and those that may be one factor
ROUTES = 200  # at most, from one expression to the result


class Mutation(NamedTuple):
    """One change of one expression.

    index    of the expression among all nodes of the syntax tree, in the order of `ast.walk`
    place    index of the node in which the mistake lies: the same, or the operand that was dropped
    kinds    of the causes that name it
    words    what was changed, without the place
    line     the statement, as it stands unchanged
    change   a function of the node that returns another node
    """

    index: int
    place: int
    kinds: tuple
    words: str
    line: str
    change: Callable

    def __str__(self):
        return f"{self.words} in `{self.line}`"


class Source:
    """The source of an operation, and everything that can be changed in its derivatives."""

    count = itertools.count()

    def __init__(self, function):
        self.name = function.__name__
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        definition.decorator_list = []
        self.tree = ast.parse(ast.unparse(definition))
        self.nodes = list(ast.walk(self.tree))
        self.numbers = {id(node): i for i, node in enumerate(self.nodes)}
        self.parents = {id(child): node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.definition = self.tree.body[0]
        self.derivatives = [node for node in self.definition.body if isinstance(node, ast.FunctionDef)]
        self.returned = [part.id for part in ast.walk(self.definition.body[-1]) if isinstance(part, ast.Name)]

    def compiled(self, *mutations, names=None):
        """Return the function with these mutations; `names` are other names that its source uses."""
        return self.compile_tree(self.changed(*mutations), names)

    def changed(self, *mutations):
        """Return a copy of the tree with these mutations."""
        tree = copy.deepcopy(self.tree)
        nodes = list(ast.walk(tree))
        return _Changes({id(nodes[m.index]): m.change for m in mutations}).visit(tree)

    def compile_tree(self, tree, names=None):
        """Return the function of a tree, and register its source."""
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        file = f"<{self.name} {next(Source.count)}>"
        linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
        scope = {"np": np, **(names or {})}
        exec(compile(text, file, "exec"), scope)
        return scope[self.name]

    def lines_of(self, *mutations):
        """Return the text of the statements in which these mutations lie, after the change."""
        before, after = (
            [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
            for tree in (self.tree, self.changed(*mutations))
        )
        return [ast.unparse(after[before.index(self.statement(self.nodes[m.index]))]) for m in mutations]

    def statement(self, node):
        """Return the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[id(node)]
        return node

    # --- one mutation ------------------------------------------------------------------------------------------------

    def mutations(self):
        """Return all mutations of all derivatives."""
        return [mutation for derivative in self.derivatives for mutation in self._of_derivative(derivative)]

    def _of_derivative(self, derivative):
        inputs = [a.arg for a in self.definition.args.args]
        own = [a.arg for a in derivative.args.args]
        before = [node.id for node in ast.walk(self.definition) if isinstance(node, ast.Name)
                  and isinstance(node.ctx, ast.Store) and node.id != "_"]  # fmt: skip
        scope = list(dict.fromkeys([*own, *inputs, *before]))
        for statement in ast.walk(derivative):
            if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Return)):
                for node in ast.walk(statement.value):
                    for place, kinds, words, change in self._of_expression(node, scope, own):
                        number = self.numbers[id(node)], self.numbers[id(place)]
                        yield Mutation(*number, kinds, words, ast.unparse(statement), change)

    def _of_expression(self, node, scope, own):
        """Yield tuples of a place, kinds, words, and a function of the node."""
        parent = self.parents[id(node)]
        text = ast.unparse(node)
        is_index = self._is_inside(node, ast.Subscript, "slice")
        if self._is_inside(node, ast.keyword, "value"):
            return  # an axis: that is a mutation of the call
        if isinstance(node, ast.BinOp):
            yield from self._of_binary(node, own)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
            yield node, ("wrong sign", "wrong path"), "− dropped", lambda n: n.operand
        elif isinstance(node, ast.Constant) and isinstance(parent, (ast.BinOp, ast.UnaryOp)) and not is_index:
            kinds = ("constant", "missing factor", "extra factor", "power", "one minus", "wrong path")
            is_exponent = isinstance(getattr(parent, "op", None), ast.Pow)
            for value in (2 * node.value, node.value + 1, node.value + 2 if is_exponent else node.value / 2):
                yield node, kinds, f"{node.value} became {value}", lambda n, value=value: ast.Constant(value)
        elif isinstance(node, ast.Constant) and isinstance(parent, ast.BinOp):
            yield node, ("moved", "constant"), f"the index {node.value} became 0", lambda n: ast.Constant(0)
        elif isinstance(node, ast.Name) and node.id in scope and not is_index and not isinstance(parent, ast.Attribute):
            is_dy = node.id in own
            for other in scope:
                if other != node.id:
                    kinds = ("other array", "extra factor", "missing factor") + ("dy not used",) * is_dy
                    change = lambda n, other=other: ast.Name(other, ast.Load())  # noqa: E731
                    yield node, kinds, f"{node.id} became {other}", change
            kinds = ("power", "extra factor", "other array")
            yield node, kinds, f"{text} squared", lambda n: ast.BinOp(n, ast.Pow(), ast.Constant(2))
            yield node, ("transposed",), f"{text} transposed", lambda n: ast.Attribute(n, "T", ast.Load())
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, ("transposed",), ".T dropped", lambda n: n.value
        elif isinstance(node, ast.Call):
            yield from self._of_call(node)
        if isinstance(parent, ast.Return) and not isinstance(node, ast.Tuple):
            yield node, ("wrong sign",), "the result negated", lambda n: ast.UnaryOp(ast.USub(), n)

    def _of_binary(self, node, own):
        left, right, op = node.left, node.right, node.op
        if self._is_inside(node, ast.Subscript, "slice"):
            return
        if isinstance(op, ast.Mult):
            for dropped, kept in ((left, "right"), (right, "left")):
                has_dy = any(isinstance(part, ast.Name) and part.id in own for part in ast.walk(dropped))
                kinds = ("missing factor", "constant", "other array", "wrong path") + ("dy not used",) * has_dy
                yield dropped, kinds, f"{ast.unparse(dropped)} dropped", lambda n, kept=kept: getattr(n, kept)
            kinds = ("other function", "extra factor", "missing factor", "power")
            yield right, kinds, f"/ for * before {ast.unparse(right)}", _with(ast.Div)
        elif isinstance(op, ast.Div):
            kinds = ("missing factor", "other array", "wrong path")
            yield right, kinds, f"{ast.unparse(right)} dropped", lambda n: n.left
            kinds = ("missing factor", "other function", "power", "extra factor")
            yield right, kinds, f"* for / before {ast.unparse(right)}", _with(ast.Mult)
            yield node, ("order", "power"), "quotient exchanged", _exchanged
        elif isinstance(op, (ast.Add, ast.Sub)):
            one = isinstance(left, ast.Constant)
            kinds = ("missing term", "missing path") + ("one minus",) * one
            is_negative = isinstance(op, ast.Sub) and not one
            rest = (lambda n: ast.UnaryOp(ast.USub(), n.right)) if is_negative else (lambda n: n.right)
            yield left, kinds, f"{ast.unparse(left)} dropped", rest
            kinds = ("missing term", "missing path") + ("one minus", "missing factor") * one
            yield right, kinds, f"{ast.unparse(right)} dropped", lambda n: n.left
            kinds = ("wrong sign", "wrong path") + ("one minus",) * one
            other = ast.Sub if isinstance(op, ast.Add) else ast.Add
            yield right, kinds, f"sign before {ast.unparse(right)}", _with(other)
            if isinstance(op, ast.Sub):
                yield (
                    node,
                    ("wrong sign", "order", "wrong path") + ("one minus",) * one,
                    "difference exchanged",
                    _exchanged,
                )
        elif isinstance(op, ast.MatMult):
            yield node, ("order",), "matrix product exchanged", _exchanged
            yield node, ("other function",), "* for @", _with(ast.Mult)
        elif isinstance(op, ast.Pow):
            yield node, ("power", "missing factor"), "power dropped", lambda n: n.left

    def _of_call(self, node):
        f = node.func
        if not isinstance(f, ast.Attribute):
            return
        if f.attr in REDUCTIONS:
            kinds = ("sum or mean", "missing factor", "extra factor", "constant")
            other = REDUCTIONS[f.attr]
            yield node, kinds, f"{other} for {f.attr}", _calling(other)
            is_function = isinstance(f.value, ast.Name) and f.value.id == "np"
            yield node, ("missing sum",), f"{f.attr} dropped", lambda n: n.args[0] if is_function else n.func.value
            for i, keyword in enumerate(node.keywords):
                if keyword.arg == "axis":
                    for axis in {0, 1} - {abs(ast.literal_eval(keyword.value))}:

                        def change(n, i=i, axis=axis):
                            keywords = [*n.keywords[:i], ast.keyword("axis", ast.Constant(axis)), *n.keywords[i + 1 :]]
                            return ast.Call(n.func, n.args, keywords)

                        yield node, ("axis", "extra sum", "missing sum"), f"axis {axis}", change
        elif f.attr in FUNCTIONS:
            yield node, ("other function",), f"{FUNCTIONS[f.attr]} for {f.attr}", _calling(FUNCTIONS[f.attr])

    def _is_inside(self, node, kind, field):
        """Return whether a node is inside a field of a node of this kind, within its statement."""
        while not isinstance(node, ast.stmt):
            parent = self.parents[id(node)]
            if isinstance(parent, kind) and getattr(parent, field) is node:
                return True
            node = parent
        return False

    # --- two mutations -----------------------------------------------------------------------------------------------

    def apart(self, a, b):
        """Return whether no single change of the source can make up for both mutations. See the text of this file."""
        dropped = ["dropped" in m.words for m in (a, b)]
        names = [self._subject(m) for m in (a, b)]
        if names[0] == names[1] or (any(dropped) and names[0] & names[1]) or self._in_forward_pass(a, b):
            return False
        if a.kinds[0] == b.kinds[0] == "missing term":
            return False
        if any(m.words.split(" became ")[-1] in there for m, there in ((a, names[1]), (b, names[0]))):
            return False
        numbers = [m.kinds[0] in SCALARS or isinstance(self.nodes[m.place], ast.Constant) for m in (a, b)]
        if all(numbers):
            return False
        commutes = any(numbers) or any(dropped) or any(m.kinds[0] in FACTORS for m in (a, b))
        routes_a, routes_b = (self._routes(self.nodes[m.place]) for m in (a, b))
        if not routes_a or not routes_b:
            return False
        by = set() if commutes else {ast.MatMult, *REDUCTIONS}
        by |= set() if "power" in (*a.kinds, *b.kinds) else {ast.Pow}
        return all(self._are_separate(r, s, by) for r in routes_a for s in routes_b)

    def _subject(self, mutation):
        """Return the names that a mutation is about: those of the expression, or those beside a number."""
        node = self.nodes[mutation.place]
        node = self.parents[id(node)] if isinstance(node, ast.Constant) else node
        return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}

    def _in_forward_pass(self, a, b):
        """Return whether both lie in one expression that the forward pass computes too: its value may be put there."""
        forward = {ast.unparse(node) for statement in self.definition.body if statement not in self.derivatives
                   for node in ast.walk(statement) if isinstance(node, ast.expr)}  # fmt: skip
        above = set()
        for i in (a.place, b.place):
            node, nodes = self.nodes[i], set()
            while isinstance(node := self.parents[id(node)], (ast.expr, ast.keyword)):
                nodes.add(node)
            above = above & nodes if above else nodes
        return any(ast.unparse(node) in forward for node in above)

    def _are_separate(self, r, s, by):
        """Return whether a sum or a nonlinear function lies between two routes up to where they meet, or there."""
        position = {id(node): i for i, (node, _) in enumerate(s)}
        for i, (node, child) in enumerate(r):
            if id(node) in position:
                j = position[id(node)]
                other = s[j][1]
                meet = child is not None and other is not None and child is not other
                if meet and (_is_sum(node) or isinstance(node, ast.Tuple)):  # two terms, or two derivatives
                    return True
                return any(_separates(node, by) for way in (r[1:i], s[1:j]) for node in _after_exponents(way))
        return True

    def _routes(self, node, seen=()):
        """Return the routes from an expression to results: lists of pairs of a node and the child that leads to it."""
        route, child = [(node, None)], node
        while not isinstance(child, ast.stmt):
            parent = self.parents[id(child)]
            route.append((parent, child))
            child = parent
        function = self._function(child)
        if isinstance(child, ast.Return):
            if function.name in self.returned:
                return [route]
            uses = _uses(self.definition, {function.name})
        elif not isinstance(child, (ast.Assign, ast.AugAssign)):
            return []
        else:
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            uses = [use for use in _uses(function, set(map(_variable, targets))) if self.statement(use) is not child]
        found = []
        for use in uses:
            if id(use) not in seen and len(found) < ROUTES:
                found += [[*route, *rest] for rest in self._routes(use, (*seen, *map(id, uses)))]
        return found

    def _function(self, node):
        while not isinstance(node, ast.FunctionDef):
            node = self.parents[id(node)]
        return node


def _uses(tree, names):
    """Return the places at which a tree reads these names."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    return [node for node in names if isinstance(node.ctx, ast.Load)]


def _variable(target):
    """Return the name of the variable that an assignment writes, or writes into."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id


def _is_sum(node):
    """Return whether a node is a sum of two terms; 1 − v is none, for it may be exchanged for v − 1."""
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return False
    return isinstance(getattr(node, "op", None), (ast.Add, ast.Sub)) and isinstance(node, (ast.BinOp, ast.AugAssign))


def _after_exponents(way):
    """Return the nodes of a part of a route after the last exponent on it: a sum in an exponent is a product."""
    exponents = [
        i
        for i, (node, child) in enumerate(way)
        if isinstance(getattr(node, "op", None), ast.Pow) and node.right is child
    ]
    return [node for node, _ in way[max(exponents, default=0) :]]


def _separates(node, by):
    """Return whether a change before this step cannot be made up for by one after it: `by` are the steps that count."""
    if _is_sum(node):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in FUNCTIONS or node.func.attr in by
    return type(getattr(node, "op", None)) in by


class _Changes(ast.NodeTransformer):
    def __init__(self, changes):
        self.changes = changes

    def visit(self, node):
        change = self.changes.get(id(node))
        node = self.generic_visit(node)
        return change(node) if change else node


def _with(op):
    return lambda n: ast.BinOp(n.left, op(), n.right)


def _exchanged(n):
    return ast.BinOp(n.right, n.op, n.left)


def _calling(name):
    return lambda n: ast.Call(ast.Attribute(n.func.value, name, ast.Load()), n.args, n.keywords)

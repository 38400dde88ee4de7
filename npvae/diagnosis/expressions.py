"""Every expression that the author's source reads, with what we know about it: what uses it, and what it holds.

Edits need that knowledge: a variable that has no value yet, or an array whose shape does not fit, would only raise an
exception.
"""

import ast
import copy
import dataclasses
import functools

import numpy as np

from . import source

LONGEST = 40  # characters of an expression that is quoted in a cause
# Functions whose arguments count elements or steps: a larger number there might fill the memory.
SIZED = {"range", "zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "tile", "repeat",
         "reshape", "broadcast_to", "indices", "pad"}  # fmt: skip
METHODS = {"sum", "mean", "max", "min", "std", "var", "reshape", "dot", "transpose", "copy", "ravel", "astype"}
COMPUTED = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Slice, ast.Tuple,
            ast.List, ast.keyword, ast.Compare, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)  # fmt: skip


@dataclasses.dataclass(eq=False)
class Expression:
    """An expression, and what we know about its surroundings.

    node        the expression
    parent      the node that it is part of
    statement   the statement that it is part of
    arrays      the shapes of the arrays and numbers that have a name there, by name
    others      the names of other values
    unused      the names that the definition never reads
    within      the names of the functions that it is part of
    is_size     whether it counts elements or steps
    attributes  the names of the other numbers and arrays that its object holds, if it is an attribute
    shape       of the array that it holds; None if we do not know
    dtype       of that array; None if we do not know
    """

    node: ast.expr
    parent: ast.AST
    statement: ast.stmt
    arrays: dict
    others: list
    unused: list
    within: frozenset
    is_size: bool
    attributes: list
    shape: tuple | None = None
    dtype: np.dtype | None = None

    @property
    def text(self):
        """The source of the expression."""
        return text_of(self.node)

    @property
    def where(self):
        """The expression in backticks; if its statement contains it several times, with what surrounds it."""
        nodes = [node for node in ast.walk(self.statement) if isinstance(node, ast.expr)]
        is_in_expression = isinstance(self.parent, ast.expr) and not isinstance(self.parent, (ast.Tuple, ast.Slice))
        if sum(text_of(node) == self.text for node in nodes) > 1 and is_in_expression:
            return f"{said(self.node)} in {said(self.parent)}"
        return said(self.node)

    @property
    def is_array(self):
        """Whether it may be an array, or a number that counts nothing."""
        return not self.is_size and (not isinstance(self.node, ast.Name) or self.node.id in self.arrays)

    @property
    def is_mask(self):
        """Whether it is known to be an array of True and False: ~i of a whole number i is −i − 1."""
        return self.is_array and self.dtype == bool

    @property
    def is_operand(self):
        """Whether an edit can put something around it: a function, a factor, a minus."""
        if isinstance(self.parent, (ast.Assign, ast.AugAssign)):
            return self.node is self.parent.value
        if isinstance(self.parent, ast.Tuple):
            return self.parent is getattr(self.statement, "value", None)
        if isinstance(self.parent, ast.Attribute):
            return self.parent.attr in METHODS
        if isinstance(self.parent, (ast.Lambda, ast.IfExp)):
            return self.node is not getattr(self.parent, "test", None)
        return isinstance(self.parent, (ast.BinOp, ast.Call, ast.Return, ast.UnaryOp, ast.List, ast.ListComp))

    @property
    def is_factor(self):
        """Whether it is a factor of a larger product."""
        op = self.parent.op if isinstance(self.parent, ast.BinOp) else None
        return isinstance(op, ast.Mult) or (isinstance(op, ast.Div) and self.node is self.parent.left)

    @property
    def is_divisor(self):
        """Whether something is divided by it."""
        is_right = isinstance(self.parent, ast.BinOp) and self.node is self.parent.right
        return is_right and isinstance(self.parent.op, ast.Div)

    def can_be(self, shape):
        """Return whether an array of this shape may stand in its place; True if a shape is unknown."""
        return None in (shape, self.shape) or len(shape) == len(self.shape) or _fit(shape, self.shape)

    def can_meet(self, shape):
        """Return whether it can be multiplied by an array of this shape; True if a shape is unknown."""
        return None in (shape, self.shape) or _fit(shape, self.shape)


def _fit(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def expressions_of(definition, values):
    """Return a list of every `Expression` of a definition, except in `while` loops, which an edit might never leave.

    values  the last value of each variable, by name
    """
    expressions = list(_visit(definition.tree, None, None, _Known(definition, values)))
    for expression in expressions:
        expression.shape, expression.dtype = _shape_of(expression.node, definition.function.__globals__ | values)
    return expressions


class _Known:
    """What we know about the variables at one node.

    names    pairs of a variable and the line after which it has a value
    shapes   the shapes of arrays and numbers, by name
    values   the last value of each variable, by name
    unused   the names that the definition never reads
    in_loop  whether the node is in a loop, where a later line may have set a variable
    within   the names of the functions that the node is part of
    is_size  whether the node counts elements or steps
    """

    def __init__(self, definition, values):
        self.names = [(name, 0) for name in definition.function.__code__.co_freevars]
        self.shapes = {name: np.shape(value) for name, value in values.items() if _can_be_multiplied(value)}
        read = {n.id for n in ast.walk(definition.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        self.values, self.unused = values, set(values) - read
        self.in_loop, self.is_size, self.within = False, False, frozenset()

    def inside(self, node):
        """Return what is known inside a node."""
        inner = copy.copy(self)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inner.names = [*((name, 0) for name, _ in self.names), *_variables(node)]
            inner.in_loop, inner.within = False, self.within | {getattr(node, "name", "")}
        inner.in_loop |= isinstance(node, ast.For)
        inner.is_size |= isinstance(node, ast.Call) and name_of(node) in SIZED
        inner.is_size |= isinstance(node, ast.Attribute) and node.attr == "shape"
        return inner

    def expression(self, node, parent, statement):
        """Return the `Expression` of a node here."""
        names = [name for name, line in self.names if self.in_loop or line < statement.lineno]
        names = [name for name in dict.fromkeys(names) if name in self.values]
        arrays = {name: self.shapes[name] for name in names if name in self.shapes}
        others = [name for name in names if name not in arrays]
        return Expression(node, parent, statement, arrays, others, [n for n in names if n in self.unused], self.within,
                          self.is_size, self._attributes(node))  # fmt: skip

    def _attributes(self, node):
        of = node.value if isinstance(node, ast.Attribute) else None
        held = getattr(self.values.get(getattr(of, "id", None)), "__dict__", {})
        return [name for name, value in held.items() if name != node.attr and _can_be_multiplied(value)]


def _visit(node, parent, statement, known):
    """Yield the expressions in a node."""
    if isinstance(node, (ast.While, ast.ClassDef, ast.arguments, ast.JoinedStr)):
        return
    statement = node if isinstance(node, ast.stmt) else statement
    if isinstance(node, ast.expr) and _is_read(node, parent) and not isinstance(statement, ast.FunctionDef):
        yield known.expression(node, parent, statement)
    inner = known.inside(node)
    for child in ast.iter_child_nodes(node):
        if child is not getattr(node, "annotation", None):
            yield from _visit(child, node, statement, inner)


def _can_be_multiplied(value):
    return hasattr(type(value), "__mul__") and not isinstance(value, (bool, str, list, tuple))


def _variables(function):
    """Return the variables of a function, but not those of the functions in it: pairs of a name and its first line.

    The line of an argument is 0.
    """
    found = [(node.arg, 0) for node in ast.iter_child_nodes(function.args) if isinstance(node, ast.arg)]
    waiting = list(function.body) if isinstance(function, ast.FunctionDef) else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.id, node.lineno))
        elif isinstance(node, ast.FunctionDef):
            found.append((node.name, node.lineno))
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def _is_read(node, parent):
    """Return whether an expression is read for its value. A target, a called function, or a module is not."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    if isinstance(node, (ast.Tuple, ast.Starred, ast.Slice)) or source.is_module(node):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    return not isinstance(parent, ast.Expr)


def _shape_of(node, scope):
    """Return the shape and the dtype of what an expression computes from the values in a scope.

    Both are None if it calls anything unknown.
    """
    parts = list(ast.walk(node))
    if not all(_is_known(part) if isinstance(part, ast.Call) else isinstance(part, COMPUTED) for part in parts):
        return None, None
    try:
        with np.errstate(all="ignore"):
            value = eval(compile(ast.Expression(node), "an expression", "eval"), {**scope})
        if not _can_be_multiplied(value):
            return None, None
        return np.shape(value), value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    except Exception:
        return None, None


def _is_known(call):
    """Return whether a call is one of NumPy's functions or methods, and draws no random numbers."""
    if not isinstance(call.func, ast.Attribute):
        return False
    is_numpy = source.is_module(call.func.value) and "random" not in ast.unparse(call.func)
    return is_numpy or call.func.attr in METHODS


@functools.lru_cache(maxsize=4096)
def text_of(node):
    """Return the source of a node."""
    return ast.unparse(node)


def said(node):
    """Return the source of an expression in backticks; a long one is cut."""
    text = text_of(node)
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}`"


def name_of(call):
    """Return the name of the function that is called; for a method, that of the method."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def names_in(node):
    """Return the variables in an expression, a set of names."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}

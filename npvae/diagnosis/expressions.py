"""Every expression that the author's source reads, with what we know about it: who uses it, and what it holds.

Edits need that knowledge. A variable without a value there, or an array of a shape that does not fit, would only fail.
"""

import ast
import dataclasses
import functools

import numpy as np

from . import source

LONGEST = 40  # characters of an expression that is quoted in a cause
# Functions whose arguments count elements or steps: a larger number there might fill the memory.
SIZED = {"range", "zeros", "ones", "empty", "full", "eye", "identity", "tri", "arange", "linspace", "logspace",
         "geomspace", "tile", "repeat", "reshape", "resize", "broadcast_to", "indices", "pad", "standard_normal",
         "normal", "uniform", "random", "integers", "choice", "permutation"}  # fmt: skip
METHODS = {"sum", "mean", "max", "min", "std", "var", "reshape", "dot", "transpose", "copy", "ravel", "astype"}
COMPUTED = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Slice, ast.Tuple,
            ast.List, ast.keyword, ast.Compare, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)  # fmt: skip


@dataclasses.dataclass(eq=False)
class Place:
    """An expression, and what can be said of its surroundings.

    node       the expression
    parent     the node that it is part of
    statement  the statement that it is part of
    arrays     the shapes of the arrays and numbers that have a name there, by name
    others     the names of other values
    unused     the names that the definition never reads
    is_size    whether it counts elements or steps
    within     the names of the functions that it is part of
    shape      of the array that it holds; None if we do not know
    """

    node: ast.expr
    parent: ast.AST
    statement: ast.stmt
    arrays: dict
    others: list
    unused: list
    is_size: bool
    within: frozenset
    shape: tuple | None = None

    @property
    def text(self):
        """The source of the expression."""
        return text_of(self.node)

    @functools.cached_property
    def where(self):
        """The expression in backticks; if its statement has it several times, with what surrounds it."""
        expressions = (node for node in ast.walk(self.statement) if isinstance(node, ast.expr))
        is_one_of_several = sum(text_of(node) == self.text for node in expressions) > 1
        if is_one_of_several and isinstance(self.parent, ast.expr):
            return f"{said(self.node)} in {said(self.parent)}"
        return said(self.node)

    @property
    def is_array(self):
        """Whether it may be an array, or a number that counts nothing."""
        return not self.is_size and (not isinstance(self.node, ast.Name) or self.node.id in self.arrays)

    @property
    def is_operand(self):
        """Whether something can be put around it: a function, a factor, a minus."""
        if isinstance(self.parent, (ast.Assign, ast.AugAssign)):
            return self.node is self.parent.value
        return isinstance(self.parent, (ast.BinOp, ast.Call, ast.Return, ast.UnaryOp))

    @property
    def is_factor(self):
        """Whether it is a factor of a larger product."""
        op = self.parent.op if isinstance(self.parent, ast.BinOp) else None
        return isinstance(op, ast.Mult) or (isinstance(op, ast.Div) and self.node is self.parent.left)

    def can_be(self, shape):
        """Return whether an array of another shape may stand in its place, as far as the shapes are known."""
        return None in (shape, self.shape) or len(shape) == len(self.shape) or _fit(shape, self.shape)

    def can_meet(self, shape):
        """Return whether it can be multiplied by an array of this shape, as far as the shapes are known."""
        return None in (shape, self.shape) or _fit(shape, self.shape)


def _fit(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def places_of(definition, values):
    """Return every `Place` of a definition, but for those in a `while` loop: its condition may never become false.

    values  what variables have held, by name
    """
    places = list(_visit(definition.tree, None, None, _Known(definition, values)))
    for place in places:
        place.shape = _shape_of(place.node, definition.function.__globals__ | values)
    return places


class _Known:
    """What is known of the variables at one place.

    names  pairs of a name and the line from which on it has a value
    """

    def __init__(self, definition, values):
        self.names = [(name, 0) for name in definition.function.__code__.co_freevars]
        self.shapes = {name: np.shape(value) for name, value in values.items() if _can_be_multiplied(value)}
        read = {n.id for n in ast.walk(definition.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        self.values, self.unused, self.sizes = values, set(values) - read, _sizes_in(definition.tree, values)
        self.in_loop = self.is_size = False
        self.within, self.call = frozenset(), None

    def inside(self, node):
        """Return what is known inside a node."""
        inner = _Known.__new__(_Known)
        vars(inner).update(vars(self))
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inner.names = [*((name, 0) for name, _ in self.names), *_variables(node)]
            inner.in_loop = False
            inner.within |= {getattr(node, "name", None)}
        inner.call = node if isinstance(node, ast.Call) else self.call
        inner.in_loop |= isinstance(node, ast.For)
        inner.is_size |= isinstance(node, ast.Call) and name_of(node) in SIZED
        inner.is_size |= isinstance(node, ast.Attribute) and node.attr == "shape"
        inner.is_size |= bool(_targets(node) & self.sizes)
        return inner

    def place(self, node, parent, statement):
        """Return the `Place` of an expression here."""
        names = [name for name, line in self.names if self.in_loop or line < statement.lineno]
        names = [name for name in dict.fromkeys(names) if name in self.values]
        arrays = {name: self.shapes[name] for name in names if name in self.shapes}
        others = [name for name in names if name not in arrays]
        is_size = self.is_size or self._is_count(node, parent)
        return Place(node, parent, statement, arrays, others, [n for n in names if n in self.unused], is_size,
                     self.within)  # fmt: skip

    def _is_count(self, node, parent):
        """Return whether an expression counts elements, or may do so in the function that it is given to."""
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return True
        if isinstance(parent, ast.BinOp):
            is_repeated = isinstance(parent.left, ast.List) or isinstance(parent.right, ast.List)
            return is_repeated and isinstance(parent.op, ast.Mult)
        while isinstance(node, ast.Subscript):
            node = node.value
        is_count = isinstance(node, ast.Attribute) and node.attr in ("shape", "size")
        is_count |= isinstance(node, ast.Call) and name_of(node) == "len"
        is_count |= isinstance(node, ast.Name) and _counts(self.values.get(node.id))
        is_argument = isinstance(parent, (ast.Call, ast.keyword)) and not _is_of_module(self.call)
        return is_count and is_argument  # of a function of the author's, which may make an array of that size


def _visit(node, parent, statement, known):
    """Yield the places in a node."""
    if isinstance(node, (ast.While, ast.ClassDef, ast.arguments, ast.JoinedStr)):
        return
    statement = node if isinstance(node, ast.stmt) else statement
    if isinstance(node, ast.expr) and _is_read(node, parent) and not isinstance(statement, ast.FunctionDef):
        yield known.place(node, parent, statement)
    inner = known.inside(node)
    for child in ast.iter_child_nodes(node):
        if child is not getattr(node, "annotation", None):
            yield from _visit(child, node, statement, inner)


def _counts(value):
    """Return whether a value is a whole number, or several of them: it may be the size or the shape of an array."""
    if isinstance(value, (tuple, list)):
        return all(map(_counts, value))
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _targets(node):
    """Return the names to which a statement assigns, a set."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)}


def _sizes_in(tree, values):
    """Return the variables that the size of an array, or the number of steps, depends on: a set of names."""
    sizes, statements = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name_of(node) in SIZED or not _is_of_module(node)):
            sizes |= {name for name in names_in(node) if _counts(values.get(name))}
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value:
            names = {name for name in names_in(node.value) if _counts(values.get(name))}
            statements.append((_targets(node), names))
    more = sizes
    while more:
        more = {name for targets, names in statements if targets & sizes for name in names} - sizes
        sizes |= more
    return sizes


def _is_of_module(call):
    """Return whether the function that is called is one of NumPy's, for example, and no method."""
    return isinstance(call.func, ast.Attribute) and source.is_module(call.func.value)


def _can_be_multiplied(value):
    return hasattr(type(value), "__mul__") and not isinstance(value, (bool, str, list, tuple))


def _variables(function):
    """Return the variables of a function, but not those of the functions in it: pairs of a name and its first line.

    The line of an argument is 0.
    """
    arguments = [node for node in ast.iter_child_nodes(function.args) if isinstance(node, ast.arg)]
    found = [(arg.arg, 0) for arg in arguments]
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
    """Return whether an expression is a value: no target, no function, no module, no part of a text."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    if isinstance(node, (ast.Tuple, ast.Starred, ast.Slice)) or source.is_module(node):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    return not isinstance(parent, ast.Expr)


def _shape_of(node, scope):
    """Return the shape of what an expression computes from the values in a scope; None if it calls anything unknown."""
    parts = list(ast.walk(node))
    if not all(_is_known(part) if isinstance(part, ast.Call) else isinstance(part, COMPUTED) for part in parts):
        return None
    try:
        with np.errstate(all="ignore"):
            value = eval(compile(ast.Expression(node), "an expression", "eval"), {**scope})
        return np.shape(value) if _can_be_multiplied(value) else None
    except Exception:
        return None


def _is_known(call):
    """Return whether a call is one of NumPy's functions or methods, and draws no random numbers."""
    is_numpy = _is_of_module(call) and "random" not in ast.unparse(call.func)
    return is_numpy or (isinstance(call.func, ast.Attribute) and call.func.attr in METHODS)


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

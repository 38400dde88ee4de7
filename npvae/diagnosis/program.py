"""The author's function as a syntax tree, which can be edited and run again.

A trace holds the steps of one run. It does not hold what decided on them: the bounds of a loop, a condition, brackets,
the order of two lines. So the search also edits the syntax tree of the function, compiles it, and runs the whole
function again:

    >>> program = Program(f)
    >>> version = program.version(program.definitions[0], [(old_node, new_node)])
    >>> version(x)          # as f(x), with one node of its source replaced

The author's function, its module and its caches stay as they are: a version has globals of its own.
"""

import ast
import contextlib
import copy
import dataclasses
import functools
import sys
import sysconfig
import types

from . import source
from .confined import Copies
from .stand_ins import CACHED, functions_of

# A function with one of these methods talks to something that is open already, so no edited version of it is run.
OUTSIDE = {"write", "writelines", "writerow", "writerows", "send", "sendall", "execute", "commit"}


@dataclasses.dataclass(eq=False)
class Definition:
    """The source of one function.

    function  the function
    tree      its `ast.FunctionDef`, without decorators: a copy, which edits may change
    parents   by node, where it stands: its parent and the field
    """

    function: types.FunctionType
    tree: ast.FunctionDef
    parents: dict

    @property
    def file(self):
        """The file of the source."""
        return self.function.__code__.co_filename

    def statement_of(self, node):
        """Return the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node][0]
        return node


class Program:
    """The author's function, with those of its helper functions whose source is in the same files.

    function     a function, a method, a partial, or an object that can be called
    definitions  a list of `Definition`; empty if no version can be run
    """

    def __init__(self, function):
        self.function = function
        self._functions = _with_helpers(functions_of(function))
        theirs = [f for f in self._functions if not _is_of_a_library(f)]
        found = [_definition(f) for f in theirs]
        names = {name for f in theirs for name in names_looked_up(f.__code__)}
        self.definitions = [] if names & OUTSIDE else [definition for definition in found if definition]

    @property
    def files(self):
        """The names of the author's files, a set."""
        return {f.__code__.co_filename for f in self._functions if not _is_of_a_library(f)}

    def version(self, definition, replaced):
        """Return a copy of the function after an edit of one definition: pairs of a node and of what takes its place.

        What takes the place of a statement may be a list of statements. Raises SyntaxError or ValueError where the
        result is no Python.
        """
        for old, new in replaced:
            _locate(new, old)
        codes = {}
        if replaced:
            with _replaced(definition, replaced):
                codes = {definition.function: _compiled(definition)}
        return _Rebuilding(self._functions, codes).of(self.function)

    def source(self, definition, replaced):
        """Return the source of a definition after an edit."""
        with _replaced(definition, replaced):
            return ast.unparse(definition.tree)


LIBRARIES = tuple({sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_ours(f):
    """Return whether a function belongs to this package, so that its lines are not the author's."""
    return (getattr(f, "__module__", None) or "").startswith("npvae.")


def _is_of_a_library(f):
    """Return whether a function is ours or NumPy's, for example: what it does is not the author's mistake."""
    return is_ours(f) or f.__code__.co_filename.startswith(LIBRARIES)


def _with_helpers(functions):
    """Return the functions, and those of their files that they call by a global name."""
    files = {f.__code__.co_filename for f in functions if not _is_of_a_library(f)}
    found, waiting = [], list(functions)
    while waiting:
        f = waiting.pop(0)
        if f in found:
            continue
        found.append(f)
        for name in names_looked_up(f.__code__):
            helper = f.__globals__.get(name)
            if isinstance(helper, types.FunctionType) and helper.__code__.co_filename in files:
                waiting.append(helper)
    return found


def names_looked_up(code):
    """Return the names that a function and the functions in it look up: globals, attributes and modules."""
    return {name for inner in _codes(code) for name in inner.co_names}


def _codes(code):
    """Return a code object and those of the functions in it, a set."""
    inner = [_codes(const) for const in code.co_consts if isinstance(const, types.CodeType)]
    return {code}.union(*inner)


def _definition(f):
    """Return the `Definition` of a function; None without its source."""
    if "__class__" in f.__code__.co_freevars:
        return None
    found = []
    for node in source.definitions(f.__code__):
        definition = Definition(f, _as_function(copy.deepcopy(node)), {})
        code = _compiled(definition)
        if _contents(code) == _contents(f.__code__):
            found.append((code.co_code == f.__code__.co_code, len(_columns(code) & _columns(f.__code__)), definition))
    is_exact, _, definition = max(found, key=lambda several: several[:2], default=(False, 0, None))
    if len(found) > 1 and not is_exact:  # several lambdas in one line, and nothing that tells them apart
        return None
    for parent in ast.walk(definition.tree) if definition else ():
        for field, value in ast.iter_fields(parent):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    definition.parents[child] = (parent, field)
    return definition


def _columns(code):
    """Return where in the source the parts of a code stand, a set; Python 3.10 does not know."""
    return set(code.co_positions()) if hasattr(code, "co_positions") else set()


def _contents(code):
    """Return what two codes of the same source have in common, however they were compiled."""
    constants = [_contents(const) if isinstance(const, types.CodeType) else const for const in code.co_consts]
    return code.co_varnames, set(code.co_names), code.co_freevars, constants


def _as_function(tree):
    """Return a function without its decorators; a lambda becomes a function with one statement."""
    if isinstance(tree, ast.Lambda):
        body = ast.copy_location(ast.Return(tree.body), tree)
        return ast.copy_location(ast.FunctionDef("<lambda>", tree.args, [body], []), tree)
    tree.decorator_list = []
    return tree


def _locate(new, old):
    """Give the new nodes the line of the old one; `ast.fix_missing_locations` would go through the whole tree."""
    waiting = list(new) if isinstance(new, list) else [new]
    while waiting:
        node = waiting.pop()
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, old)
        if not hasattr(node, "end_lineno") or node.lineno == old.lineno:
            waiting += ast.iter_child_nodes(node)


@contextlib.contextmanager
def _replaced(definition, replaced):
    """Within it, new nodes stand in the tree of a definition in place of old ones."""
    fields = {definition.parents[old] for old, _ in replaced}
    before = [(parent, field, getattr(parent, field)) for parent, field in fields]
    news = {old: new if isinstance(new, list) else [new] for old, new in replaced}
    try:
        for parent, field, old in before:
            several = isinstance(old, list)
            setattr(parent, field, [new for node in old for new in news.get(node, [node])] if several else news[old][0])
        yield
    finally:
        for parent, field, old in before:
            setattr(parent, field, old)


def _compiled(definition):
    """Return the code of a definition, compiled where the variables of the enclosing functions are known."""
    line = {"lineno": 1, "col_offset": 0}
    name, names = definition.tree.name, definition.function.__code__.co_freevars
    free = [ast.arg(name, **line) for name in names]
    arguments = ast.arguments(posonlyargs=[], args=free, kwonlyargs=[], kw_defaults=[], defaults=[])
    is_global = name.isidentifier() and name not in names  # where it calls itself, it calls what its module calls so
    body = [ast.Global([name], **line), definition.tree] if is_global else [definition.tree]
    enclosing = ast.FunctionDef("enclosing", arguments, body, [], **line)
    for function in (enclosing, definition.tree) if sys.version_info >= (3, 12) else ():
        function.type_params = getattr(function, "type_params", [])
    module = compile(ast.Module([enclosing], []), definition.file, "exec")
    outer = next(const for const in module.co_consts if isinstance(const, types.CodeType))
    codes = [const for const in outer.co_consts if isinstance(const, types.CodeType) and const.co_name == name]
    return codes[-1]  # before it come lambdas that are its defaults


class _Rebuilding(Copies):
    """Copies of functions that call one another's copies, some with other code, and refer to copies of their data."""

    def __init__(self, functions, codes):
        super().__init__()
        self.functions, self.codes, self.rebuilt, self.scopes = functions, codes, {}, {}

    def of(self, value):
        """Return a copy of a function or an object that can be called, or of anything that functions refer to."""
        if isinstance(value, functools.partial):
            keywords = {key: self.of(part) for key, part in value.keywords.items()}
            return functools.partial(self.of(value.func), *map(self.of, value.args), **keywords)
        if isinstance(value, types.MethodType):
            return types.MethodType(self.of(value.__func__), self.of(value.__self__))
        if isinstance(value, types.FunctionType):
            return self._function(value) if value in self.functions else value
        if isinstance(value, CACHED):  # without its cache, which would hide an edit
            return self.of(value.__wrapped__)
        call = getattr(type(value), "__call__", None)  # noqa: B004
        if isinstance(call, types.FunctionType) and call in self.functions:
            return types.MethodType(self._function(call), super().of(value))
        return super().of(value)

    def _function(self, f):
        if f not in self.rebuilt:
            code = self.codes.get(f, f.__code__)
            cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
            closure = tuple(types.CellType() for _ in code.co_freevars)
            made = types.FunctionType(code, self._scope(f), f.__name__, f.__defaults__, closure)
            self.rebuilt[f] = made  # before its parts: a function may enclose itself
            made.__defaults__, made.__kwdefaults__ = self.of(f.__defaults__), self.of(f.__kwdefaults__)
            for cell, name in zip(closure, code.co_freevars):
                with contextlib.suppress(ValueError):  # the variable has no value yet
                    cell.cell_contents = self.of(cells[name].cell_contents)
        return self.rebuilt[f]

    def _scope(self, f):
        """Return the globals of a function, with copies of what the author's functions look up."""
        names = f.__globals__
        if id(names) not in self.scopes:
            self.scopes[id(names)] = scope = dict(names)
            codes = [self.codes.get(g, g.__code__) for g in self.functions if g.__globals__ is names]
            looked_up = {name for code in codes for name in names_looked_up(code)}
            scope.update({name: self.of(names[name]) for name in looked_up if name in names})
        return self.scopes[id(names)]

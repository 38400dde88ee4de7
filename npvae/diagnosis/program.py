"""The author's function as a syntax tree, which can be edited and run again.

A trace holds the steps of one run. It does not hold what decided on them: the bounds of a loop, a condition, brackets,
the order of two lines. So the search also edits the syntax tree of the function, compiles it, and runs the whole
function again:

    >>> program = Program(f)
    >>> version = program.version(program.definitions[0], [(old_node, new_node)])
    >>> version(x)          # as f(x), with one node of its source replaced

The author's function, its module, its arrays and its caches stay as they are: a version has copies of its own.
"""

import ast
import contextlib
import copy
import dataclasses
import dis
import sys
import sysconfig
import time
import types

from . import source
from .expressions import name_of
from .rebuilding import Rebuilding, codes_of, names_in
from .stand_ins import content_of, functions_of

# A function that uses one of these names acts on more than arrays, so no edited version of it is run.
OUTSIDE = {"open", "os", "sys", "shutil", "subprocess", "pathlib", "Path", "exec", "eval", "input", "socket", "urllib",
           "requests", "threading", "multiprocessing", "exit", "quit", "tempfile", "pickle", "io", "_io", "posix", "nt",
           "importlib", "__import__", "sqlite3"}  # fmt: skip
WRITERS = {"save", "savez", "savez_compressed", "savetxt", "tofile", "memmap", "savefig", "write", "write_text",
           "write_bytes"}  # functions and methods that write files
LIBRARIES = tuple({sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")})


class TooLong(BaseException):
    """A version takes too long. It is no `Exception`, since the author's function may catch those."""


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
        acts_outside = any(_acts_outside(f) for f in theirs)
        found = [] if acts_outside else [_definition(f) for f in theirs]
        self.definitions = [definition for definition in found if definition]

    @contextlib.contextmanager
    def watched(self):
        """Within it, note the last value of each variable of the author's functions: yields a dict, by name."""
        codes, values = {(c.co_filename, c.co_name) for f in self._functions for c in codes_of(f.__code__)}, {}

        def note(frame, event, _):
            if event == "return" and (frame.f_code.co_filename, frame.f_code.co_name) in codes:
                values.update(frame.f_locals)

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            yield values
        finally:
            sys.setprofile(before)

    @contextlib.contextmanager
    def limited(self, seconds):
        """Within it, a version with a loop that may never end raises `TooLong` after so much processor time."""
        if not any(_may_not_end(definition.tree) for definition in self.definitions):
            yield
            return
        ends = time.thread_time() + seconds

        def watch(frame, event, _):
            if time.thread_time() > ends:
                raise TooLong
            return watch

        before = sys.gettrace()
        sys.settrace(watch)
        try:
            yield
        finally:
            sys.settrace(before)

    def version(self, definition, replaced):
        """Return the function after an edit of one definition: pairs of a node and of what takes its place.

        What takes the place of a statement may be a list of statements. Raises SyntaxError or ValueError where the
        result is no Python.
        """
        for old, new in replaced:
            _locate(new, old)
        with _replaced(definition, replaced):
            code = _compiled(definition)
        return Rebuilding(self._functions, {definition.function: code}).rebuilt(self.function)

    def source(self, definition, replaced):
        """Return the source of a definition after an edit."""
        with _replaced(definition, replaced):
            return ast.unparse(definition.tree)


def _may_not_end(tree):
    """Return whether a function has a loop whose number of steps is not known when it begins."""
    endless = {"count", "cycle", "repeat", "iter"}
    return any(
        isinstance(node, ast.While) or (isinstance(node, ast.Call) and name_of(node) in endless)
        for node in ast.walk(tree)
    )


def is_ours(f):
    """Return whether a function belongs to this package, so that its lines are not the author's."""
    return (getattr(f, "__module__", None) or "").startswith("npvae.")


def _is_of_a_library(f):
    """Return whether a function is ours or NumPy's, for example: what it does is not the author's mistake."""
    return is_ours(f) or f.__code__.co_filename.startswith(LIBRARIES)


def _acts_outside(f):
    """Return whether a function may act on more than arrays, by the names that it uses and by what they stand for."""
    used, names = _used_by(f), names_in(f.__code__)
    modules = {getattr(value, "__name__" if isinstance(value, types.ModuleType) else "__module__", None) or ""
               for value in used.values() if isinstance(value, types.ModuleType) or callable(value)}  # fmt: skip
    instructions = [instruction for code in codes_of(f.__code__) for instruction in dis.get_instructions(code)]
    looked_up = {str(i.argval).partition(".")[0] for i in instructions if i.opname in ("LOAD_GLOBAL", "IMPORT_NAME")}
    return bool(looked_up & OUTSIDE or names & WRITERS or {str(name).partition(".")[0] for name in modules} & OUTSIDE)


def _used_by(f):
    """Return what a function takes from its module and from the functions around it, a dict by name."""
    scope = {name: f.__globals__[name] for name in names_in(f.__code__) if name in f.__globals__}
    return scope | {name: content_of(cell) for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ())}


def _with_helpers(functions):
    """Return the functions, and those of their files that they call by a global name."""
    files = {f.__code__.co_filename for f in functions if not _is_of_a_library(f)}
    found, waiting = [], list(functions)
    while waiting:
        f = waiting.pop(0)
        if f in found:
            continue
        found.append(f)
        for name in names_in(f.__code__):
            helper = f.__globals__.get(name)
            if isinstance(helper, types.FunctionType) and helper.__code__.co_filename in files:
                waiting.append(helper)
    return found


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
    constants = [const for const in code.co_consts if not isinstance(const, types.CodeType)]
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

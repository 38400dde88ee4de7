"""A trace: what a function of arrays computed, step by step, so that it can be run again with one step changed.

A traced array stands in for a NumPy array. It holds the numbers, and it remembers how they were made: every NumPy
function hands its arguments to `__array_ufunc__` or `__array_function__` of an array that has these methods. So the
function runs as usual, once, and leaves a `Graph` of nodes

    node  =  function(arguments),     an argument being a number, an array or another node,

each with the line of the source that made it. `Graph.run` computes the graph again: with another array in the place of
a node (what would come out if this were constant?), or with another computation (what if this line summed over axis 1?).

Arrays may be written into. The nodes never change; a traced array does, which then stands for a new node. A view keeps
the array that it shows: reading it takes the newest numbers from there, and writing into it writes there.

What no NumPy function sees is lost: `float(x)`, or a list of numbers. A loop or a branch that depends on numbers is
recorded as it ran. `Graph.lost` lists the lines. The diagnosis compares the traced numbers with the real ones, and asks
nothing about a graph that does not give them.
"""

import contextlib
import functools
import math
import operator
import sys
import types
from typing import NamedTuple

import numpy as np


class Site(NamedTuple):
    """A place in the source: an instruction of a function, and the lines and columns that it comes from."""

    file: str
    line: int
    instruction: tuple  # (the first line of its function, the offset of the instruction)
    span: tuple  # (first line, last line, first column, last column); before Python 3.11 only (line, line, None, None)


class Node:
    """One step of a computation: its function (None for what was given), its arguments, and the array that came out.

    site     where it was made, or None for what was given and for what other files computed
    inner    whether a function in another file made it, called at this site
    """

    __slots__ = ("args", "function", "index", "inner", "kwargs", "name", "parents", "site", "value")

    def __init__(self, index, function, args, kwargs, value, site=None, inner=False, name=None):
        self.index, self.function, self.args, self.kwargs, self.value = index, function, args, kwargs, value
        self.site, self.inner, self.name = site, inner, name
        self.parents = [argument for _, argument in self.uses() if isinstance(argument, Node)]

    def uses(self):
        """Return pairs of a path (("args", 0), …) and the argument there, for all arguments and parts of them."""
        return [*_uses(self.args, ("args",)), *_uses(self.kwargs, ("kwargs",))]

    def argument(self, path):
        """Return the argument at a path."""
        found = self.args if path[0] == "args" else self.kwargs
        for key in path[1:]:
            found = found[key]
        return found


def _uses(container, path):
    items = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in items:
        if isinstance(value, (list, tuple, dict)):
            yield from _uses(value, (*path, key))
        else:
            yield (*path, key), value


class Graph:
    """The nodes of a trace, in the order in which they were made.

    inputs    the node of each input, by name
    outputs   the node of each array that was returned, by name
    lost      the sites at which numbers left the trace
    """

    def __init__(self):
        self.nodes, self.inputs, self.outputs, self.lost = [], {}, {}, []
        self._below, self._affected = {}, {}

    def add(self, function, args=(), kwargs=None, value=None, **more):
        """Add a node, and return it."""
        node = Node(len(self.nodes), function, args, kwargs or {}, value, **more)
        self.nodes.append(node)
        return node

    def above(self, output):
        """Return the nodes that an output depends on, itself included: a set."""
        found, waiting = set(), [output]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += node.parents
        return found

    def run(self, changes, wanted=None):
        """Compute again what the changed nodes affect, and return the arrays of these nodes: a dict by node.

        changes   a dict from a node to a function (node, array) → array, where array(node) is the array of a node now
        wanted    compute only what this node needs
        """
        now = {}
        array = lambda node: now[node] if node in now else node.value  # noqa: E731
        key = (*changes, wanted)
        if key not in self._affected:
            affected = set().union(*map(self.below, changes))
            affected = affected & self.above(wanted) if wanted else affected
            self._affected[key] = sorted(affected, key=_index)
        for node in self._affected[key]:
            now[node] = changes[node](node, array) if node in changes else compute(node, array)
        return now

    def edited(self, changes):
        """Return a copy of the graph in which the changed nodes compute something else: `changes` as in `run`."""
        now, copy, twins = {}, Graph(), {}
        for node in self.nodes:
            more = {"site": node.site, "inner": node.inner, "name": node.name}
            if node in changes:
                read = {}  # the nodes that the changed step reads, which may be others than before

                def reading(other, read=read):
                    read[other] = now[other]
                    return now[other]

                now[node] = changes[node](node, reading)
                function = functools.partial(_changed, changes[node], node, tuple(read))
                args, kwargs = tuple(twins[other] for other in read), {}
            else:
                function = node.function
                now[node] = compute(node, now.get)
                args, kwargs = _filled(node.args, twins.get), {k: _filled(a, twins.get) for k, a in node.kwargs.items()}
            twins[node] = copy.add(function, args, kwargs, now[node], **more)
        copy.inputs = {name: twins[node] for name, node in self.inputs.items()}
        copy.outputs = {name: twins[node] for name, node in self.outputs.items()}
        return copy

    def below(self, node):
        """Return the nodes that depend on a node, itself included: a set."""
        if node not in self._below:
            below = {node}
            for later in self.nodes[node.index + 1 :]:
                if not below.isdisjoint(later.parents):
                    below.add(later)
            self._below[node] = below
        return self._below[node]


def compute(node, array):
    """Compute a node from the arrays of its arguments; array(node) returns the array of a node."""
    if node.function is None:
        return node.value
    args = [_filled(argument, array) for argument in node.args]
    if node.kwargs:
        return node.function(*args, **{key: _filled(value, array) for key, value in node.kwargs.items()})
    return node.function(*args)


def _changed(change, node, read, *arrays):
    """Compute a changed node from the arrays of the nodes that it reads."""
    return change(node, lambda other: arrays[read.index(other)] if other in read else other.value)


def _filled(argument, array):
    """Return an argument with arrays in the place of nodes."""
    kind = type(argument)
    if kind is Node:
        return array(argument)
    if kind is list or kind is tuple:
        return kind([_filled(part, array) for part in argument])
    return argument


def _index(node):
    return node.index


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that remembers how it was made. See the module's text."""

    __hash__ = object.__hash__

    def __init__(self, tracer, node, base=None, view=None, index=None):
        self._tracer, self._node, self._base, self._view, self._seen = tracer, node, base, view, None
        self._index = index  # of a view that is base[index]
        if base is not None:
            self._seen = base.node

    __class__ = property(lambda self: np.ndarray)  # isinstance(x, np.ndarray) is true for an array that is traced

    @property
    def node(self):
        """The node of its numbers now: a view takes them from the array that it shows."""
        if self._base is not None and self._base.node is not self._seen:
            self._seen = self._base.node
            self._node = self._tracer.node(self._view, (self._seen,), {})
        return self._node

    @property
    def array(self):
        """Its numbers now."""
        return self.node.value

    def write(self, node):
        """Let the array hold the numbers of a node from now on: in place, so that views see them."""
        if np.shape(node.value) != self.shape or node.value.dtype != self.dtype:
            into = functools.partial(_written, view=_everything)
            node = self._tracer.node(into, (self.node, node), {})
        if self._base is None:
            self._node = node
        elif self._index is not None:
            self._base.write(self._tracer.node(setitem, (self._base.node, _nodes(self._index), node), {}))
        else:
            into = functools.partial(_written, view=self._view)
            self._base.write(self._tracer.node(into, (self._base.node, node), {}))

    # What NumPy calls.

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        if method == "at":
            return self._tracer.in_place(ufunc.at, inputs, kwargs)
        made = self._tracer.made(getattr(ufunc, method) if method != "__call__" else ufunc, inputs, kwargs)
        return self._tracer.written(made, out[0]) if out else made

    def __array_function__(self, function, types, args, kwargs):
        if function in IN_PLACE:
            return self._tracer.in_place(function, args, kwargs)
        out = kwargs.get("out")
        made = self._tracer.made(function, args, {key: value for key, value in kwargs.items() if key != "out"})
        return made if out is None else self._tracer.written(made, out)

    def __array__(self, dtype=None, copy=None):
        self._tracer.lose()
        return np.array(self.array, dtype)

    # What Python calls.

    def __getitem__(self, index):
        return self._tracer.made(operator.getitem, (self, index), {})

    def __setitem__(self, index, value):
        self._tracer.set(self, index, value)

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.array)

    def __index__(self):
        return operator.index(self.array)

    def __float__(self):
        self._tracer.lose()
        return float(self.array)

    def __int__(self):
        return int(self.array)

    def __repr__(self):
        return repr(self.array)

    def __getattr__(self, name):
        found = getattr(self.array, name)
        if name in ("T", "mT", "real", "flat"):
            return self._tracer.made(operator.attrgetter(name) if name != "T" else np.transpose, (self,), {})
        return functools.partial(self._tracer.method, self, name) if callable(found) else found


IN_PLACE = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
WRITERS = {"fill", "sort", "put", "itemset", "partition"}  # methods that write into their array
CREATORS = ("zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "zeros_like", "ones_like",
            "empty_like", "full_like", "tri")  # fmt: skip
OF_LISTS = ("array", "asarray", "asanyarray", "ascontiguousarray", "copy")


def _everything(a):
    return a[...]


def _written(base, value, view):
    """Return a copy of the base in which the view holds the value."""
    base = np.array(base)
    view(base)[...] = value
    return base


def setitem(base, index, value):
    """Return a copy of the base after base[index] = value."""
    base = np.array(base)
    base[index] = value
    return base


def array_of(nested, dtype=None):
    """Return an array of nested lists of arrays, as np.array does."""
    return np.array(nested, dtype)


class Tracer:
    """What the traced arrays of one trace share: the graph, and which files are the author's own.

    files   the names of files whose lines are recorded
    """

    def __init__(self, files):
        self.graph, self.files = Graph(), files

    def given(self, array, name=None):
        """Return a traced array for one that is given: a copy."""
        array = np.array(array)
        array.flags.writeable = False
        return Traced(self, self.graph.add(None, value=array, name=name, site=None if name else self.site()[0]))

    def site(self):
        """Return the innermost place in the author's own files, or None, and whether another file was called there."""
        frame, inner = sys._getframe(1), False
        while frame is not None:
            code = frame.f_code
            if code.co_filename in self.files:
                span = (frame.f_lineno, frame.f_lineno, None, None)
                if hasattr(code, "co_positions"):
                    span = _position(code, frame.f_lasti) or span
                return Site(code.co_filename, frame.f_lineno, (code.co_firstlineno, frame.f_lasti), span), inner
            inner |= not code.co_filename.startswith((_HERE, _NUMPY))
            frame = frame.f_back
        return None, False

    def lose(self):
        """Note that numbers leave the trace here."""
        self.graph.lost.append(self.site()[0])

    def node(self, function, args, kwargs):
        """Compute a step, and return its node."""
        site, inner = self.site()
        node = self.graph.add(function, args, kwargs, site=site, inner=inner)
        with np.errstate(all="ignore"):
            node.value = compute(node, lambda parent: parent.value)
        if isinstance(node.value, np.ndarray):
            node.value.flags.writeable = False
        return node

    def made(self, function, args, kwargs):
        """Compute a step on traced arrays, and return what it gives, traced too if it holds arrays."""
        node = self.node(function, _nodes(args), {key: _nodes(value) for key, value in kwargs.items()})
        return self.traced(node, _first(args), function)

    def traced(self, node, base=None, view=None):
        """Return a traced array for a node; a list or tuple for a node of several arrays; a number or text as it is."""
        value = node.value
        if isinstance(value, (list, tuple)):
            parts = [self.traced(self.node(operator.getitem, (node, i), {})) for i in range(len(value))]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        if not isinstance(value, (np.ndarray, np.generic)):
            return value
        if base is not None and isinstance(value, np.ndarray) and np.may_share_memory(value, base.array):
            if np.shares_memory(value, base.array):
                args, kwargs = node.args[1:], node.kwargs
                index = args[0] if view is operator.getitem else None
                return Traced(self, node, base, lambda a: view(a, *args, **kwargs), index)
        return Traced(self, node)

    def method(self, array, name, *args, **kwargs):
        """Call a method of a traced array: as NumPy's function of that name, where there is one with its arguments."""
        if name in WRITERS:
            self.in_place(operator.methodcaller(name, *args, **kwargs), (array,), {})
            return None
        if name == "tolist":
            return [part.tolist() for part in array] if array.ndim else array
        if name == "item":
            return array[args[0] if len(args) == 1 else args] if args else array.reshape(())
        if name in ("reshape", "transpose") and len(args) > 1:
            args = (args,)
        function = getattr(np, name, None)
        if function is None or name in ("astype", "view", "flatten", "dot") or (name == "clip" and not args):
            function = {"flatten": np.ravel, "dot": np.dot}.get(name) or _Method(name)
        if name == "flatten":
            return self.made(_copied(np.ravel), (array, *args), kwargs)
        out = kwargs.pop("out", None)
        made = self.made(function, (array, *args), kwargs)
        return made if out is None else self.written(made, out)

    def in_place(self, function, args, kwargs):
        """Call a function that writes into its first argument."""
        if not isinstance(args[0], Traced):
            self.lose()
            return function(*_plain(args), **kwargs)
        node = self.node(_OnACopy(function), _nodes(args), {key: _nodes(value) for key, value in kwargs.items()})
        args[0].write(node)
        return None

    def set(self, array, index, value):
        """Record array[index] = value. After array[index] += …, the value is already there, through a view."""
        if isinstance(value, Traced) and value._base is array and _is_same(value._index, index):
            return
        array.write(self.node(setitem, (array.node, _nodes(index), _nodes(value)), {}))

    def written(self, made, out):
        """Let the array `out` hold what a step made, and return it."""
        out = out[0] if isinstance(out, tuple) else out
        if isinstance(out, Traced):
            out.write(made.node)
        else:
            self.lose()
            out[...] = made.array
        return out


class _Method:
    """A method of arrays as a function: _Method("astype")(x, dtype)."""

    def __init__(self, name):
        self.__name__ = name

    def __call__(self, array, *args, **kwargs):
        return getattr(array, self.__name__)(*args, **kwargs)


class _OnACopy:
    """A function that writes into its first argument, as one that returns a copy that was written into."""

    def __init__(self, function):
        self.function, self.__name__ = function, getattr(function, "__name__", str(function))

    def __call__(self, array, *args, **kwargs):
        array = np.array(array)
        self.function(array, *args, **kwargs)
        return array


def _copied(function):
    return lambda *args, **kwargs: np.array(function(*args, **kwargs))


def _nodes(argument):
    """Return an argument with nodes in the place of traced arrays."""
    if isinstance(argument, Traced):
        return argument.node
    if type(argument) in (list, tuple):
        return type(argument)(_nodes(part) for part in argument)
    return argument


def _is_same(index, other):
    """Return whether two indices of numbers and slices are equal."""
    try:
        return index is not None and bool(index == other)
    except (ValueError, TypeError):  # arrays
        return False


def _plain(argument):
    """Return an argument with arrays in the place of traced arrays."""
    if isinstance(argument, Traced):
        return argument.array
    if type(argument) in (list, tuple):
        return type(argument)(_plain(part) for part in argument)
    return argument


def _first(args):
    return args[0] if args and isinstance(args[0], Traced) else None


def _position(code, offset):
    """Return the lines and columns of an instruction, or None where Python did not keep them."""
    for i, position in enumerate(code.co_positions()):
        if i == offset // 2:
            return position if None not in position else None
    return None


_HERE, _NUMPY = __file__, np.__path__[0]


# --- the names through which a function reaches NumPy ------------------------------------------------------------------


class _Module(types.ModuleType):
    """A module in which some functions are replaced."""

    def __init__(self, module, replaced):
        super().__init__(module.__name__)
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)


def _traced_numpy(tracer):
    """Return NumPy with functions that trace although their arguments do not make them do so."""
    replaced = {}
    for name in CREATORS:
        create = getattr(np, name)
        replaced[name] = functools.partial(_create, tracer, create)
    for name in OF_LISTS:
        replaced[name] = functools.partial(_from_list, tracer, getattr(np, name))
    replaced["vectorize"] = functools.partial(_Vectorized, tracer)
    replaced["ndenumerate"] = lambda a: ((i, a[i]) for i in np.ndindex(np.shape(a)))
    return _Module(np, replaced)


def _create(tracer, create, *args, **kwargs):
    return tracer.given(create(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()}))


def _from_list(tracer, function, nested, *args, **kwargs):
    if isinstance(nested, Traced):
        dtype = args[0] if args else kwargs.get("dtype")
        if function is not np.array and function is not np.copy and dtype in (None, nested.dtype):
            return nested
        return tracer.made(np.array, (nested,), {} if dtype is None else {"dtype": dtype})
    if _holds_traced(nested):
        return tracer.made(array_of, (_as_lists(nested),), {})
    made = function(nested, *args, **kwargs)
    return tracer.given(made) if made.dtype.kind == "f" else made


def _holds_traced(nested):
    if isinstance(nested, Traced):
        return True
    return type(nested) in (list, tuple) and any(map(_holds_traced, nested))


def _as_lists(nested):
    return [_as_lists(part) for part in nested] if type(nested) in (list, tuple) else nested


class _Vectorized:
    """np.vectorize(f): call f for each element."""

    def __init__(self, tracer, f, **options):
        self.tracer, self.f, self.options = tracer, f, options

    def __call__(self, *args):
        arrays = np.broadcast_arrays(*map(_plain, args))
        if not _holds_traced(list(args)):
            return np.vectorize(self.f, **self.options)(*args)
        args = [a if np.shape(a) == arrays[0].shape else self.tracer.made(np.broadcast_to, (a, arrays[0].shape), {})
                for a in args]  # fmt: skip
        flat = [self.f(*(a[i] for a in args)) for i in np.ndindex(arrays[0].shape)]
        return _from_list(self.tracer, np.array, flat).reshape(arrays[0].shape)


_MATH = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh",
                                              "log1p", "expm1", "log2", "log10", "fabs", "floor", "ceil", "hypot")
         } | {"pow": np.power, "atan": np.arctan, "asin": np.arcsin, "acos": np.arccos}  # fmt: skip


def _traced_math():
    def either(name, of_arrays):
        return lambda *args: (of_arrays if _holds_traced(list(args)) else getattr(math, name))(*args)

    return _Module(math, {name: either(name, of_arrays) for name, of_arrays in _MATH.items()})


def _atom(tracer, function):
    """Return a function of another package as one that is a single step of the trace, whatever it does inside."""

    @functools.wraps(function)
    def atom(*args, **kwargs):
        given = [*args, *kwargs.values()]
        if not _holds_traced(given) or any(callable(a) and not isinstance(a, Traced) for a in given):
            return function(*args, **kwargs)
        return tracer.made(function, args, kwargs)

    return atom


def functions_of(f):
    """Return the plain functions that f is made of: itself, what it wraps, and what it encloses."""
    found, waiting = [], [f]
    while waiting:
        g = waiting.pop()
        if isinstance(g, functools.partial):
            waiting.append(g.func)
            waiting += [part for part in (*g.args, *g.keywords.values()) if callable(part)]
        elif isinstance(g, types.MethodType):
            waiting.append(g.__func__)
        elif isinstance(g, types.FunctionType):
            if g not in found:
                found.append(g)
                contents = [_content(cell) for cell in g.__closure__ or ()]
                waiting += [part for part in contents if callable(part)]
        elif isinstance(getattr(type(g), "__call__", None), types.FunctionType):
            waiting.append(type(g).__call__)
    return found


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # it is still empty
        return None


@contextlib.contextmanager
def _reaching(tracer, functions):
    """For a while, let the names of these functions' modules reach functions that trace."""
    numpy, mathematics, kept = _traced_numpy(tracer), _traced_math(), []
    creators = {getattr(np, name): getattr(numpy, name) for name in (*CREATORS, *OF_LISTS, "vectorize")}
    for names in {id(f.__globals__): f.__globals__ for f in functions}.values():
        for name, value in list(names.items()):
            new = value
            if value is np:
                new = numpy
            elif value is math:
                new = mathematics
            elif isinstance(value, types.BuiltinFunctionType) and value.__module__ == "math" and name in _MATH:
                new = getattr(mathematics, name)
            elif isinstance(value, types.FunctionType) and value in creators:
                new = creators[value]
            elif isinstance(value, types.FunctionType) and value.__code__.co_filename not in tracer.files:
                if "npvae" in (value.__module__ or "") or (value.__module__ or "").startswith("scipy"):
                    new = _atom(tracer, value)
            if new is not value:
                kept.append((names, name, value))
                names[name] = new
    try:
        yield
    finally:
        for names, name, value in kept:
            names[name] = value


class Untraceable(Exception):
    """The function cannot be traced: it fails on traced arrays, or returns something else."""


def trace(f, inputs, dy=None):
    """Return the `Graph` of an operation: of its value and, for an upstream gradient dy, of its derivatives.

    f        a bare operation, which returns a value, or its value and its derivatives
    inputs   a dict of the arrays that it receives, by name
    dy       the upstream gradient (of the shape of the value); None for the value alone

    The outputs are called "y" and "d" + the name of an input. Raises Untraceable.
    """
    functions = functions_of(f)
    tracer = Tracer({g.__code__.co_filename for g in functions} - {_HERE})
    graph, arrays = tracer.graph, []
    for name, x in inputs.items():
        is_float = isinstance(x, np.ndarray) and x.dtype.kind == "f"
        arrays.append(tracer.given(x, name) if is_float else x)
        if is_float:
            graph.inputs[name] = arrays[-1].node
    try:
        with _reaching(tracer, functions), np.errstate(all="ignore"):
            returned = f(*arrays)
            y, *derivatives = returned if isinstance(returned, tuple) else (returned,)
            graph.outputs["y"] = _output(tracer, y)
            if dy is not None:
                given = tracer.given(dy, "dy")
                graph.inputs["dy"] = given.node
                for name, dx in zip(inputs, _called(derivatives, given, len(inputs))):
                    if dx is not None:
                        graph.outputs[f"d{name}"] = _output(tracer, dx)
    except Exception as error:
        raise Untraceable(str(error)) from error
    return graph


def _called(derivatives, dy, count):
    """Return what the derivatives return for dy, in either form of an operation."""
    if len(derivatives) == 1 and derivatives[0] is not None:
        returned = derivatives[0](dy)
        return returned if type(returned) is tuple else (returned,)
    return [d and d(dy) for d in derivatives]


def _output(tracer, a):
    if isinstance(a, Traced):
        return a.node
    if isinstance(a, (np.ndarray, np.generic)):
        return tracer.given(a).node
    raise Untraceable(f"it returns {type(a).__name__}")

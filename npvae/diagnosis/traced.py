"""Arrays that remember how they were made.

A traced array stands in for a NumPy array. It holds the numbers, and it records every operation: if an argument has the
methods `__array_ufunc__` and `__array_function__`, NumPy calls them instead of computing. So the author's function runs
as usual, once, and leaves a `Graph`.

Code may write into arrays, but nodes never change. After a write, the traced array stands for a new node. A view keeps
its base: reading the view takes the newest numbers of the base, and writing into the view writes into the base.

The trace loses what no NumPy function sees, such as `float(x)`; `Graph.lost` lists the lines. It records a loop or a
branch that depends on numbers as it ran.
"""

import functools
import operator
import sys
from pathlib import Path

import numpy as np

from .graph import Graph, compute, setitem, site_of

HERE = tuple(str(Path(__file__).with_name(name)) for name in ("traced.py", "stand_ins.py", "graph.py", "trace.py"))
_NUMPY = np.__path__[0]


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that remembers how it was made. See the module's text."""

    __hash__ = object.__hash__

    def __init__(self, tracer, node, base=None, view=None, index=None):
        self._tracer, self._node, self._base, self._view, self._seen = tracer, node, base, view, None
        self._index = index  # of a view that is base[index]
        if base is not None:
            self._seen = base.node

    __class__ = property(lambda self: np.ndarray)  # so that isinstance(x, np.ndarray) is true in the author's code

    @property
    def node(self):
        """The node of the numbers that it holds now; a view takes them from its base."""
        if self._base is not None and self._base.node is not self._seen:
            self._seen = self._base.node
            self._node = self._tracer.node(self._view, (self._seen,), {})
        return self._node

    @property
    def array(self):
        """The numbers that it holds now."""
        return self.node.value

    def write(self, node):
        """Hold the numbers of a node from now on. The object stays the same, so that its views see the write."""
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
MOST = 3000  # steps of a trace
WRITERS = {"fill", "sort", "put", "itemset", "partition"}  # methods that write into their array


def _everything(a):
    return a[...]


def _written(base, value, view):
    """Return a copy of the base in which the view holds the value."""
    base = np.array(base)
    view(base)[...] = value
    return base


class TooLong(Exception):
    """The function takes more steps than can be searched."""


class Tracer:
    """What all traced arrays of one trace share: the graph, and the author's files.

    files   the names of the files whose lines become sites
    """

    def __init__(self, files):
        self.graph, self.files = Graph(), files

    def given(self, array, name=None):
        """Return a traced copy of an array: an input, if it has a name, or else a constant."""
        array = np.array(array)
        array.flags.writeable = False
        return Traced(self, self.graph.add(None, value=array, name=name, site=None if name else self.site()[0]))

    def site(self):
        """Return the innermost place in the author's files, or None, and whether it called a function elsewhere."""
        frame, inner = sys._getframe(1), False
        while frame is not None:
            code = frame.f_code
            if code.co_filename in self.files:
                return site_of(code, frame.f_lasti), inner
            inner |= not code.co_filename.startswith((*HERE, _NUMPY))
            frame = frame.f_back
        return None, False

    def lose(self):
        """Note that numbers leave the trace at this place."""
        self.graph.lost.append(self.site()[0])

    def node(self, function, args, kwargs):
        """Compute a step, and return its node."""
        if len(self.graph.nodes) >= MOST:
            raise TooLong
        site, inner = self.site()
        node = self.graph.add(function, args, kwargs, site=site, inner=inner)
        with np.errstate(all="ignore"):
            node.value = compute(node, lambda parent: parent.value)
        if isinstance(node.value, np.ndarray):
            node.value.flags.writeable = False
        return node

    def made(self, function, args, kwargs):
        """Compute a step on traced arrays, and return its result, traced if it holds arrays."""
        node = self.node(function, _nodes(args), {key: _nodes(value) for key, value in kwargs.items()})
        return self.traced(node, _first(args), function)

    def traced(self, node, base=None, view=None):
        """Return the traced array of a node, or the traced arrays of a list or tuple; anything else as it is.

        base, view   the traced array whose memory the result may share, and the function that made it from that array
        """
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
        """Call a method of a traced array: NumPy's function of that name, if it exists and takes the same arguments."""
        if name in WRITERS:
            self.in_place(operator.methodcaller(name, *args, **kwargs), (array,), {})
            return None
        if name == "tolist":
            return [part.tolist() for part in array] if array.ndim else array
        if name == "item":
            return array[args[0] if len(args) == 1 else args] if args else array.reshape(())
        if name in ("reshape", "transpose") and len(args) > 1:
            args = (args,)
        is_unlike = name == "astype" or (name == "clip" and not args)  # older versions of np.clip take no min=
        function = getattr(np, name) if hasattr(np, name) and not is_unlike else _Method(name)
        out = kwargs.pop("out", None)
        made = self.made(function, (array, *args), kwargs)
        return made if out is None else self.written(made, out)

    def in_place(self, function, args, kwargs):
        """Call a function that writes into its first argument."""
        if not isinstance(args[0], Traced):
            self.lose()
            return function(*plain(args), **kwargs)
        node = self.node(_OnACopy(function), _nodes(args), {key: _nodes(value) for key, value in kwargs.items()})
        args[0].write(node)
        return None

    def set(self, array, index, value):
        """Record array[index] = value.

        Python runs a[i] += v as t = a[i]; t += v; a[i] = t. If t is a view, the second step has already written.
        """
        if isinstance(value, Traced) and value._base is array and _is_same(value._index, index):
            return
        array.write(self.node(setitem, (array.node, _nodes(index), _nodes(value)), {}))

    def written(self, made, out):
        """Write the result of a step into the array `out`, and return that."""
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
    """A function that writes into its first argument, turned into one that returns a copy with the write."""

    def __init__(self, function):
        self.function, self.__name__ = function, getattr(function, "__name__", str(function))

    def __call__(self, array, *args, **kwargs):
        array = np.array(array)
        self.function(array, *args, **kwargs)
        return array


def _nodes(argument):
    """Return an argument with nodes in place of traced arrays."""
    if isinstance(argument, Traced):
        return argument.node
    if type(argument) in (list, tuple):
        return type(argument)(_nodes(part) for part in argument)
    return argument


def _is_same(index, other):
    """Return whether two indices of numbers and slices are equal; False for arrays."""
    try:
        return index is not None and bool(index == other)
    except (ValueError, TypeError):  # == compares arrays element by element
        return False


def plain(argument):
    """Return an argument with arrays in place of traced arrays."""
    if isinstance(argument, Traced):
        return argument.array
    if type(argument) in (list, tuple):
        return type(argument)(plain(part) for part in argument)
    return argument


def _first(args):
    return args[0] if args and isinstance(args[0], Traced) else None

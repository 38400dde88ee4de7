"""The record of a trace: what traced arrays call for every step, and where in the author's source it happened."""

import operator
import sys
import threading
from pathlib import Path

import numpy as np

from .graph import Graph, compute, setitem, site_of
from .traced import Traced, is_live, nodes, plain

HERE = tuple(
    str(Path(__file__).with_name(name)) for name in ("traced.py", "tracer.py", "stand_ins.py", "graph.py", "trace.py")
)
_NUMPY = np.__path__[0]
MOST = 3000  # steps of a trace
WRITERS = {"fill", "sort", "put", "itemset", "partition"}  # methods that write into their array


class TooLong(Exception):
    """The function takes more steps than can be searched."""


class Tracer:
    """What all traced arrays of one trace share: the graph, the author's files, and whether the trace is on.

    files    the names of the files whose lines become sites
    arrays   weak references to the traced arrays, which become inert at the end
    """

    def __init__(self, files):
        self.graph, self.files, self.arrays = Graph(), files, []
        self._thread = threading.get_ident()

    @property
    def is_on(self):
        """Whether the code that asks is traced: on the thread that runs the author's function, until the trace ends."""
        return self._thread == threading.get_ident()

    def end(self):
        """Turn every traced array into an inert one, and the stand-ins into what they stand for."""
        self._thread = None
        for reference in self.arrays:
            array = reference()
            if array is not None:
                array.end()

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

    def made(self, function, args, kwargs, out=None):
        """Compute a step on traced arrays, and return its result, traced if it holds arrays; or write it into `out`."""
        node = self.node(function, nodes(args), {key: nodes(value) for key, value in kwargs.items()})
        made = self.traced(node, args[0] if args and is_live(args[0]) else None, function)
        return made if out is None else self.written(made, out)

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
        return self.made(function, (array, *args), kwargs, out)

    def in_place(self, function, args, kwargs):
        """Call a function that writes into its first argument."""
        if not is_live(args[0]):
            self.lose()
            return function(*plain(args), **{key: plain(value) for key, value in kwargs.items()})
        node = self.node(_OnACopy(function), nodes(args), {key: nodes(value) for key, value in kwargs.items()})
        args[0].write(node)
        return None

    def set(self, array, index, value):
        """Record array[index] = value.

        Python runs a[i] += v as t = a[i]; t += v; a[i] = t. If t is a view, the second step has already written.
        """
        if is_live(value) and value._base is array and _is_same(value._index, index):
            return
        array.write(self.node(setitem, (array.node, nodes(index), nodes(value)), {}))

    def written(self, made, out):
        """Write the result of a step into the array `out`, and return that."""
        out = out[0] if isinstance(out, tuple) else out
        if is_live(out):
            out.write(made.node)
        else:
            self.lose()
            plain(out)[...] = made.array
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


def _is_same(index, other):
    """Return whether two indices of numbers and slices are equal; False for arrays."""
    try:
        return index is not None and bool(index == other)
    except (ValueError, TypeError):  # == compares arrays element by element
        return False

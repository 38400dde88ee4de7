"""Arrays that remember how they were made.

A traced array stands in for a NumPy array. It holds the numbers, and it records every operation: if an argument has the
methods `__array_ufunc__` and `__array_function__`, NumPy calls them instead of computing. So the author's function runs
as usual, once, and leaves a `Graph`; tracer.py writes it.

Code may write into arrays, but nodes never change. After a write, the traced array stands for a new node. A view keeps
its base: reading the view takes the newest numbers of the base, and writing into the view writes into the base.

The trace loses what no NumPy function sees, such as `float(x)`; `Graph.lost` lists the lines. It records a loop or a
branch that depends on numbers as it ran.

The author's code may keep a traced array: in a cache, in a list, on `self`. When the trace ends, every traced array
becomes inert. From then on it does what a plain array of its numbers does: a call of NumPy returns plain arrays, writes
change its numbers, views of it see them, and nothing is added to the finished graph. Only its type stays `Traced`.
"""

import functools
import operator
import weakref

import numpy as np

from .graph import setitem

IN_PLACE = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that remembers how it was made. See the module's text."""

    __hash__ = object.__hash__

    def __init__(self, tracer, node, base=None, view=None, index=None):
        self._tracer, self._node, self._base, self._view, self._seen = tracer, node, base, view, None
        self._index = index  # of a view that is base[index]
        if base is not None:
            self._seen = base.node
        tracer.arrays.append(weakref.ref(self))

    __class__ = property(lambda self: np.ndarray)  # so that isinstance(x, np.ndarray) is true in the author's code

    @property
    def node(self):
        """The node of the numbers that it holds now; a view takes them from its base."""
        if self._base is not None and self._base.node is not self._seen:
            self._seen = self._base.node
            self._node = self._tracer.node(self._view, (self._seen,), {})
        return self._node

    @property
    def is_live(self):
        """Whether its trace has not ended."""
        return self._tracer is not INERT

    @property
    def array(self):
        """The numbers that it holds now."""
        return self.node.value if self.is_live else self._numbers

    def end(self):
        """Become inert: hold a copy of the numbers, or if this is a view, the same view of the base's copy."""
        if self.is_live:
            if self._base is not None:
                self._base.end()
                self._numbers = self._view(self._base.array)
            else:
                self._numbers = np.array(self.array) if isinstance(self.array, np.ndarray) else self.array
            self._tracer, self._node, self._base, self._view, self._seen = INERT, None, None, None, None

    def write(self, node):
        """Hold the numbers of a node from now on. The object stays the same, so that its views see the write."""
        if np.shape(node.value) != self.shape or node.value.dtype != self.dtype:
            node = self._tracer.node(_Written(_everything), (self.node, node), {})
        if self._base is None:
            self._node = node
        elif self._index is not None:
            self._base.write(self._tracer.node(setitem, (self._base.node, nodes(self._index), node), {}))
        else:
            self._base.write(self._tracer.node(_Written(self._view), (self._base.node, node), {}))

    # What NumPy calls.

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        if method == "at":
            return self._tracer.in_place(ufunc.at, inputs, kwargs)
        into = [a for a in out if not isinstance(plain(a), np.generic)]  # if a is a number, a += 1 makes a new one
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self._tracer.made(function, inputs, kwargs, into[0] if into else None)

    def __array_function__(self, function, types, args, kwargs):
        if function in IN_PLACE:
            return self._tracer.in_place(function, args, kwargs)
        given = {key: value for key, value in kwargs.items() if key != "out"}
        return self._tracer.made(function, args, given, kwargs.get("out"))

    def __array__(self, dtype=None, copy=None):
        self._tracer.lose()
        return np.array(self.array, dtype, copy=True if self.is_live else copy)

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

    def __str__(self):
        return str(self.array)

    def __format__(self, spec):
        return format(self.array, spec)

    def __copy__(self):
        return self._tracer.method(self, "copy")

    def __reduce_ex__(self, protocol):
        self._tracer.lose()
        return self.array.__reduce_ex__(protocol)

    def __getattr__(self, name):
        found = getattr(self.array, name)
        if name in ("T", "mT", "real", "flat"):
            return self._tracer.made(operator.attrgetter(name) if name != "T" else np.transpose, (self,), {})
        return functools.partial(self._tracer.method, self, name) if callable(found) else found


class _Inert:
    """Takes the place of the tracer when the trace has ended: it calls NumPy with plain arrays, and records nothing.

    An array of a later trace may be among the arguments. That one stays as it is, so that its own tracer is called.
    """

    def lose(self):
        """Do nothing: there is no trace to leave."""

    def made(self, function, args, kwargs, out=None):
        """Call a function of NumPy."""
        kwargs = kwargs if out is None else kwargs | {"out": out}
        return function(*_without_inert(args), **{key: _without_inert(value) for key, value in kwargs.items()})

    in_place = made

    def method(self, array, name, *args, **kwargs):
        """Call a method of the array."""
        return self.made(getattr(array.array, name), args, kwargs)

    def set(self, array, index, value):
        """Write array[index] = value."""
        array.array[_without_inert(index)] = _without_inert(value)


INERT = _Inert()


def _everything(a):
    return a[...]


class _Written:
    """A function of a base and a value: a copy of the base in which the view holds the value."""

    __name__ = "an assignment"

    def __init__(self, view):
        self.view = view

    def __call__(self, base, value):
        base = np.array(base)
        self.view(base)[...] = value
        return base


def is_live(argument):
    """Return whether an argument is a traced array whose trace has not ended."""
    return isinstance(argument, Traced) and argument.is_live


def nodes(argument):
    """Return an argument with nodes in place of traced arrays, and plain arrays in place of inert ones."""
    return _with(lambda a: a.node if a.is_live else a.array, argument)


def plain(argument):
    """Return an argument with plain arrays in place of traced arrays."""
    return _with(lambda a: a.array, argument)


def _without_inert(argument):
    return _with(lambda a: a if a.is_live else a.array, argument)


def _with(change, argument):
    """Return an argument with change(a) in place of every traced array a in it."""
    if isinstance(argument, Traced):
        return change(argument)
    if type(argument) in (list, tuple):
        return type(argument)(_with(change, part) for part in argument)
    return argument

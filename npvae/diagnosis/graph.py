"""A computation as a graph, which can be run again with one step changed.

A node is one step,

    node  =  function(arguments),     an argument being a number, an array or another node,

with the array that came out and the line of the source that made it. `Graph.run` computes the graph again with another
computation in place of a node: what if this line summed over axis 1? trace.py makes the graph of a NumPy function;
frameworks/ makes those of PyTorch and JAX.
"""

import functools
import operator
from typing import NamedTuple

import numpy as np


class Site(NamedTuple):
    """A place in the source: an instruction of a function, and the lines and columns that it comes from.

    A line may call the same function twice, so the line alone does not identify a step; the instruction does.
    """

    file: str
    line: int
    instruction: tuple  # (the first line of its function, the lines and columns, or where unknown the offset)
    span: tuple  # (first line, last line, first column, last column); before Python 3.11 only (line, line, None, None)


def site_of(code, offset):
    """Return the `Site` of the instruction at an offset of a code object."""
    span = None
    if hasattr(code, "co_positions"):
        span = next((span for i, span in enumerate(code.co_positions()) if i == offset // 2), None)
    if span is None or None in span:
        lines = [line for start, end, line in code.co_lines() if start <= offset < end and line is not None]
        line = lines[0] if lines else code.co_firstlineno
        return Site(code.co_filename, line, (code.co_firstlineno, offset), (line, line, None, None))
    return Site(code.co_filename, span[0], (code.co_firstlineno, span), span)  # the offset may change from call to call


class Node:
    """One step of a computation: its function (None for an array that was given), its arguments, and its result.

    site     where it was made; None for an input, and for what no line of the author led to
    inner    whether the author's line only called a function in another file, which made it
    name     of an input
    """

    __slots__ = ("args", "function", "index", "inner", "kwargs", "name", "parents", "site", "value")

    def __init__(self, index, function, args, kwargs, value, site=None, inner=False, name=None):
        self.index, self.function, self.args, self.kwargs, self.value = index, function, args, kwargs, value
        self.site, self.inner, self.name = site, inner, name
        self.parents = [argument for _, argument in self.uses() if isinstance(argument, Node)]

    def uses(self):
        """Return pairs of a path (("args", 0), …) and the argument there, for all arguments and their parts."""
        return [*_uses(self.args, ("args",)), *_uses(self.kwargs, ("kwargs",))]

    def copy(self, **parts):
        """Return the same step with another function, args or kwargs."""
        parts = {"function": self.function, "args": self.args, "kwargs": self.kwargs} | parts
        return Node(self.index, value=None, **parts)

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
    """The nodes of a trace, in the order in which they were made: each after its parents.

    inputs    a dict of the inputs' nodes, by name
    outputs   a dict of the nodes that were returned, by name
    lost      the sites at which numbers left the trace
    """

    def __init__(self):
        self.nodes, self.inputs, self.outputs, self.lost = [], {}, {}, []
        self._descendants, self._affected = {}, {}  # kept: the search runs the graph thousands of times

    def add(self, function, args=(), kwargs=None, value=None, **more):
        """Add a node, and return it."""
        node = Node(len(self.nodes), function, args, kwargs or {}, value, **more)
        self.nodes.append(node)
        return node

    def ancestors(self, node):
        """Return the nodes that a node depends on, itself included: a set."""
        found, waiting = set(), [node]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += node.parents
        return found

    def descendants(self, node):
        """Return the nodes that depend on a node, itself included: a set."""
        if node not in self._descendants:
            found = {node}
            for later in self.nodes[node.index + 1 :]:
                if not found.isdisjoint(later.parents):
                    found.add(later)
            self._descendants[node] = found
        return self._descendants[node]

    def run(self, changes, wanted=None):
        """Compute again what the changed nodes affect, and return the new arrays: a dict by node.

        changes   a dict from a node to a function (node, array) → array; array(other) returns the array of another
                  node in this run
        wanted    the only node whose array matters: compute what it needs and nothing else
        """
        now = {}

        def array(node):
            return now[node] if node in now else node.value

        key = (*changes, wanted)
        if key not in self._affected:
            affected = set().union(*map(self.descendants, changes))
            affected = affected & self.ancestors(wanted) if wanted else affected
            self._affected[key] = sorted(affected, key=operator.attrgetter("index"))
        for node in self._affected[key]:
            now[node] = changes[node](node, array) if node in changes else compute(node, array)
        return now

    def edited(self, changes):
        """Return a copy of the graph in which the changed nodes compute something else: `changes` as in `run`."""
        now, copy, twins = {}, Graph(), {}
        for node in self.nodes:
            more = {"site": node.site, "inner": node.inner, "name": node.name}
            if node in changes:
                read = {}  # what the changed step reads becomes its arguments: maybe other nodes than before

                def reading(other, read=read):
                    read[other] = now[other]
                    return now[other]

                now[node] = changes[node](node, reading)
                function = functools.partial(_changed, changes[node], node, tuple(read))
                args, kwargs = tuple(twins[other] for other in read), {}
            else:
                function = node.function
                now[node] = compute(node, now.get)
                args, kwargs = filled(node.args, twins.get), {k: filled(a, twins.get) for k, a in node.kwargs.items()}
            twins[node] = copy.add(function, args, kwargs, now[node], **more)
        copy.inputs = {name: twins[node] for name, node in self.inputs.items()}
        copy.outputs = {name: twins[node] for name, node in self.outputs.items()}
        return copy


def compute(node, array):
    """Compute a node from the arrays of its arguments; array(other) returns the array of another node."""
    if node.function is None:
        return node.value
    args = [filled(argument, array) for argument in node.args]
    if node.kwargs:
        return node.function(*args, **{key: filled(value, array) for key, value in node.kwargs.items()})
    return node.function(*args)


def _changed(change, node, read, *arrays):
    """Compute a changed node from the arrays of the nodes that it reads."""
    return change(node, lambda other: arrays[read.index(other)] if other in read else other.value)


def filled(argument, array):
    """Return an argument with arrays in place of nodes."""
    kind = type(argument)
    if kind is Node:
        return array(argument)
    if kind is list or kind is tuple:
        return kind([filled(part, array) for part in argument])
    return argument


def replaced(node, path, value):
    """Return a copy of a node with another argument at the path."""
    if path[0] == "args":
        return node.copy(args=with_part(node.args, path[1:], value))
    return node.copy(kwargs=with_part(node.kwargs, path[1:], value))


def with_part(container, path, value):
    """Return a copy of a nested container with another value at the path."""
    if not path:
        return value
    copy = dict(container) if isinstance(container, dict) else list(container)
    copy[path[0]] = with_part(copy[path[0]], path[1:], value)
    return copy if isinstance(container, dict) else type(container)(copy)


def setitem(base, index, value):
    """Return a copy of the base after base[index] = value: nodes never change, so a write makes a new one."""
    base = np.array(base)
    base[index] = value
    return base


def is_float(value):
    """Return whether a value is an array of floats."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"

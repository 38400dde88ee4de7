"""A computation as a graph, which can be run again with one step changed.

A node is one step,

    node  =  function(arguments),     an argument being a number, an array or another node,

with the array that came out and the line of the source that made it. `Graph.run` computes the graph again: with
another array in the place of a node (what would come out if this were constant?), or with another computation (what if
this line summed over axis 1?). trace.py makes the graph of a NumPy function.
"""

import functools
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
                args, kwargs = filled(node.args, twins.get), {k: filled(a, twins.get) for k, a in node.kwargs.items()}
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
    args = [filled(argument, array) for argument in node.args]
    if node.kwargs:
        return node.function(*args, **{key: filled(value, array) for key, value in node.kwargs.items()})
    return node.function(*args)


def _changed(change, node, read, *arrays):
    """Compute a changed node from the arrays of the nodes that it reads."""
    return change(node, lambda other: arrays[read.index(other)] if other in read else other.value)


def filled(argument, array):
    """Return an argument with arrays in the place of nodes."""
    kind = type(argument)
    if kind is Node:
        return array(argument)
    if kind is list or kind is tuple:
        return kind([filled(part, array) for part in argument])
    return argument


def _index(node):
    return node.index


def setitem(base, index, value):
    """Return a copy of the base after base[index] = value."""
    base = np.array(base)
    base[index] = value
    return base

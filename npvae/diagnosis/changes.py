"""An edit of the source, and the changes that it makes in a trace.

A loop or a helper function runs one place of the source several times. An edit there changes every one of these steps.
`Editable` finds them, in any trace of the same function. `at_use`, `at_step` and `at_result` make the changes for
`Graph.run`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import source
from .causes import Cause
from .graph import Node, compute, is_float, replaced


class Edit(NamedTuple):
    """One edit of the source.

    cost     on the scale of causes.py
    kind     of the mistake that it repairs, a key of `QUESTIONS`
    words    complete "Every number would be right …"
    site     the place in the source, or None for the value that is returned
    changes  a function of an `Editable` that returns the changes for `Graph.run`, or None where it does not apply
    where    the end of the words, if they need one: "at `dy`"
    """

    cost: float
    kind: str
    words: str
    site: tuple | None
    changes: Callable
    where: str = ""

    def cause(self):
        """Return the `Cause`, once the edit is known to make every number right."""
        return Cause(self.kind, self.words, (self.site,), self.cost, self.where)


class Use(NamedTuple):
    """One use of a value in the source, or several that an edit changes together.

    key      identifies the use in every trace of the same function
    node     a step that uses the value
    path     of the argument in it
    value    the argument: a node or a number
    extra    how much more an edit of several uses costs than that of one
    """

    key: tuple
    node: Node
    path: tuple
    value: object
    extra: float = 0.0

    @property
    def array(self):
        """The array of the value."""
        return self.value.value if isinstance(self.value, Node) else self.value

    @property
    def site(self):
        """The place of the value in the source."""
        return source.site_of_argument(self.node, self.path)

    @property
    def called(self):
        """What the author calls the value."""
        is_variable = isinstance(self.value, Node) and source.is_variable(self.value)
        written = None if self.extra and is_variable else source.argument(self.node, self.path)
        if written:
            return written
        if isinstance(self.value, Node):
            return source.name(self.value)
        return f"{self.value:g}" if is_number(self.value) else "an array"


class Editable:
    """What edits of one traced array can change (steps and uses of values), and the arrays that they can bring in.

    graph      a `Graph`
    output     the node of the array
    settled    nodes that are right, so that an edit there repairs nothing
    slopes     slopes of the forward pass, which an edit can bring in too
    """

    def __init__(self, graph, output, settled=(), slopes=()):
        self.graph, self.output = graph, output
        self.ancestors = graph.ancestors(output)
        candidates = self.ancestors.difference(settled)
        shared = {node.site for node in settled if node.function}  # a helper function that the value needs as it is
        self.steps = [
            node for node in graph.nodes if node in candidates and node.function and node.site not in {None, *shared}
        ]
        self._of_use, self._of_site, self.arrays = {}, {}, {}
        for node in self.steps:
            for path, value in node.uses():
                if isinstance(value, Node) or ((is_number(value) or is_float(value)) and not node.inner):
                    for key, extra in _keys_of_use(node, path, value):
                        self._of_use.setdefault(key, []).append(Use(key, node, path, value, extra))
            if not node.inner:
                self._of_site.setdefault((node.site, _called(node)), []).append(node)
        for node in (*graph.nodes, *slopes, *_constants(graph)):
            key = array_key(node)
            if key is not None and is_array(node.value):
                self.arrays.setdefault(key, []).append(node)

    def first_steps(self):
        """Return one step for every place in the author's files: the first."""
        return [nodes[0] for nodes in self._of_site.values()]

    def steps_like(self, node):
        """Return the steps of the same place in this trace."""
        return self._of_site.get((node.site, _called(node)), [])

    def uses(self):
        """Return every single use of a value, all uses in one line, and all uses anywhere: each set of uses once."""
        seen, uses = set(), []
        for several in self._of_use.values():
            steps = frozenset((use.node, use.path) for use in several)
            if steps not in seen:
                seen.add(steps)
                uses.append(several[0])
        return uses

    def uses_like(self, use):
        """Return the uses of the same key in this trace."""
        return self._of_use.get(use.key, [])

    def array(self, key, before):
        """Return the last node of this key among the first `before` nodes; or the first of all; None without any."""
        nodes = self.arrays.get(key, ())
        earlier = [node for node in nodes if node.index < before]
        return earlier[-1] if earlier else (nodes[0] if nodes else None)


def literals_of(graph):
    """Return the numbers that stand in the source of the whole function, a dict to their text."""
    found = {}
    for node in graph.nodes:
        for path, value in node.uses() if isinstance(node.function, np.ufunc) and node.site else ():
            if is_number(value):
                found.setdefault(float(value), source.argument(node, path) or f"{value:g}")
    return found


def _constants(graph):
    """Return nodes for the arrays that came from outside, such as a mask, where the source names them."""
    found = {}
    for node in graph.nodes:
        for path, value in node.uses() if node.site and not node.inner else ():
            called = source.argument(node, path) if isinstance(value, np.ndarray) and value.ndim else None
            if called and called not in found:
                found[called] = Node(0, None, (), {}, value, name=called)
    return found.values()


def array_key(node):
    """Return what identifies an array in every trace of the same function; None if nothing does."""
    if node.name is not None:
        return node.name
    return node.site and node.function and (node.site.file, node.site.instruction)


def _keys_of_use(node, path, value):
    """Yield pairs of a key and an extra cost, for edits of this use alone, of all in its line, and of all anywhere."""
    array = isinstance(value, Node) and array_key(value)
    if node.inner:  # for the author, a call is one use of the value, however often the called function uses it
        yield (node.site.file, node.site.instruction, array), 0.0
    else:
        yield (node.site.file, node.site.instruction, _called(node), path), 0.0
    if array:
        yield ("in the line", node.site.file, node.site.line, array), 0.2
        yield ("everywhere", array), 0.3


def _called(node):
    return getattr(node.function, "__name__", "")


def is_number(value):
    """Return whether a value is a plain number."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def is_array(value):
    """Return whether a value is an array of numbers, or a mask."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fbiu"


def at_use(use, change):
    """Return the changes of an edit that puts change(value, editable, node, array) in place of a used value."""

    def changes(editable):
        by_node = {}
        for other in editable.uses_like(use):
            by_node.setdefault(other.node, []).append(other)
        return {node: _with_uses_changed(uses, change, editable) for node, uses in by_node.items()} or None

    return changes


def _with_uses_changed(uses, change, editable):
    def run(node, array):
        for use in uses:
            value = node.argument(use.path)
            value = array(value) if isinstance(use.value, Node) else value
            node = replaced(node, use.path, change(value, editable, node, array))
        return compute(node, array)

    return run


def at_result(change):
    """Return the changes of an edit of the array that is returned."""

    def changes(editable):
        node = editable.output
        return {node: lambda node, array: change(compute(node, array), editable, node, array)}

    return changes


def at_step(step, run):
    """Return the changes of an edit that computes a step by run(node, array)."""

    def changes(editable):
        return dict.fromkeys(editable.steps_like(step), run) or None

    return changes


def taking(key, change):
    """Return a change for `at_use` that brings in another array of the trace: change(value, taken)."""

    def changed(value, editable, node, array):
        taken = editable.array(key, node.index)
        if taken is None:
            raise ValueError("there is no such array here")
        return change(value, array(taken))

    return changed

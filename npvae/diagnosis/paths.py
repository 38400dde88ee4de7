"""The paths along which an input affects the value, and the derivative without one of them.

Over all paths from x to y, the chain rule sums the product of the Jacobians on the way. People who derive by hand often
forget a path: the variance of a batch norm depends on x too, and so does the sum in a softmax. We know what they get
then: the derivative with that intermediate value held constant.

This needs no formula. We can run every step of a trace alone, so finite differences give its Jacobian, a small matrix.
Backpropagation from y to x multiplies the Jacobians and adds the paths up, with a weight for each edge: 0 cuts the
path, and −1 gives it the wrong sign.

Everything here stops at a deadline, `ends`, on the clock of `time.thread_time`.
"""

import time

import numpy as np

from . import source
from .graph import Node, filled, is_float, with_part

STEP = 1e-5
LARGEST = 150  # elements of an array whose whole Jacobian we form
MOST_NODES = 80  # of a graph in which we look for slopes: they concern pairs of nodes
MOST = 60_000  # steps that finite differences may run


class TooLarge(Exception):
    """Finite differences of every step would take too long, or the time is up."""


def is_over(ends):
    """Return whether the processor time of this thread has reached a deadline."""
    return time.thread_time() > ends


class Paths:
    """All paths from one input to the value.

    graph   a `Graph`
    x       the node of the input
    order   the nodes between them, in the order of execution
    edges   by node, triples: the path of an argument, its node, and the Jacobian of the step in it

    Raises TooLarge, also when the time is up.
    """

    def __init__(self, graph, x, ends=np.inf):
        self.graph, self.x, self.y = graph, x, graph.outputs["y"]
        ancestors, self.order, depends = graph.ancestors(self.y), [], {x}
        for node in graph.nodes:
            if node in ancestors and node not in depends and any(parent in depends for parent in node.parents):
                if holds_floats(node.value):  # the derivative of a comparison or an index is zero
                    depends.add(node)
                    self.order.append(node)
        self.edges = {node: [] for node in self.order}
        if sum(2 * flat(k.value).size for node in self.order for k in node.parents if k in depends) > MOST:
            raise TooLarge
        for node in self.order:
            if is_over(ends):
                raise TooLarge
            for path, k in node.uses():
                if isinstance(k, Node) and k in depends:
                    self.edges[node].append((path, k, jacobian_of_step(node, path, k, ends)))

    def gradient(self, dy, weights=None, instead=None):
        """Return the gradient of Σ dy y with respect to the input.

        weights   by edge, a pair of a node and a path
        instead   other Jacobians, by edge
        """
        found = self.backpropagate(self.y, dy, weights, instead).get(self.x)
        return np.zeros(self.x.value.shape) if found is None else np.reshape(found, self.x.value.shape)

    def backpropagate(self, start, adjoint, weights=None, instead=None):
        """Return the gradients of Σ adjoint · start with respect to all nodes that it depends on: a dict by node."""
        return self._backpropagate(start, np.reshape(adjoint, -1), weights or {}, instead or {})

    def jacobians(self, m):
        """Return ∂m/∂k for all nodes k that m depends on: a dict of arrays (size of m, size of k)."""
        return self._backpropagate(m, np.eye(m.value.size), {}, {})

    def _backpropagate(self, start, adjoint, weights, instead):
        """Backpropagate one adjoint, an array (size of start,), or a row for each of several."""
        adjoints = {start: adjoint}
        for node in reversed(self.order):
            if node in adjoints:
                for path, k, J in self.edges[node]:
                    weight = weights.get((node, path), 1.0)
                    if weight:
                        J = instead.get((node, path), J)
                        adjoints[k] = adjoints.get(k, 0.0) + weight * (adjoints[node] @ J)
        return adjoints

    def out_of(self, node):
        """Return the edges that leave a node, as keys for `weights`."""
        return [(m, path) for m in self.order for path, k, _ in self.edges[m] if k is node]


def holds_floats(value):
    """Return whether a value is an array of floats, or several arrays of which one is."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_floats, value))
    return is_float(value)


def flat(value):
    """Return the floats of an array, or of several, in one row."""
    if isinstance(value, (list, tuple)):
        return np.concatenate([flat(part) for part in value if holds_floats(part)])
    return np.reshape(value, -1)


def _moved(value, i, h):
    """Return a copy of a value with its i-th float moved by h."""
    if isinstance(value, (list, tuple)):
        parts = []
        for part in value:
            size = flat(part).size if holds_floats(part) else 0
            parts.append(_moved(part, i, h) if 0 <= i < size else part)
            i -= size
        return parts
    moved = np.array(value)
    moved.flat[i] += h  # reshape would copy a transposed array
    return moved


def jacobian_of_step(node, path, k, ends=np.inf):
    """Return ∂node/∂k through one argument, by central differences: an array (size of node, size of k)."""
    args = [filled(a, lambda parent: parent.value) for a in node.args]
    kwargs = {key: filled(a, lambda parent: parent.value) for key, a in node.kwargs.items()}

    def value(moved):
        if path[0] == "args":
            return flat(node.function(*with_part(args, path[1:], moved), **kwargs))
        return flat(node.function(*args, **with_part(kwargs, path[1:], moved)))

    J = np.zeros((flat(node.value).size, flat(k.value).size))
    with np.errstate(all="ignore"):
        if isinstance(node.function, np.ufunc) and node.function is not np.matmul:  # all elements at once
            column = np.broadcast_to(np.arange(k.value.size).reshape(k.value.shape), node.value.shape).reshape(-1)
            J[np.arange(len(J)), column] = (value(k.value + STEP) - value(k.value - STEP)) / (2 * STEP)
            return J
        for i in range(J.shape[1]):
            if is_over(ends):
                raise TooLarge
            J[:, i] = (value(_moved(k.value, i, STEP)) - value(_moved(k.value, i, -STEP))) / (2 * STEP)
    return J


class Slope(Node):
    """The slope of one array in another that it depends on element by element: what the author did not compute.

    is_of_one_step   whether only one step, or one call of a helper function, lies between the two arrays; the author
                     may well have written something else in its place
    """

    __slots__ = ("is_of_one_step",)

    def __init__(self, value, name, is_of_one_step):
        super().__init__(-1, None, (), {}, value, name=name)  # −1: older than every step, so that each may use it
        self.is_of_one_step = is_of_one_step


def slopes_of_elements(paths, ends=np.inf):
    """Return the slopes that are not constant, each once: a list of `Slope`, of those found in time."""
    found = []
    nodes = [node for node in (paths.x, *paths.order) if not isinstance(node.value, (list, tuple))]
    for m in nodes[1:] if len(nodes) <= MOST_NODES else ():
        if is_over(ends):
            break
        if not 0 < m.value.size <= LARGEST:
            continue
        jacobians = paths.jacobians(m)
        for k in nodes:
            if k.index < m.index and k.value.shape == m.value.shape and k in jacobians:
                J = jacobians[k]
                slope = np.diag(J)
                if not np.allclose(J, np.diag(slope), atol=1e-8) or np.ptp(slope) < 1e-6:
                    continue
                slope = slope.reshape(m.value.shape)
                if not any(np.allclose(slope, other.value) for other in found if other.value.shape == slope.shape):
                    name = f"the slope of {source.code(source.name(m))} with respect to {source.code(source.name(k))}"
                    is_whole = k is paths.x and m is paths.y  # in place of anything, that would be the answer itself
                    found.append(Slope(slope, name, not is_whole and _is_one_call(paths.graph, m, k)))
    return found


def _is_one_call(graph, m, k):
    """Return whether m depends on k through one step alone, or through one call of a helper function."""
    between = (graph.descendants(k) & graph.ancestors(m)) - {k}
    if between == {m}:
        return True
    function = m.site and m.site.instruction[0]
    is_call = k.site is not None and k.site.instruction[0] != function
    return is_call and all(node.site and node.site.instruction[0] == function for node in between)

"""Along which paths an input acts on the value, and what a derivative would be without one of them.

The chain rule sums over all paths: dx = Σ over the paths from x to y of the product of the slopes on the way. People
who derive by hand often forget a path: the variance of a batch norm depends on x too, and so does the sum in a softmax.
What comes out then is known: hold that intermediate value constant, and differentiate.

No formula is needed for that. Every step of a trace can be run alone, so finite differences give its own slopes (small
matrices), and a walk from y back to x multiplies and adds them up, with a weight for each edge: 0 where the path is
cut, −1 where its sign is wrong.
"""

import numpy as np

from . import source
from .graph import Node, filled, with_part

STEP = 1e-5
LARGEST = 150  # elements of arrays of which all pairs of elements are looked at
MOST = 60_000  # single steps of the trace that are run to find the slopes


class TooLarge(Exception):
    """There would be too many slopes to find."""


class Paths:
    """All paths from one input to the value.

    graph   a `Graph`
    x       the node of the input
    """

    def __init__(self, graph, x):
        self.graph, self.x, self.y = graph, x, graph.outputs["y"]
        ancestors, self.order, depends = graph.ancestors(self.y), [], {x}
        for node in graph.nodes:
            if node in ancestors and node not in depends and any(parent in depends for parent in node.parents):
                if not is_float(node.value):
                    continue  # a comparison, an index: flat almost everywhere
                depends.add(node)
                self.order.append(node)
        self.edges = {node: [] for node in self.order}
        if sum(2 * flat(k.value).size for node in self.order for k in node.parents if k in depends) > MOST:
            raise TooLarge
        for node in self.order:
            for path, k in node.uses():
                if isinstance(k, Node) and k in depends:
                    self.edges[node].append((path, k, slopes(node, path, k)))

    def gradient(self, dy, weights=None):
        """Return the gradient of Σ dy y with respect to the input; `weights` by edge, a pair of a node and a path."""
        found = self.walk(self.y, dy, weights).get(self.x)
        return np.zeros(self.x.value.shape) if found is None else np.reshape(found, self.x.value.shape)

    def walk(self, start, adjoint, weights=None):
        """Walk back from a node, and return the gradients of Σ adjoint · node with respect to all nodes before it."""
        weights = weights or {}
        adjoints = {start: np.reshape(adjoint, -1)}
        for node in reversed(self.order):
            if node in adjoints:
                for path, k, slope in self.edges[node]:
                    weight = weights.get((node, path), 1.0)
                    if weight:
                        adjoints[k] = adjoints.get(k, 0.0) + weight * (adjoints[node] @ slope)
        return adjoints

    def jacobian(self, m, k):
        """Return ∂m/∂k for two nodes, an array (size of m, size of k)."""
        return np.stack([self.walk(m, row).get(k, np.zeros(k.value.size)) for row in np.eye(m.value.size)])

    def out_of(self, node):
        """Return the edges that leave a node, as keys for `weights`."""
        return [(m, path) for m in self.order for path, k, _ in self.edges[m] if k is node]


def is_float(value):
    """Return whether a value is an array of floats, or several of them."""
    if isinstance(value, (list, tuple)):
        return any(map(is_float, value))
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def flat(value):
    """Return the floats of a value in one row: of an array, or of the arrays of a tuple."""
    if isinstance(value, (list, tuple)):
        return np.concatenate([flat(part) for part in value if is_float(part)])
    return np.reshape(value, -1)


def _moved(value, i, h):
    """Return a copy of a value with its i-th float moved by h."""
    if isinstance(value, (list, tuple)):
        parts = []
        for part in value:
            size = flat(part).size if is_float(part) else 0
            parts.append(_moved(part, i, h) if 0 <= i < size else part)
            i -= size
        return parts
    moved = np.array(value)
    moved.reshape(-1)[i] += h
    return moved


def slopes(node, path, k):
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
            J[:, i] = (value(_moved(k.value, i, STEP)) - value(_moved(k.value, i, -STEP))) / (2 * STEP)
    return J


def slopes_of_elements(paths):
    """Return nodes of the slopes that are not constant, between arrays that act element by element on one another."""
    found = []
    nodes = [node for node in (paths.x, *paths.order) if not isinstance(node.value, (list, tuple))]
    for m in nodes[1:]:
        if not 0 < m.value.size <= LARGEST:
            continue
        rows = [paths.walk(m, row) for row in np.eye(m.value.size)]
        for k in nodes:
            if k.index < m.index and k.value.shape == m.value.shape and all(k in row for row in rows):
                J = np.stack([row[k] for row in rows])
                slope = np.diag(J)
                if not np.allclose(J, np.diag(slope), atol=1e-8) or np.ptp(slope) < 1e-6:
                    continue
                slope = slope.reshape(m.value.shape)
                if not any(np.allclose(slope, other.value) for other in found if other.value.shape == slope.shape):
                    name = f"the slope of `{source.name(m)}` in `{source.name(k)}`"
                    found.append(Node(-1 if _is_one_call(paths.graph, m, k) else -2, None, (), {}, slope, name=name))
    return found


def _is_one_call(graph, m, k):
    """Return whether m depends on k through one step alone, or through one call of a function that the author wrote."""
    between = (graph.descendants(k) & graph.ancestors(m)) - {k}
    if between == {m}:
        return True
    called = m.site and m.site.instruction[0]
    is_call = k.site is not None and k.site.instruction[0] != called
    return is_call and all(node.site and node.site.instruction[0] == called for node in between)


def is_slope(node):
    """Return whether a node is a slope of the forward pass, which the author did not compute."""
    return node.index < 0


def is_slope_of_one_step(node):
    """Return whether it is the slope of a single step, which may well stand where the author has something else."""
    return node.index == -1

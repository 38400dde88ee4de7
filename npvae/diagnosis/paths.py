"""Along which paths an input acts on the value, and what a derivative would be without one of them.

The chain rule sums over all paths: dx = Σ over the paths from x to y of the product of the slopes on the way. The usual
mistake in a derivative by hand is to forget a path: the variance of a batch norm depends on x too, and so does the sum
in a softmax. What would come out is known: hold that intermediate value constant, and differentiate.

No formula is needed for that. Every step of a trace can be run alone, so finite differences give its own slopes (small
matrices), and a walk from y back to x multiplies and adds them up, with a weight for each edge: 0 where the path is
cut, −1 where its sign is wrong.
"""

import numpy as np

from .trace import Node, compute

STEP = 1e-5
MOST = 60_000  # single steps of the trace that are run to find the slopes


class TooLarge(Exception):
    """There would be too many slopes to find."""


class Paths:
    """All paths from one input to the value.

    graph   a `Graph`
    x       the node of the input
    """

    def __init__(self, graph, x):
        self.x, self.y = x, graph.outputs["y"]
        above, self.order, depends = graph.above(self.y), [], {x}
        for node in graph.nodes:
            if node in above and node not in depends and any(parent in depends for parent in node.parents):
                if not _is_float(node.value):
                    continue  # a comparison, an index: flat almost everywhere
                depends.add(node)
                self.order.append(node)
        self.edges = {node: [] for node in self.order}
        self._count = sum(
            2 * k.value.size for node in self.order for _, k in node.uses() if isinstance(k, Node) and k in depends
        )
        if self._count > MOST:
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


def _is_float(value):
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def slopes(node, path, k):
    """Return ∂node/∂k through one argument, by central differences: an array (size of node, size of k)."""
    columns = []
    with np.errstate(all="ignore"):
        for i in np.ndindex(k.value.shape):
            moved = []
            for h in (STEP, -STEP):
                a = np.array(k.value)
                a[i] += h
                moved.append(np.reshape(compute(replaced(node, path, a), lambda parent: parent.value), -1))
            columns.append((moved[0] - moved[1]) / (2 * STEP))
    return np.stack(columns, axis=1) if columns else np.zeros((node.value.size, 0))


def replaced(node, path, value):
    """Return a copy of a node with another argument at the path."""
    args, kwargs = node.args, node.kwargs
    if path[0] == "args":
        args = _with(args, path[1:], value)
    else:
        kwargs = _with(kwargs, path[1:], value)
    return Node(node.index, node.function, args, kwargs, None)


def _with(container, path, value):
    """Return a copy of a nested container with another value at the path."""
    if not path:
        return value
    copy = dict(container) if isinstance(container, dict) else list(container)
    copy[path[0]] = _with(copy[path[0]], path[1:], value)
    return copy if isinstance(container, dict) else type(container)(copy)

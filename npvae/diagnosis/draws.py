"""What the search in a trace works with: the trace of one draw of the inputs, and the right array."""

from typing import NamedTuple

import numpy as np

from .comparison import same
from .trace import Untraceable, trace, trace_run


class Draw(NamedTuple):
    """One draw of the inputs: its trace, and the right array.

    graph    a `Graph`
    name     of the author's array among the graph's outputs: "y", or "dx"
    truth    the right array
    numbers  a dict of sizes from which a factor may come, by their meaning
    """

    graph: object
    name: str
    truth: np.ndarray
    numbers: dict

    def is_right(self, made):
        """Return whether an array is the right one; if the author's is close to it, the new one must be much closer."""
        if not same(made, self.truth):
            return False
        return not same(self.found, self.truth) or np.ptp(made - self.truth) < 0.1 * np.ptp(self.found - self.truth)

    @property
    def of(self):
        """The input with respect to which this is the derivative; None if it is no derivative."""
        return self.name[1:] if "dy" in self.graph.inputs and self.name != "y" else None

    @property
    def output(self):
        """The node of the author's array."""
        return self.graph.outputs[self.name]

    @property
    def found(self):
        """The author's array."""
        return self.output.value


def upstream(draw):
    """Return the upstream gradient dy of a draw."""
    return draw.graph.inputs["dy"].value


def traced(f, inputs, dy, name, truth, numbers):
    """Return a list with the traced draw of one array; an empty list if f cannot be traced."""
    try:
        graph = trace(f, inputs, dy)
    except Untraceable:
        return []
    return _draw(graph, name, truth, numbers)


def traced_run(author, run, name, truth, numbers):
    """Return a list with the traced draw of one array that a run of the author's function returns: see `trace_run`."""
    try:
        graph = trace_run(author, run)
    except Untraceable:
        return []
    return _draw(graph, name, truth, numbers)


def _draw(graph, name, truth, numbers):
    is_whole = name in graph.outputs and np.isfinite(truth).all()
    return [Draw(graph, name, truth, numbers)] if is_whole else []

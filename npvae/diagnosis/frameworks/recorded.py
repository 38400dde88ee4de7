"""A graph of what a framework computed: the nodes that tracing NumPy makes, from calls that a framework reports.

Where NumPy has the same function, the node holds that one, so that the search knows how to change it. Everything else
is a function of arrays that asks the framework again.
"""

import numpy as np

from ..graph import Graph, site_of
from ..stand_ins import functions_of


class Recording:
    """A `Graph` that grows, and the files whose lines it names."""

    def __init__(self, functions):
        self.graph = Graph()
        self.files = {g.__code__.co_filename for f in functions for g in functions_of(f)}

    def given(self, array, name=None):
        """Add a node for an array that is given, under a name: an input, or dy."""
        node = self.graph.add(None, value=_fixed(array), name=name)
        if name is not None:
            self.graph.inputs[name] = node
        return node

    def step(self, function, args, kwargs, value, site):
        """Add a node for a step, and return it."""
        return self.graph.add(function, args, kwargs, _fixed(value), site=site)

    def site(self, frames):
        """Return the place in the author's files, from pairs of a code object and the offset of its instruction."""
        for code, offset in frames:
            if code.co_filename in self.files:
                return site_of(code, offset)
        return None


def _fixed(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_fixed, value))
    array = np.array(value)
    array.flags.writeable = False
    return array

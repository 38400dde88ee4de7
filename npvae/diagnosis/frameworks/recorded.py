"""A graph of what a framework computed, built from the calls that the framework reports.

If NumPy has the same function, the node holds NumPy's, because the search knows how to change that. Any other node
holds a function of arrays that calls the framework again.
"""

import numpy as np

from ..graph import Graph, site_of
from ..stand_ins import functions_of


class Recording:
    """A `Graph` that grows, and the author's files, whose lines become sites."""

    def __init__(self, functions):
        self.graph = Graph()
        self.files = {g.__code__.co_filename for f in functions for g in functions_of(f)}

    def given(self, array, name=None):
        """Add a node for an array: an input or dy, if it has a name, or else a constant."""
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

"""The trace of an operation: the graph of its value and of its derivatives."""

import numpy as np

from .stand_ins import functions_of, reaching
from .traced import HERE, Traced, Tracer


class Untraceable(Exception):
    """The function cannot be traced: it fails on traced arrays, or returns something else."""


def trace(f, inputs, dy=None):
    """Return the `Graph` of an operation: of its value and, for an upstream gradient dy, of its derivatives.

    f        a bare operation, which returns a value, or its value and its derivatives
    inputs   a dict of the arrays that it receives, by name
    dy       the upstream gradient (of the shape of the value); None for the value alone

    The outputs are called "y" and "d" + the name of an input. Raises Untraceable.
    """
    functions = functions_of(f)
    tracer = Tracer({g.__code__.co_filename for g in functions} - {*HERE})
    graph, arrays = tracer.graph, []
    for name, x in inputs.items():
        is_float = isinstance(x, np.ndarray) and x.dtype.kind == "f"
        arrays.append(tracer.given(x, name) if is_float else x)
        if is_float:
            graph.inputs[name] = arrays[-1].node
    try:
        with reaching(tracer, functions), np.errstate(all="ignore"):
            returned = f(*arrays)
            y, *derivatives = returned if isinstance(returned, tuple) else (returned,)
            graph.outputs["y"] = _output(tracer, y)
            if dy is not None:
                given = tracer.given(dy, "dy")
                graph.inputs["dy"] = given.node
                for name, dx in zip(inputs, _called(derivatives, given, len(inputs))):
                    if dx is not None:
                        graph.outputs[f"d{name}"] = _output(tracer, dx)
    except Exception as error:
        raise Untraceable(str(error)) from error
    return graph


def _called(derivatives, dy, count):
    """Return what the derivatives return for dy, in either form of an operation."""
    if len(derivatives) == 1 and derivatives[0] is not None:
        returned = derivatives[0](dy)
        return returned if type(returned) is tuple else (returned,)
    return [d and d(dy) for d in derivatives]


def _output(tracer, a):
    if isinstance(a, Traced):
        return a.node
    if isinstance(a, (np.ndarray, np.generic)):
        return tracer.given(a).node
    raise Untraceable(f"it returns {type(a).__name__}")

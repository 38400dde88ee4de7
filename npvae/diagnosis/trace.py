"""The trace of an operation: the graph of its value and of its derivatives.

The author's function runs once, and prints nothing meanwhile. Whatever it raises ends the trace and nothing else: even
a call of `exit()`, but not Ctrl-C.
"""

import threading
import types

import numpy as np

from .silence import silent
from .stand_ins import functions_of, stand_ins
from .traced import is_live, plain
from .tracer import HERE, Tracer

_ONE_AT_A_TIME = threading.RLock()  # two traces at once would put their stand-ins into the same modules


class Untraceable(Exception):
    """The function cannot be traced: it fails on traced arrays, or returns something other than arrays."""


def trace(f, inputs, dy=None):
    """Return the `Graph` of an operation: of its value and, for an upstream gradient dy, of its derivatives.

    f        a bare operation, which returns a value, or its value and its derivatives
    inputs   a dict of the arrays that it receives, by name
    dy       the upstream gradient (of the shape of the value); None for the value alone

    The outputs are called "y" and "d" + the name of an input. Raises Untraceable.
    """
    record = getattr(getattr(f, "func", f), "graph", None)  # the adapters in frameworks/ record their own
    if record is not None:
        try:
            with silent():
                return record(inputs, dy)
        except (Exception, SystemExit) as error:  # a stranger's function may raise anything
            raise Untraceable(str(error)) from error

    def run(given):
        arrays = {}
        for name, x in inputs.items():
            is_float = isinstance(x, np.ndarray) and x.dtype.kind == "f"
            arrays[name] = given(x, name) if is_float else x
        returned = f(*arrays.values())
        y, *derivatives = returned if isinstance(returned, tuple) else (returned,)
        outputs = {"y": y}
        if dy is not None:
            gradients = _called(derivatives, given(dy, "dy", _upstream_name(derivatives)))
            outputs |= {f"d{name}": dx for name, dx in zip(inputs, gradients) if dx is not None}
        return outputs

    return trace_run(f, run)


def trace_run(author, run):
    """Return the `Graph` of a run of the author's function.

    author   the function whose lines are recorded
    run      run(given) calls it with given(array, name), traced arrays, and returns a dict of arrays

    If the author's code kept arrays of the trace, they are inert when this returns: see traced.py. Raises Untraceable.
    """
    functions = functions_of(author)
    tracer = Tracer({g.__code__.co_filename for g in functions} - {*HERE, __file__})

    def given(array, name, called=None):
        traced = tracer.given(array, called or name)
        tracer.graph.inputs[name] = traced.node
        return traced

    try:
        with _ONE_AT_A_TIME, silent(), stand_ins(tracer, functions), np.errstate(all="ignore"):
            outputs = run(given)
            tracer.graph.outputs = {name: _output(tracer, a) for name, a in outputs.items()}
    except (Exception, SystemExit) as error:  # a stranger's function may raise anything
        raise Untraceable(str(error)) from error
    finally:
        tracer.end()
    return tracer.graph


def _upstream_name(derivatives):
    """Return what the author calls the upstream gradient, in the first derivative."""
    code = next((d.__code__ for d in derivatives if isinstance(d, types.FunctionType)), None)
    return code.co_varnames[0] if code is not None and code.co_argcount else "dy"


def _called(derivatives, dy):
    """Return the gradients: from one closure per input, or from a single one that returns a tuple."""
    if len(derivatives) == 1 and derivatives[0] is not None:
        returned = derivatives[0](dy)
        return returned if type(returned) is tuple else (returned,)
    return [d and d(dy) for d in derivatives]


def _output(tracer, a):
    if is_live(a):
        return a.node
    if isinstance(a, (np.ndarray, np.generic)):
        return tracer.given(plain(a)).node
    raise Untraceable(f"it returns {type(a).__name__}")

"""NumPy, `math` and helper functions as a traced function sees them.

NumPy hands a call over only if an argument is a traced array. np.zeros makes an array from nothing, and np.array from a
list, so they would leave the trace. While a function is traced, the names `np` and `math` of its module refer to
stand-ins that keep the trace; afterwards they refer to the real modules again.

At the same time, another thread may call the same names, and the author's code may store a stand-in. So each stand-in
calls the real function on every thread but the one that traces, and after the trace.
"""

import contextlib
import functools
import math
import types

import numpy as np

from .traced import Traced, is_live, plain

CREATORS = ("zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "zeros_like", "ones_like",
            "empty_like", "full_like", "tri")  # fmt: skip
CACHED = type(functools.lru_cache(lambda: None))  # what functools.lru_cache makes of a function
OF_LISTS = ("array", "asarray", "asanyarray", "ascontiguousarray", "copy")


def array_of(nested, dtype=None):
    """Return an array of nested lists of arrays, as np.array does."""
    return np.array(nested, dtype)


array_of.__name__ = "array"  # what the author called


class StandIn(types.ModuleType):
    """A module with some of its functions replaced."""

    def __init__(self, module, replaced):
        super().__init__(module.__name__)
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)


def _traced_numpy(tracer):
    """Return NumPy with stand-ins for the functions that would leave the trace."""
    replaced = {}
    for name in CREATORS:
        create = getattr(np, name)
        replaced[name] = functools.partial(_create, tracer, create)
    for name in OF_LISTS:
        replaced[name] = functools.partial(_from_list, tracer, getattr(np, name))
    replaced["vectorize"] = functools.partial(_Vectorized, tracer)
    replaced["ndenumerate"] = lambda a: ((i, a[i]) for i in np.ndindex(np.shape(a)))
    return StandIn(np, {name: _where_traced(tracer, getattr(np, name), f) for name, f in replaced.items()})


def _where_traced(tracer, real, stand_in):
    """Return a function that calls the stand-in where the trace is on, and the real function elsewhere."""

    @functools.wraps(real, updated=())
    def chosen(*args, **kwargs):
        return (stand_in if tracer.is_on else real)(*args, **kwargs)

    return chosen


def _create(tracer, create, *args, **kwargs):
    return tracer.given(create(*plain(args), **{key: plain(value) for key, value in kwargs.items()}))


def _from_list(tracer, function, nested, *args, **kwargs):
    if is_live(nested):
        dtype = args[0] if args else kwargs.get("dtype")
        if function is not np.array and function is not np.copy and dtype in (None, nested.dtype):
            return nested
        return tracer.made(np.array, (nested,), {} if dtype is None else {"dtype": dtype})
    if _holds_traced(nested):
        return tracer.made(array_of, (_as_lists(nested),), {})
    made = function(nested, *args, **kwargs)
    return tracer.given(made) if made.dtype.kind == "f" else made


def _holds_traced(nested):
    if is_live(nested):
        return True
    return type(nested) in (list, tuple) and any(map(_holds_traced, nested))


def _as_lists(nested):
    return [_as_lists(part) for part in nested] if type(nested) in (list, tuple) else nested


class _Vectorized:
    """np.vectorize(f): call f for each element."""

    def __init__(self, tracer, f, **options):
        self.tracer, self.f, self.options = tracer, f, options

    def __call__(self, *args):
        arrays = np.broadcast_arrays(*map(plain, args))
        if not _holds_traced(list(args)):
            return np.vectorize(self.f, **self.options)(*args)
        args = [a if np.shape(a) == arrays[0].shape else self.tracer.made(np.broadcast_to, (a, arrays[0].shape), {})
                for a in args]  # fmt: skip
        flat = [self.f(*(a[i] for a in args)) for i in np.ndindex(arrays[0].shape)]
        return _from_list(self.tracer, np.array, flat).reshape(arrays[0].shape)


_MATH = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh",
                                              "log1p", "expm1", "log2", "log10", "fabs", "floor", "ceil", "hypot")
         } | {"pow": np.power, "atan": np.arctan, "asin": np.arcsin, "acos": np.arccos}  # fmt: skip


def _traced_math():
    def either(name, of_arrays):
        return lambda *args: (of_arrays if _holds_traced(list(args)) else getattr(math, name))(*args)

    return StandIn(math, {name: either(name, of_arrays) for name, of_arrays in _MATH.items()})


def _atom(tracer, function):
    """Return a stand-in for a function of another package: a call becomes a single step of the trace."""

    @functools.wraps(function)
    def atom(*args, **kwargs):
        given = [*args, *kwargs.values()]
        if not _holds_traced(given) or any(callable(a) and not isinstance(a, Traced) for a in given):
            return function(*args, **kwargs)
        return tracer.made(function, args, kwargs)

    return atom


@contextlib.contextmanager
def stand_ins(tracer, functions):
    """A context in which the names of these functions' modules refer to stand-ins."""
    numpy, mathematics, kept = _traced_numpy(tracer), _traced_math(), []
    creators = {getattr(np, name): getattr(numpy, name) for name in (*CREATORS, *OF_LISTS, "vectorize")}
    for names in {id(f.__globals__): f.__globals__ for f in functions}.values():
        for name, value in list(names.items()):
            new = value
            if value is np:
                new = numpy
            elif value is math:
                new = mathematics
            elif isinstance(value, types.BuiltinFunctionType) and value.__module__ == "math" and name in _MATH:
                new = getattr(mathematics, name)
            elif isinstance(value, types.FunctionType) and value in creators:
                new = creators[value]
            elif isinstance(value, types.FunctionType) and value.__code__.co_filename not in tracer.files:
                if "npvae" in (value.__module__ or "") or (value.__module__ or "").startswith("scipy"):
                    new = _atom(tracer, value)
            if new is not value:
                kept.append((names, name, value))
                names[name] = new
    try:
        yield
    finally:
        for names, name, value in kept:
            names[name] = value


def functions_of(f):
    """Return the plain functions that f is made of: itself, what it wraps, and what it encloses."""
    found, waiting = [], [f]
    while waiting:
        g = waiting.pop()
        if isinstance(g, functools.partial):
            waiting.append(g.func)
            waiting += [part for part in (*g.args, *g.keywords.values()) if callable(part)]
        elif isinstance(g, types.MethodType):
            waiting.append(g.__func__)
        elif isinstance(g, types.FunctionType):
            if g not in found:
                found.append(g)
                contents = [content_of(cell) for cell in g.__closure__ or ()]
                waiting += [part for part in contents if callable(part)]
        elif isinstance(g, CACHED):
            waiting.append(g.__wrapped__)
        elif isinstance(getattr(type(g), "__call__", None), types.FunctionType):  # noqa: B004
            waiting.append(type(g).__call__)
    return found


def content_of(cell):
    """Return what a cell holds; None if its variable has no value yet."""
    try:
        return cell.cell_contents
    except ValueError:  # the variable has no value yet
        return None

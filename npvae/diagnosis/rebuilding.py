"""Copies of the author's functions that share nothing with them that they may change."""

import functools
import types

import numpy as np

MOST_BYTES, MOST_PARTS = 100_000, 1000  # of an array, and of a list or dict, that is copied


def names_in(code):
    """Return the names that a function and the functions in it look up: globals, attributes and modules."""
    return {name for inner in codes_of(code) for name in inner.co_names}


def codes_of(code):
    """Return a code object and those of the functions in it, a set."""
    inner = [codes_of(const) for const in code.co_consts if isinstance(const, types.CodeType)]
    return {code}.union(*inner)


class Rebuilding:
    """Copies of functions that call one another's copies, some with other code.

    Whatever they may change is copied too: arrays, lists, dicts and the object of a method. Of a large array, they get
    a view that is read-only.
    """

    def __init__(self, functions, codes):
        self.functions, self.codes, self.copies, self.scopes, self.kept = functions, codes, {}, {}, {}

    def rebuilt(self, f):
        """Return a copy of whatever can be called."""
        if isinstance(f, functools.partial):
            keywords = {key: self._part(part) for key, part in f.keywords.items()}
            return functools.partial(self.rebuilt(f.func), *map(self._part, f.args), **keywords)
        if isinstance(f, types.MethodType):
            return types.MethodType(self.rebuilt(f.__func__), self._object(f.__self__))
        if isinstance(f, types.FunctionType):
            return self._function(f) if f in self.functions else f
        call = getattr(type(f), "__call__", None)  # noqa: B004
        return types.MethodType(self._function(call), self._object(f)) if call in self.functions else f

    def _function(self, f):
        if f not in self.copies:
            code = self.codes.get(f, f.__code__)
            cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
            closure = tuple(types.CellType() for _ in code.co_freevars)
            copy = types.FunctionType(code, self._scope(f.__globals__), f.__name__, None, closure)
            self.copies[f] = copy  # before its parts: a function may enclose itself
            copy.__defaults__ = f.__defaults__ and tuple(map(self._part, f.__defaults__))
            copy.__kwdefaults__ = f.__kwdefaults__ and {name: self._part(x) for name, x in f.__kwdefaults__.items()}
            for cell, name in zip(closure, code.co_freevars):
                try:
                    content = cells[name].cell_contents
                except ValueError:  # the variable has no value yet
                    continue
                cell.cell_contents = self._part(content)
        return self.copies[f]

    def _scope(self, names):
        """Return a copy of a module's globals, in which the helper functions are copies too."""
        if id(names) not in self.scopes:
            self.scopes[id(names)] = scope = dict(names)
            used = {name for f in self.functions if f.__globals__ is names for name in names_in(f.__code__)}
            for name in used & names.keys():
                scope[name] = self._part(names[name])
        return self.scopes[id(names)]

    def _part(self, value):
        """Return what stands for a value that a function can reach."""
        if callable(value):
            return self.rebuilt(value)
        if id(value) not in self.kept:
            self.kept[id(value)] = self._copy(value)
        return self.kept[id(value)]

    def _copy(self, value):
        if type(value) is np.ndarray:
            if value.nbytes <= MOST_BYTES:
                return value.copy(order="K")
            view = value.view()
            view.flags.writeable = False
            return view
        if type(value) in (list, tuple, set) and len(value) <= MOST_PARTS:
            return type(value)(map(self._part, value))
        if type(value) is dict and len(value) <= MOST_PARTS:
            return {key: self._part(part) for key, part in value.items()}
        return value

    def _object(self, value):
        """Return a copy of the object of a method; the object itself if it keeps anything but attributes."""
        if id(value) not in self.kept:
            try:
                copy = value if _has_slots(type(value)) else object.__new__(type(value))
                self.kept[id(value)] = copy  # before its parts: an object may hold itself
                if copy is not value:
                    copy.__dict__.update({name: self._part(part) for name, part in vars(value).items()})
            except (TypeError, AttributeError):  # a class, or an object without a dict
                copy = value
            self.kept[id(value)] = copy
        return self.kept[id(value)]


def _has_slots(kind):
    return any(getattr(base, "__slots__", ()) for base in kind.__mro__)

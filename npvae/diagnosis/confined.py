"""What an edited version may do: nothing to files, nothing forever, and nothing to what the author still needs.

A version is the author's function after a slip of the pen, so it may do whatever a slip can do: write results under
another name, never leave a loop, fill the memory, overwrite a weight. Here it gets

    a trace       that counts its lines, and ends it after many more than the author's function needed
    an audit      that refuses to open a file for writing, to start a process, to wait for input, …
    NumPy         whose np.zeros, np.linspace, … refuse to make huge arrays
    copies        of the arrays, lists, dicts and objects that the function refers to, and of what classes and modules
                  hold

The limits hold in the thread of the search only. They are no jail: they stop slips, not malice.
"""

import collections
import contextlib
import copy
import os
import sys
import threading
import types

import numpy as np

from .stand_ins import StandIn

MOST_ELEMENTS = 10**6  # of an array that is made from sizes
MOST_BITS = 200  # of a whole number
MOST_BYTES = 100_000  # of an array that is copied
CONTAINERS = (list, dict, collections.defaultdict, collections.OrderedDict, collections.deque)
REFUSED = ("os.", "shutil.", "subprocess.", "socket.", "urllib.", "tempfile.", "builtins.input", "time.sleep")
ALLOWED = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.getxattr", "os.listxattr")
_here = threading.local()


class Refused(BaseException):
    """A version tried what it may not do. It is no `Exception`, since the author's function may catch those."""


class Run:
    """What happens in the author's lines while a version runs.

    lines   how many lines have run so far
    calls   how many functions have been called
    values  the last value of each variable, by name, and of what each function returned, if they are noted
    """

    def __init__(self, files, most_lines, notes_values):
        self.files, self.most_lines, self.notes_values = files, most_lines, notes_values
        self.lines, self.calls, self.values = 0, 0, {}

    def trace(self, frame, event, _):
        """Follow the functions of the author's files."""
        if frame.f_code.co_filename not in self.files:
            return None
        self.calls += 1
        if self.calls % 8 == 0:
            self._refuse_huge_numbers(frame)
        return self._inside

    def _inside(self, frame, event, returned):
        if event == "line":
            self.lines += 1
            if self.lines > self.most_lines:
                raise Refused("it takes too many steps")
            if self.lines % 8 == 0:
                self._refuse_huge_numbers(frame)
        elif event == "return" and self.notes_values:
            self.values |= frame.f_locals | {f"what {frame.f_code.co_name} returns": returned}
        return self._inside

    def _refuse_huge_numbers(self, frame):
        """Raise Refused if a whole number of Python's grows without end: one square of it can take minutes."""
        if any(type(value) is int and value.bit_length() > MOST_BITS for value in frame.f_locals.values()):
            raise Refused("a number grows without end")


@contextlib.contextmanager
def confined(files, most_lines=np.inf, notes_values=False):
    """A context in which this thread runs a version: yields its `Run`. Code that does too much gets `Refused`.

    files         of the author
    most_lines    of the author's that may run
    notes_values  whether the `Run` notes the values of variables, which takes time
    """
    run, before = Run(files, most_lines, notes_values), sys.gettrace()
    _audited()
    _here.is_confined = True
    sys.settrace(run.trace)
    try:
        yield run
    finally:
        sys.settrace(before)
        _here.is_confined = False


def _audited():
    """Let Python report what code does to the system. An audit hook cannot be removed, so there is only one."""
    if not getattr(_audited, "is_done", False):
        sys.addaudithook(_audit)
        _audited.is_done = True


def _audit(event, args):
    if getattr(_here, "is_confined", False):
        if event == "open" and not _only_reads(*args[1:3]):
            raise Refused("it opens a file for writing")
        if event.startswith(REFUSED) and event not in ALLOWED:
            raise Refused(f"it calls {event}")


def _only_reads(mode, flags):
    if isinstance(mode, str):
        return not set(mode) & set("wax+")
    return not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)


SIZES = {  # how many elements each of NumPy's functions makes
    "zeros": lambda shape, *_, **__: np.prod(shape),
    "ones": lambda shape, *_, **__: np.prod(shape),
    "empty": lambda shape, *_, **__: np.prod(shape),
    "full": lambda shape, *_, **__: np.prod(shape),
    "identity": lambda n, *_, **__: n * n,
    "eye": lambda n, m=None, *_, **__: n * (m or n),
    "tri": lambda n, m=None, *_, **__: n * (m or n),
    "arange": lambda start, stop=0, step=1, *_, **__: abs(stop - start) / abs(step),
    "linspace": lambda start, stop, num=50, *_, **__: num,
    "logspace": lambda start, stop, num=50, *_, **__: num,
    "repeat": lambda a, repeats, *_, **__: np.size(a) * np.max(repeats),
    "tile": lambda a, reps, *_, **__: np.size(a) * np.prod(reps),
}


def _limited(name):
    create, size = getattr(np, name), SIZES[name]

    def limited(*args, **kwargs):
        if size(*args, **kwargs) > MOST_ELEMENTS:
            raise Refused("it makes a huge array")
        return create(*args, **kwargs)

    return limited


NUMPY = StandIn(np, {name: _limited(name) for name in SIZES})


class Copies:
    """Copies of what a function refers to, and read-only views of large arrays.

    What refers to one object keeps referring to one copy.
    """

    def __init__(self):
        self._made = {}

    def of(self, value):
        """Return a copy of an array, a container, an object, or what holds any of them; anything else as it is."""
        if value is np:
            return NUMPY
        is_fixed = isinstance(value, (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType))
        if is_fixed and not _data_of(value):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = value, self._copy(value)  # the value lives as long, so that its id stays its own
        return self._made[id(value)][1]

    def _copy(self, value):
        kind = type(value)
        if kind in (types.ModuleType, type):
            held = {name: self.of(part) for name, part in _data_of(value).items()}
            if kind is types.ModuleType:
                return StandIn(value, held)
            return type(value.__name__, (value,), held | {"__slots__": (), "__module__": value.__module__})
        if kind is np.ndarray:
            if value.nbytes <= MOST_BYTES:
                return value.copy(order="K")
            view = value.view()
            view.flags.writeable = False
            return view
        if kind in (set, tuple):
            return kind(self.of(part) for part in value)
        if isinstance(value, tuple) and hasattr(kind, "_make"):  # a namedtuple
            return kind._make(map(self.of, value))
        if kind in CONTAINERS:
            made = copy.copy(value)
            self._made[id(value)] = value, made  # before its parts, which may refer to it
            for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
                made[key] = self.of(part)
            return made
        if isinstance(value, np.random.Generator):
            return copy.deepcopy(value)
        return self._copy_of_object(value) if hasattr(value, "__dict__") or _slots(value) else value

    def _copy_of_object(self, value):
        """Return a copy with copies of its attributes; the object itself if it has no copy, such as an open file."""
        try:
            made = copy.copy(value)
        except Exception:  # whatever a stranger's class raises
            return value
        if made is not value:
            self._made[id(value)] = value, made  # before its parts, which may refer to it
            if _data_of(type(value)):
                made.__class__ = self.of(type(value))
            if hasattr(value, "__dict__"):
                vars(made).update({name: self.of(part) for name, part in vars(value).items()})
            for name in _slots(value):
                object.__setattr__(made, name, self.of(getattr(value, name)))
        return made


def _data_of(value):
    """Return what a module or a class holds and an edit can change in place: a dict by name.

    A copy of a class is a subclass. A class that is told of its subclasses might keep them, so it gets no copy.
    """
    places, data = [], (np.ndarray, list, dict, set)
    if type(value) is types.ModuleType:
        places, data = [vars(value)], np.ndarray
    elif type(value) is type and not any("__init_subclass__" in vars(parent) for parent in value.__mro__[:-1]):
        places = map(vars, reversed(value.__mro__))
    return {name: part for names in places for name, part in list(names.items())
            if isinstance(part, data) and not name.startswith("__")}  # fmt: skip


def _slots(value):
    """Return the names of the attributes that an object holds in slots."""
    slots = [getattr(kind, "__slots__", ()) for kind in type(value).__mro__]
    names = {name for several in slots for name in ([several] if isinstance(several, str) else several)}
    return [name for name in names - {"__dict__", "__weakref__"} if hasattr(value, name)]

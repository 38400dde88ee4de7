"""Reverse-mode automatic differentiation: remember what was computed, then walk it backwards.

A `Tensor` is an array that remembers how it was made. Every operation of this package is a plain NumPy function that
returns its value and, for each of its inputs, a function that turns the gradient of the value into the gradient of
that input: if the loss is ℓ and y = f(x), the function takes dy = ∂ℓ/∂y and returns dx = dy · ∂y/∂x, the chain rule.
The decorator `@op` runs such a function on Tensors and records it. The records, in the order in which they were
made, are the *tape*; `loss.backward()` reads the tape from its end to its beginning and passes the gradients on.

The order of execution, reversed, is already a topological order (nothing can use a value before it was computed), so
the walk is a loop over a sorted list, without recursion.

Source: Baydin, Pearlmutter, Radul, Siskind (2018), Automatic differentiation in machine learning: a survey, §3.2.
"""

import contextlib
import contextvars
import functools
import inspect
import itertools
import sys

import numpy as np

_recording = contextvars.ContextVar("recording", default=True)
_trapping = contextvars.ContextVar("trapping", default=False)
_execution_order = itertools.count()
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Tensor:
    """An array, its gradient, and the record of the operation that made it.

    data            the values, a float32 or float64 array of any shape
    requires_grad   True for a leaf whose gradient is wanted: a parameter
    grad            after `backward`, the gradient, an array of the shape of `data`; it adds up over several calls

    Raises TypeError for an array that does not hold float32 or float64 numbers. Lists and Python numbers, and all else
    that is no array and does not say that it holds float32 numbers, become float64.
    """

    __slots__ = ("data", "grad", "requires_grad", "record", "__weakref__")
    __array_ufunc__ = None  # so that `array * tensor` asks the Tensor, instead of looping over its elements

    def __init__(self, data, requires_grad=False):
        if isinstance(data, Tensor):
            raise TypeError("a Tensor of a Tensor would forget how it was made: use it as it is, or detach() it")
        if not isinstance(data, (np.ndarray, np.floating)):
            is_float32 = getattr(data, "dtype", None) == np.float32      # Pixels, for instance
            data = np.asarray(data, dtype=np.float32 if is_float32 else np.float64)
        if data.dtype not in _FLOATS:
            raise TypeError(f"a Tensor holds float32 or float64 numbers, found {data.dtype}: convert it with .astype")
        self.data = np.asarray(data)
        self.grad = None
        self.requires_grad = requires_grad
        self.record = None

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)

    def __len__(self):
        return len(self.data)

    def __float__(self):
        return float(self.data)

    def __repr__(self):
        how = f", made by {self.record.operation}" if self.record else ", requires_grad" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, threshold=20, precision=4)}, {self.dtype}{how})"

    def detach(self):
        """The same values as a Tensor that remembers nothing: gradients stop here."""
        return Tensor(self.data)

    def backward(self, dy=None):
        """Add ∂ℓ/∂p to `p.grad` for every leaf p that this Tensor was made from.

        dy: the gradient of ℓ by this Tensor, an array of its shape; for a single number it is 1, that is, ℓ is this
        Tensor itself. No array that the Tensor was made from may have been changed since: derivatives read them now.
        Raises ValueError when dy is missing or has another shape, where nothing was recorded, and for a derivative that
        is missing or has another shape or dtype than its input.
        """
        if dy is None and self.data.size != 1:
            raise ValueError(
                f"backward from shape {self.shape} needs the upstream gradient: call backward(dy) with an array of "
                "that shape, or reduce to a single number first"
            )
        dy = np.ones_like(self.data) if dy is None else np.asarray(dy, dtype=self.dtype)
        if dy.shape != self.shape:
            raise ValueError(f"backward: the upstream gradient has shape {dy.shape}, expected {self.shape}")
        if self.record is None:
            if not self.requires_grad:
                raise ValueError("backward: nothing was recorded on the way here; was it computed within no_grad()?")
            _add_to_leaf(self, dy, owned=False)
            return

        gradients = {self.record: dy}  # of the value that each record made, as far as it is known
        owned = set()  # records whose gradient is an array that this walk allocated, so that it may add in place
        for record in reversed(records(self)):
            dy = gradients.pop(record)
            one_by_one = len(record.derivatives) == len(record.inputs)  # else a tuple, which may hold an array twice
            for x, dx in zip(record.inputs, record.backward(dy)):
                if x is None:
                    continue
                source = x.record
                if source is None:
                    _add_to_leaf(x, dx, owned=one_by_one and dx.base is None and dx is not dy)
                elif source not in gradients:
                    gradients[source] = dx
                elif source in owned:
                    gradients[source] += dx
                else:
                    gradients[source] = gradients[source] + dx
                    owned.add(source)


def _add_to_leaf(x, dx, owned):
    """x.grad += dx. An array that someone else holds too is copied first."""
    if x.grad is None:
        x.grad = np.asarray(dx) if owned else np.array(dx)
    else:
        x.grad += dx


class Record:
    """One line of the tape: an operation, its inputs, and their derivatives.

    operation       its name
    names, shapes   of its inputs
    shape           of its value
    inputs          the Tensor where a gradient is wanted, None where it is not
    derivatives     as the operation returned them
    caller          "folder/file.py:line" of the call
    """

    __slots__ = ("order", "operation", "names", "shapes", "shape", "inputs", "derivatives", "caller")

    def __init__(self, operation, names, shapes, shape, inputs, derivatives, caller):
        self.order = next(_execution_order)
        self.operation, self.names, self.shapes, self.shape = operation, names, shapes, shape
        self.inputs, self.derivatives, self.caller = inputs, derivatives, caller

    def backward(self, dy):
        """The gradient of every wanted input, by the operation's own derivatives, which are checked."""
        try:
            gradients = input_gradients(self.derivatives, dy, [x is not None for x in self.inputs])
        except ValueError as error:
            raise ValueError(
                f"{self.operation}: its derivatives cannot take the upstream gradient {dy.shape} (called at "
                f"{self.caller}): {error}"
            ) from error
        for x, dx, name, shape in zip(self.inputs, gradients, self.names, self.shapes):
            if x is None:
                continue
            if dx is None:
                raise ValueError(
                    f"{self.operation} has no derivative for its input {name}, but a gradient is wanted there: pass "
                    f"it as an array, or detach it (called at {self.caller})"
                )
            if not isinstance(dx, (np.ndarray, np.generic)):
                raise TypeError(
                    f"{self.operation}: the derivative for the input {name} is a {type(dx).__name__}, expected an array"
                )
            if dx.shape != shape:
                raise ValueError(
                    f"{self.operation}: the derivative for the input {name} has shape {dx.shape}, but the input "
                    f"has shape {shape} (called at {self.caller})"
                )
            if dx.dtype != dy.dtype:
                raise ValueError(f"{self.operation}: the derivative for {name} made {dx.dtype} of {dy.dtype}")
            if _trapping.get():
                _check_finite(dx, f"the derivative of {self.operation} for its input {name}", self.caller)
        return gradients


def records(y):
    """The tape of y: every record that y depends on, in the order of execution."""
    found, open_ends = set(), [y.record]
    while open_ends:
        record = open_ends.pop()
        if record is not None and record not in found:
            found.add(record)
            open_ends.extend(x.record for x in record.inputs if x is not None)
    return sorted(found, key=lambda record: record.order)


def input_gradients(derivatives, dy, wanted):
    """From dy, one gradient per input: `derivatives` as an operation returns them, `wanted` a bool for each input.

    An operation returns one derivative per input, and only those that are wanted are computed; or, where they share
    their work, one function for all that returns a tuple. A derivative that does not exist is None, and so is its
    gradient; a derivative that returns None is a blank, and NotImplementedError is raised.
    """
    if len(derivatives) == 1 and derivatives[0] is not None:
        together = derivatives[0](dy)
        gradients = together if isinstance(together, tuple) else (together,)
        blank = together is None
    else:
        gradients = tuple(d(dy) if d and w else None for d, w in zip(derivatives, wanted))
        blank = any(d and w and dx is None for d, w, dx in zip(derivatives, wanted, gradients))
    if blank:
        raise NotImplementedError("a derivative returned nothing: it is still a blank")
    owed, given = len(wanted), max(len(derivatives), len(gradients))
    if not len(gradients) == given == owed:
        raise ValueError(f"{given} derivatives for {owed} inputs: an operation owes one for each input")
    return gradients


def op(f):
    """Make a recorded operation of f, a plain NumPy function that returns its value and its derivatives.

        @op
        def scale(x, c):                     # x (N, D)   c ()   ->   y (N, D)
            y = c * x
            def dx(dy): return c * dy
            def dc(dy): return (dy * x).sum()
            return y, dx, dc

    The inputs are positional (Tensors, arrays or numbers, all of one dtype); options, such as an axis, are keywords.
    The recorded operation returns a Tensor; `scale.raw` is f itself, which knows nothing of Tensors.

    A derivative returns an array of its own, or dy, or a view of dy; it changes neither dy nor an input.

    Raises TypeError for inputs of different dtypes, and ValueError with all shapes where they do not fit together.
    """
    name = f.__name__
    code = f.__code__  # where Python keeps the names: first the positional ones, then the keywords, then *many
    names = code.co_varnames[: code.co_argcount]
    takes_many = bool(code.co_flags & inspect.CO_VARARGS)
    name_of_many = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if takes_many else None

    @functools.wraps(f)
    def recorded(*inputs, **options):
        arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
        input_names = [f"{name_of_many}[{i}]" for i in range(len(inputs))] if takes_many else names
        dtype = _common_dtype(name, input_names, arrays, options)
        try:
            y, *derivatives = f(*arrays, **options)
        except ValueError as error:
            found = ", ".join(f"{n} {np.shape(a)}" for n, a in zip(input_names, arrays))
            raise ValueError(f"{name} cannot take {found}: {error}") from error
        if _trapping.get():
            _check_finite(y, name, _caller())
        result = Tensor(y)
        if result.dtype != dtype:
            raise TypeError(f"{name} made {result.dtype} of {dtype}: an operation keeps the dtype of its inputs")
        if _recording.get():
            wanted = [x if isinstance(x, Tensor) and (x.requires_grad or x.record) else None for x in inputs]
            if any(x is not None for x in wanted):
                shapes = [np.shape(a) for a in arrays]
                result.record = Record(name, input_names, shapes, result.shape, wanted, derivatives, _caller())
        return result

    recorded.raw = f
    return recorded


def _common_dtype(operation, names, arrays, options):
    """The dtype of all inputs; TypeError for what NumPy would take and silently change to another dtype."""
    for option, value in options.items():
        if isinstance(value, Tensor):
            raise TypeError(f"{operation}: {option} is a Tensor, and inputs are positional: leave out '{option}='")
    dtypes = {a.dtype for a in arrays if isinstance(a, (np.ndarray, np.generic))}
    if len(dtypes) > 1 or not dtypes.issubset(_FLOATS):
        found = ", ".join(f"{n} {a.dtype}" for n, a in zip(names, arrays) if hasattr(a, "dtype"))
        raise TypeError(
            f"{operation} takes inputs of one dtype, float32 or float64, found {found}: convert with .astype"
        )
    return dtypes.pop() if dtypes else np.dtype(np.float64)


def _check_finite(array, what, caller):
    if not np.isfinite(array).all():
        kind = "NaN" if np.isnan(array).any() else "infinity"
        raise FloatingPointError(f"{what} gave the first {kind} (called at {caller})")


_OWN = ("tensor.py", "ops.py", "convolution.py", "normalization.py")
_OWN_FILES = tuple(__file__.replace("tensor.py", file) for file in _OWN)


def _caller():
    """'folder/file.py:line', in a notebook 'cell:line', of the call: the first frame outside tensor.py and ops.py."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename in _OWN_FILES:
        frame = frame.f_back
    *_, folder, file = ["", *frame.f_code.co_filename.replace("\\", "/").split("/")]
    return f"{'cell' if folder.startswith('ipykernel_') else f'{folder}/{file}'}:{frame.f_lineno}"


@contextlib.contextmanager
def _recording_set_to(value):
    token = _recording.set(value)
    try:
        yield
    finally:
        _recording.reset(token)


def no_grad():
    """`with no_grad():` nothing is recorded, so that evaluation costs no memory for a tape nobody reads."""
    return _recording_set_to(False)


def enable_grad():
    """`with enable_grad():` operations are recorded again, within a `with no_grad():` around it."""
    return _recording_set_to(True)


@contextlib.contextmanager
def trap_nonfinite():
    """`with trap_nonfinite():` the first operation or derivative that gives NaN or infinity raises FloatingPointError.

    The message names the operation and the line that called it. Every value is looked at, so this is slow: it is for
    finding out, after a loss has become NaN, where that began.
    """
    token = _trapping.set(True)
    try:
        yield
    finally:
        _trapping.reset(token)

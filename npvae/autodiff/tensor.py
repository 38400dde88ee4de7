"""Reverse-mode automatic differentiation: remember what was computed, then walk it backwards.

A `Tensor` is an array that remembers how it was made. An operation is a plain NumPy function that returns its value y
and, for each input x, a function from the gradient dy = ∂ℓ/∂y of a loss ℓ to the gradient of that input,
dx = dy · ∂y/∂x: the chain rule. The decorator `@op` runs such a function on Tensors and keeps a `Record` of the call.
The records, in the order of execution, are the *tape*. `loss.backward()` reads it from its end to its beginning, and
adds up the gradients that reach each value by different paths:

    x = Tensor(3.0, requires_grad=True)       a leaf: no operation made it
    y = x * x                                 record 0, mul: x and x become y = 9
    loss = y + x                              record 1, add: y and x become the loss, 12
    loss.backward()                           add passes 1 to y and 1 to x; mul passes 3 · 1 to x, twice
    x.grad                                    1 + 3 + 3 = 7, which is 2x + 1

No value can be used before it is computed. So the order of execution, reversed, is a topological order, and the walk
is a loop over a sorted list, without recursion.

Source: Baydin, Pearlmutter, Radul, Siskind (2018), Automatic differentiation in machine learning: a survey, §3.2.
"""

import collections
import contextlib
import contextvars
import functools
import inspect
import itertools

import numpy as np

from ..runtime import Call, finish, is_small, one_thread, start
from . import guards

_recording = contextvars.ContextVar("recording", default=True)
_frozen = contextvars.ContextVar("frozen", default=frozenset())  # leaves that get no gradient, in this thread
_execution_order = itertools.count()
LATER = 3  # records that wait for the gradients of their leaves, at most


class Tensor:
    """An array, its gradient, and the record of the operation that made it.

    data            the values, a float32 or float64 array of any shape
    requires_grad   True for a leaf whose gradient is wanted: a parameter
    grad            the gradient, an array of the shape of `data`; None before `backward`, which adds to it
    record          the `Record` of the operation that made it; None for a leaf

    An array keeps its dtype, and so does anything else whose `dtype` is float32; lists, Python numbers and the rest
    become float64. Raises TypeError for an array of any other dtype, for a Tensor, and for a list of Tensors that
    require a gradient.
    """

    __slots__ = ("data", "grad", "requires_grad", "record", "__weakref__")
    __array_ufunc__ = None  # so that `array * tensor` asks the Tensor, instead of looping over its elements

    def __init__(self, data, requires_grad=False):
        self.data, self.requires_grad = guards.float_array(data), requires_grad
        self.grad = self.record = None

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)

    def __len__(self):
        return len(self.data)

    def __float__(self):
        return float(self.data)

    def __array__(self, dtype=None, copy=None):
        guards.check_detached(self)
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self):
        how = f", made by {self.record.operation}" if self.record else ", requires_grad" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, threshold=20, precision=4)}, {self.dtype}{how})"

    def detach(self):
        """Return the same values as a Tensor that remembers nothing: gradients stop here."""
        return Tensor(self.data)

    def backward(self, dy=None):
        """Add ∂ℓ/∂p to `p.grad` for every leaf p that this Tensor was made from.

        dy   ∂ℓ/∂y, where y is this Tensor: an array of its shape; by default 1, for a single number that is ℓ itself

        Afterwards the tape is empty: it has released the arrays of the forward pass, so a loss that you keep holds no
        memory for them, and a second `backward` along any part of it is an error.

        Raises ValueError when dy is missing or has the wrong shape; when nothing was recorded, or the tape is already
        empty; when an array that the derivatives read has changed since the forward pass; and for a derivative that is
        missing or whose gradient differs from its input in shape or dtype.
        """
        dy = guards.upstream_gradient(self, dy)
        walked, held = [], {id(dy)}  # held: arrays that the caller or another leaf holds
        gradients = leaf_gradients(self, dy, lambda record, dy: walked.append(record))
        for leaf in gradients:
            guards.check_accumulated(leaf)
        for leaf, dx in gradients.items():
            if leaf.grad is None:
                leaf.grad = _unshared(dx, held)
            else:
                leaf.grad += dx
        for record in walked:
            record.release()


def _unshared(dx, held):
    """Return dx, or a copy if it is a view or held elsewhere: `backward` adds to a leaf's gradient in place."""
    is_shared = dx.base is not None or id(dx) in held
    held.add(id(dx))
    return np.array(dx) if is_shared else np.asarray(dx)


def leaf_gradients(y, dy, done=lambda record, dy: None):
    """The walk: pass dy back along the tape of y, and return a dict from each leaf to its gradient.

    Take the records from the last to the first. When we reach a record, every use of its value is behind us, so the
    gradient dy of that value is complete: turn it into the gradients of the record's inputs, and add each to what has
    already reached that input. Call `done(record, dy)` for every record.

    No later step of the walk needs the gradient of a leaf. So helpers (see runtime.py) compute the gradients of large
    leaves while the walk goes on. At the end, this thread computes those that no helper has begun. Whichever thread
    computes them, we add them in the order of the walk, so the bits are the same. A record that waits for the gradients
    of its leaves keeps its dy, so at most LATER of them wait.
    """
    gradients = {y.record or y: dy}  # a value is known by the record that made it, a leaf by itself

    def add(record, of_inputs, which):
        for x, dx in itertools.compress(zip(record.inputs, of_inputs), which):
            source = x.record or x
            gradients[source] = gradients[source] + dx if source in gradients else dx

    waiting = collections.deque()  # (record, the call that computes its leaves' gradients, which inputs are leaves)

    def add_the_oldest():
        record, call, leaves = waiting[0]  # if Ctrl-C interrupts `result`, `finish` must find the call here
        of_inputs = call.result()
        waiting.popleft()
        add(record, of_inputs, leaves)

    with one_thread:  # a derivative may multiply matrices without `product`
        try:
            for record in reversed(records(y)):
                dy = gradients.pop(record)
                done(record, dy)
                guards.check_unchanged(record)
                values, leaves = record.wanted()
                if len(record.derivatives) > 1 and any(leaves):
                    call = Call(functools.partial(record.backward, dy, leaves))
                    waiting.append((record, call, leaves))
                    start(call, here=record.has_small_gradients(dy, leaves) or guards.is_trapping())
                    of_inputs = record.backward(dy, values)
                else:  # a single function may compute all gradients at once
                    of_inputs = record.backward(dy, [x is not None for x in record.inputs])
                    if any(leaves):  # known already, but added when it is their turn
                        of_leaves = [dx if is_leaf else None for dx, is_leaf in zip(of_inputs, leaves)]
                        call = Call(lambda of_leaves=of_leaves: of_leaves)
                        waiting.append((record, call, leaves))
                add(record, of_inputs, values)
                if len(waiting) > LATER:
                    add_the_oldest()
            for _, call, _ in reversed(waiting):  # the newest first: helpers begin with the oldest
                call.run()
            while waiting:
                add_the_oldest()
        finally:
            finish([call for _, call, _ in waiting])  # none, unless there was an error
    return gradients


def records(y):
    """Return the tape of y: every record that y depends on, in the order of execution."""
    found, open_ends = set(), [y.record]
    while open_ends:
        record = open_ends.pop()
        if record is not None and record not in found:
            found.add(record)
            open_ends.extend(x.record for x in record.inputs if x is not None)
    return sorted(found, key=lambda record: record.order)


class Record:
    """One line of the tape: an operation, its inputs, and their derivatives.

    operation       its name
    names, shapes   of its inputs
    shape           of its value
    inputs          the Tensor where a gradient is wanted, None elsewhere
    derivatives     as the operation returned them (see `input_gradients`)
    caller          "folder/file.py:line" of the call
    seals           two numbers each of the value and of the leaves among the inputs (see `guards.seal`)
    """

    __slots__ = ("order", "operation", "names", "shapes", "shape", "inputs", "derivatives", "caller", "seals")

    def __init__(self, operation, names, shapes, shape, inputs, derivatives, caller, seals):
        self.order = next(_execution_order)
        self.operation, self.names, self.shapes, self.shape = operation, names, shapes, shape
        self.inputs, self.derivatives, self.caller, self.seals = inputs, derivatives, caller, seals

    def release(self):
        """Release every array and the records before this one."""
        self.inputs, self.derivatives, self.seals = [None] * len(self.names), None, []

    def named_derivatives(self):
        """Return triples of an input's name, whether its gradient is wanted, and its derivative: to print the tape."""
        if len(self.derivatives) == 1 < len(self.inputs):
            return [("all inputs", True, self.derivatives[0])]
        return [(name, x is not None, d) for name, x, d in zip(self.names, self.inputs, self.derivatives)]

    def wanted(self):
        """Return two lists of bools: which inputs are values whose gradient is wanted, and which are such leaves."""
        values = [x is not None and x.record is not None for x in self.inputs]
        return values, [x is not None and x.record is None for x in self.inputs]

    def has_small_gradients(self, dy, wanted):
        """Return whether dy and the wanted gradients are too small for a second thread."""
        return is_small([dy, *(x.data for x, is_wanted in zip(self.inputs, wanted) if is_wanted)])

    def backward(self, dy, wanted):
        """Return the gradient of each wanted input, None elsewhere; `guards` has checked them."""
        try:
            gradients = input_gradients(self.operation, self.names, self.derivatives, dy, wanted)
        except ValueError as error:
            raise guards.unfit_upstream_gradient(self, dy, error) from error
        guards.check_gradients(self, dy, gradients, wanted)
        return gradients


def input_gradients(operation, names, derivatives, dy, wanted):
    """Return one gradient for each input, whichever form the derivatives have.

    operation     its name, and the names of its inputs: for errors
    derivatives   as an operation returns them: one function for each input, of which only the wanted ones are called;
                  or, where the gradients share their work, a single function that returns them all as a tuple
    wanted        a bool for each input

    The gradient is None where there is no derivative, or where it is not wanted. Raises TypeError for a derivative that
    returns nothing, and for too few or too many of them.
    """
    if len(derivatives) == 1 and derivatives[0] is not None:
        returned = derivatives[0](dy)
        gradients = returned if isinstance(returned, tuple) else (returned,)
        silent = ["inputs"] if returned is None else []
    else:
        gradients, silent = [], []
        for d, name, is_wanted in zip(derivatives, names, wanted):
            gradients.append(d(dy) if d and is_wanted else None)
            if gradients[-1] is None and d and is_wanted:
                silent.append(f"input {name}")
    if silent:
        raise TypeError(f"{operation}: the derivative for its {silent[0]} returned nothing: is its return missing?")
    owed, given = len(wanted), max(len(derivatives), len(gradients))
    if not len(gradients) == given == owed:
        raise TypeError(f"{operation}: {given} derivatives for {owed} inputs: an operation owes one for each input")
    return gradients


def op(f):
    """Make a recorded operation of f, a plain NumPy function that returns its value and its derivatives.

        @op
        def scale(x, c):                     # x (N, D)   c ()   ->   y (N, D)
            y = c * x
            def dx(dy): return c * dy
            def dc(dy): return (dy * x).sum()
            return y, dx, dc

    Inputs are positional (Tensors, arrays or numbers, all of one dtype); options, such as an axis, are keywords. The
    recorded operation returns a Tensor; `scale.raw` is f itself, which knows nothing of Tensors.

    A derivative returns a new array, or dy, or a view of dy; it changes neither dy nor an input. Derivatives of this
    and of other calls may run at the same time, in two threads, so none may change an array that another one uses.

    Raises TypeError for inputs of different dtypes and for an f that does not return a tuple, and ValueError with all
    shapes where they do not fit together.
    """
    name = f.__name__
    names_of = functools.cache(functools.partial(input_names, f))  # cached by their number: a signature is slow to read

    @functools.wraps(f)
    def recorded(*inputs, **options):
        arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
        names = names_of(len(inputs))
        dtype = guards.common_dtype(name, names, arrays, options)
        try:
            y, *derivatives = guards.value_and_derivatives(name, f(*arrays, **options))
        except ValueError as error:
            raise guards.unfit_inputs(name, names, arrays, error) from error
        result = Tensor(y)
        guards.check_value(name, result.data, dtype)
        if _recording.get():
            frozen = _frozen.get()
            wanted = [
                x if isinstance(x, Tensor) and (x.record or (x.requires_grad and x not in frozen)) else None
                for x in inputs
            ]
            if any(x is not None for x in wanted):
                shapes = [np.shape(a) for a in arrays]
                lasting = wanted if frozen else inputs  # another thread may train what is frozen here
                seals = guards.seals(names, lasting, arrays, result.data)
                result.record = Record(name, names, shapes, result.shape, wanted, derivatives, guards.caller(), seals)
        return result

    recorded.raw = f
    return recorded


def input_names(f, n):
    """Return the names of the n inputs that f receives: x, W, b; or arrays[0], arrays[1] for concatenate(*arrays)."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:  # some built-in functions have no signature
        parameters = ()
    names = [p.name for p in parameters if p.kind < p.VAR_POSITIONAL]
    several = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), "input")
    return names[:n] + [f"{several}[{i}]" for i in range(n - len(names))]


@contextlib.contextmanager
def _within(variable, value):
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def no_grad():
    """`with no_grad():` nothing is recorded, so that evaluation needs no memory for a tape that nobody reads."""
    return _within(_recording, False)


def enable_grad():
    """`with enable_grad():` operations are recorded, even inside `with no_grad():`."""
    return _within(_recording, True)


def no_grad_for(leaves):
    """`with no_grad_for(leaves):` these leaves get no gradient, whatever their `requires_grad`."""
    return _within(_frozen, _frozen.get().union(leaves))

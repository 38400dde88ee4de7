"""What guards the tape: errors that name the operation, the input, what was found, and the line that made the call.

An operation keeps the dtype of its inputs, a gradient has the shape and the dtype of its input, and no number changes
silently. You can read tensor.py without any of this; here is every check that it makes on the way. To find NaN and
infinity, we would have to read every value once more, so we look for them only within `trap_nonfinite`.
"""

import contextlib
import contextvars
import os
import sys

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
OWN_FOLDER = os.path.dirname(__file__) + os.sep
_trapping = contextvars.ContextVar("trapping", default=False)


# --- the forward pass -------------------------------------------------------------------------------------------------


def float_array(data):
    """Return the array of float32 or float64 numbers that a Tensor holds: see `Tensor`."""
    if hasattr(data, "record"):
        raise TypeError("a Tensor of a Tensor would forget how it was made: use it as it is, or detach() it")
    if not isinstance(data, (np.ndarray, np.floating)):
        is_float32 = getattr(data, "dtype", None) == np.float32  # Pixels, for instance
        data = np.asarray(data, dtype=np.float32 if is_float32 else np.float64)
    if data.dtype not in FLOATS:
        raise TypeError(f"a Tensor holds float32 or float64 numbers, found {data.dtype}: convert it with .astype")
    return np.asarray(data)


def check_detached(x):
    """Raise TypeError for a Tensor with a gradient that NumPy would turn into an array: in a list, or np.mean(x)."""
    if x.record or x.requires_grad:
        raise TypeError(
            "an array of a Tensor would forget how it was made: use an operation, such as ops.concatenate or .mean(), "
            "or .data for the values alone"
        )


def refuse_comparison(x, other):
    """Raise TypeError: a comparison of Tensors has no derivative, and Python would compare their identity."""
    raise TypeError("Tensors cannot be compared: compare their values, x.data == y.data, or their identity, x is y")


def common_dtype(operation, names, arrays, options):
    """Return the dtype of all inputs; TypeError for inputs that NumPy would silently convert."""
    for option, value in options.items():
        if hasattr(value, "record"):
            raise TypeError(f"{operation}: {option} is a Tensor, expected a plain value; inputs are passed by position")
    dtypes = {a.dtype for a in arrays if isinstance(a, (np.ndarray, np.generic))}
    if len(dtypes) > 1 or not dtypes.issubset(FLOATS):
        found = ", ".join(f"{name} {a.dtype}" for name, a in zip(names, arrays) if hasattr(a, "dtype"))
        labels = ", or pass whole numbers by keyword" if any(d.kind in "biu" for d in dtypes) else ""
        raise TypeError(
            f"{operation} takes inputs of one dtype, float32 or float64, found {found}: convert with .astype{labels}"
        )
    return dtypes.pop() if dtypes else np.dtype(np.float64)


def unfit_inputs(operation, names, arrays, error):
    """Return the ValueError for inputs whose shapes do not fit together."""
    found = ", ".join(f"{name} {np.shape(a)}" for name, a in zip(names, arrays))
    return ValueError(f"{operation} cannot take {found}: {error}")


def value_and_derivatives(operation, returned):
    """Return what an operation returned; TypeError for anything but a tuple of a value and functions (or None)."""
    parts = returned if isinstance(returned, tuple) else ()  # the rows of a lone array would unpack, too
    if not parts or not all(d is None or callable(d) for d in parts[1:]):
        found = ", ".join(type(part).__name__ for part in parts or [returned])
        if found == "Tensor":
            found += " (to check a function of Tensors, pass Tensors)"
        elif len(parts) > 1 and any(isinstance(d, (np.ndarray, np.generic, list, tuple, dict)) for d in parts[1:]):
            found += " (to check a gradient g of a cost that you have computed already, return cost, lambda dy: dy * g)"
        raise TypeError(f"{operation}: an operation returns its value and one derivative for each input, found {found}")
    return returned


def check_value(operation, y, dtype):
    """Raise TypeError for a value whose dtype differs from that of the inputs. `trap_nonfinite` adds its check here."""
    if _trapping.get():
        _check_finite(y, operation, caller())
    if y.dtype != dtype:
        raise TypeError(f"{operation} turned {dtype} into {y.dtype}: an operation keeps the dtype of its inputs")


def seals(names, inputs, arrays, y):
    """Return triples of a name, an array and its seal: for the value y, and for inputs that no operation made.

    inputs   Tensors, arrays and numbers; None for one that may change
    """
    found = [("its value", y, seal(y))]
    for name, x, a in zip(names, inputs, arrays):
        if x is not None and isinstance(a, np.ndarray) and getattr(x, "record", None) is None:
            found.append((f"its input {name}", a, seal(a)))
    return found


def seal(a):
    """Return two numbers from inside an array: whatever moves the whole array, such as an optimiser, moves these too.

    Comparing every number would cost as much as another operation. Changes elsewhere in the array go unnoticed.
    """
    n = a.size
    return (a.item(n // 2), a.item(n // 3)) if n else ()


def caller():
    """Return "folder/file.py:line" of the call, in a notebook "cell:line": the first frame outside this folder."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(OWN_FOLDER):
        frame = frame.f_back
    *_, folder, file = ["", *frame.f_code.co_filename.replace("\\", "/").split("/")]
    return f"{'cell' if folder.startswith('ipykernel_') else f'{folder}/{file}'}:{frame.f_lineno}"


# --- the backward pass ------------------------------------------------------------------------------------------------


def upstream_gradient(y, dy):
    """Return the gradient that `y.backward(dy)` begins with; ValueError where it is missing or does not fit."""
    if y.record is None and not y.requires_grad:
        raise ValueError("backward: nothing was recorded on the way here; was it computed within no_grad()?")
    if y.record is not None and y.record.derivatives is None:
        raise spent(y.record)
    if dy is None and y.data.size != 1:
        what = f"backward from shape {y.shape} needs the upstream gradient"
        raise ValueError(f"{what}: call backward(dy) with an array of that shape, or reduce to a single number first")
    dy = np.ones_like(y.data) if dy is None else np.asarray(dy, dtype=y.dtype)
    if dy.shape != y.shape:
        raise ValueError(f"backward: the upstream gradient has shape {dy.shape}, expected {y.shape}")
    return dy


def spent(record):
    """Return the ValueError for a record that an earlier `backward` has released."""
    what = f"backward has already used the tape of this {record.operation} (called at {record.caller})"
    return ValueError(f"{what} and released its arrays: compute the value again, or add up losses before one backward")


def check_unchanged(record):
    """Raise ValueError for a record that was released, or whose arrays have changed since the forward pass."""
    if record.derivatives is None:
        raise spent(record)
    for name, a, before in record.seals:
        if seal(a) != before and not np.array_equal(seal(a), before, equal_nan=True):
            raise ValueError(
                f"{record.operation}: {name}, an array {a.shape}, has changed since the forward pass (called at "
                f"{record.caller}), so a gradient would be wrong: call backward before you change it, or change a copy"
            )


def check_accumulated(p):
    """Raise ValueError for a Tensor whose `grad` is neither None nor an array of its shape."""
    if p.grad is not None and getattr(p.grad, "shape", None) != p.shape:
        found = f"shape {p.grad.shape}" if hasattr(p.grad, "shape") else f"the type {type(p.grad).__name__}"
        raise ValueError(f"a grad has {found}, expected None or an array of its Tensor's shape {p.shape}")


def unfit_upstream_gradient(record, dy, error):
    """Return the ValueError for derivatives that cannot take dy."""
    what = f"{record.operation}: its derivatives cannot take the upstream gradient {dy.shape}"
    return ValueError(f"{what} (called at {record.caller}): {error}")


def check_gradients(record, dy, gradients, wanted):
    """Raise ValueError or TypeError for a gradient that is missing, not an array, or of the wrong shape or dtype."""
    for is_wanted, dx, name, shape in zip(wanted, gradients, record.names, record.shapes):
        if not is_wanted:
            continue
        where = f"(called at {record.caller})"
        if dx is None:
            raise ValueError(
                f"{record.operation} has no derivative for its input {name}, but a gradient is wanted there: pass it "
                f"as an array, or detach it {where}"
            )
        what = f"{record.operation}: the derivative for the input {name}"
        if not isinstance(dx, (np.ndarray, np.generic)):
            raise TypeError(f"{what} is a {type(dx).__name__}, expected an array {where}")
        if dx.shape != shape:
            raise ValueError(f"{what} has shape {dx.shape}, but the input has shape {shape} {where}")
        if dx.dtype != dy.dtype:
            raise ValueError(f"{what} turned {dy.dtype} into {dx.dtype} {where}")
        if _trapping.get():
            _check_finite(dx, f"the derivative of {record.operation} for its input {name}", record.caller)


# --- Tensors by name --------------------------------------------------------------------------------------------------


def named_tensors(what, parameters):
    """Return a list of pairs of name and Tensor, from such pairs or a dict; TypeError for anything else."""
    try:
        pairs = [(name, p) for name, p in (parameters.items() if isinstance(parameters, dict) else parameters)]
    except (TypeError, ValueError):
        pairs = [(None, None)]
    if not all(isinstance(name, str) and hasattr(p, "record") for name, p in pairs):
        raise TypeError(f"{what} takes parameters by name: pass model.named_parameters()")
    return pairs


# --- NaN and infinity -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def trap_nonfinite():
    """`with trap_nonfinite():` the first operation or derivative that gives NaN or infinity raises FloatingPointError.

    The message names the operation and the line that called it. Reading every value once more is slow: use this after a
    loss has become NaN, to find out where that began.
    """
    token = _trapping.set(True)
    try:
        yield
    finally:
        _trapping.reset(token)


def is_trapping():
    """Return whether derivatives must run one after another, so that `trap_nonfinite` finds the first one."""
    return _trapping.get()


def _check_finite(array, what, caller):
    if not np.isfinite(array).all():
        kind = "NaN" if np.isnan(array).any() else "infinity"
        raise FloatingPointError(f"{what} gave the first {kind} (called at {caller})")

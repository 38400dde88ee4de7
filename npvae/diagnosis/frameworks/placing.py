"""The arguments of a function, split into constants and inputs; and values that consist of several arrays."""

import importlib
import inspect

import numpy as np

from ...errors import UserError

FIXED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def imported(package, called, user):
    """Return a package that is an extra; UserError if it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UserError(f"{user} needs {called}, which is not installed: pip install 'npvae[{package}]'") from None


class Placing:
    """The arguments of a function: constants by name, and inputs in the order of the other parameters.

    Raises TypeError for a constant that the function does not take.
    """

    def __init__(self, name, function, constants, skipped=0):
        parameters = list(inspect.signature(function).parameters.values())[skipped:]
        self.parameters = [p for p in parameters if p.kind in FIXED]
        self.constants = constants
        for constant in constants:
            if constant not in self._names():
                raise TypeError(f"{name} has no argument {constant!r}: its arguments are {', '.join(self._names())}")
        free = [p.replace(kind=FIXED[1], default=p.empty) for p in self.parameters if p.name not in constants]
        several = [p for p in parameters if p.kind == p.VAR_POSITIONAL]
        self.signature = inspect.Signature([*free, *several])  # of the inputs: gradcheck reads their names here

    def _names(self):
        return [p.name for p in self.parameters]

    def arguments(self, inputs):
        """Return pairs of the name and the value of every argument, and for each input its index among them."""
        left, pairs, places = list(inputs), [], []
        for p in self.parameters:
            if p.name in self.constants:
                pairs.append((p.name, self.constants[p.name]))
            elif left:
                places.append(len(pairs))
                pairs.append((p.name, left.pop(0)))
            elif p.default is not p.empty:
                pairs.append((p.name, p.default))
            else:
                break  # the function says what is missing
        for i, x in enumerate(left):  # those of *arguments
            places.append(len(pairs))
            pairs.append((f"argument {len(self.parameters) + i + 1}", x))
        return pairs, places


def joined(arrays):
    """Return one array for a value of several: the array itself, or the elements of all, one after another."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([a.reshape(-1) for a in arrays])


def parted(dy, shapes):
    """Return the gradient of each array of a value from that of `joined`."""
    if len(shapes) == 1:
        return [dy]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(dy, ends), shapes)]


def in_words(value):
    """Return what a value is: "None", "an ndarray"."""
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeio' or kind == 'ndarray' else 'a'} {kind}"

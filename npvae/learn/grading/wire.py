"""How arrays travel from the process of a student's program to the grader: a header in JSON, then the numbers.

The sender may be hostile. So `unpack` executes nothing, as reading a pickle would, and allocates no memory for numbers
that were claimed but not sent.
"""

import json
import math

import numpy as np

DTYPES = ("float64", "float32", "int64", "bool")
MOST_BYTES = 64 * 2**20
SIZE = 8  # bytes for the length of the header
MOST_HEADER, MOST_AXES = 2**20, 8  # bytes, and axes of an array: with more, it could take long to read


class Garbled(ValueError):
    """The data did not come from `pack`; the message says what is wrong with it."""


def pack(header, arrays):
    """Return bytes that hold a JSON dict and a dict of arrays; TypeError for a dtype that is not in DTYPES."""
    for name, a in arrays.items():
        if a.dtype.name not in DTYPES:
            raise TypeError(f"{name} holds {a.dtype} numbers, expected one of {', '.join(DTYPES)}")
    described = [[name, a.dtype.name, a.shape] for name, a in arrays.items()]
    text = json.dumps([header, described]).encode()
    return b"".join([len(text).to_bytes(SIZE, "big"), text, *(a.tobytes() for a in arrays.values())])


def unpack(data):
    """Return the dict and the arrays that `pack` packed; raise `Garbled` for anything else."""
    try:
        end = SIZE + int.from_bytes(data[:SIZE], "big")
        if end > SIZE + MOST_HEADER:
            raise Garbled("a header that is too long")
        header, described = json.loads(data[SIZE:end])
        arrays = {}
        for name, dtype, shape in described:
            is_shape = len(shape) <= MOST_AXES and all(type(n) is int and 0 <= n <= MOST_BYTES for n in shape)
            if dtype not in DTYPES or not is_shape:
                raise Garbled("an array of another kind, or larger than it can be")
            start, end = end, end + math.prod(shape) * np.dtype(dtype).itemsize
            if end > len(data):
                raise Garbled("fewer numbers than it claims")
            arrays[str(name)] = np.frombuffer(data[start:end], dtype).reshape(shape)
        if end != len(data) or not isinstance(header, dict):
            raise Garbled("more than it claims")
        return header, arrays
    except Garbled:
        raise
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Garbled(str(error)) from None

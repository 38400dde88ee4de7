"""Draws of wrong operations: with one mistake, with two mistakes, and wrong at random."""

import ast
import collections
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.diagnosis.mutations import Source


class Wrong(NamedTuple):
    """A wrong version of an operation.

    name      of the operation
    words     what is wrong
    function  the wrong version
    inputs    a list of arrays
    arrays    names of the inputs whose derivatives are wrong for the reason that the words say
    lines     the changed statements
    changes   the mutations
    """

    name: str
    words: str
    function: Callable
    inputs: list
    arrays: list
    lines: list
    changes: tuple = ()


def singles(operations, rng):
    """Yield wrong versions with one mutation, without end: each fails, and is not the right one by another name."""
    sources = _sources(operations)
    while True:
        operation, right, mutations = sources[rng.integers(len(sources))]
        mutation = _chosen(mutations, rng)
        inputs, dy, truth = drawn(operation, rng)
        function = right.compiled(mutation)
        found = gradients(function, inputs, dy)
        if found is not None:
            arrays = [name for name, a, b in zip(operation.inputs, found, truth) if differs(a, b)]
            if arrays:
                lines = right.lines_of(mutation)
                yield Wrong(operation.name, str(mutation), function, inputs, arrays, lines, (mutation,))


def pairs(operations, rng):
    """Yield wrong versions with two mutations that are apart, without end.

    Each mutation alone makes at least one array wrong, and both together make it wrong in a third way. What comes out
    is no multiple of the right array, nor of its transpose.
    """
    sources = _sources(operations)
    while True:
        operation, right, mutations = sources[rng.integers(len(sources))]
        a, b = _chosen(mutations, rng), _chosen(mutations, rng)
        if a.index == b.index or a.place == b.place or not right.apart(a, b):
            continue
        inputs, dy, truth = drawn(operation, rng)
        function = right.compiled(a, b)
        found = [gradients(f, inputs, dy) for f in (right.compiled(a), right.compiled(b), function)]
        if any(several is None for several in found):
            continue
        arrays = [
            name for name, t, *three in zip(operation.inputs, truth, *found)
            if t.size > 2 and all(differs(one, other) for one, other in itertools.combinations((t, *three), 2))
            and not _is_multiple(three[2], t) and not (t.ndim == 2 and _is_multiple(three[2], t.T))
        ]  # fmt: skip
        if arrays:
            words = f"{a}, and {b}"
            yield Wrong(operation.name, words, function, inputs, arrays, right.lines_of(a, b), (a, b))


def _sources(operations):
    sources = [(operation, Source(operation.function)) for operation in operations]
    return [(operation, source, source.mutations()) for operation, source in sources]


def _chosen(mutations, rng):
    """Return a mutation: of a kind, all kinds being equally likely. There are many names that may stand for another."""
    by_kind = collections.defaultdict(list)
    for mutation in mutations:
        by_kind[mutation.kinds[0]].append(mutation)
    several = list(by_kind.values())[rng.integers(len(by_kind))]
    return several[rng.integers(len(several))]


def drawn(operation, rng):
    """Return inputs, an upstream gradient, and the right gradients."""
    inputs = operation.draw(rng)
    dy = rng.standard_normal(np.shape(operation.function(*inputs)[0]))
    return inputs, dy, gradients(operation.function, inputs, dy)


def gradients(f, inputs, dy):
    """Return what the derivatives of f give for dy, a list of arrays; None if f fails, or a shape is wrong."""
    try:
        with np.errstate(all="ignore"):
            _, *derivatives = f(*map(np.copy, inputs))
            found = [d(dy.copy()) for d in derivatives]
    except Exception:  # whatever a wrong function may raise
        return None
    found = list(found[0]) if isinstance(found[0], tuple) else found
    fits = all(isinstance(a, (np.ndarray, np.floating)) and np.shape(a) == np.shape(x) for a, x in zip(found, inputs))
    return found if fits and all(np.isfinite(a).all() for a in found) else None


def differs(a, b):
    """Return whether two arrays differ by more than a gradient check lets pass."""
    return bool((np.abs(a - b) > 1e-5 * np.maximum(1, np.abs(b))).any())


def _is_multiple(a, b):
    """Return whether an array is a number times another one."""
    if a.shape != b.shape:
        return False
    square = np.sum(b * b)
    return not square > 0 or not differs(a, np.sum(a * b) / square * b)


# --- gradients that are wrong at random ------------------------------------------------------------------------------


def at_random(operations, rng):
    """Yield wrong versions of operations without end, of each of which one derivative is wrong at random.

    If the code computed the right gradient and then did something random to it, leaving that out would be a repair. So
    dy gets noise before the code sees it. In a third of the draws, the gradient for that dy comes from a function into
    which neither the trace nor the search in the source can look.
    """
    sources = [(operation, Source(operation.function)) for operation in operations]
    for make in itertools.cycle((noisy, formula, shuffled, mixed)):
        operation, source = sources[rng.integers(len(sources))]
        inputs, dy, truth = drawn(operation, rng)
        i = rng.integers(len(truth))
        name, shape = list(operation.inputs)[i], truth[i].shape
        if make is shuffled and truth[i].size < 5:
            continue
        tree, expression, derivative = returned(source, i)
        own = derivative.args.args[0].arg
        arrays = dict(zip(operation.inputs, inputs)) | {own: dy}
        is_hidden = rng.integers(3) == 0
        right = f"hidden({', '.join(operation.inputs)}, {own})" if is_hidden else ast.unparse(expression)
        new, names = make(right, arrays, shape, own, rng)
        names |= {"hidden": hidden(operation, i), "noise_of_dy": 0.5 * rng.standard_normal(dy.shape)}
        replace(tree, expression, ast.parse(new, mode="eval").body)
        derivative.body[:0] = ast.parse(f"{own} = {own} * (1 + noise_of_dy)").body
        function = source.compile_tree(tree, names)
        found = gradients(function, inputs, dy)
        if found is not None and differs(found[i], truth[i]) and found[i].any():
            yield Wrong(operation.name, f"{make.__name__}: d{name} = {new}", function, inputs, [name], [])


def hidden(operation, i):
    """Return a function of the inputs and of dy that gives gradient i, and into which a trace cannot see."""

    def gradient(*arrays):
        *inputs, dy = (np.array(np.ravel(a).tolist()).reshape(np.shape(a)) for a in arrays)
        return gradients(operation.function, inputs, dy)[i]

    return gradient


def returned(source, i):
    """Return a copy of a source's tree, the expression in it that gives derivative i, and the function around it."""
    tree = source.changed()
    definition = tree.body[0]
    derivatives = {node.name: node for node in definition.body if isinstance(node, ast.FunctionDef)}
    names = [name for name in source.returned if name in derivatives]
    derivative = derivatives[names[i if len(names) > 1 else 0]]
    value = derivative.body[-1].value
    is_tuple = len(names) == 1 and isinstance(value, ast.Tuple)
    return tree, value.elts[i] if is_tuple else value, derivative


def replace(tree, old, new):
    """Put another expression in place of one."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if value is old:
                setattr(node, field, new)
            elif isinstance(value, list) and any(part is old for part in value):
                value[:] = [new if part is old else part for part in value]


def noisy(right, arrays, shape, own, rng):
    """The right gradient with noise."""
    noise, factors = rng.standard_normal((2, *shape))
    return f"(1 + factors) * ({right}) + noise", {"noise": noise, "factors": factors}


def shuffled(right, arrays, shape, own, rng):
    """The right gradient with its elements in a random order."""
    return f"np.reshape(np.ravel({right})[order], {shape})", {"order": rng.permutation(int(np.prod(shape)))}


def mixed(right, arrays, shape, own, rng):
    """A random matrix times the right gradient."""
    M = rng.standard_normal(2 * (int(np.prod(shape)),))
    return f"np.reshape(M @ np.ravel({right}), {shape})", {"M": M}


def formula(right, arrays, shape, own, rng):
    """A random formula of the inputs and of the upstream gradient."""
    a, b = (tree(shape, arrays, rng, depth) for depth in (2, 3))
    return f"{a} * ({fitted(own, arrays[own].shape, shape, rng)} + {b}) + np.zeros({shape})", {}


def tree(shape, arrays, rng, depth):
    """Return the text of a random expression of arrays, which can be broadcast to a shape."""
    if depth == 0:
        name = list(arrays)[rng.integers(len(arrays))]
        return fitted(name, arrays[name].shape, shape, rng)
    a = tree(shape, arrays, rng, depth - 1)
    form = ("np.sin({a} * 1.7 + 0.6)", "np.tanh({a})", "({a}) ** 2", "{a} / (1 + ({b}) ** 2)", "({a}) * ({b})",
            "({a} - {b})", "np.sqrt(1 + ({a}) ** 2)", "np.exp(-({a}) ** 2)")[rng.integers(8)]  # fmt: skip
    return form.format(a=a, b=tree(shape, arrays, rng, depth - 1))


def fitted(name, shape, wanted, rng):
    """Return the text of an array that can be broadcast to a shape: itself, or its sum or mean."""
    try:
        if np.broadcast_shapes(shape, wanted) == wanted:
            return name
    except ValueError:
        pass
    for axis in rng.permutation(len(shape)):
        left = tuple(n for i, n in enumerate(shape) if i != axis)
        if left == wanted or (left and wanted and left[-1:] == wanted[-1:] and len(left) <= len(wanted)):
            return fitted(f"{name}.sum(axis={axis})", left, wanted, rng)
    return f"np.{('sum', 'mean')[rng.integers(2)]}({name})"

"""Every small edit of an author's own lines, as a computation that can be tried.

An edit changes one thing at one place of the source: one use of a value (another factor, another array, a sign), or one
step (another axis, a mean for a sum, its operands exchanged). If the source runs that place several times, in a loop or
a helper function, the edit holds each time. Each has a kind, a text that completes the sentence "right …", and a cost:
the more often people make the mistake, and the less it brings in from elsewhere, the cheaper is its repair.

`edits_of` yields the edits of one traced array. `search` tries them.
"""

import functools
import inspect
import itertools
import operator
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import source
from .paths import replaced
from .trace import Node, _Method, compute, setitem


class Edit(NamedTuple):
    """One edit.

    cost     the smaller, the more plausible
    kind     of the mistake that it repairs
    text     completes "right …"
    site     the place in the source, or None for the value that is returned
    changes  a function of a `Places` that returns the changes for `Graph.run`, or None where it does not apply
    """

    cost: float
    kind: str
    text: str
    site: tuple | None
    changes: Callable


class Use(NamedTuple):
    """One use of a value in the source, or several that an edit changes together.

    key      of the use: equal in another trace of the same function
    node     the first step that uses it
    path     of the argument in it
    value    the argument: a node or a number
    extra    how much more an edit costs than one of a single use
    """

    key: tuple
    node: Node
    path: tuple
    value: object
    extra: float = 0.0

    @property
    def called(self):
        """What the author calls the value."""
        written = None if self.extra else source.argument(self.node, self.path)
        return written or (source.name(self.value) if isinstance(self.value, Node) else f"{self.value:g}")


class Places:
    """The places of one traced array: the steps that its author wrote, the uses of values in them, and arrays to take.

    graph      a `Graph`
    output     the node of the array
    settled    nodes that are known to be right: an edit there is no repair
    slopes     nodes of slopes of the forward pass, which an edit may take too
    """

    def __init__(self, graph, output, settled=(), slopes=()):
        self.graph, self.output = graph, output
        self.above = graph.above(output)
        self.steps = [
            node for node in graph.nodes if node in self.above and node not in settled and node.site and node.function
        ]
        self._of_use, self._of_site, self.arrays = {}, {}, {}
        for node in self.steps:
            for path, value in node.uses():
                if isinstance(value, Node) or (_is_number(value) and not node.inner):
                    for key, extra in _keys_of_use(node, path, value):
                        self._of_use.setdefault(key, []).append(Use(key, node, path, value, extra))
            if not node.inner:
                self._of_site.setdefault((node.site, _called(node)), []).append(node)
        for node in (*graph.nodes, *slopes):
            key = array_key(node)
            if key is not None and _is_float(node.value):
                self.arrays.setdefault(key, []).append(node)

    def places(self):
        """Return the first step of every place that the author wrote."""
        return [nodes[0] for nodes in self._of_site.values()]

    def steps_like(self, node):
        """Return the steps of the same place, here."""
        return self._of_site.get((node.site, _called(node)), [])

    def uses(self):
        """Return every use of a value, and those of several in a line, and of all: each set of uses once."""
        seen, uses = set(), []
        for several in self._of_use.values():
            steps = frozenset((use.node, use.path) for use in several)
            if steps not in seen:
                seen.add(steps)
                uses.append(several[0])
        return uses

    def uses_like(self, use):
        """Return the uses of the same key, here."""
        return self._of_use.get(use.key, [])

    def array(self, key, before):
        """Return the newest node of this key that was made before another one; None if there is none."""
        nodes = self.arrays.get(key, ())
        earlier = [node for node in nodes if node.index < before]
        return earlier[-1] if earlier else (nodes[0] if nodes else None)

    def index_of(self, other, j, node):
        """Return what part j of the index at another place holds when a node is made."""
        steps = [n for n in self.indexed_at[other.site, other.function] if n.index < node.index]
        return _parts((steps[-1] if steps else self.indexed_at[other.site, other.function][0]).args[1])[j]

    @functools.cached_property
    def indexed(self):
        """The first step of every place with an index."""
        return [steps[0] for steps in self.indexed_at.values()]

    @functools.cached_property
    def indexed_at(self):
        """All steps with an index, by their place."""
        found = {}
        for node in self.graph.nodes:
            if node.function in (operator.getitem, setitem) and node.site and not node.inner:
                found.setdefault((node.site, node.function), []).append(node)
        return found

    def literals(self):
        """Return the numbers that stand in the source of the whole function."""
        steps = [node for node in self.graph.nodes if isinstance(node.function, np.ufunc)]
        return {value for node in steps for _, value in node.uses() if _is_number(value)}


def is_slope(node):
    """Return whether a node is a slope of the forward pass, which the author did not compute."""
    return node.index < 0


def array_key(node):
    """Return what identifies an array in another trace of the same function; None for one without a name."""
    if node.name is not None:
        return node.name
    return node.site and node.function and (node.site.file, node.site.instruction)


def _keys_of_use(node, path, value):
    """Yield pairs of a key under which a use is changed, and its extra cost: alone, in its line, everywhere."""
    array = isinstance(value, Node) and array_key(value)
    if node.inner:  # what another file does with a value: one use, however often that file uses it
        yield (node.site.file, node.site.instruction, array), 0.0
    else:
        yield (node.site.file, node.site.instruction, _called(node), path), 0.0
    if array:
        yield ("in the line", node.site.file, node.site.line, array), 0.2
        yield ("everywhere", array), 0.3


def _called(node):
    return getattr(node.function, "__name__", "")


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _is_float(value):
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


# --- how an edit changes the graph -------------------------------------------------------------------------------------


def at_use(use, change):
    """Return the changes of an edit that puts change(value, places, node, array) in the place of a value."""

    def changes(places):
        by_node = {}
        for other in places.uses_like(use):
            by_node.setdefault(other.node, []).append(other)
        return {node: _with_uses_changed(uses, change, places) for node, uses in by_node.items()} or None

    return changes


def _with_uses_changed(uses, change, places):
    def run(node, array):
        for use in uses:
            value = node.argument(use.path)
            value = array(value) if isinstance(use.value, Node) else value
            node = replaced(node, use.path, change(value, places, node, array))
        return compute(node, array)

    return run


def at_result(change):
    """Return the changes of an edit of the array that is returned."""

    def changes(places):
        node = places.output
        return {node: lambda node, array: change(compute(node, array), places, node, array)}

    return changes


def at_step(step, run):
    """Return the changes of an edit that computes a step by run(node, array), or by run(node, array, places)."""
    if len(inspect.signature(run).parameters) >= 3 and "places" in inspect.signature(run).parameters:
        return lambda places: {n: functools.partial(run, places=places) for n in places.steps_like(step)} or None
    return lambda places: {node: run for node in places.steps_like(step)} or None


def taking(key, change):
    """Return a change that takes another array from the same trace: change(value, taken)."""

    def changed(value, places, node, array):
        taken = places.array(key, node.index)
        if taken is None:
            raise ValueError("there is no such array here")
        return change(value, array(taken))

    return changed


# --- the edits ---------------------------------------------------------------------------------------------------------

FUNCTIONS = [  # families of functions that are mistaken for one another
    [np.add, np.subtract],
    [np.multiply, np.divide],
    [np.sin, np.cos],
    [np.exp, np.log, np.expm1, np.log1p],
    [np.tanh, np.sinh, np.cosh],
    [np.greater, np.less, np.greater_equal, np.less_equal],
    [np.equal, np.not_equal],
    [np.maximum, np.minimum],
    [np.max, np.min],
    [np.argmax, np.argmin],
    [np.sqrt, np.square, np.abs],
    [np.linalg.inv, np.transpose],
    [np.sum, np.mean],
    [np.std, np.var],
]
SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "greater": ">", "less": "<",
         "greater_equal": ">=", "less_equal": "<=", "equal": "==", "not_equal": "!="}  # fmt: skip
REDUCTIONS = {np.sum, np.mean, np.max, np.min, np.prod, np.std, np.var, np.argmax, np.argmin, np.linalg.norm, np.cumsum,
              np.cumprod, np.any, np.all}  # fmt: skip
POWERS = {
    "squared": lambda v: v * v,
    "inverted": lambda v: 1 / v,
    "under a square root": np.sqrt,
    "squared and inverted": lambda v: 1 / (v * v),
    "under a square root and inverted": lambda v: 1 / np.sqrt(v),
    "to the third power": lambda v: v**3,
}
ONE_MINUS = {
    "1 − {}": lambda v: 1 - v,
    "1 + {}": lambda v: 1 + v,
    "1 − {}²": lambda v: 1 - v * v,
    "{} (1 − {})": lambda v: v * (1 - v),
}
UNARY = {f"np.{f.__name__}": f for f in (np.exp, np.log, np.abs, np.sign, np.tanh)}
EXPONENTS = (-3, -2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2, 3)


def edits_of(places):
    """Yield the edits of a traced array, cheap ones first within every place."""
    yield from edits_of_steps(places)
    for use in places.uses():
        if isinstance(use.value, Node):
            if _is_float(use.value.value):
                yield from _of_use(use, places)
            yield from _another_array(use, places)
    yield from _of_result(places)


def edits_of_steps(places):
    """Yield the edits that bring in no other array: of the steps themselves, and of the numbers in them."""
    for step in places.places():
        yield from _of_step(step, places)
    literals = places.literals()
    for use in places.uses():
        if not isinstance(use.value, Node):
            yield from _of_number(use, literals)


def _of_step(step, places):
    """Yield the edits of a step: without it, with its arguments exchanged, with another function, over another axis."""
    f, args = step.function, step.args
    here = lambda run: at_step(step, run)  # noqa: E731
    nodes = [i for i, a in enumerate(args) if isinstance(a, Node)]
    is_binary = isinstance(f, np.ufunc) and f.nin == 2 and len(args) == 2
    for i in nodes:
        fits = np.shape(args[i].value) == np.shape(step.value) or is_binary
        if fits and _is_float(args[i].value) and f not in (operator.getitem, np.transpose, setitem):
            kind, text, cost = _without(step, i)
            yield Edit(cost, kind, text, step.site, here(lambda node, array, i=i: _like(array(node.args[i]), node.value)))
    if f in (np.subtract, np.divide, np.power, np.matmul, np.dot, np.outer) and len(args) == 2:
        exchanged = lambda node, array: compute(_as(node, args=node.args[::-1]), array)  # noqa: E731
        text = f"with the two sides of `{_text(step)}` exchanged"
        yield Edit(1.5, "order", text, step.site, here(exchanged))
    if f is np.where and len(args) == 3:
        exchanged = lambda node, array: compute(_as(node, args=(node.args[0], *node.args[:0:-1])), array)  # noqa: E731
        yield Edit(1.5, "order", "with the two choices of np.where exchanged", step.site, here(exchanged))
    for family in FUNCTIONS:
        for other in family if f in family else ():
            if other is not f:
                yield Edit(1.3, *_other_function(step, f, other), step.site, here(_with_function(other)))
    if f in (np.dot, np.matmul):
        yield Edit(2, "other function", "with the product element by element", step.site, here(_with_function(np.multiply)))
    if f is np.multiply:
        yield Edit(2, "other function", "with a matrix product", step.site, here(_with_function(np.matmul)))
    if f in REDUCTIONS:
        yield from _of_reduction(step, here)
    if f in (operator.getitem, setitem):
        yield from _of_index(step, places, here)
    if f is setitem:
        def added(node, array):
            base, index, value = (_now(a, array) for a in node.args)
            return setitem(base, index, base[index] + value)

        yield Edit(1.5, "other function", f"with += in the place of = in `{_text(step)}`", step.site, here(added))
        if _adds(step):
            yield Edit(1.5, "other function", "with np.add.at, which adds up what meets at one index", step.site,
                       here(_added_at))  # fmt: skip
            yield Edit(1.5, "other function", "with = in the place of +=", step.site, here(_assigned))
    if f is np.einsum and isinstance(args[0], str):
        yield from _of_einsum(step, here)


def _adds(step):
    """Return whether a step is a[i] = a[i] + …, in short a[i] += …"""
    value = step.args[2]
    is_sum = isinstance(value, Node) and value.function in (np.add, np.subtract)
    old = value.args[0] if is_sum else None
    return isinstance(old, Node) and old.function is operator.getitem and old.args[0] is step.args[0]


def _with_function(other):
    return lambda node, array: compute(_as(node, function=other), array)


def _added_at(node, array):
    base, index, value = (_now(a, array) for a in node.args)
    base = np.array(base)
    np.add.at(base, index, value - base[index])
    return base


def _assigned(node, array):
    base, index, value = (_now(a, array) for a in node.args)
    return setitem(base, index, value - base[index])


def _now(argument, array):
    if isinstance(argument, Node):
        return array(argument)
    return tuple(_now(a, array) for a in argument) if isinstance(argument, tuple) else argument


def _as(node, function=None, args=None, kwargs=None):
    """Return a copy of a node with other parts."""
    return Node(
        node.index, function or node.function, node.args if args is None else args,
        node.kwargs if kwargs is None else kwargs, None,
    )  # fmt: skip


def _like(value, original):
    return np.broadcast_to(value, np.shape(original))


def _text(step):
    return source.text(step)


def _without(step, kept):
    """Return kind, text and cost of the edit that keeps only one argument of a step."""
    f = step.function
    if isinstance(f, np.ufunc) and f.nin == 2:
        dropped = source.argument(step, ("args", 1 - kept)) or "the other part"
        if f in (np.add, np.subtract):
            return "extra term", f"without the term `{dropped}`", 1.5 if kept == 0 or f is np.add else 2.5
        if f in (np.multiply, np.divide):
            cost = 1 if kept == 0 or f is np.multiply else 2
            return "extra factor", f"without the factor `{'1/' * (f is np.divide and kept == 0)}{dropped}`", cost
        return "power" if f is np.power else "other function", f"without `{_text(step)}`", 1.5
    kind = {np.negative: "wrong sign", np.sum: "extra sum", np.mean: "extra sum", np.sqrt: "power",
            np.square: "power", np.reciprocal: "power", np.roll: "moved", np.flip: "moved"}.get(f, "other function")  # fmt: skip
    return kind, f"without `{_name_of(f)}`", 1.2


def _name_of(f):
    name = getattr(f, "__name__", "it")
    return "−" if name == "negative" else SIGNS.get(name, f"np.{name}" if hasattr(np, name) else name)


def _other_function(step, f, other):
    if f in (np.sum, np.mean):
        return "sum or mean", f"with the {_name_of(other)[3:]} in the place of the {_name_of(f)[3:]}"
    if f in (np.add, np.subtract):
        dropped = source.argument(step, ("args", 1)) or "the second part"
        return "wrong sign", f"with the other sign before `{dropped}`"
    return "other function", f"with {_name_of(other)} in the place of {_name_of(f)} in `{_text(step)}`"


def _of_reduction(step, here):
    """Yield the edits of a reduction: over another axis, or not at all."""
    f, a = step.function, step.args[0]
    if not isinstance(a, Node):
        return
    now = step.kwargs.get("axis", step.args[1] if len(step.args) > 1 else None)
    ndim, word = np.ndim(a.value), _name_of(f).removeprefix("np.")
    choices = [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]
    for axes in choices:
        axis = axes[0] if len(axes) == 1 else axes
        if _same_axes(axis, now, ndim) or (len(axes) > 1 and f in (np.argmax, np.argmin, np.cumsum, np.cumprod)):
            continue
        for keep in (step.kwargs.get("keepdims", False), not step.kwargs.get("keepdims", False)):
            def run(node, array, axis=axis, keep=keep):
                kwargs = {key: value for key, value in node.kwargs.items() if key not in ("axis", "keepdims")}
                return node.function(array(node.args[0]), axis=axis, **({"keepdims": True} if keep else {}), **kwargs)

            was = "everything" if now is None else f"axis {now}" if np.ndim(now) == 0 else f"the axes {now}"
            is_ = f"axis {axis}" if np.ndim(axis) == 0 else f"the axes {axis}"
            text = f"with the {word} over {is_} in the place of {was}"
            yield Edit(1.3 + 0.3 * (keep != step.kwargs.get("keepdims", False)), "axis", text, step.site, here(run))
    text = f"without the {word} over {'everything' if now is None else f'axis {now}'}"
    yield Edit(1.5, "extra sum", text, step.site, here(lambda node, array: array(node.args[0])))


def _same_axes(axis, other, ndim):
    normal = lambda a: set(range(ndim)) if a is None else {i % ndim for i in np.atleast_1d(a)}  # noqa: E731
    return normal(axis) == normal(other)


def _of_index(step, places, here):
    """Yield the edits of an index: its parts exchanged, or one of them another number, or one of another array.

    A loop uses its variables as indices, which are plain numbers. So what else could stand in an index is what other
    indices hold at that moment.
    """
    parts = _parts(step.args[1])
    if len(parts) == 2:
        text = f"with the two indices of `{_text(step)}` exchanged"
        yield Edit(1.8, "moved", text, step.site, here(_with_index(lambda parts, *_: parts[::-1])))
    for i, part in enumerate(parts):
        if not isinstance(part, (int, np.integer)):
            continue
        if step.function is operator.getitem:
            text = f"with the sum over axis {i} in the place of `{_text(step)}`"
            total = lambda parts, *_, i=i: _put(parts, i, slice(None))  # noqa: E731
            yield Edit(2, "missing sum", text, step.site, here(_with_index(total, lambda a, i=i: a.sum(axis=i))))
        for by in (1, -1):
            text = f"with an index that is one {'larger' if by > 0 else 'smaller'} in `{_text(step)}`"
            yield Edit(2.2, "moved", text, step.site, here(_with_index(lambda parts, *_, i=i, by=by: _put(parts, i, parts[i] + by))))
        for other in places.indexed:
            for j, number in enumerate(_parts(other.args[1])):
                if isinstance(number, (int, np.integer)) and other.site != step.site:
                    text = f"with the index of `{_text(other)}` in `{_text(step)}`"
                    another = lambda parts, node, places, o=other, i=i, j=j: _put(parts, i, places.index_of(o, j, node))  # noqa: E731
                    yield Edit(2.3, "moved", text, step.site, here(_with_index(another)))
                    for key in places.arrays if step.function is operator.getitem and len(parts) == 1 else ():
                        base = places.array(key, step.index)
                        if base is not step.args[0] and np.ndim(base.value) == np.ndim(step.args[0].value):
                            text = f"with `{source.name(base)}` in `{_text(step)}`, at the index of `{_text(other)}`"
                            run = functools.partial(_taken, key=key, other=other, j=j)
                            yield Edit(2.5, "other array", text, step.site, here(run))


def _parts(index):
    return index if isinstance(index, tuple) else (index,)


def _put(parts, i, value):
    return (*parts[:i], value, *parts[i + 1 :])


def _with_index(change, then=lambda a: a):
    """Return how to compute a step with another index: change(parts, node, places), and then(array) after it."""

    def run(node, array, places):
        index = change(_parts(_now(node.args[1], array)), node, places)
        if node.function is setitem:
            base, value = _now(node.args[0], array), _now(node.args[2], array)
            if _adds(node):
                value = value - base[_now(node.args[1], array)] + base[index]
            return setitem(base, index, value)
        return then(_now(node.args[0], array)[index])

    return run


def _taken(node, array, places, *, key, other, j):
    """Return an element of another array, at the index that another place holds now."""
    return array(places.array(key, node.index))[places.index_of(other, j, node)]


def _of_einsum(step, here):
    """Yield the edits of np.einsum: the letters of one of its arrays exchanged."""
    subscripts = step.args[0].replace(" ", "")
    if "->" not in subscripts or "." in subscripts:
        return
    inputs, output = subscripts.split("->")
    words = [*inputs.split(","), output]
    for i, word in enumerate(words):
        for letters in itertools.permutations(word) if 1 < len(word) <= 4 else ():
            if "".join(letters) != word:
                other = [*words[:i], "".join(letters), *words[i + 1 :]]
                other = ",".join(other[:-1]) + "->" + other[-1]
                run = lambda node, array, other=other: compute(_as(node, args=(other, *node.args[1:])), array)  # noqa: E731
                yield Edit(1.5, "transposed", f'with "{other}" in the place of "{subscripts}"', step.site, here(run))


def _of_use(use, places):
    """Yield the edits of the use of an array: a sign, a power, 1 − v, a transpose, a sum, another place."""
    if use.node.function is operator.getitem:
        return

    def edit(cost, kind, text, change):
        return Edit(cost + use.extra, kind, text, use.node.site, at_use(use, lambda value, *_: change(value)))

    def made(change):
        return at_use(use, change)

    yield from _changed(use.value.value, use.called, edit)
    for edit in _factors_and_terms(use.node.index, use.value.value, use.called, use.node.site, places, made):
        yield edit._replace(cost=edit.cost + use.extra)


def _changed(v, called, edit):
    """Yield the edits of an array v that need no other array; edit(cost, kind, text, change) makes them."""
    ndim = np.ndim(v)
    if ndim == 2:
        yield edit(1.4, "transposed", f"with `{called}` transposed", np.transpose)
        if np.shape(v)[0] == np.shape(v)[1]:
            yield edit(2.3, "missing term", f"with `{called} + {called}.T` in the place of `{called}`", lambda a: a + a.T)
            text = f"with half of `{called} + {called}.T` in the place of `{called}`"
            yield edit(2.3, "missing term", text, lambda a: (a + a.T) / 2)
    for words, change in POWERS.items():
        yield edit(2.0 + 0.3 * ("and" in words or "third" in words), "power", f"with `{called}` {words}", change)
    for words, change in ONE_MINUS.items():
        yield edit(2, "one minus", f"with {words.replace('{}', f'`{called}`')} in the place of `{called}`", change)
    for word, change in UNARY.items():
        yield edit(2.6, "other function", f"with {word.replace('absolute', 'abs')} of `{called}`", change)
    for axes in [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]:
        axis = axes[0] if len(axes) == 1 else axes
        over = f"axis {axis}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"
        if np.prod([np.shape(v)[i] for i in axes]) > 1:
            for word, f, cost in (("sum", np.sum, 1.8), ("mean", np.mean, 2.1), ("maximum", np.max, 2.5)):
                for keep in (True, False):
                    text = f"with the {word} of `{called}` over {over}"
                    yield edit(
                        cost + 0.2 * (not keep), "missing sum", text,
                        lambda a, f=f, axis=axis, keep=keep: f(a, axis=axis, keepdims=keep),
                    )  # fmt: skip
            yield edit(2.4, "moved", f"with `{called}` reversed along {over}", lambda a, axis=axis: np.flip(a, axis))
        if len(axes) == 1 and np.shape(v)[axis] > 2:
            for by in (1, -1):
                text = f"with `{called}` shifted by {'+' if by > 0 else '−'}1 along {over}"
                yield edit(2.8, "moved", text, lambda a, by=by, axis=axis: np.roll(a, by, axis))
    if ndim > 2:
        for i, j in itertools.combinations(range(ndim), 2):
            text = f"with the axes {i} and {j} of `{called}` exchanged"
            yield edit(2, "transposed", text, lambda a, i=i, j=j: np.swapaxes(a, i, j))


def _factors_and_terms(index, v, called, site, places, made):
    """Yield the edits that bring in another array: as a factor, a divisor or a term."""
    for key, nodes in places.arrays.items():
        node = places.array(key, index)
        if node is places.output or node.index > index:
            continue
        name, extra = source.name(node), 0 if source.is_variable(node) else 0.8
        for version, words, more in _versions(node, np.shape(v)):
            cost = extra + more
            is_dy = key == "dy" and node not in places.above
            kind = "dy not used" if is_dy else "missing factor"
            factor = words.format(source.code(name))
            yield Edit(2 + cost, kind, f"with one more factor {factor} at `{called}`", site,
                       made(taking(key, lambda v, a, f=version: v * f(a))))  # fmt: skip
            if is_slope(node) or np.array_equal(node.value, v):
                continue
            kind = "extra factor" if node in places.above else "missing factor"
            yield Edit(2.1 + cost, kind, f"with `{called}` divided by {factor}", site,
                       made(taking(key, lambda v, a, f=version: v / f(a))))  # fmt: skip
            if np.shape(version(node.value)) == np.shape(v) or np.ndim(node.value) == 0:
                for sign, word in ((1, "+"), (-1, "−")):
                    yield Edit(2.7 + cost, "missing term", f"with {word} {factor} at `{called}`", site,
                               made(taking(key, lambda v, a, f=version, s=sign: v + s * f(a))))  # fmt: skip


def _versions(node, shape):
    """Yield the ways in which an array may be a factor of one of this shape: a function, its words, and its cost."""
    forms, a = [], node.value
    try:
        if np.broadcast_shapes(np.shape(a), shape) == shape:
            forms.append((lambda a: a, 0))
    except ValueError:
        pass
    if not forms and np.ndim(a) + 1 == len(shape):
        for axis in range(len(shape)):
            if np.shape(np.expand_dims(a, axis)) == tuple(1 if i == axis else n for i, n in enumerate(shape)):
                forms.append((lambda a, axis=axis: np.expand_dims(a, axis), 0))
    for form, cost in forms:
        yield form, "{}", cost
        if is_slope(node):
            yield (lambda a, form=form: -form(a)), "minus {}", cost + 0.1
            continue
        yield (lambda a, form=form: form(1 - a)), "(1 − {})", cost + 0.3
        yield (lambda a, form=form: form(a * (1 - a))), "{0} (1 − {0})", cost + 0.4
        yield (lambda a, form=form: form(a * a)), "{}²", cost + 0.4
        yield (lambda a, form=form: form(1 - a * a)), "(1 − {}²)", cost + 0.4
        yield (lambda a, form=form: form(np.sqrt(a))), "√{}", cost + 0.6
        yield (lambda a, form=form: form(a > 0)), "({} > 0)", cost + 0.4
        yield (lambda a, form=form: form(np.exp(a))), "exp({})", cost + 0.7


def _another_array(use, places):
    """Yield the edits that put another array of the same shape in the place of one."""
    v, site = use.value, use.node.site
    is_named = source.is_variable(v)
    if v.function is None and v.name is None and not is_named:
        return  # an array from elsewhere: nothing says that it stands for another
    for key in places.arrays:
        node = places.array(key, use.node.index)
        if node is v or node is places.output or node.index > use.node.index or node.function is setitem:
            continue
        shape, name = np.shape(node.value), source.name(node)
        cost = 2 + 0.8 * (not source.is_variable(node)) + 0.4 * (not is_named) + use.extra
        kind = "dy not used" if key == "dy" and node not in places.above else "other array"
        if is_slope(node):
            if use.node.function is not np.multiply or not use.value.site or use.value in places.graph.inputs.values():
                continue
            kind, cost = "other function", 2.6 + use.extra
        text = f"with {source.code(name)} in the place of `{use.called}`"
        if shape == np.shape(v.value):
            yield Edit(cost, kind, text, site, at_use(use, taking(key, lambda v, a: a)))
        elif shape[::-1] == np.shape(v.value) and len(shape) == 2:
            yield Edit(cost + 0.6, kind, text, site, at_use(use, taking(key, lambda v, a: a.T)))


def _of_number(use, literals):
    """Yield the edits of a number in the source; `literals` are numbers that stand elsewhere."""
    c, f = use.value, use.node.function
    if not isinstance(f, np.ufunc):
        return
    neutral = 1 if f in (np.multiply, np.divide, np.power) else 0  # that edit is called "without"
    plain = EXPONENTS if f is np.power else (0, 1, 2, 3, 4, 0.5, 0.25, -1, -2, -0.5)
    for other in dict.fromkeys((*plain, *sorted(literals))):
        if other not in (c, neutral) and (other or neutral == 0):
            text = f"with {other:g} in the place of `{use.called}`".replace("-", "−")
            kind = "power" if f is np.power else "wrong sign" if other == -c else "constant"
            cost = 1.8 + 0.3 * (other not in (-c, 1, 2, 0.5))
            yield Edit(cost, kind, text, use.node.site, at_use(use, lambda *_, other=other: other))


def _of_result(places):
    """Yield the edits of the array that is returned."""
    output = places.output
    if not _is_float(output.value) or output in places.graph.inputs.values():
        return

    def edit(cost, kind, text, change):
        return Edit(cost + 0.05, kind, text, output.site, at_result(lambda value, *_: change(value)))

    called = source.name(output)
    yield from _changed(output.value, called, edit)
    yield from _factors_and_terms(len(places.graph.nodes), output.value, called, output.site, places, at_result)


__all__ = ["Edit", "Places", "Use", "at_result", "at_step", "at_use", "edits_of", "_Method"]

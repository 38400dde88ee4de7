"""Every small edit of a step that the author wrote: without it, with another function, over another axis, …

The first number of an edit is its cost, on the scale of causes.py.
"""

import functools
import itertools
import operator

import numpy as np

from . import source
from .changes import Edit, at_step, at_use, is_number, literals_of
from .graph import Node, compute, filled, is_float, setitem

FUNCTIONS = [  # families of functions that people confuse
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
KINDS = {np.negative: "wrong sign", np.sum: "extra sum", np.mean: "extra sum", np.sqrt: "power", np.square: "power",
         np.reciprocal: "power", np.roll: "moved", np.flip: "moved"}  # fmt: skip
EXPONENTS = (-3, -2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2, 3)


def edits_of_steps(editable):
    """Yield the edits that need no other array: of the steps themselves, and of the numbers in them."""
    for step in editable.first_steps():
        yield from _of_step(step)
    yield from _of_all_reductions(editable)
    literals = literals_of(editable.graph)
    for use in editable.uses():
        if is_number(use.value):
            yield from _of_number(use, literals)


def _of_step(step):
    """Yield the edits of one step: drop it, swap its arguments, call another function, or run over another axis."""
    f, args = step.function, step.args
    if isinstance(step.value, (list, tuple)):
        return  # the step returns several arrays, as np.linalg.eigh does
    here = lambda run: at_step(step, run)  # noqa: E731
    nodes = [i for i, a in enumerate(args) if isinstance(a, Node) and is_float(a.value)]
    is_binary = isinstance(f, np.ufunc) and f.nin == 2 and len(args) == 2
    for i in nodes:
        fits = np.shape(args[i].value) == np.shape(step.value) or is_binary or f in (np.dot, np.matmul)
        if fits and f not in (operator.getitem, np.transpose, setitem):
            kind, text, cost = _without(step, i)
            kept = lambda node, array, i=i: _like(array(node.args[i]), node)  # noqa: E731
            site = source.site_of_argument(step, ("args", 1 - i)) if is_binary else step.site  # of the part that goes
            yield Edit(cost, kind, text, site, here(kept))
    if f in (np.subtract, np.divide, np.power, np.matmul, np.dot, np.outer) and len(args) == 2:
        text = f"with the two sides of `{source.text(step)}` exchanged"
        yield Edit(1.5, "order", text, step.site, here(_with_args(lambda left, right: (right, left))))
    if f in (np.matmul, np.dot) and isinstance(args[0], Node) and args[0].function in (np.matmul, np.dot):
        b, c = source.argument(args[0], ("args", 1)), source.argument(step, ("args", 1))
        text = f"with `{b}` and `{c}` exchanged in `{source.text(step)}`"
        yield Edit(1.6, "order", text, step.site, here(_last_two_exchanged))
    if f is np.where and len(args) == 3:
        exchanged = here(_with_args(lambda condition, yes, no: (condition, no, yes)))
        yield Edit(1.5, "order", "with the two choices of np.where exchanged", step.site, exchanged)
    for family in FUNCTIONS:
        for other in family if f in family else ():
            if other is not f:
                kind, words, where = _other_function(step, f, other)
                yield Edit(1.3, kind, words, step.site, here(_with_function(other)), where)
    if f in (np.dot, np.matmul):
        words = "with the elementwise product in place of the matrix product"
        yield Edit(2, "other function", words, step.site, here(_with_function(np.multiply)))
    if f is np.multiply:
        words = "with the matrix product in place of the elementwise product"
        yield Edit(2, "other function", words, step.site, here(_with_function(np.matmul)))
    if f in REDUCTIONS:
        yield from _of_reduction(step, here)
    if f is setitem:
        text = f"with += in place of = in `{source.text(step)}`"
        yield Edit(1.5, "other function", text, step.site, here(_added))
        if _adds(step):
            yield Edit(1.5, "other function", "with np.add.at, which adds the entries of a repeated index", step.site,
                       here(_added_at))  # fmt: skip
            yield Edit(1.5, "other function", "with = in place of +=", step.site, here(_assigned))


def _last_two_exchanged(node, array):
    """Compute (a @ c) @ b for a step (a @ b) @ c."""
    a, b = filled(node.args[0].args, array)
    return a @ filled(node.args, array)[1] @ b


def _adds(step):
    """Return whether a `setitem` step is a[i] = a[i] + …, which is a[i] += …"""
    value = step.args[2]
    is_sum = isinstance(value, Node) and value.function in (np.add, np.subtract)
    old = value.args[0] if is_sum else None
    return isinstance(old, Node) and old.function is operator.getitem and old.args[0] is step.args[0]


def _with_function(other):
    return lambda node, array: compute(node.copy(function=other), array)


def _with_args(change):
    return lambda node, array: compute(node.copy(args=change(*node.args)), array)


def _added(node, array):
    base, index, value = filled(node.args, array)
    return setitem(base, index, base[index] + value)


def _added_at(node, array):
    base, index, value = filled(node.args, array)
    base = np.array(base)
    np.add.at(base, index, value - base[index])
    return base


def _assigned(node, array):
    base, index, value = filled(node.args, array)
    return setitem(base, index, value - base[index])


def _like(value, node):
    """Return an argument broadcast to the shape of its step; the factor of a matrix product keeps its own shape."""
    return value if node.function in (np.dot, np.matmul) else np.broadcast_to(value, np.shape(node.value))


def _without(step, kept):
    """Return kind, text and cost of the edit that keeps only one argument of a step."""
    f = step.function
    if (isinstance(f, np.ufunc) and f.nin == 2) or f is np.dot:
        dropped = source.argument(step, ("args", 1 - kept)) or "the other part"
        if f in (np.add, np.subtract):
            return "extra term", f"without the term `{dropped}`", 1.5 if kept == 0 or f is np.add else 2.5
        if f in (np.multiply, np.divide, np.matmul, np.dot):
            cost = 1 if kept == 0 or f is not np.divide else 2
            return "extra factor", f"without the factor `{'1/' * (f is np.divide and kept == 0)}{dropped}`", cost
        if f is np.power and kept == 0:
            return "power", f"without the power `{dropped}` of `{source.argument(step, ('args', 0))}`", 1.5
        alone = source.argument(step, ("args", kept)) or "the other part"
        return "other function", f"with `{alone}` in place of `{source.text(step)}`", 1.5
    return KINDS.get(f, "other function"), f"without `{_name_of(f)}`", 1.2


def _name_of(f):
    name = getattr(f, "__name__", "it").replace("absolute", "abs")
    return "−" if name == "negative" else SIGNS.get(name, f"np.{name}" if hasattr(np, name) else name)


def _other_function(step, f, other):
    """Return the kind, the words and their end for the edit that calls another function in a step."""
    if f in (np.sum, np.mean):
        return "sum or mean", f"with the {_name_of(other)[3:]} in place of the {_name_of(f)[3:]}", ""
    if f in (np.add, np.subtract):
        second = source.argument(step, ("args", 1)) or "the second part"
        return "wrong sign", "with the opposite sign", f"before `{second}`"
    return "other function", f"with {_name_of(other)} in place of {_name_of(f)} in `{source.text(step)}`", ""


def _of_reduction(step, here):
    """Yield the edits of a reduction: reduce over other axes, or not at all."""
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

            was = "all axes" if now is None else f"axis {now}" if np.ndim(now) == 0 else f"the axes {now}"
            is_ = f"axis {axis}" if np.ndim(axis) == 0 else f"the axes {axis}"
            text = f"with the {word} over {is_} in place of {was}"
            yield Edit(1.3 + 0.3 * (keep != step.kwargs.get("keepdims", False)), "axis", text, step.site, here(run))
    text = f"without the {word} over {'all axes' if now is None else f'axis {now}'}"
    yield Edit(1.5, "extra sum", text, step.site, here(lambda node, array: array(node.args[0])))


def _of_all_reductions(editable):
    """Yield the edits of several sums and means that run over the same axis: all of them over another one."""
    by_axis = {}
    for step in editable.first_steps():
        if step.function in (np.sum, np.mean, np.std, np.var) and isinstance(step.args[0], Node):
            axis = step.kwargs.get("axis", step.args[1] if len(step.args) > 1 else None)
            by_axis.setdefault((str(axis), np.ndim(step.args[0].value)), []).append(step)
    for (now, ndim), steps in by_axis.items():
        for axes in [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]:
            axis = axes[0] if len(axes) == 1 else axes
            if len(steps) > 1 and str(axis) != now:
                text = f"with axis {axis} in place of {now}, in all sums and means over {now}"
                yield Edit(1.6, "axis", text, steps[0].site, functools.partial(_over, axis, steps))


def _over(axis, steps, editable):
    """Return the changes that let these steps run over another axis."""

    def run(node, array):
        kwargs = {key: value for key, value in node.kwargs.items() if key != "axis"}
        return node.function(array(node.args[0]), axis=axis, **kwargs)

    return {node: run for step in steps for node in editable.steps_like(step)}


def _same_axes(axis, other, ndim):
    normal = lambda a: set(range(ndim)) if a is None else {i % ndim for i in np.atleast_1d(a)}  # noqa: E731
    return normal(axis) == normal(other)


def _of_number(use, literals):
    """Yield the edits of a number in the source; `literals` are the numbers of the whole function."""
    c, f = use.value, use.node.function
    if not isinstance(f, np.ufunc):
        return
    if f is not np.power and c:
        for text, kind, other in (
            (f"1 − {use.called}", "one minus", 1 - c),
            (f"1/({use.called})", "power", 1 / c),
            (f"the square of {use.called}", "power", c * c),
        ):
            if other not in (0, 1, c):
                words = f"with {text} in place of `{use.called}`"
                yield Edit(1.9, kind, words, use.node.site, at_use(use, lambda *_, other=other: other))
    neutral = 1 if f in (np.multiply, np.divide, np.power) else 0  # the edit "without" covers it
    plain = EXPONENTS if f is np.power else (0, 1, 2, 3, 4, 0.5, 0.25, -1, -2, -0.5)
    for other in dict.fromkeys((*plain, *sorted(literals))):
        if other not in (c, neutral) and (other or neutral == 0):
            text = f"with {other:g} in place of `{use.called}`".replace("-", "−")
            kind = "power" if f is np.power else "wrong sign" if other == -c else "constant"
            cost = 1.8 + 0.3 * (other not in (-c, 1, 2, 0.5))
            yield Edit(cost, kind, text, use.node.site, at_use(use, lambda *_, other=other: other))

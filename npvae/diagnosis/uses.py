"""Every small edit of the use of a value: a power, a sum, another factor, another array, …

If the author uses a value several times, an edit changes one use, all uses in one line, or all of them. The first
number of an edit is its cost, on the scale of causes.py.
"""

import functools
import itertools
import operator

import numpy as np

from . import source
from .changes import Edit, at_result, at_use, is_array, is_number, taking
from .graph import Node, is_float, setitem
from .paths import Slope
from .steps import edits_of_steps

# The forms in which an edit brings in another array: the words, the function, and its cost.
PLAIN_FORM = {"{}": (lambda a: a, 0)}
OTHER_FORMS = {
    "(1 − {})": (lambda a: 1 - a, 0.3),
    "{0} (1 − {0})": (lambda a: a * (1 - a), 0.4),
    "{}²": (lambda a: a * a, 0.4),
    "(1 − {}²)": (lambda a: 1 - a * a, 0.4),
    "({} > 0)": (lambda a: a > 0, 0.4),
    "√{}": (np.sqrt, 0.6),
    "exp({})": (np.exp, 0.7),
}
FORMS_OF_A_SLOPE = {"{}": (lambda a: a, 0), "minus {}": (lambda a: -a, 0.1)}
MATRIX_PRODUCTS = {
    ", on the right": lambda v, a: v @ a,
    ", on the left": lambda v, a: a @ v,
    ", transposed, on the right": lambda v, a: v @ a.T,
    ", transposed, on the left": lambda v, a: a.T @ v,
}
POWERS = {
    "{}²": (lambda v: v * v, 2.0),
    "1/{}": (lambda v: 1 / v, 2.0),
    "√{}": (np.sqrt, 2.0),
    "1/{}²": (lambda v: 1 / (v * v), 2.3),
    "1/√{}": (lambda v: 1 / np.sqrt(v), 2.3),
    "{}³": (lambda v: v**3, 2.3),
}
ONE_MINUS = {
    "1 − {}": lambda v: 1 - v,
    "1 + {}": lambda v: 1 + v,
    "1 − {}²": lambda v: 1 - v * v,
    "{} (1 − {})": lambda v: v * (1 - v),
}
UNARY = {"np.exp": np.exp, "np.log": np.log, "np.abs": np.abs, "np.sign": np.sign, "np.tanh": np.tanh}


def edits_of(editable, forms=PLAIN_FORM):
    """Yield the edits of a traced array.

    forms   in which other arrays come in: `PLAIN_FORM`, and then all other edits too; or `OTHER_FORMS`, which are
            many, and so come last
    """
    is_first = forms is PLAIN_FORM
    if is_first:
        yield from edits_of_steps(editable)
    for use in editable.uses():
        if is_array(use.array):
            if is_float(use.array):
                yield from _of_use(use, editable, forms)
            if is_first and isinstance(use.value, Node):
                yield from _another_array(use, editable)
        elif is_first and is_number(use.value):
            yield from _array_for_number(use, editable)
    yield from _of_result(editable, forms)


def _of_use(use, editable, forms):
    """Yield the edits of the use of an array, but for those that replace it by another array."""
    if use.node.function is operator.getitem:
        return

    def edit(cost, kind, text, change):
        return Edit(cost + use.extra, kind, text, use.site, at_use(use, lambda value, *_: change(value)))

    def made(change):
        return at_use(use, change)

    if forms is PLAIN_FORM:
        if use.node.function in (np.multiply, np.divide):
            yield edit(1.3, "extra factor", f"without the factor `{use.called}`", np.ones_like)
        yield from _changed(use.array, use.called, edit)
    for other in _factors_and_terms(use.node.index, use.array, use.called, use.site, editable, made, forms):
        yield other._replace(cost=other.cost + use.extra)


def _changed(v, called, edit):
    """Yield the edits of an array v that need no other array; edit(cost, kind, text, change) makes them."""
    ndim = np.ndim(v)
    if ndim == 2:
        yield edit(1.4, "transposed", f"with `{called}` transposed", np.transpose)
        if np.shape(v)[0] == np.shape(v)[1]:
            text = f"with `{called} + {called}.T` in place of `{called}`"
            yield edit(2.3, "missing term", text, lambda a: a + a.T)
            text = f"with half of `{called} + {called}.T` in place of `{called}`"
            yield edit(2.3, "missing term", text, lambda a: (a + a.T) / 2)
    for word, change in {"zeros": np.zeros_like, "ones": np.ones_like}.items():
        cost = 1.6 if np.ptp(v) == 0 else 2.5
        yield edit(cost, "other array", f"with {word} in place of `{called}`", change)
    if np.ptp(v) == 0:
        return  # an array of equal numbers: its powers tell nothing
    for words, (change, cost) in POWERS.items():
        yield edit(cost, "power", f"with {source.formula(words, called)} in place of `{called}`", change)
    for words, change in ONE_MINUS.items():
        yield edit(2, "one minus", f"with {source.formula(words, called)} in place of `{called}`", change)
    for word, change in UNARY.items():
        text = f"with {source.formula(word + '({})', called)} in place of `{called}`"
        yield edit(2.6, "other function", text, change)
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


def _factors_and_terms(index, v, called, site, editable, made, forms):
    """Yield the edits that bring in another array: as a factor, a divisor or a term."""
    at = f"at `{called}`"
    for key in editable.arrays:
        node = editable.array(key, index)
        if node is editable.output or node.index > index:
            continue
        name, extra = source.name(node), 0 if source.is_variable(node) else 0.8
        for version, words, more in _versions(node, np.shape(v), forms):
            cost = extra + more
            is_dy = node is editable.graph.inputs.get("dy") and node not in editable.ancestors
            kind = "dy not used" if is_dy else "missing factor"
            factor = source.formula(words, name)
            named = f", {factor}," if factor.startswith(("the ", "minus ")) else f" {factor}"
            yield Edit(2 + cost, kind, f"with one more factor{named}", site,
                       made(taking(key, lambda v, a, f=version: v * f(a))), at)  # fmt: skip
            if isinstance(node, Slope) or np.array_equal(node.value, v):
                continue
            if forms is PLAIN_FORM and np.ndim(node.value) == 2 == np.ndim(v):
                for side, product in MATRIX_PRODUCTS.items():
                    text = f"with `{called}` multiplied by {factor} as a matrix{side}"
                    yield Edit(2.4 + cost, "missing factor", text, site, made(taking(key, product)))
            kind = "extra factor" if node in editable.ancestors else "missing factor"
            yield Edit(2.1 + cost, kind, f"with `{called}` divided by {factor}", site,
                       made(taking(key, lambda v, a, f=version: v / f(a))))  # fmt: skip
            if np.shape(version(node.value)) == np.shape(v) or np.ndim(node.value) == 0:
                for sign, word in ((1, "added"), (-1, "subtracted")):
                    yield Edit(2.7 + cost, "missing term", f"with {factor} {word}", site,
                               made(taking(key, lambda v, a, f=version, s=sign: v + s * f(a))), at)  # fmt: skip


def _versions(node, shape, forms):
    """Yield the forms of an array that broadcast to this shape: triples of a function, its words, and its cost."""
    a, fitted = node.value, None
    try:
        if np.broadcast_shapes(np.shape(a), shape) == shape:
            fitted = lambda a: a  # noqa: E731
    except ValueError:
        pass
    for axis in range(len(shape)) if fitted is None and np.ndim(a) + 1 == len(shape) else ():
        if np.shape(np.expand_dims(a, axis)) == tuple(1 if i == axis else n for i, n in enumerate(shape)):
            fitted = functools.partial(np.expand_dims, axis=axis)
    has_sums = forms is not PLAIN_FORM and not isinstance(node, Slope) and np.shape(a) == shape
    for axis in range(np.ndim(a)) if has_sums else ():
        yield functools.partial(np.sum, axis=axis, keepdims=True), f"the sum of {{}} over axis {axis}", 0.8
    if fitted is not None:
        if isinstance(node, Slope):
            forms = FORMS_OF_A_SLOPE if forms is PLAIN_FORM else {}
        for words, (form, cost) in forms.items():
            yield (lambda a, form=form: fitted(form(a))), words, cost


def _another_array(use, editable):
    """Yield the edits that put another array of the same shape in place of one."""
    v, site = use.value, use.site
    is_named = source.is_variable(v)
    if v.function is None and v.name is None and not is_named:
        return  # a constant without a name: nobody confuses it with a named array
    for key in editable.arrays:
        node = editable.array(key, use.node.index)
        if node is v or node is editable.output or node.index > use.node.index or node.function is setitem:
            continue
        shape, name = np.shape(node.value), source.name(node)
        if name == use.called:
            continue  # a variable of a helper function with the same name: the words would say nothing
        cost = 2 + 0.8 * (not source.is_variable(node)) + 0.4 * (not is_named) + use.extra
        is_dy = node is editable.graph.inputs.get("dy") and node not in editable.ancestors
        kind = "dy not used" if is_dy else "other array"
        if isinstance(node, Slope):
            is_factor = use.node.function is np.multiply and use.value.site
            if not is_factor or not node.is_of_one_step:
                continue
            kind, cost = "other function", 2.6 + use.extra
        text = f"with {source.code(name)} in place of `{use.called}`"
        if shape == np.shape(v.value):
            yield Edit(cost, kind, text, site, at_use(use, taking(key, lambda v, a: a)))
        elif shape[::-1] == np.shape(v.value) and len(shape) == 2:
            yield Edit(cost + 0.6, kind, text, site, at_use(use, taking(key, lambda v, a: a.T)))


def _array_for_number(use, editable):
    """Yield the edits that put a single number that has a name in place of one in the source."""
    for key in editable.arrays:
        node = editable.array(key, use.node.index)
        if np.ndim(node.value) == 0 and node.index < use.node.index and source.is_variable(node):
            text = f"with `{source.name(node)}` in place of `{use.called}`"
            yield Edit(2.1, "other array", text, use.node.site, at_use(use, taking(key, lambda v, a: a)))


def _of_result(editable, forms):
    """Yield the edits of the array that is returned."""
    output = editable.output
    if not is_float(output.value) or output in editable.graph.inputs.values():
        return

    def edit(cost, kind, text, change):
        return Edit(cost + 0.05, kind, text, output.site, at_result(lambda value, *_: change(value)))

    called = source.name(output)
    if forms is PLAIN_FORM:
        yield from _changed(output.value, called, edit)
    index = len(editable.graph.nodes)
    yield from _factors_and_terms(index, output.value, called, output.site, editable, at_result, forms)

"""Slips in a call: another function, or none; other arguments, another axis. The edits are tuples as in slips.py."""

import ast
import builtins
import itertools

from . import source
from .expressions import name_of, said, text_of
from .nodes import backwards, binary, called, called_with, number, transposed, variable

FAMILIES = [  # of functions that people confuse
    ("sum", "mean"), ("max", "min"), ("amax", "amin"), ("argmax", "argmin"), ("maximum", "minimum"),
    ("floor", "ceil", "trunc", "rint", "round", "fix"), ("mod", "fmod", "remainder"), ("exp", "expm1"),
    ("log", "log1p", "log2", "log10"), ("sin", "cos", "tan"), ("sinh", "cosh", "tanh"), ("arcsin", "arccos", "arctan"),
    ("sqrt", "square", "abs", "sign"), ("repeat", "tile"), ("inner", "outer", "dot", "multiply"), ("triu", "tril"),
    ("max", "maximum"), ("min", "minimum"), ("convolve", "correlate"), ("any", "all"), ("deg2rad", "rad2deg"),
    ("zeros", "ones"), ("zeros_like", "ones_like"), ("vstack", "hstack"), ("std", "var"), ("cumsum", "cumprod"),
    ("multiply", "divide"), ("add", "subtract"), ("greater", "greater_equal", "less", "less_equal"),
    ("equal", "not_equal", "isclose"), ("inv", "pinv"), ("real", "imag"), ("eigh", "eig"), ("log_prob", "prob"),
]  # fmt: skip
REDUCTIONS = {"sum", "mean", "max", "min", "amax", "amin", "prod", "norm", "std", "var"}
STEP = 1e-5  # of the central difference for a slope
OF_AN_AXIS = {"sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "argmax", "argmin", "cumsum",
              "cumprod", "any", "all", "norm", "sort", "argsort", "flip", "concatenate", "stack", "roll",
              "diff"}  # fmt: skip


def edits_of_call(node, unused):
    """Yield the edits of a call; `unused` are the variables that the function never reads."""
    name = name_of(node)
    for family in FAMILIES:
        for other in family if name in family else ():
            if other != name:
                kind = "sum or mean" if {name, other} == {"sum", "mean"} else "other function"
                yield 1.4, kind, f"with {other} in place of {name} in {said(node)}", called(node, name=other)
    yield from _without(node, name)
    if name in ("cumsum", "cumprod") and node.args and not _is_method(node):
        turned = backwards(called(node, [backwards(node.args[0]), *node.args[1:]]))
        yield 1.9, "order", f"with the {name} beginning at the end in {said(node)}", turned
    if len(node.args) == 1 and not node.keywords and not _is_method(node) and name not in vars(builtins):
        yield 2.1, "other function", f"with the slope of {name} in place of {said(node)}", _slope(node)
    yield from _of_arguments(node, name, unused)
    if name == "range":
        yield 1.7, "order", f"with {said(node)} run backwards", called_with("reversed", node)
        if len(node.args) == 1:
            yield 1.8, "moved", f"with {said(node)} beginning at 1", called(node, [ast.Constant(1), *node.args])
    if name in OF_AN_AXIS:
        yield from _of_axis(node, name)
    if name == "einsum" and isinstance(node.args[0], ast.Constant):
        yield from _of_einsum(node)


def _slope(node):
    """Return the node of the slope of a function of one argument, by a central difference."""
    ahead, behind = (called(node, [binary(node.args[0], op, ast.Constant(STEP))]) for op in (ast.Add(), ast.Sub()))
    return binary(binary(ahead, ast.Sub(), behind), ast.Div(), ast.Constant(2 * STEP))


def _is_method(node):
    return isinstance(node.func, ast.Attribute) and not source.is_module(node.func.value)


def _without(node, name):
    """Yield the edit that replaces a call by its first argument, or the call of a method by the object."""
    inside = node.func.value if _is_method(node) else node.args[0] if node.args else None
    if inside is not None and name not in ("range", "len", "zip", "enumerate"):
        kinds = {"sum": "extra sum", "mean": "extra sum", "sqrt": "power", "square": "power", "reversed": "order"}
        yield 1.5, kinds.get(name, "other function"), f"without {name} around {said(inside)}", inside


def _of_arguments(node, name, unused):
    """Yield the edits of the arguments: one fewer, one more, or two exchanged."""
    args = node.args
    for i, argument in enumerate(args if len(args) > 1 else ()):
        words = f"without the argument {said(argument)} of {said(node)}"
        yield 1.8, "argument", words, called(node, [*args[:i], *args[i + 1 :]])
    for i, keyword in enumerate(node.keywords):
        fewer = [*node.keywords[:i], *node.keywords[i + 1 :]]
        yield 1.7, "argument", f"without `{text_of(keyword)}` in {said(node)}", called(node, keywords=fewer)
    keyword = ast.keyword("keepdims", ast.Constant(True)) if name in REDUCTIONS else None
    keyword = ast.keyword("ddof", ast.Constant(1)) if name in ("std", "var", "cov") else keyword
    if keyword is not None and keyword.arg not in {other.arg for other in node.keywords}:
        more = called(node, keywords=[*node.keywords, keyword])
        yield 1.8, "argument", f"with `{text_of(keyword)}` in {said(node)}", more
    for more in unused if isinstance(node.func, ast.Name) else ():
        words = f"with `{more}`, which your code never reads, as one more argument of {said(node)}"
        yield 1.7, "argument", words, called(node, [*args, variable(more)])
    for i, j in itertools.combinations(range(len(args)), 2):
        exchanged = list(args)
        exchanged[i], exchanged[j] = args[j], args[i]
        words = f"with {said(args[i])} and {said(args[j])} exchanged in {said(node)}"
        yield 1.7, "order", words, called(node, exchanged)
        if name == "reshape":
            yield 1.9, "transposed", f"{words}, and the result transposed", transposed(called(node, exchanged))


def _of_axis(node, name):
    """Yield the edits of the axis of a reduction."""
    keyword, i = next((k for k in node.keywords if k.arg == "axis"), None), 0 if _is_method(node) else 1
    now = keyword.value if keyword else node.args[i] if len(node.args) > i else None
    others = [k for k in node.keywords if k is not keyword]
    args = [*node.args[:i], *node.args[i + 1 :]]
    for axis in (0, 1, 2, -1, -2):
        if now is None or text_of(now) != str(axis):
            kind = "extra sum" if now is None and name in ("sum", "mean") else "axis"
            instead = f" in place of {said(now)}" if now else " alone"
            words = f"with the {name} over axis {str(axis).replace('-', '−')}{instead} in {said(node)}"
            new = called(node, args, [*others, ast.keyword("axis", number(axis))])
            yield 1.4 + 0.3 * (axis not in (0, 1)), kind, words, new
    if now is not None:
        yield 1.6, "axis", f"with the {name} over all axes in {said(node)}", called(node, args, others)


def _of_einsum(node):
    """Yield the edits of the subscripts of np.einsum: another order of the letters of one array, or another result."""
    subscripts = str(node.args[0].value).replace(" ", "")
    if "->" not in subscripts or "." in subscripts:
        return
    inputs, output = subscripts.split("->")
    words, letters = [*inputs.split(","), output], sorted(set(inputs) - {","})
    for i, word in enumerate(words):
        for order in itertools.permutations(word) if 1 < len(word) <= 4 else ():
            yield _with_subscripts(node, [*words[:i], "".join(order), *words[i + 1 :]])
    for n in range(max(len(output) - 1, 0), min(len(letters), len(output) + 1, 4) + 1):
        for order in itertools.permutations(letters, n):
            yield _with_subscripts(node, [*words[:-1], "".join(order)])


def _with_subscripts(node, words):
    subscripts = ",".join(words[:-1]) + "->" + words[-1]
    text = f'with "{subscripts}" in place of "{node.args[0].value}"'
    return 1.6, "transposed", text, called(node, [ast.Constant(subscripts), *node.args[1:]])

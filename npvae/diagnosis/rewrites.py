"""Every small edit of an expression in the author's source: another operator, number, name, index or axis, or brackets.

`rewrites_of` yields them for one definition of a `Program`; statements.py adds those of whole statements. The costs are
those of steps.py: the smaller, the more plausible.
"""

import ast
import itertools
from typing import NamedTuple

from . import source
from .graph import Site
from .program import Definition

MOST_TOGETHER = 6  # places at which the same change is made
LONGEST = 40  # characters of an expression that is quoted in a cause
FAMILIES = [  # of functions that people confuse
    ("sum", "mean"), ("max", "min"), ("amax", "amin"), ("argmax", "argmin"), ("maximum", "minimum"),
    ("floor", "ceil", "trunc", "rint", "round", "fix"), ("mod", "fmod", "remainder"), ("exp", "expm1"),
    ("log", "log1p", "log2", "log10"), ("sin", "cos", "tan"), ("sinh", "cosh", "tanh"), ("arcsin", "arccos", "arctan"),
    ("sqrt", "square", "abs", "sign"), ("repeat", "tile"), ("inner", "outer"), ("triu", "tril"), ("any", "all"),
    ("zeros", "ones"), ("zeros_like", "ones_like"), ("vstack", "hstack"), ("std", "var"), ("cumsum", "cumprod"),
    ("multiply", "divide"), ("add", "subtract"), ("greater", "greater_equal", "less", "less_equal"),
    ("equal", "not_equal", "isclose"), ("inv", "pinv"), ("real", "imag"), ("eigh", "eig"), ("log_prob", "prob"),
]  # fmt: skip
WORDS = [("same", "valid", "full"), ("ij", "xy"), ("C", "F"), ("edge", "reflect", "symmetric", "wrap", "constant")]
REDUCTIONS = {"sum", "mean", "max", "min", "amax", "amin", "prod", "std", "var", "argmax", "argmin", "cumsum", "cumprod",
              "any", "all", "norm", "sort", "argsort", "flip", "concatenate", "stack", "roll", "diff", "nansum"}  # fmt: skip
OPERATORS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**",
             ast.FloorDiv: "//", ast.Mod: "%"}  # fmt: skip
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
FLAT = {"sign", "floor", "ceil", "trunc", "rint", "round", "fix", "argmax", "argmin", "equal", "greater", "less", "any",
        "all"}  # fmt: skip
SIZED = {"range", "zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "tile", "repeat", "reshape",
         "broadcast_to", "indices", "pad"}  # fmt: skip
CONTRARY = ({"<", ">"}, {"<=", ">="}, {"==", "!="}, {"<", ">="}, {">", "<="})
NUMBERS = (0, 1, 2, 3, 4, 0.5, 0.25, -1)
WRAPPERS = {  # what an expression may lack around it: the words, the source, the kind and the cost
    "with np.exp around {}": ("np.exp({})", "other function", 2.2),
    "with np.log around {}": ("np.log({})", "other function", 2.2),
    "with np.sqrt around {}": ("np.sqrt({})", "power", 2.0),
    "with np.abs around {}": ("np.abs({})", "other function", 2.2),
    "with np.sign around {}": ("np.sign({})", "other function", 2.2),
    "with only the positive part of {}": ("np.maximum({}, 0)", "other function", 2.3),
    "with {} > 0 in place of it": ("({} > 0)", "other function", 2.3),
    "with {} reversed": ("({})[::-1]", "moved", 2.2),
    "with {} squared": ("({}) ** 2", "power", 1.9),
    "with 1 − {0} in place of {0}": ("1 - ({})", "one minus", 1.9),
    "with 1/{0} in place of {0}": ("1 / ({})", "power", 1.9),
    "with twice {0} in place of {0}": ("2 * ({})", "missing factor", 1.8),
    "with half of {0} in place of {0}": ("0.5 * ({})", "missing factor", 1.8),
}  # fmt: skip


class Rewrite(NamedTuple):
    """One edit of a definition.

    cost        the smaller, the more plausible
    kind        of the mistake that it repairs
    text        completes "Every number would be right …"
    definition  a `Definition`
    replaced    pairs of a node and of what takes its place
    """

    cost: float
    kind: str
    text: str
    definition: Definition
    replaced: list

    @property
    def is_flat(self):
        """Whether it brings in a function of steps, whose derivative is zero: then the value has lost a path."""
        old, new = (_words_of(node) for node in self.replaced[0])
        return bool((new - old) & FLAT)

    @property
    def sites(self):
        """The places in the source."""
        return tuple(dict.fromkeys(_site(node, self.definition) for node, _ in self.replaced))


def _site(node, definition):
    span = node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
    return Site(definition.file, node.lineno, (definition.tree.lineno, span), span)


def _words_of(node):
    """Return the names and attributes in a node, or in a list of nodes."""
    nodes = node if isinstance(node, list) else [node]
    return {getattr(part, "attr", getattr(part, "id", "")) for node in nodes for part in ast.walk(node)}


class Place(NamedTuple):
    """An expression, and what can be said of its surroundings.

    node       the expression
    parent     the node that it is part of
    statement  the statement that it is part of
    names      the variables that have a value there
    numbers    those whose values can be multiplied and added
    unused     those that the definition never reads
    is_size    whether it counts elements or steps: larger, it might fill the memory
    """

    node: ast.expr
    parent: ast.AST
    statement: ast.stmt
    names: tuple
    numbers: tuple
    unused: tuple
    is_size: bool

    @property
    def is_number(self):
        """Whether it may be an array, or a number other than a size, as far as its name tells."""
        return not self.is_size and (not isinstance(self.node, ast.Name) or self.node.id in self.numbers)


def places_of(definition, values):
    """Return every `Place` of a definition at which an expression is read, but for those in a `while` loop.

    values  what variables have held, by name
    """
    found, numbers = [], {name for name, value in values.items() if _can_be_multiplied(value)}
    read = {n.id for n in ast.walk(definition.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    never = set(values) - read

    def visit(node, parent, statement, names, in_loop, is_size=False):
        if isinstance(node, (ast.While, ast.ClassDef, ast.arguments)):
            return  # an edited condition may never become false
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            enclosing = [name for name, _ in names]
            names = [*((name, 0) for name in enclosing), *_variables(node)]
            statement, in_loop = (node, False) if isinstance(node, ast.FunctionDef) else (statement, in_loop)
        elif isinstance(node, ast.stmt):
            statement, in_loop = node, in_loop or isinstance(node, ast.For)
        if isinstance(node, ast.expr) and _is_read(node, parent) and not isinstance(statement, ast.FunctionDef):
            known = [name for name, line in names if in_loop or line < statement.lineno]
            known = tuple(dict.fromkeys(name for name in known if name in values))
            numeric, unused = ([name for name in known if name in some] for some in (numbers, never))
            found.append(Place(node, parent, statement, known, tuple(numeric), tuple(unused), is_size))
        is_size |= isinstance(node, ast.Call) and _name_of(node) in SIZED
        for child in ast.iter_child_nodes(node):
            visit(child, node, statement, names, in_loop, is_size or getattr(child, "attr", "") == "shape")

    visit(definition.tree, None, None, [(name, 0) for name in definition.function.__code__.co_freevars], False)
    return found


def _can_be_multiplied(value):
    return hasattr(type(value), "__mul__") and not isinstance(value, (bool, str, list, tuple))


def _variables(function):
    """Return the variables of a function, but not those of the functions in it: pairs of a name and its first line.

    The line of an argument is 0.
    """
    found = [(arg.arg, 0) for arg in (*function.args.args, *function.args.kwonlyargs)]
    waiting = list(function.body) if isinstance(function, ast.FunctionDef) else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.id, node.lineno))
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def _is_read(node, parent):
    """Return whether an expression is a value of its own: no target, no function, no module, no text."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(node, (ast.Tuple, ast.Starred, ast.Slice)):
        return False
    if isinstance(parent, ast.Call) and node is parent.func:
        return False
    return not isinstance(parent, (ast.JoinedStr, ast.FormattedValue, ast.Expr)) and not source.is_module(node)


def rewrites_of(definition, values):
    """Yield the edits of a definition's expressions; `values` as in `places_of`."""
    places = places_of(definition, values)
    literals = sorted({p.node.value for p in places if _is_number(p.node)}, key=abs)
    expressions = _expressions(places)
    indices = set().union(*(_names_of(p.node.slice) for p in places if isinstance(p.node, ast.Subscript)))
    for place in places:
        for cost, kind, text, new in _of_place(place, literals, expressions, indices):
            yield Rewrite(cost, kind, text, definition, [(place.node, new)])


def _expressions(places):
    """Return the shorter expressions of a definition that are no variables, by their text."""
    kinds = ast.Call, ast.Subscript, ast.Attribute, ast.BinOp
    found = {ast.unparse(place.node): place for place in places if isinstance(place.node, kinds)}
    return {text: place for text, place in found.items() if len(text) <= LONGEST}


def _of_place(place, literals, expressions, indices):
    """Yield the cost, the kind, the words and the new node of every edit at one place.

    literals     the numbers of the definition, which may be meant elsewhere
    expressions  its expressions, likewise
    indices      the names that are indices somewhere in it
    """
    node = place.node
    if isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield 1.3, "wrong sign", f"without the minus before {said(node.operand)}", node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _of_comparison(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield 1.6, "condition", f"with the other of `and` and `or` in {said(node)}", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.IfExp):
        yield 1.5, "order", f"with the two choices of {said(node)} exchanged", ast.IfExp(node.test, node.orelse, node.body)
        yield 1.6, "condition", f"with {said(node.body)} in any case", node.body
        yield 1.6, "condition", f"with {said(node.orelse)} in any case", node.orelse
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
        if isinstance(node.func, ast.Name):
            for name in place.unused:
                more = ast.Call(node.func, [*node.args, ast.Name(name, ast.Load())], node.keywords)
                yield 1.7, "argument", f"with `{name}`, which you do not use, as one more argument of {said(node)}", more
    elif isinstance(node, ast.Subscript):
        yield from _of_subscript(node, place, indices)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield 1.4, "transposed", f"with {said(node.value)} not transposed", node.value
    elif _is_number(node):
        yield from _of_number(node, place, literals)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield 1.6, "other function", f"with {not node.value} in place of {where(place)}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant):
        for family in WORDS:
            for word in family if node.value in family else ():
                if word != node.value:
                    yield 1.5, "other function", f'with "{word}" in place of {where(place)}', ast.Constant(word)
    if isinstance(node, ast.Name):
        for name in place.numbers if node.id in place.numbers else place.names:
            if name != node.id:
                yield 2.0, "other array", f"with `{name}` in place of {where(place)}", ast.Name(name, ast.Load())
    elif isinstance(node, (ast.Call, ast.Subscript, ast.Attribute, ast.BinOp)):
        for name in place.numbers:
            yield 2.3, "other array", f"with `{name}` in place of {where(place)}", ast.Name(name, ast.Load())
    if isinstance(node, (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.BinOp)):
        yield from _around(place)
    yield from _with_another_expression(place, expressions)


def _of_operator(node):
    """Yield the edits of a binary operator."""
    left, op, right = node.left, node.op, node.right
    kind, both = type(op), said(node)
    if kind in (ast.Add, ast.Sub):
        yield 1.3, "wrong sign", f"with the opposite sign before {said(right)}", _binary(left, _other(op), right)
        yield 1.4, "extra term", f"without the term {said(right)}", left
        yield 1.5, "extra term", f"without the term {said(left)}", right if kind is ast.Add else ast.UnaryOp(ast.USub(), right)
    if kind in (ast.Mult, ast.Div, ast.MatMult, ast.FloorDiv, ast.Mod):
        yield 1.2, "extra factor", f"without the factor {'1/' * (kind is ast.Div)}{said(right)}", left
        others = [ast.Mult, ast.Div] if kind is not ast.Mult else [ast.Div, ast.MatMult]
        for other in others:
            if other is not kind:
                words = f"with {OPERATORS[other]} in place of {OPERATORS[kind]} in {both}"
                yield 1.7, "other function", words, _binary(left, other(), right)
        alone = _binary(ast.Constant(1), ast.Div(), right) if kind is ast.Div else right
        yield 1.2, "extra factor", f"without the factor {said(left)}", alone
    if kind is ast.Pow:
        yield 1.5, "power", f"without the power {said(right)} of {said(left)}", left
    if kind in (ast.Sub, ast.Div, ast.MatMult, ast.Pow, ast.FloorDiv):
        yield 1.5, "order", f"with the two sides of {both} exchanged", _binary(right, op, left)
    for inner, outer in _regrouped(node):
        yield 1.6, "order", f"with brackets around {said(inner)}", outer


def _regrouped(node):
    """Yield pairs of an expression and of what the whole becomes if brackets surround that expression.

    In a + b / c, brackets around a + b; in (a + b) / c without its own, brackets around b / c.
    """
    left, op, right = node.left, node.op, node.right
    plain = (ast.Add, ast.Mult)
    if isinstance(right, ast.BinOp) and not (type(op) is type(right.op) and isinstance(op, plain)):
        inner = _binary(left, op, right.left)
        yield inner, _binary(inner, right.op, right.right)
    if isinstance(left, ast.BinOp) and not (type(op) is type(left.op) and isinstance(op, plain)):
        inner = _binary(left.right, op, right)
        yield inner, _binary(left.left, left.op, inner)
    if isinstance(left, ast.UnaryOp) and isinstance(op, (ast.Add, ast.Sub, ast.Pow)):  # −a + b, and −(a + b)
        inner = _binary(left.operand, op, right)
        yield inner, ast.UnaryOp(left.op, inner)


def _of_comparison(node):
    kind = type(node.ops[0])
    for other, sign in COMPARISONS.items() if kind in COMPARISONS else ():
        if other is not kind:
            text = f"with {sign} in place of {COMPARISONS[kind]} in {said(node)}"
            cost = 1.4 if sign[0] == COMPARISONS[kind][0] or {sign, COMPARISONS[kind]} in CONTRARY else 1.9
            yield cost, "other function", text, ast.Compare(node.left, [other()], node.comparators)


def _of_call(node):
    """Yield the edits of a call: another function, none, its arguments exchanged, another axis."""
    name = _name_of(node)
    for family in FAMILIES:
        for other in family if name in family else ():
            if other != name:
                kind = "sum or mean" if {name, other} == {"sum", "mean"} else "other function"
                yield 1.4, kind, f"with {other} in place of {name} in {said(node)}", _with_function(node, other)
    is_method = isinstance(node.func, ast.Attribute) and not source.is_module(node.func.value)
    inside = node.func.value if is_method else node.args[0] if node.args else None
    if inside is not None and name not in ("range", "len", "zip", "enumerate"):
        kind = "extra sum" if name in ("sum", "mean") else "power" if name in ("sqrt", "square") else "other function"
        yield 1.5, kind, f"without {name} around {said(inside)}", inside
    if name == "reversed":
        return
    if name == "range":
        turned = ast.Call(ast.Name("reversed", ast.Load()), [node], [])
        yield 1.7, "order", f"with {said(node)} run through backwards", turned
        if len(node.args) == 1:
            yield 1.8, "moved", f"with {said(node)} beginning at 1", ast.Call(node.func, [ast.Constant(1), *node.args], [])
    for i, argument in enumerate(node.args if len(node.args) > 1 else ()):
        fewer = ast.Call(node.func, [*node.args[:i], *node.args[i + 1 :]], node.keywords)
        yield 1.8, "argument", f"without the argument {said(argument)} of {said(node)}", fewer
    for i, keyword in enumerate(node.keywords):
        fewer = ast.Call(node.func, node.args, [*node.keywords[:i], *node.keywords[i + 1 :]])
        yield 1.7, "argument", f"without `{ast.unparse(keyword)}` in {said(node)}", fewer
    for i, j in itertools.combinations(range(len(node.args)), 2):
        args = list(node.args)
        args[i], args[j] = args[j], args[i]
        first, second = said(node.args[i]), said(node.args[j])
        yield 1.7, "order", f"with {first} and {second} exchanged in {said(node)}", ast.Call(node.func, args, node.keywords)
        if name == "reshape":
            text = f"with {first} and {second} exchanged in {said(node)}, and the result transposed"
            turned = ast.Attribute(ast.Call(node.func, args, node.keywords), "T", ast.Load())
            yield 1.9, "transposed", text, turned
    if name in REDUCTIONS:
        yield from _of_axis(node, name)
    if name == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
        yield from _of_einsum(node)


def _of_axis(node, name):
    """Yield the edits of the axis of a reduction."""
    keyword = next((k for k in node.keywords if k.arg == "axis"), None)
    is_method = isinstance(node.func, ast.Attribute) and not source.is_module(node.func.value)
    place = 0 if is_method else 1
    positional = node.args[place] if len(node.args) > place else None
    now = keyword.value if keyword else positional
    others = [k for k in node.keywords if k is not keyword]
    args = [*node.args[:place], *node.args[place + 1 :]]
    for axis in (0, 1, 2, -1, -2):
        if now is None or ast.unparse(now) != str(axis):
            new = ast.Call(node.func, args, [*others, ast.keyword("axis", _number(axis))])
            kind = "extra sum" if now is None and name in ("sum", "mean") else "axis"
            written = str(axis).replace("-", "−")
            text = f"with the {name} over axis {written}" + (f" in place of {said(now)}" if now else " alone")
            yield 1.4 + 0.3 * (axis not in (0, 1)), kind, f"{text} in {said(node)}", new
    if now is not None:
        yield 1.6, "axis", f"with the {name} over everything in {said(node)}", ast.Call(node.func, args, others)


def _of_einsum(node):
    """Yield the edits of the subscripts of np.einsum: permute the letters of one array, or take others for the result."""
    subscripts = str(node.args[0].value).replace(" ", "")
    if "->" not in subscripts or "." in subscripts:
        return
    inputs, output = subscripts.split("->")
    words, letters = [*inputs.split(","), output], sorted(set(inputs) - {","})
    others = [[*words[:i], "".join(p), *words[i + 1 :]] for i, word in enumerate(words)
              for p in itertools.permutations(word) if 1 < len(word) <= 4 and "".join(p) != word]  # fmt: skip
    others += [[*words[:-1], "".join(p)] for n in range(min(len(letters), 4) + 1)
               for p in itertools.permutations(letters, n) if abs(n - len(output)) < 2 and "".join(p) != output]  # fmt: skip
    for parts in others:
        other = ",".join(parts[:-1]) + "->" + parts[-1]
        text = f'with "{other}" in place of "{subscripts}"'
        yield 1.6, "transposed", text, ast.Call(node.func, [ast.Constant(other), *node.args[1:]], node.keywords)


def _of_subscript(node, place, indices):
    """Yield the edits of an index: its parts exchanged, one of them moved by one, or none; and of the whole element.

    indices   the names that are indices somewhere in the definition
    """
    index = node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]

    def with_parts(several):
        new = several[0] if len(several) == 1 else ast.Tuple(several, ast.Load())
        return ast.Subscript(node.value, new, ast.Load())

    yield 1.7, "moved", f"with {said(node.value)} in place of {where(place)}", node.value
    for i, j in itertools.combinations(range(len(parts)), 2):
        exchanged = list(parts)
        exchanged[i], exchanged[j] = parts[j], parts[i]
        yield 1.8, "moved", f"with two indices of {said(node)} exchanged", with_parts(exchanged)
    if isinstance(node.value, ast.Name) and isinstance(index, ast.Name):
        for array, i in itertools.product(place.numbers, indices):
            if array != node.value.id and i != index.id and i in place.names:
                other = ast.Subscript(ast.Name(array, ast.Load()), ast.Name(i, ast.Load()), ast.Load())
                yield 2.3, "other array", f"with `{array}[{i}]` in place of {where(place)}", other
    whole = ast.Slice()
    if len(parts) == 1 and not isinstance(index, ast.Slice):
        yield 1.8, "axis", f"with {said(index)} as the index of axis 1 in {said(node)}", with_parts([whole, index])
    if len(parts) == 2 and ast.unparse(parts[0]) == ":":
        yield 1.8, "axis", f"with {said(parts[1])} as the index of axis 0 in {said(node)}", with_parts([parts[1]])
    for i, part in enumerate(parts):
        if not isinstance(part, ast.Slice):
            whole_axis = with_parts([*parts[:i], ast.Slice(), *parts[i + 1 :]])
            total = ast.Call(ast.Attribute(whole_axis, "sum", ast.Load()), [], [ast.keyword("axis", ast.Constant(i))])
            yield 2.0, "missing sum", f"with the sum over axis {i} in place of {where(place)}", total
        for words, new in _moved(part):
            yield 1.9, "moved", f"with {words} in {said(node)}", with_parts([*parts[:i], new, *parts[i + 1 :]])


def _moved(part):
    """Yield pairs of words and a new part of an index: one larger or smaller, or a slice with another end."""
    if isinstance(part, ast.Slice):
        ends = {"lower": part.lower, "upper": part.upper, "step": part.step}
        for end, value in ends.items():
            if value is not None:
                yield f"no {said(value)}", ast.Slice(**{**ends, end: None})
                for sign, by in (("larger", 1), ("smaller", -1)):
                    yield f"{said(value)} one {sign}", ast.Slice(**{**ends, end: _plus(value, by)})
        if part.lower is None:
            yield "a slice that begins at 1", ast.Slice(**{**ends, "lower": ast.Constant(1)})
        if part.upper is None:
            yield "a slice that ends before the last", ast.Slice(**{**ends, "upper": _number(-1)})
        if part.step is None:
            yield "the slice reversed", ast.Slice(**{**ends, "step": _number(-1)})
        return
    for sign, by in (("larger", 1), ("smaller", -1)):
        yield f"an index one {sign}", _plus(part, by)


def _of_number(node, place, literals):
    """Yield the edits of a number: another one, or a variable."""
    c = node.value
    neighbours = (c + 1, c - 1, -c, 2 * c, c / 2 if c % 2 or isinstance(c, float) else c // 2)
    for other in dict.fromkeys((*neighbours, *NUMBERS, *literals)):
        if other != c and other == other:
            kind = "power" if isinstance(place.parent, ast.BinOp) and isinstance(place.parent.op, ast.Pow) else "constant"
            kind = "wrong sign" if other == -c else kind
            cost = 1.8 + 0.3 * (other not in (*neighbours, 1, 2, 0.5))
            yield cost, kind, f"with {other:g} in place of {where(place)}".replace("-", "−"), _number(other)
    kind = "missing factor" if c == 1 else "constant"
    for name in place.numbers:
        yield 2.2, kind, f"with `{name}` in place of {where(place)}", ast.Name(name, ast.Load())


def _around(place):
    """Yield the edits that put something around an expression: a function, a minus, a transposition, a factor."""
    node, parent = place.node, place.parent
    is_operand = isinstance(parent, (ast.BinOp, ast.Call, ast.Return, ast.UnaryOp)) or (
        isinstance(parent, (ast.Assign, ast.AugAssign)) and node is parent.value
    )
    if not is_operand or not place.is_number:
        return
    if not isinstance(node, ast.BinOp):
        cost = 1.5 if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult) else 1.8
        yield cost, "transposed", f"with {where(place)} transposed", ast.Attribute(node, "T", ast.Load())
        for words, (wrapped, kind, cost) in WRAPPERS.items():
            inner = ast.unparse(node)
            yield cost, kind, words.format(where(place)), _parsed(wrapped.format(inner))
    if not isinstance(parent, ast.UnaryOp) and not _is_factor(place):
        yield 1.5, "wrong sign", f"with the opposite sign before {where(place)}", ast.UnaryOp(ast.USub(), node)
    if _is_factor(place):
        return  # a factor fits anywhere in a product: once is enough
    for name in place.numbers:
        other = ast.Name(name, ast.Load())
        if not (isinstance(node, ast.Name) and node.id == name):
            yield 2.1, "missing factor", f"with one more factor `{name}` at {where(place)}", _binary(node, ast.Mult(), other)
            yield 2.2, "extra factor", f"with {where(place)} divided by `{name}`", _binary(node, ast.Div(), other)
            yield 2.7, "missing term", f"with `{name}` added at {where(place)}", _binary(node, ast.Add(), other)
            yield 2.7, "missing term", f"with `{name}` subtracted at {where(place)}", _binary(node, ast.Sub(), other)


def _with_another_expression(place, expressions):
    """Yield the edits that bring in an expression from elsewhere in the definition: in place of one, or as a factor."""
    node, parent = place.node, place.parent
    is_value = isinstance(parent, (ast.BinOp, ast.Return, ast.UnaryOp, ast.Call, ast.Assign, ast.AugAssign))
    if not is_value or not place.is_number:
        return
    own = ast.unparse(node)
    for text, other in expressions.items():
        if text == own or not _names_of(other.node) & {*other.names} <= {*place.names}:
            continue
        if not _is_number(node) and text not in own:  # a part of it in its place would be several edits
            yield 2.4, "other array", f"with `{text}` in place of {where(place)}", other.node
        if not _is_factor(place) and own not in text:
            yield 2.4, "missing factor", f"with one more factor `{text}` at {where(place)}", _binary(node, ast.Mult(), other.node)
            if not _is_number(node):
                yield 2.5, "extra factor", f"with {where(place)} divided by `{text}`", _binary(node, ast.Div(), other.node)
                yield 2.8, "missing term", f"with `{text}` added at {where(place)}", _binary(node, ast.Add(), other.node)
                yield 2.8, "missing term", f"with `{text}` subtracted at {where(place)}", _binary(node, ast.Sub(), other.node)


def _names_of(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_factor(place):
    """Return whether an expression is a factor of a larger product."""
    parent = place.parent
    return (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)) or (
        isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div) and place.node is parent.left
    )


def together(rewrites):
    """Yield the edits that make the same change at several places: at all in a statement, or at all in a definition.

    The same change puts the same characters in place of the same: `/ z` goes, sin becomes cos.
    """
    groups = {}
    for rewrite in rewrites:
        if len(rewrite.replaced) == 1 and isinstance(rewrite.replaced[0][1], ast.expr):
            (old, new), definition = rewrite.replaced[0], rewrite.definition
            change = rewrite.kind, *_difference(ast.unparse(old), ast.unparse(new))
            for within in (definition.tree, definition.statement_of(old)):
                groups.setdefault((within, *change), []).append(rewrite)
    done = set()
    for several in groups.values():
        nodes = frozenset(rewrite.replaced[0][0] for rewrite in several)
        key = nodes, ast.unparse(several[0].replaced[0][1])
        if 1 < len(nodes) == len(several) <= MOST_TOGETHER and key not in done and not _are_nested(several):
            done.add(key)
            first = several[0]
            replaced = [pair for rewrite in several for pair in rewrite.replaced]
            yield first._replace(cost=first.cost + 0.2, text=f"{first.text}, {_times(len(nodes))}", replaced=replaced)


def _times(n):
    return "both times" if n == 2 else f"all {n} times"


def _difference(old, new):
    """Return the characters in which two texts differ, between what they begin and what they end with."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return old[start : len(old) - end], new[start : len(new) - end]


def _common(a, b):
    """Return with how many equal characters two texts begin."""
    return next((i for i, (c, d) in enumerate(zip(a, b)) if c != d), min(len(a), len(b)))


def _are_nested(several):
    """Return whether the node of one edit is part of another's."""
    nodes = {rewrite.replaced[0][0] for rewrite in several}
    return any(part in nodes for node in nodes for part in ast.walk(node) if part is not node)


def said(node):
    """Return the source of an expression in backticks; a long one is cut."""
    text = ast.unparse(node)
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}`"


def where(place):
    """Return an expression in backticks; if its statement has it several times, with what surrounds it."""
    text = ast.unparse(place.node)
    if ast.unparse(place.statement).count(text) > 1 and isinstance(place.parent, ast.expr):
        return f"{said(place.node)} in {said(place.parent)}"
    return said(place.node)


def _name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _with_function(call, name):
    if isinstance(call.func, ast.Attribute):
        return ast.Call(ast.Attribute(call.func.value, name, ast.Load()), call.args, call.keywords)
    return ast.Call(ast.Name(name, ast.Load()), call.args, call.keywords)


def _binary(left, op, right):
    return ast.BinOp(left, op, right)


def _other(op):
    return ast.Sub() if isinstance(op, ast.Add) else ast.Add()


def _plus(node, by):
    return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))


def _number(value):
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _parsed(text):
    return ast.parse(text, mode="eval").body

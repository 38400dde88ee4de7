"""Slips within one expression: its operator, its sign, its number, its brackets, or what stands around it.

An edit is a tuple: its cost on the scale of causes.py, the kind of the mistake, the words that complete "Every number
would be right …", the node that takes the place of the expression, and, if the words need one, their end, such as
"at `dy`".
"""

import ast

from .calls import edits_of_call
from .expressions import names_in, said
from .indices import edits_of_index
from .nodes import binary, is_number, minus, number, transposed, variable

OPERATORS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**",
             ast.FloorDiv: "//", ast.Mod: "%"}  # fmt: skip
CONFUSED = {  # operators, and those that people write in their place; a sign is a kind of its own
    ast.Add: (ast.Mult,), ast.Sub: (ast.Mult, ast.Div), ast.Mult: (ast.Div, ast.MatMult, ast.Add, ast.Sub, ast.Pow),
    ast.Div: (ast.Mult, ast.FloorDiv, ast.Sub), ast.MatMult: (ast.Mult, ast.Div), ast.FloorDiv: (ast.Div, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Div), ast.Pow: (ast.Mult,),
}  # fmt: skip
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
CONTRARY = [{"<", ">"}, {"<=", ">="}, {"<", ">="}, {"<=", ">"}, {"==", "!="}]
NUMBERS = (0, 1, 2, 3, 4, 0.5, 0.25, -1)
WORDS = [("same", "valid", "full"), ("ij", "xy"), ("C", "F"), ("edge", "reflect", "symmetric", "wrap", "constant")]
AROUND = [  # what an expression may lack around it: the cost, the kind, the words and the source
    (1.8, "missing factor", "with twice {0} in place of {0}", "2 * ({})"),
    (1.8, "missing factor", "with half of {0} in place of {0}", "0.5 * ({})"),
    (1.9, "power", "with {} squared", "({}) ** 2"),
    (1.9, "power", "with 1/{0} in place of {0}", "1 / ({})"),
    (1.9, "one minus", "with 1 − {0} in place of {0}", "1 - ({})"),
    (2.0, "power", "with np.sqrt around {}", "np.sqrt({})"),
    (2.2, "other function", "with np.exp around {}", "np.exp({})"),
    (2.2, "other function", "with np.log around {}", "np.log({})"),
    (2.2, "other function", "with np.abs around {}", "np.abs({})"),
    (2.2, "other function", "with np.sign around {}", "np.sign({})"),
    (2.2, "moved", "with {} reversed", "({})[::-1]"),
    (2.2, "moved", "with {} reversed along both axes", "({})[::-1, ::-1]"),
    (2.2, "axis", "with {0}[:, None] in place of {0}", "({})[:, None]"),
    (2.3, "other function", "with only the positive part of {}", "np.maximum({}, 0)"),
    (2.3, "other function", "with {0} > 0 in place of {0}", "({} > 0)"),
]


def slips_of(expressions):
    """Yield pairs of an `Expression` and an edit of it."""
    literals = sorted({expression.node.value for expression in expressions if is_number(expression.node)}, key=abs)
    indices = [expression.node.slice for expression in expressions if isinstance(expression.node, ast.Subscript)]
    indexed = set().union(*map(names_in, indices))
    for expression in expressions:
        for edit in _of_expression(expression, literals, indexed):
            yield expression, edit


def _of_expression(expression, literals, indexed):
    """Yield the edits of one expression.

    literals  the numbers in the definition
    indexed   the names in the indices of the definition
    """
    node = expression.node
    if isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield 1.3, "wrong sign", "without the minus", node.operand, f"before {said(node.operand)}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield 1.3, "condition", f"without the `~` before {said(node.operand)}", node.operand
    elif isinstance(node, (ast.Compare, ast.BoolOp, ast.IfExp)):
        yield from _of_condition(node)
    elif isinstance(node, ast.Call):
        yield from edits_of_call(node, expression.unused)
    elif isinstance(node, ast.Subscript):
        yield from edits_of_index(expression, indexed)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(expression, literals)
    is_index = isinstance(expression.parent, ast.Subscript) and node is expression.parent.slice
    is_operand = expression.is_operand and not isinstance(node, ast.Constant)
    has_tilde = isinstance(node, ast.UnaryOp) or isinstance(expression.parent, ast.UnaryOp)
    if (is_index or is_operand) and expression.is_mask and not has_tilde:  # or else the `~` goes
        cost = 1.7 if is_index else 1.9
        yield cost, "condition", f"with the contrary of {expression.where}", ast.UnaryOp(ast.Invert(), node)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield 1.4, "transposed", f"with {said(node.value)} not transposed", node.value
    if is_operand and expression.is_array:
        yield from _around(expression)


def _of_operator(node):
    """Yield the edits of a binary operator: another one, one side alone, its sides exchanged, or other brackets."""
    left, op, right = node.left, node.op, node.right
    kind = type(op)
    if kind in (ast.Add, ast.Sub):
        other = ast.Sub() if kind is ast.Add else ast.Add()
        yield 1.3, "wrong sign", "with the opposite sign", binary(left, other, right), f"before {said(right)}"
        yield 1.4, "extra term", f"without the term {said(right)}", left
        yield 1.5, "extra term", f"without the term {said(left)}", right if kind is ast.Add else minus(right)
    if kind in (ast.Mult, ast.Div, ast.MatMult, ast.FloorDiv, ast.Mod):
        yield 1.2, "extra factor", f"without the factor {'1/' * (kind is ast.Div)}{said(right)}", left
        alone = binary(ast.Constant(1), ast.Div(), right) if kind is ast.Div else right
        yield 1.2, "extra factor", f"without the factor {said(left)}", alone
    for other in CONFUSED.get(kind, ()):
        if other is ast.Pow and not is_number(right):
            continue
        words = f"with {OPERATORS[other]} in place of {OPERATORS[kind]} in {said(node)}"
        yield 1.7, "other function", words, binary(left, other(), right)
    if kind is ast.Pow:
        yield 1.5, "power", f"without the power {said(right)} of {said(left)}", left
    if kind in (ast.Sub, ast.Div, ast.MatMult, ast.Pow, ast.FloorDiv):
        yield 1.5, "order", f"with the two sides of {said(node)} exchanged", binary(right, op, left)
    for inner, outer in _regrouped(left, op, right):
        yield 1.6, "order", f"with brackets around {said(inner)}", outer


def _regrouped(left, op, right):
    """Yield pairs of an expression and of what the whole becomes if brackets surround that expression.

    In a + b / c, they may surround a + b; in (a + b) / c, they may surround b / c; in −a + b, they may surround a + b.
    """
    chain = ast.Add, ast.Mult  # in a + b + c, brackets change nothing
    if isinstance(right, ast.BinOp) and not (type(op) is type(right.op) and isinstance(op, chain)):
        inner = binary(left, op, right.left)
        yield inner, binary(inner, right.op, right.right)
    if isinstance(left, ast.BinOp) and not (type(op) is type(left.op) and isinstance(op, chain)):
        inner = binary(left.right, op, right)
        yield inner, binary(left.left, left.op, inner)
    if isinstance(left, ast.UnaryOp) and isinstance(op, (ast.Add, ast.Sub, ast.Pow)):
        inner = binary(left.operand, op, right)
        yield inner, ast.UnaryOp(left.op, inner)


def _of_condition(node):
    """Yield the edits of a comparison, of `and` and `or`, and of a choice `a if c else b`."""
    if isinstance(node, ast.BoolOp):
        now, other = ("and", ast.Or()) if isinstance(node.op, ast.And) else ("or", ast.And())
        words = f"with {'or' if now == 'and' else 'and'} in place of {now} in {said(node)}"
        yield 1.6, "condition", words, ast.BoolOp(other, node.values)
    elif isinstance(node, ast.IfExp):
        turned = ast.IfExp(node.test, node.orelse, node.body)
        yield 1.5, "order", f"with the two choices of {said(node)} exchanged", turned
        yield 1.6, "condition", f"with {said(node.body)} in both cases", node.body
        yield 1.6, "condition", f"with {said(node.orelse)} in both cases", node.orelse
    elif len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        now = COMPARISONS[type(node.ops[0])]
        for other, sign in COMPARISONS.items():
            if sign != now:
                cost = 1.4 if sign[0] == now[0] or {sign, now} in CONTRARY else 1.9
                words = f"with {sign} in place of {now} in {said(node)}"
                yield cost, "other function", words, ast.Compare(node.left, [other()], node.comparators)


def _of_constant(expression, literals):
    """Yield the edits of a number, of True and False, and of a word that NumPy knows."""
    c = expression.node.value
    if isinstance(c, bool):
        yield 1.6, "other function", f"with {not c} in place of {expression.where}", ast.Constant(not c)
    elif is_number(expression.node):
        is_power = isinstance(expression.parent, ast.BinOp) and isinstance(expression.parent.op, ast.Pow)
        close = (c + 1, c - 1, -c, 2 * c, c // 2 if isinstance(c, int) and c % 2 == 0 else c / 2, 1, 2, 0.5)
        for other in dict.fromkeys((*close, *NUMBERS, *literals)):
            if other != c:
                kind = "wrong sign" if other == -c else "power" if is_power else "constant"
                words = f"with {f'{other:g}'.replace('-', '−')} in place of {expression.where}"
                yield 1.8 + 0.3 * (other not in close), kind, words, number(other)
        for name in expression.arrays:
            kind = "missing factor" if c == 1 else "constant"
            yield 2.2, kind, f"with `{name}` in place of {expression.where}", variable(name)
    for family in WORDS:
        for word in family if c in family else ():
            if word != c:
                yield 1.5, "other function", f'with "{word}" in place of "{c}"', ast.Constant(word)


def _around(expression):
    """Yield the edits that put something around an expression: a minus, a transposition, a function."""
    node, where = expression.node, expression.where
    if not isinstance(expression.parent, ast.UnaryOp) and not expression.is_factor:
        yield 1.5, "wrong sign", "with the opposite sign", minus(node), f"before {where}"
    if not isinstance(node, ast.BinOp):
        if expression.shape is None or len(expression.shape) > 1:
            is_product = isinstance(expression.parent, ast.BinOp) and isinstance(expression.parent.op, ast.MatMult)
            yield 1.5 if is_product else 1.8, "transposed", f"with {where} transposed", transposed(node)
        for cost, kind, words, source in AROUND:
            yield cost, kind, words.format(where), ast.parse(source.format(expression.text), mode="eval").body

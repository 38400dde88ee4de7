"""The author's source: the line of each step of a trace, and what the author calls its result.

Where there is no source (a REPL, `exec`, `python -c`), a description stands for the name: "the product in line 2".
"""

import ast
import functools
import linecache
import operator
import re

import numpy as np

from .graph import Node, setitem

LONGEST_NAME = 32  # characters of an expression that serves as a name
LONGEST = 60  # characters of an expression that is quoted
RESULTS = {
    np.add: "the sum", np.subtract: "the difference", np.multiply: "the product", np.divide: "the quotient",
    np.matmul: "the matrix product", np.dot: "the matrix product", np.power: "the power", np.negative: "the negative",
    np.transpose: "the transpose", operator.getitem: "the part at an index", setitem: "the array after an assignment",
}  # fmt: skip
DESCRIPTION = "(?:the |a constant|an array)"  # how it begins


def quoted(site, width=None):
    """Return the source line of a site without indentation and comment; empty if the source is not available.

    width   of a longer line, return this many characters around the columns of the site, from the start of the line if
            possible, with … for what is left out
    """
    whole = linecache.getline(site.file, site.line)
    line = _without_comment(whole.strip())
    if width is None or len(line) <= width:
        return line
    start, end = _columns(site, whole)
    left = 0 if end < width else max(0, min((start + end - width) // 2, start - 1, len(line) - width))
    right = left + width
    before, after = "…" if left else "", "…" if right < len(line) else ""
    return before + line[left + len(before) : right - len(after)] + after


def _columns(site, line):
    """Return the first and the last column of a site in its line without indentation."""
    first, last, start, end = site.span
    if start is None:
        return 0, 0
    indentation = len(line) - len(line.lstrip())
    column = lambda byte: max(0, len(line.encode()[:byte].decode(errors="ignore")) - indentation)  # noqa: E731
    return column(start) if first == site.line else 0, column(end if last == site.line else len(line.encode()))


def _without_comment(line):
    return line.split("  #")[0].rstrip() if "#" in line else line


def forget():
    """Clear the caches: the author may have changed a file since we read it."""
    linecache.checkcache()
    _segment.cache_clear()
    _expressions.cache_clear()
    _tree.cache_clear()


def name(node):
    """Return what the author calls the array of a node: a variable, or the start of its expression."""
    if node.name is not None:
        return node.name
    if node.site is None:
        return "a constant"
    expression, parent = _expression(node.site)
    variable = None if node.inner else _variable(expression, parent)
    if node.function is operator.getitem and isinstance(node.args[0].value, (list, tuple)):
        variable = _part_of_target(parent, node.args[1])  # a, b = f(x)
    if variable:
        return variable
    text = expression and _text(node.site, expression)
    if text:
        return _shortened(text, LONGEST_NAME)
    return _description(node)


def _description(node):
    """Return what a step computes, and in which line: for a reader who has the line, but no name for its result."""
    called = getattr(node.function, "__name__", None)
    result = f"the result of {'np.' * hasattr(np, called)}{called}" if called else "the result"
    return f"{RESULTS.get(node.function, result)} in line {node.site.line}"


def code(called):
    """Return a name in backticks, unless it is a description such as "the slope of …"."""
    return called if re.match(DESCRIPTION, called) else f"`{called}`"


def formula(words, called):
    """Return words such as "1 − {}" with a name in them, all in backticks; "minus {}" leaves only the name in them."""
    words = words.replace("{0}", "{}")
    if code(called) == called and words.count("{}") > 1:
        return f"`{words.replace('{}', 'v')}`, v being {called},"
    if re.match("the |minus ", words) or code(called) == called:
        return words.replace("{}", code(called))
    needs_no_parentheses = words == "{}" or "({})" in words or _is_one_part(called)
    return f"`{words.replace('{}', called if needs_no_parentheses else f'({called})')}`"


@functools.lru_cache(maxsize=4096)
def _is_one_part(text):
    """Return whether an expression needs no parentheses beside an operator."""
    try:
        expression = ast.parse(text, mode="eval").body
    except SyntaxError:  # it is shortened
        return False
    return isinstance(expression, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant))


def in_plain_words(sentence):
    """Return a sentence without backticks around descriptions, which are no code."""
    sentence = re.sub(f"(factor|term) `((?:1/)?{DESCRIPTION}[^`]*)`", r"\1 (\2)", sentence)
    return re.sub(f"`({DESCRIPTION}[^`]*)`", r"\1", sentence)


def text(node):
    """Return the expression that made a node, on one line; or the source line; or without source, a description."""
    expression, _ = _expression(node.site)
    found = expression and _text(node.site, expression)
    return _shortened(found or quoted(node.site) or _description(node), LONGEST)


def site_of_argument(node, path):
    """Return the site of an argument of a node: that of the node, with the lines and columns of the argument."""
    expression, _ = _expression(node.site)
    part = _part(expression, path)
    return node.site if part is None else node.site._replace(line=part.lineno, span=_span(part))


def is_variable(node):
    """Return whether the author gave the array of this node a name."""
    return node.name is not None or bool(node.site and not node.inner and _variable(*_expression(node.site)))


def argument(node, path):
    """Return the source of an argument of a node, as text, or None: `path` leads to it, as in `Node.uses`."""
    place = path[1]
    used = node.args[place] if path[0] == "args" and len(path) == 2 else None
    if isinstance(used, Node) and (used.function is None or is_variable(used)):
        return name(used)
    expression, _ = _expression(node.site) if node.site else (None, None)
    part = _part(expression, path)
    text = part is not None and _text(node.site, part)
    if text and len(text) <= LONGEST_NAME:
        return text
    return name(used) if isinstance(used, Node) else None


def _part(expression, path):
    """Return the part of an expression that gives the argument at the path."""
    if path[0] != "args" or len(path) != 2:
        return None
    i = path[1]
    if isinstance(expression, ast.BinOp):
        return (expression.left, expression.right)[i] if i < 2 else None
    if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
        return (expression.left, expression.comparators[0])[i] if i < 2 else None
    if isinstance(expression, ast.UnaryOp):
        return expression.operand
    if isinstance(expression, ast.AugAssign):
        return (expression.target, expression.value)[i] if i < 2 else None
    if isinstance(expression, ast.Attribute):
        return expression.value
    if isinstance(expression, ast.Subscript):
        return (expression.value, expression.slice)[i] if i < 2 else None
    if isinstance(expression, ast.Call):
        given = list(expression.args)
        function = expression.func
        if isinstance(function, ast.Attribute) and not is_module(function.value):
            given = [function.value, *given]
        return given[i] if i < len(given) else None
    return None


def is_module(expression):
    """Return whether an expression is a module of functions, such as np.linalg."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return isinstance(expression, ast.Name) and expression.id in ("np", "numpy", "math", "scipy", "special", "jnp")


def _variable(expression, parent):
    """Return the variable to which an expression is assigned, or None."""
    if isinstance(expression, ast.AugAssign):
        return ast.unparse(expression.target)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and parent.value is expression:
        target = parent.targets[0]
        return ast.unparse(target) if isinstance(target, (ast.Name, ast.Attribute)) else None
    return None


def _part_of_target(statement, i):
    """Return the i-th variable to which a statement assigns several results, or None."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return ast.unparse(target.elts[i]) if isinstance(target, ast.Tuple) and i < len(target.elts) else None


def _text(site, expression):
    """Return the source of an expression on one line; None for a statement."""
    if isinstance(expression, (ast.AugAssign, ast.Assign)):
        return None
    if expression.lineno != expression.end_lineno:
        return ast.unparse(expression)
    return _segment(site.file, expression.lineno, expression.col_offset, expression.end_col_offset)


def _shortened(text, longest):
    return text if len(text) <= longest else text[: longest - 1] + "…"


@functools.lru_cache(maxsize=4096)
def _segment(file, line, start, end):
    return linecache.getline(file, line).encode()[start:end].decode()  # ast counts columns in bytes


def _expression(site):
    """Return the expression at a site, and the statement or expression that it is part of; (None, None) if unknown."""
    return _expressions(site.file).get(site.span, (None, None))


def definitions(code):
    """Return the functions that a code object may come from, by its name and first line: `ast.FunctionDef` or `Lambda`.

    The list is empty if the source is not available. Only lambdas can share a line.
    """
    found = []
    for node in ast.walk(_tree(code.co_filename)):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found += [node] if first == code.co_firstlineno else []
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            found.append(node)
    return found


@functools.lru_cache(maxsize=8)
def _tree(file):
    """Return the syntax tree of a file; that of an empty one if it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return ast.Module([], [])


@functools.lru_cache(maxsize=8)
def _expressions(file):
    """Return pairs of an expression and its parent, for all expressions of a file, by their lines and columns."""
    found = {}
    for parent in ast.walk(_tree(file)):
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, (ast.expr, ast.AugAssign)) and hasattr(child, "end_lineno"):
                found.setdefault(_span(child), (child, parent))
        if isinstance(parent, ast.Assign) and isinstance(parent.value, ast.Tuple):
            target = parent.targets[0]
            if isinstance(target, ast.Tuple) and len(target.elts) == len(parent.value.elts):
                for variable, value in zip(target.elts, parent.value.elts):  # a, b = x, y
                    found[_span(value)] = (value, ast.Assign([variable], value))
    return found


def _span(expression):
    return expression.lineno, expression.end_lineno, expression.col_offset, expression.end_col_offset


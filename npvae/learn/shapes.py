"""Which shapes met on the line where NumPy raised an error.

NumPy says of a product of matrices that do not fit: "mismatch in its core dimension 0, with gufunc signature
(n?,k),(k,m?)->(n?,m?)". The student needs the two arrays, by the names on their own line, and their shapes. So read the
line as a tree, and evaluate its parts from the inside to the outside, with the variables as they were when the error
came, until a part fails in the same way.
"""

import ast
import linecache

import numpy as np

MARKS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%",
}  # fmt: skip
LONGEST = 40  # characters of an operand that are quoted


def shapes_that_met(error, path):
    """Return a sentence such as "dy (3, 7) @ W (5, 7): the inner sizes 7 and 5 differ", about the student's own line.

    error   an exception from the student's file at this path, with its traceback

    Returns "" where the error is about something else, or where the line cannot be read. Nothing is evaluated but
    arithmetic, and functions and methods of NumPy's arrays.
    """
    if not isinstance(error, ValueError):
        return ""
    frame, line = _own_frame(error.__traceback__, str(path))
    statement = _statement(str(path), line) if frame is not None else None
    if statement is None:
        return ""
    scope = (frame.f_globals, frame.f_locals)
    try:
        with np.errstate(all="ignore"):
            return _first_misfit(statement, scope, error)
    except Exception:  # whatever a line may hold, an explanation must not be an error itself
        return ""


def _own_frame(traceback, path):
    """Return the innermost frame of the file, and its line; None where there is none."""
    found = None, 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == path:
            found = traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def _statement(path, line):
    """Return the innermost statement of the file that covers the line."""
    tree = ast.parse("".join(linecache.getlines(path)))
    covering = [
        node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(covering, key=lambda node: (node.end_lineno - node.lineno, -node.lineno, -node.col_offset), default=None)


def _first_misfit(statement, scope, error):
    """Return the sentence about the first part of the statement that raises the same kind of error."""
    for node in _inside_out(statement):
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
            operands = [_operand(side, scope) for side in sides]
            if None not in operands and (sentence := _of_operator(type(node.op), operands, node)):
                return sentence
        elif isinstance(node, ast.Call) and _is_of_numpy(node.func, scope):
            if sentence := _of_call(node, scope, error):
                return sentence
    return ""


def _inside_out(node):
    """Yield the node and all nodes in it, the innermost first; not those of a function that is only defined there."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield from _inside_out(child)
    yield node


def _evaluate(node, scope):
    return eval(compile(ast.Expression(node), "line", "eval"), *scope)


def _operand(node, scope):
    """Return a pair of the text and the value of an operand; None if it cannot be computed without side effects."""
    node = ast.parse(ast.unparse(node), mode="eval").body  # a target becomes a value
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and not _is_of_numpy(part.func, scope):
            return None
        if isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)):
            return None
    try:
        return ast.unparse(node), _evaluate(node, scope)
    except Exception:
        return None


def _is_of_numpy(function, scope):
    """Return whether this is a function np.… or a method of an array, other than one that draws random numbers."""
    if not isinstance(function, ast.Attribute) or "random" in ast.unparse(function):
        return False
    if isinstance(function.value, ast.Call) and not _is_of_numpy(function.value.func, scope):
        return False
    try:
        owner = _evaluate(function.value, scope)
    except Exception:
        return False
    return owner is np or getattr(owner, "__name__", "").startswith("numpy.linalg") or isinstance(owner, np.ndarray)


def _shown(text, value):
    """Return an operand with its shape: "W.T (7, 5)"."""
    text = text if len(text) <= LONGEST else "(…)"
    return f"{text} {np.shape(value)}"


def _of_operator(kind, operands, node):
    (left, a), (right, b) = operands
    why = _why_no_product(np.shape(a), np.shape(b)) if kind is ast.MatMult else _why_no_broadcast(a, b)
    is_update = isinstance(node, ast.AugAssign)
    if not why and is_update and kind is not ast.MatMult:
        whole = np.broadcast_shapes(np.shape(a), np.shape(b))
        why = "" if whole == np.shape(a) else f"the result {whole} does not fit into {left} {np.shape(a)}"
    if not why or kind not in MARKS:
        return ""
    return f"{_shown(left, a)} {MARKS[kind]}{'=' if is_update else ''} {_shown(right, b)}: {why}"


def _of_call(node, scope, error):
    """Return the sentence about a call of NumPy that fails with the same message."""
    listed = [part for a in node.args for part in (a.elts if isinstance(a, (ast.List, ast.Tuple)) else [a])]
    name, given = ast.unparse(node.func), [_operand(argument, scope) for argument in listed]
    if None in given or any(k.arg == "out" for k in node.keywords):
        return ""
    try:
        _evaluate(ast.parse(ast.unparse(node), mode="eval").body, scope)
        return ""
    except ValueError as again:
        if str(again) != str(error):
            return ""
    arrays = [(text, value) for text, value in given if isinstance(value, np.ndarray)]
    if isinstance(owner := _evaluate(node.func.value, scope), np.ndarray):
        arrays.insert(0, (ast.unparse(node.func.value), owner))
    if not arrays:
        return ""
    why, method = "", node.func.attr
    if method in ("matmul", "dot") and len(arrays) == 2:
        why = _why_no_product(*(np.shape(a) for _, a in arrays))
    elif method == "reshape":
        why = f"{arrays[0][1].size} numbers do not fill this shape"
    elif len(arrays) == 2:
        why = _why_no_broadcast(arrays[0][1], arrays[1][1])
    return f"{name} gets {' and '.join(_shown(*pair) for pair in arrays)}" + (f": {why}" if why else "")


def _why_no_product(a, b):
    """Say why arrays of these shapes have no matrix product; "" if they have one."""
    if not a or not b:
        return "a single number has no rows and columns, so that * belongs where @ stands"
    inner = a[-1], b[-2] if len(b) > 1 else b[0]
    return "" if inner[0] == inner[1] else f"the inner sizes {inner[0]} and {inner[1]} differ"


def _why_no_broadcast(a, b):
    """Say why two arrays cannot be combined element by element; "" if they can."""
    a, b = np.shape(a), np.shape(b)
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            place = f"axes number {i} from the end" if i > 1 else "last axes"
            place = "first axes" if 1 < i == len(a) == len(b) else place
            return f"the {place} have the sizes {a[-i]} and {b[-i]}, which must be equal, or one of them 1"
    return ""

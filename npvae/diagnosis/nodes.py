"""Short ways to make the nodes of a syntax tree."""

import ast


def variable(name):
    """Return the node of a variable that is read."""
    return ast.Name(name, ast.Load())


def binary(left, op, right):
    """Return the node of left op right."""
    return ast.BinOp(left, op, right)


def minus(node):
    """Return the node of −node."""
    return ast.UnaryOp(ast.USub(), node)


def number(value):
    """Return the node of a number; the parser knows no negative ones."""
    return minus(ast.Constant(-value)) if value < 0 else ast.Constant(value)


def transposed(node):
    """Return the node of node.T."""
    return ast.Attribute(node, "T", ast.Load())


def element(node, parts):
    """Return the node of node[parts]."""
    return ast.Subscript(node, parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load()), ast.Load())


def called(call, args=None, keywords=None, name=None):
    """Return a call with other arguments, other keywords, or another function in place of its own."""
    func = call.func
    if name is not None:
        func = ast.Attribute(func.value, name, ast.Load()) if isinstance(func, ast.Attribute) else variable(name)
    return ast.Call(func, call.args if args is None else args, call.keywords if keywords is None else keywords)


def called_with(name, *args):
    """Return the node of a call name(*args)."""
    return ast.Call(variable(name), list(args), [])


def backwards(node):
    """Return the node of node[::-1]."""
    return element(node, [ast.Slice(None, None, number(-1))])


def is_number(node):
    """Return whether a node is a number in the source."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)

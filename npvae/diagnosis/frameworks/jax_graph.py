"""The graph of a `jax.custom_vjp`: JAX traces `fwd` and `bwd` itself.

`jax.make_jaxpr` gives one list of equations for both, each with the Python frames that made it. We inline the functions
that JAX keeps as one equation (`jit`, and the custom_vjp itself); a loop or a branch of JAX stays a single step.
"""

import operator

import numpy as np

from ..graph import Node
from .recorded import Recording

ELEMENTWISE = {
    "add": np.add, "add_any": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sinh": np.sinh, "cosh": np.cosh, "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign, "max": np.maximum,
    "min": np.minimum, "pow": np.power, "square": np.square, "gt": np.greater, "lt": np.less, "ge": np.greater_equal,
    "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
REDUCTIONS = {"reduce_sum": np.sum, "reduce_max": np.max, "reduce_min": np.min, "reduce_prod": np.prod}
INLINED = {
    "pjit": "jaxpr", "jit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "custom_vjp_call_jaxpr": "fun_jaxpr",
}  # fmt: skip


def jax_graph(jax, functions, run, inputs):
    """Return the `Graph` of `run(*arrays)`, which returns a dict of arrays; the inputs are arrays by name.

    functions   those of the author, whose lines the nodes name
    """
    closed, shape = jax.make_jaxpr(run, return_shape=True)(*map(jax.numpy.array, inputs.values()))
    recording = Recording(functions)
    nodes = [recording.given(x, name) for name, x in inputs.items()]
    found = _recorded(jax, recording, closed, nodes, None)
    recording.graph.outputs = dict(zip(sorted(shape), found))  # JAX sorts the keys of a dict
    for name, node in recording.graph.outputs.items():
        if not isinstance(node, Node):
            recording.graph.outputs[name] = recording.given(node)
    return recording.graph


def _recorded(jax, recording, closed, nodes, outer_site):
    """Record the equations of a closed jaxpr, and return the nodes of its results."""
    jaxpr = closed.jaxpr if hasattr(closed, "jaxpr") else closed
    constants = [recording.given(a) for a in getattr(closed, "consts", ())]
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *nodes]))

    def read(atom):
        if not hasattr(atom, "val"):
            return known[atom]
        return atom.val.item() if np.ndim(atom.val) == 0 and hasattr(atom.val, "item") else atom.val

    for equation in jaxpr.eqns:
        args, name = [read(atom) for atom in equation.invars], equation.primitive.name
        site = recording.site(_frames(equation)) or outer_site
        if name in INLINED:
            inner = equation.params[INLINED[name]]
            given = [a if isinstance(a, Node) else recording.given(a) for a in args]
            results = _recorded(jax, recording, inner, given, site)
        else:
            results = _step(jax, recording, equation, args, site)
        known.update(zip(equation.outvars, results))
    return [read(atom) for atom in jaxpr.outvars]


def _step(jax, recording, equation, args, site):
    """Record one equation, and return the nodes of its results."""
    name, params = equation.primitive.name, equation.params
    if name in ("convert_element_type", "copy", "copy_p") and _is_same_dtype(args[0], params.get("new_dtype")):
        return args[:1]
    if name == "broadcast_in_dim" and not isinstance(args[0], Node) and np.ndim(args[0]) == 0:
        return [recording.given(np.full(params["shape"], args[0]))]
    if (folded := _folded(name, params, args, site)) is not None:
        function, args, kwargs = folded
        return [recording.step(function, args, kwargs, function(args[0].value, **kwargs), site)]
    function, args, kwargs = _in_numpy(name, params, args) or (_in_jax(jax, equation), args, {})
    value = function(*[a.value if isinstance(a, Node) else a for a in args], **kwargs)
    node = recording.step(function, args, kwargs, value, site)
    if not equation.primitive.multiple_results:
        return [node]
    return [recording.step(operator.getitem, [node, i], {}, part, site) for i, part in enumerate(node.value)]


def _folded(name, params, args, site):
    """Return the NumPy call that this equation completes with the one before it: keepdims, or a mean; else None."""
    node = args[0]
    if getattr(node, "function", None) not in REDUCTIONS.values() or node.site != site or not node.kwargs:
        return None
    shape = node.args[0].value.shape
    axes = np.atleast_1d(node.kwargs["axis"])
    if name == "broadcast_in_dim" and "keepdims" not in node.kwargs:
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
        others = tuple(axis for axis in range(len(shape)) if axis not in axes)
        if tuple(params["shape"]) == kept and tuple(params["broadcast_dimensions"]) == others:
            return node.function, node.args, node.kwargs | {"keepdims": True}
    if name == "div" and node.function is np.sum and args[1] == np.prod([shape[axis] for axis in axes]):
        return np.mean, node.args, node.kwargs
    return None


def _is_same_dtype(a, dtype):
    value = a.value if isinstance(a, Node) else np.asarray(a)
    return dtype is None or value.dtype == dtype


def _in_jax(jax, equation):
    """Return an equation as a function of arrays."""
    from .of_jax import in_float64

    primitive, params = equation.primitive, equation.params

    def function(*arrays):
        with in_float64(jax):
            made = primitive.bind(*map(jax.numpy.asarray, arrays), **params)
        return [np.array(a) for a in made] if primitive.multiple_results else np.array(made)

    function.__name__ = primitive.name
    return function


def _in_numpy(name, params, args):
    """Return NumPy's function for a primitive, with its arguments; None if NumPy has none."""
    if name in ELEMENTWISE:
        return ELEMENTWISE[name], args, {}
    if name == "integer_pow":
        return (np.square, args, {}) if params["y"] == 2 else (np.power, [*args, float(params["y"])], {})
    if name in REDUCTIONS:
        axes = params["axes"]
        return REDUCTIONS[name], args, {"axis": axes[0] if len(axes) == 1 else tuple(axes)}
    if name == "transpose":
        return np.transpose, [*args, tuple(params["permutation"])], {}
    if name == "reshape" and params.get("dimensions") is None:
        return np.reshape, [*args, tuple(params["new_sizes"])], {}
    if name == "logistic":
        return _logistic, args, {}
    if name == "broadcast_in_dim":
        return _broadcast, [*args, tuple(params["shape"]), tuple(params["broadcast_dimensions"])], {}
    if name == "select_n" and len(args) == 3:
        return np.where, [args[0], args[2], args[1]], {}
    if name == "dot_general":
        (left, right), (batch, _) = params["dimension_numbers"]
        ndims = [np.ndim(a.value if isinstance(a, Node) else a) for a in args]
        if batch == () and tuple(left) == (ndims[0] - 1,) and tuple(right) == (max(ndims[1] - 2, 0),) and ndims[1] <= 2:
            return np.matmul, args, {}
        if not batch:
            return np.tensordot, args, {"axes": (tuple(left), tuple(right))}
    return None


def _logistic(x):
    return 1 / (1 + np.exp(-x))


def _broadcast(a, shape, dimensions):
    """Return a with its axes at these dimensions of the shape, and repeated along the others."""
    a = np.asarray(a)
    sizes = [1] * len(shape)
    for axis, dimension in enumerate(dimensions):
        sizes[dimension] = a.shape[axis]
    return np.broadcast_to(a.reshape(sizes), shape)


def _frames(equation):
    """Return the code and the instruction of every frame that made an equation, from the innermost on."""
    traceback = getattr(equation.source_info, "traceback", None)
    if traceback is None:
        return ()
    codes, offsets = traceback.raw_frames()
    return zip(codes, offsets)

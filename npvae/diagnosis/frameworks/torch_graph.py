"""The graph of a `torch.autograd.Function`: PyTorch reports every kernel that it calls.

A `TorchDispatchMode` sees the operators below autograd, of `forward` and of `backward`, with the Python frame that
called them. A tensor is known by its place in memory, because `ctx.saved_tensors` may return another object for it.
"""

import contextlib
import operator
import sys

import numpy as np

from .recorded import Recording


@contextlib.contextmanager
def one_thread(torch):
    """Within it, PyTorch computes in one thread: for small arrays, starting threads costs more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


ELEMENTWISE = {
    "add.Tensor": np.add, "sub.Tensor": np.subtract, "mul.Tensor": np.multiply, "div.Tensor": np.divide,
    "mul.Scalar": np.multiply, "div.Scalar": np.divide, "add.Scalar": np.add, "sub.Scalar": np.subtract,
    "neg.default": np.negative, "exp.default": np.exp, "log.default": np.log, "log1p.default": np.log1p,
    "expm1.default": np.expm1, "tanh.default": np.tanh, "sqrt.default": np.sqrt, "abs.default": np.abs,
    "sin.default": np.sin, "cos.default": np.cos, "sinh.default": np.sinh, "cosh.default": np.cosh,
    "sign.default": np.sign, "reciprocal.default": np.reciprocal, "maximum.default": np.maximum,
    "minimum.default": np.minimum, "pow.Tensor_Scalar": np.power, "pow.Tensor_Tensor": np.power,
    "pow.Scalar": np.power, "square.default": np.square, "mm.default": np.matmul, "bmm.default": np.matmul,
    "mv.default": np.matmul, "dot.default": np.matmul, "t.default": np.transpose, "numpy_T.default": np.transpose,
    "gt.Scalar": np.greater, "lt.Scalar": np.less, "ge.Scalar": np.greater_equal, "le.Scalar": np.less_equal,
    "gt.Tensor": np.greater, "lt.Tensor": np.less, "ge.Tensor": np.greater_equal, "le.Tensor": np.less_equal,
    "where.self": np.where,
}  # fmt: skip
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod}
COPIES = ("detach.default", "alias.default", "lift_fresh.default", "clone.default", "contiguous.default")


def torch_graph(torch, functions, run):
    """Return the `Graph` of what `run` computes.

    functions   those of the author, whose lines the nodes name
    run         run(given) gets its inputs by given(array, name), and returns a dict of tensors

    Raises ValueError if a write into one tensor changed another that shares its memory.
    """
    from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
    from torch.utils._pytree import tree_map

    recording, nodes, alive = Recording(functions), {}, []

    def key(t):
        return t.untyped_storage().data_ptr(), t.storage_offset(), tuple(t.shape), t.stride(), t.dtype

    def array_of(t):
        return t.detach().resolve_neg().resolve_conj().numpy()

    def keep(t, node):
        alive.append(t)
        nodes[key(t)] = node

    def node_of(t):
        """Return the node of a tensor: a constant, unless a recorded step made it."""
        node = nodes.get(key(t))
        if node is None:
            node = recording.given(array_of(t))
            keep(t, node)
        elif not np.array_equal(node.value, array_of(t), equal_nan=t.is_floating_point()):
            raise ValueError("memory that another tensor shows was changed in place")
        return node

    def given(array, name):
        with _disable_current_modes():
            t = torch.from_numpy(np.array(array)).requires_grad_(np.asarray(array).dtype.kind == "f")
            keep(t, recording.given(array, name))
        return t

    def in_torch(op):
        """Return an operator as a function of arrays."""

        def function(*args, **kwargs):
            to_tensor = lambda a: torch.from_numpy(np.array(a)) if isinstance(a, (np.ndarray, np.generic)) else a  # noqa: E731
            with torch.no_grad(), one_thread(torch):
                made = op(*tree_map(to_tensor, args), **tree_map(to_tensor, kwargs))
            return tree_map(lambda t: array_of(t) if isinstance(t, torch.Tensor) else t, made)

        function.__name__ = op.overloadpacket.__name__
        return function

    class Mode(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls):  # which would import the compiler, for seconds
            return False

        def __torch_dispatch__(self, op, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            with _disable_current_modes():
                to_node = lambda a: node_of(a) if isinstance(a, torch.Tensor) else a  # noqa: E731
                node_args, node_kwargs = tree_map(to_node, args), tree_map(to_node, kwargs)
            made = op(*args, **kwargs)
            with _disable_current_modes():
                note(op, node_args, node_kwargs, made)
            return made

    def note(op, node_args, node_kwargs, made):
        name = f"{op.overloadpacket.__name__}.{op._overloadname}"
        site = recording.site(_frames())
        if name in COPIES or not _holds_tensor(torch, made):
            if isinstance(made, torch.Tensor):
                keep(made, node_args[0])
            return
        if op._schema.is_mutable:
            base = name.split(".")[0].rstrip("_")
            plain = getattr(torch.ops.aten, base, None)
            op = getattr(plain, op._overloadname, None) if plain is not None else None
            if op is None or not isinstance(made, torch.Tensor):
                raise ValueError(f"{name} writes into a tensor")
            name = f"{base}.{op._overloadname}"
        function, node_args, node_kwargs = _in_numpy(name, list(node_args), dict(node_kwargs)) or (
            in_torch(op), list(node_args), dict(node_kwargs)
        )  # fmt: skip
        value = tree_map(lambda t: array_of(t) if isinstance(t, torch.Tensor) else t, made)
        node = recording.step(function, node_args, node_kwargs, value, site)
        if isinstance(made, torch.Tensor):
            keep(made, node)
        else:
            for i, part in enumerate(made):
                if isinstance(part, torch.Tensor):
                    keep(part, recording.step(operator.getitem, [node, i], {}, array_of(part), site))

    with Mode():
        outputs = run(given)
    recording.graph.outputs = {name: node_of(t) for name, t in outputs.items()}
    return recording.graph


def _holds_tensor(torch, made):
    return isinstance(made, torch.Tensor) or (
        isinstance(made, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in made)
    )


def _in_numpy(name, args, kwargs):
    """Return NumPy's function for an operator, with its arguments; None if NumPy has none."""
    if name in ELEMENTWISE and not kwargs:
        return ELEMENTWISE[name], args, {}
    base, _, overload = name.partition(".")
    if base in REDUCTIONS and not kwargs.get("dtype") and overload in ("default", "dim_IntList", "dim"):
        axes = args[1] if len(args) > 1 else None
        keepdims = args[2] if len(args) > 2 else False
        if isinstance(axes, (list, tuple)):
            axes = axes[0] if len(axes) == 1 else tuple(axes) or None
        more = {"keepdims": True} if keepdims else {}
        return REDUCTIONS[base], args[:1], ({} if axes is None else {"axis": axes}) | more
    if base == "permute":
        return np.transpose, [args[0], tuple(args[1])], {}
    if base == "transpose" and overload == "int":
        return np.swapaxes, args, {}
    if base in ("view", "reshape", "_unsafe_view") and len(args) == 2:
        return np.reshape, [args[0], tuple(args[1])], {}
    if base == "expand" and -1 not in args[1]:
        return np.broadcast_to, [args[0], tuple(args[1])], {}
    if base == "unsqueeze":
        return np.expand_dims, args, {}
    if base == "rsub":
        return np.subtract, [args[1], args[0]], {}
    return None


def _frames():
    """Yield the code and the instruction of every frame, from the innermost on."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code, frame.f_lasti
        frame = frame.f_back

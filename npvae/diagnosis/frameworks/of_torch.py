"""A `torch.autograd.Function` as a bare operation.

autograd forgives much: it silently converts a float32 gradient, and a buffer that `backward` overwrites may belong to
another function. So we call `backward` ourselves, with the context that `forward` has filled, and check what it
returns. One thing autograd does on purpose, and so do we: if `backward` does not sum the gradient of a broadcast input,
it sums.
"""

import inspect

import numpy as np

from .placing import Placing, imported, in_words, joined, parted
from .torch_graph import one_thread, torch_graph


def torch_operation(function, **constants):
    """Return a `torch.autograd.Function`, or any function of tensors, as an operation that `gradcheck` takes.

    function    the class; or a function of tensors that returns a tensor, whose gradients autograd computes
    constants   arguments that are no inputs, by the names that they have in `forward`

        gradcheck(torch_operation(Scale, factor=2.0), x)

    Inputs are float64 arrays, which the function receives as tensors that require a gradient; whole numbers, strings
    and None reach it unchanged. An input for which `backward` returns None is not checked. If `forward` returns several
    tensors, the value is all their elements, one after another.

    Raises UserError where PyTorch is not installed. The operation raises TypeError, with one sentence, for what the
    check cannot compare: methods that are not static, results that are no tensors or turn float64 into float32, too few
    or too many gradients, an input or `grad_output` that was changed in place, and a `backward` that needs a contiguous
    `grad_output`.
    """
    torch = imported("torch", "PyTorch", "torch_operation")
    is_class = isinstance(function, type) and issubclass(function, torch.autograd.Function)
    adapter = _OfClass(torch, function, constants) if is_class else _OfFunction(torch, function, constants)

    def operation(*inputs):
        with one_thread(torch):
            y, backward = adapter(*inputs)

        def backward_in_one_thread(dy):
            with one_thread(torch):
                return backward(dy)

        return y, backward_in_one_thread

    operation.__name__, operation.__signature__ = adapter.name, adapter.placing.signature
    if is_class:
        operation.graph = adapter.graph  # for `trace`
    return operation


class _OfFunction:
    """Any function of tensors: autograd computes its gradients."""

    backward_name = "autograd"

    def __init__(self, torch, function, constants):
        self.torch, self.function = torch, function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.forward_name = self.name
        self.placing = Placing(self.name, getattr(function, "forward", function), constants)

    def __call__(self, *inputs):
        pairs, places = self.placing.arguments([self._tensor(x) for x in inputs])
        before = [np.array(x) for x in inputs]
        with self.torch.enable_grad():
            returned = self._called([value for _, value in pairs])
        for x, old, place in zip(inputs, before, places):
            if isinstance(x, np.ndarray) and not np.array_equal(x, old, equal_nan=True):
                self._refuse_change(pairs[place][0])
        values = returned if isinstance(returned, (tuple, list)) else (returned,)
        for value in values:
            self._require_tensor(value, self.forward_name)
            self._require_float64(value, self.forward_name)
        is_chosen = [self._is_differentiable(value) for value in values]
        if not any(is_chosen):
            raise TypeError(f"{self.forward_name} returns nothing that has a derivative: there is nothing to check")
        chosen = [value for value, yes in zip(values, is_chosen) if yes]
        y = joined([value.detach().numpy().copy() for value in chosen])
        shapes = [tuple(value.shape) for value in chosen]

        def backward(dy):
            parts = iter(parted(np.asarray(dy), shapes))
            dys = [
                self.torch.from_numpy(next(parts)) if yes else self.torch.zeros_like(value)
                for value, yes in zip(values, is_chosen)
            ]
            return self._checked_gradients(pairs, places, values, dys)

        return y, backward

    def _tensor(self, x):
        if not isinstance(x, np.ndarray):
            return x
        return self.torch.from_numpy(x).requires_grad_(x.dtype.kind == "f")

    def _called(self, arguments):
        return self.function(*arguments)

    def _checked_gradients(self, pairs, places, values, dys):
        """Return the gradients of the inputs, as arrays."""
        tensors = [pairs[place][1] for place in places]
        wanted = [t for t in tensors if self._is_input(t)]
        pairs_of_outputs = [(value, d) for value, d in zip(values, dys) if value.requires_grad]
        if not pairs_of_outputs:
            return tuple(np.zeros(t.shape) if self._is_input(t) else None for t in tensors)
        outputs, dys = zip(*pairs_of_outputs)
        found = iter(self.torch.autograd.grad(outputs, wanted, dys, retain_graph=True, allow_unused=True))
        gradients = [next(found) if self._is_input(t) else None for t in tensors]
        zeros = [np.zeros(t.shape) if self._is_input(t) else None for t in tensors]
        return tuple(zero if g is None else g.numpy().copy() for g, zero in zip(gradients, zeros))

    def _is_differentiable(self, value):
        return value.is_floating_point()

    def _is_input(self, t):
        return isinstance(t, self.torch.Tensor) and t.requires_grad

    def _require_tensor(self, value, method, of=""):
        if not isinstance(value, self.torch.Tensor):
            hint = ": is its return missing?" if value is None else ", expected a torch.Tensor"
            raise TypeError(f"{method} returns {in_words(value)}{of}{hint}")

    def _require_float64(self, value, method, of=""):
        if value.is_floating_point() and value.dtype != self.torch.float64:
            cause = "torch.zeros, torch.tensor and .float() make float32 unless you pass dtype=x.dtype"
            raise TypeError(f"{method} turns torch.float64 into {value.dtype}{of}: {cause}")

    def _refuse_change(self, name):
        raise TypeError(
            f"{self.forward_name} changes its input {name} in place (add_, mul_, *=, out=): clone it first, or make a "
            "new tensor"
        )


class _OfClass(_OfFunction):
    """A `torch.autograd.Function`: we call its `backward`."""

    def __init__(self, torch, function, constants):
        self.torch, self.function, self.name = torch, function, function.__name__
        self.forward_name = f"{self.name}.forward"
        self.has_setup = function.setup_context is not torch.autograd.Function.setup_context
        self.backward_method = "vjp" if function.vjp is not torch.autograd.Function.vjp else "backward"
        self.backward_name = f"{self.name}.{self.backward_method}"
        for method in ("forward", self.backward_method, *(["setup_context"] if self.has_setup else [])):
            if not isinstance(inspect.getattr_static(function, method), staticmethod):
                raise TypeError(f"{self.name}.{method} is not static: write @staticmethod above it")
        for method in ("forward", self.backward_method):
            if getattr(function, method) is getattr(torch.autograd.Function, method):
                raise TypeError(f"{self.name} has no {method}: a Function needs a forward and a backward")
        self.placing = Placing(self.forward_name, function.forward, constants, skipped=0 if self.has_setup else 1)

    def _called(self, arguments):
        try:
            return self.function.apply(*arguments)
        except RuntimeError as error:
            if "leaf Variable that requires grad" in str(error):
                self._refuse_change("that it marks with mark_dirty")
            raise

    def _is_differentiable(self, value):
        return getattr(value.grad_fn, "_forward_cls", None) is self.function

    def _checked_gradients(self, pairs, places, values, dys):
        context = next(value.grad_fn for value in values if self._is_differentiable(value))
        given = [d.clone() for d in dys]
        gradients = self._gradients(context, pairs, dys)
        if not all(self.torch.equal(d, old) for d, old in zip(dys, given)):
            raise TypeError(
                f"{self.backward_name} changes its grad_output in place (mul_, *=, out=): autograd hands the same "
                "tensor to other functions, so clone it first"
            )
        kept = [np.array(g) if g is not None else None for g in gradients]
        self._check_strides(context, pairs, given, kept)
        return tuple(gradients[place] for place in places)

    def graph(self, inputs, dy):
        """Return the `Graph` of `forward` and, for an upstream gradient dy, of `backward`: as `trace` does.

        inputs   a dict of what the operation receives, by name

        Raises ValueError, and whatever the methods raise, where they cannot be recorded.
        """

        def run(given):
            tensors = [given(x, name) if isinstance(x, np.ndarray) else x for name, x in inputs.items()]
            pairs, places = self.placing.arguments(tensors)
            with self.torch.enable_grad():
                y = self._called([value for _, value in pairs])
            if not isinstance(y, self.torch.Tensor):
                raise ValueError("several values are not recorded")
            outputs = {"y": y}
            if dy is not None:
                d = given(np.asarray(dy), "dy").detach()
                with self.torch.no_grad():
                    returned = getattr(self.function, self.backward_method)(y.grad_fn, d)
                returned = returned if isinstance(returned, (tuple, list)) else (returned,)
                found = zip(inputs, [returned[place] for place in places])
                outputs |= {f"d{name}": g for name, g in found if g is not None}
            return outputs

        methods = [self.function.forward, getattr(self.function, self.backward_method)]
        return torch_graph(self.torch, methods, run)

    def _gradients(self, context, pairs, dys):
        """Return what `backward` returns for every argument: an array where it gives a gradient, None elsewhere."""
        with self.torch.no_grad():
            returned = getattr(self.function, self.backward_method)(context, *dys)
        if returned is None:
            raise TypeError(f"{self.backward_name} returns None: is its return missing?")
        returned = returned if isinstance(returned, (tuple, list)) else (returned,)
        owed = len(pairs)
        if len(returned) < owed or any(g is not None for g in returned[owed:]):
            arguments = ", ".join(name for name, _ in pairs)
            raise TypeError(
                f"{self.backward_name} returns {len(returned)} gradient{'s' if len(returned) != 1 else ''}, expected "
                f"{owed}: one for each argument of forward ({arguments}), and None for those that have no gradient"
            )
        return [self._gradient(g, name, x) for g, (name, x) in zip(returned, pairs)]

    def _gradient(self, g, name, x):
        of = f" for {name}"
        if g is None:
            return None
        self._require_tensor(g, self.backward_name, of)
        if not isinstance(x, self.torch.Tensor):
            raise TypeError(f"{self.backward_name} returns a gradient{of}, which is no tensor: return None there")
        if not x.is_floating_point():
            return None
        self._require_float64(g, self.backward_name, of)
        g = g.detach()
        if g.shape != x.shape and self._is_broadcast(x.shape, g.shape):
            g = g.sum_to_size(x.shape)
        return g.resolve_neg().numpy()

    @staticmethod
    def _is_broadcast(shape, larger):
        """Return whether `larger` is what `shape` is broadcast to."""
        try:
            return np.broadcast_shapes(shape, larger) == tuple(larger)
        except ValueError:
            return False

    def _with_gaps(self, d):
        """Return the same numbers, in memory column by column and with others in between."""
        backwards = [*reversed(range(d.ndim))]
        turned = d.permute(backwards)
        return self.torch.stack([turned, turned + 1], dim=-1)[..., 0].permute(backwards)

    def _check_strides(self, context, pairs, dys, gradients):
        """Raise TypeError unless `backward` gives the same for gradients that are not contiguous in memory.

        autograd hands on what other functions return: that of a sum is one number, seen as a whole tensor, and that of
        a transpose is a view.
        """
        def are_same(others, equal):
            pairs = list(zip(gradients, others))
            return all((a is None) == (b is None) and (a is None or equal(a, b, equal_nan=True)) for a, b in pairs)

        strided = [self._with_gaps(d) for d in dys]
        hint = "reshape in the place of view, or grad_output.contiguous(), helps"
        try:
            others = self._gradients(context, pairs, strided)
        except RuntimeError as error:
            words = str(error).split("\n")[0].rstrip(".")
            raise TypeError(
                f"{self.backward_name} fails for a grad_output that is not contiguous, such as that of a transpose "
                f"({words}): {hint}"
            ) from error
        is_repeatable = are_same(self._gradients(context, pairs, [d.clone() for d in dys]), np.array_equal)
        if is_repeatable and not are_same(others, np.allclose):
            raise TypeError(
                f"{self.backward_name} gives other gradients for a grad_output that is not contiguous: does it read "
                f"the memory without its strides? {hint}"
            )

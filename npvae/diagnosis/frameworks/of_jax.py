"""A `jax.custom_vjp` as a bare operation.

JAX computes in float32 unless told otherwise, and a check needs float64: the adapter switches that on while it calls
the function, and only then. We call `fwd` and `bwd` ourselves, to see what they return. Where that is right, JAX must
accept it as well.
"""

import functools

import numpy as np

from .jax_graph import jax_graph
from .placing import Placing, imported, in_words, joined, parted


def jax_operation(function, **constants):
    """Return a `jax.custom_vjp`, or any function that JAX can differentiate, as an operation that `gradcheck` takes.

    function    the function, after `defvjp`; for any other, `jax.vjp` computes the gradients
    constants   arguments that are no inputs, by their names

        gradcheck(jax_operation(scale, factor=2.0), x)

    Inputs are float64 arrays; whole numbers, strings and None reach the function unchanged. An input for which `bwd`
    returns None is not checked. If the function returns several arrays, the value is all their elements, one after
    another.

    Raises UserError where JAX is not installed, and TypeError for a custom_vjp without `defvjp`. The operation raises
    TypeError, with one sentence, for what the check cannot compare: results that are no arrays or turn float64 into
    float32, a `bwd` that returns no tuple, or too few or too many gradients, a `fwd` whose value is not that of the
    function, and what JAX itself refuses.
    """
    jax = imported("jax", "JAX", "jax_operation")
    is_custom = isinstance(function, jax.custom_vjp) and not getattr(function, "symbolic_zeros", False)
    adapter = _OfCustom(jax, function, constants) if is_custom else _OfFunction(jax, function, constants)

    def operation(*inputs):
        return adapter(*inputs)

    operation.__name__, operation.__signature__ = adapter.name, adapter.placing.signature
    if is_custom:
        operation.graph = adapter.graph  # for `trace`
    return operation


def in_float64(jax):
    """`with in_float64(jax):` JAX computes in float64, in this thread."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # before version 0.8

    return enable_x64()


class _OfFunction:
    """Any function: `jax.vjp` computes its gradients."""

    def __init__(self, jax, function, constants):
        self.jax, self.function = jax, function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.placing = Placing(self.name, function, constants)
        self.plain = getattr(function, "fun", function) if isinstance(function, jax.custom_vjp) else function

    def __call__(self, *inputs):
        with in_float64(self.jax):
            pairs, places = self.placing.arguments([self._array(x) for x in inputs])
            arguments = [x for _, x in pairs]
            leaves = self._leaves(self.plain(*arguments), self.name)
            y = joined([np.array(leaf) for leaf in leaves])

        def backward(dy):
            with in_float64(self.jax):
                return self._gradients(pairs, places, leaves, np.asarray(dy))

        return y, backward

    def _array(self, x):
        return self.jax.numpy.array(x) if isinstance(x, np.ndarray) else x  # a copy: gradcheck moves x

    def _leaves(self, returned, called):
        """Return the arrays of a value."""
        if returned is None:
            raise TypeError(f"{called} returns None: is its return missing?")
        leaves = self.jax.tree_util.tree_leaves(returned)
        for leaf in leaves:
            self._require_float64(leaf, called)
        return leaves

    def _require_float64(self, a, called, of=""):
        if not hasattr(a, "dtype"):
            raise TypeError(f"{called} returns {in_words(a)}{of}, expected a jax.Array")
        if a.dtype.kind == "f" and a.dtype != np.float64:
            cause = "a dtype=jnp.float32 or .astype does that, and an array that was made before the check"
            raise TypeError(f"{called} turns float64 into {a.dtype}{of}: {cause}")

    def _upstream(self, leaves, dy):
        """Return dy in the form of the value."""
        jnp = self.jax.numpy
        parts = [jnp.array(part) for part in parted(dy, [leaf.shape for leaf in leaves])]
        float0 = self.jax.dtypes.float0
        return [part if leaf.dtype.kind == "f" else np.zeros(leaf.shape, float0) for part, leaf in zip(parts, leaves)]

    def _by_jax(self, pairs, places, dy_leaves):
        """Return the gradients that `jax.vjp` computes for the inputs; None where an input is no array of floats."""
        moving = [place for place in places if self._moves(pairs[place][1])]
        arguments = [x for _, x in pairs]

        def of_inputs(*inputs):
            given = list(arguments)
            for place, x in zip(moving, inputs):
                given[place] = x
            return self.function(*given)

        y, pullback = self.jax.vjp(of_inputs, *[arguments[place] for place in moving])
        treedef = self.jax.tree_util.tree_structure(y)
        found = dict(zip(moving, pullback(self.jax.tree_util.tree_unflatten(treedef, dy_leaves))))
        return tuple(np.array(found[place]) if place in found else None for place in places)

    @staticmethod
    def _moves(x):
        return hasattr(x, "dtype") and x.dtype.kind == "f" and hasattr(x, "shape")

    def _gradients(self, pairs, places, leaves, dy):
        return self._by_jax(pairs, places, self._upstream(leaves, dy))


class _OfCustom(_OfFunction):
    """A `jax.custom_vjp`: we call its `fwd` and `bwd`."""

    def __init__(self, jax, function, constants):
        super().__init__(jax, function, constants)
        self.fwd, self.bwd = getattr(function, "fwd", None), getattr(function, "bwd", None)
        if self.fwd is None or self.bwd is None:
            raise TypeError(f"{self.name} has no derivative yet: call {self.name}.defvjp(fwd, bwd) first")
        self.fwd_name, self.bwd_name = (
            f"{getattr(f, '__name__', name)} of {self.name}" for f, name in ((self.fwd, "fwd"), (self.bwd, "bwd"))
        )

    def _gradients(self, pairs, places, leaves, dy):
        arguments, tree = [x for _, x in pairs], self.jax.tree_util
        returned = self.fwd(*arguments)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise TypeError(
                f"{self.fwd_name} returns {in_words(returned)}, expected a pair: the value, and what bwd needs"
            )
        value, residuals = returned
        again = self._leaves(value, self.fwd_name)
        if len(again) != len(leaves) or not all(map(_agree, again, leaves)):
            raise TypeError(f"{self.fwd_name} returns another value than {self.name} itself: the two must agree")
        dy_leaves = self._upstream(leaves, dy)
        upstream = tree.tree_unflatten(tree.tree_structure(value), dy_leaves)
        fixed = [i % len(pairs) for i in self._fixed()]
        bwd = functools.partial(self.bwd, *[arguments[i] for i in sorted(fixed)])
        gradients = self._by_argument(bwd(residuals, upstream), pairs, fixed)
        shapes = [np.shape(arguments[place]) for place in places]
        result = tuple(gradients.get(place) for place in places)
        if all(g is None or g.shape == shape for g, shape in zip(result, shapes)):  # JAX, too, says so if they are not
            self._try_jax(pairs, places, dy_leaves)
        return result

    def graph(self, inputs, dy):
        """Return the `Graph` of `fwd` and, for an upstream gradient dy, of `bwd`: as `trace` does.

        inputs   a dict of what the operation receives, by name

        Raises whatever the functions raise where JAX cannot write them down.
        """
        arrays = {name: x for name, x in inputs.items() if isinstance(x, np.ndarray)}

        def run(*moving):
            given = dict(zip(arrays, moving))
            pairs, places = self.placing.arguments([given.get(name, x) for name, x in inputs.items()])
            arguments = [x for _, x in pairs]
            y, residuals = self.fwd(*arguments)
            outputs = {"y": y}
            if dy is not None:
                fixed = sorted(i % len(pairs) for i in self._fixed())
                returned = iter(self.bwd(*[arguments[i] for i in fixed], residuals, moving[-1]))
                gradients = {i: next(returned) for i in range(len(pairs)) if i not in fixed}
                found = {f"d{name}": gradients.get(place) for name, place in zip(inputs, places)}
                outputs |= {name: g for name, g in found.items() if g is not None}
            return outputs

        with in_float64(self.jax):
            arrays_and_dy = arrays if dy is None else arrays | {"dy": np.asarray(dy)}
            return jax_graph(self.jax, [self.function.fun, self.fwd, self.bwd], run, arrays_and_dy)

    def _fixed(self):
        """Return the indices of the arguments that are not differentiated."""
        return self.function.nondiff_argnums

    def _by_argument(self, returned, pairs, fixed):
        """Return the gradients by the index of their arguments, as arrays, without those that are None."""
        owed = [i for i in range(len(pairs)) if i not in fixed]
        names = ", ".join(pairs[i][0] for i in owed)
        expected = f"expected a tuple with one gradient for each argument ({names})"
        if returned is None:
            raise TypeError(f"{self.bwd_name} returns None: is its return missing?")
        if not isinstance(returned, tuple):
            comma = ": write return (dx,), with the comma" if len(owed) == 1 else ""
            raise TypeError(f"{self.bwd_name} returns {_array_in_words(returned)}, {expected}{comma}")
        if len(returned) != len(owed):
            plural = "" if len(returned) == 1 else "s"
            raise TypeError(f"{self.bwd_name} returns {len(returned)} gradient{plural}, {expected}")
        gradients = {}
        for i, g in zip(owed, returned):
            name, x = pairs[i]
            if g is None or not self._moves(x) or getattr(g, "dtype", None) == self.jax.dtypes.float0:
                continue
            self._require_float64(g, self.bwd_name, f" for {name}")
            gradients[i] = np.array(g)
        return gradients

    def _try_jax(self, pairs, places, dy_leaves):
        """Raise TypeError with JAX's own words if it refuses what we have called ourselves."""
        try:
            self._by_jax(pairs, places, dy_leaves)
        except Exception as error:  # of any kind: from JAX, or from code that fails on JAX's own arrays
            words = str(error).split("\n")[0].rstrip(".")
            raise TypeError(f"JAX itself cannot differentiate {self.name}: {words}") from error


def _agree(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)


def _array_in_words(value):
    return "one array" if hasattr(value, "dtype") else in_words(value)

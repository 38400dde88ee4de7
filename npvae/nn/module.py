"""A Module is a function with parameters: Tensors that it finds by name, saves, loads, and converts.

A subclass sets its parameters (Tensors) and its parts (other Modules, or lists or dicts of them) as attributes and
defines `forward`. A parameter's name is the path of attributes that leads to it, such as `encoder.layers.0.W`. A
parameter without `requires_grad` is frozen: `backward` gives it no gradient, but a state dict contains it.

An array that a module must remember although no gradient reaches it, such as the running mean of a batch normalization,
is a *buffer*: the class lists its attribute in `buffers`. The state dict contains it, beside the parameters.

A new module is in training mode. `eval()` switches it and all its parts to evaluation mode, and `train()` back. What
`evaluating()` and `frozen()` set holds in the thread that calls them: you can sample from a model while another thread
trains it.

You can copy a Module with `copy.deepcopy` and pickle it. Copy or pickle a model and its optimiser together, as a pair:
otherwise the optimiser gets separate parameters, and its steps do not reach the model.
"""

import contextlib
import contextvars
import textwrap

import numpy as np

from ..arguments import check_state
from ..autodiff import Tensor, no_grad, no_grad_for
from ..errors import UserError
from ..plain import printable

_evaluated = contextvars.ContextVar("evaluated", default=frozenset())  # Modules in evaluation mode, in this thread


class Module:
    """The base class of layers and models. Calling a Module calls its `forward`; printing it shows its parts."""

    buffers = ()  # the names of the attributes that are saved beside the parameters
    _training = True

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    # --- what is in it ------------------------------------------------------------------------------------------------

    def _attributes(self):
        """Pairs of name and value, with lists, tuples and dicts unpacked: `layers.0`, `layers.1`, …"""
        attributes = list(vars(self).items())  # at once: another thread may set one
        return (pair for name, value in attributes for pair in _unpacked(name, value))

    def _walk(self, prefix="", inside=()):
        """Yield pairs of path and value: every Module and Tensor in this one, in the order of the attributes."""
        inside = (*inside, self)
        for name, value in self._attributes():
            if any(value is outer for outer in inside):
                raise _contains_itself(f"{prefix}{name}", value)
            if isinstance(value, (Module, Tensor)):
                yield prefix + name, value
            if isinstance(value, Module):
                yield from value._walk(f"{prefix}{name}.", inside)

    def named_modules(self):
        """Yield pairs of path and Module: this one, and all its parts. UserError for a Module that contains itself."""
        yield "", self
        yield from ((f"{path}.", value) for path, value in self._walk() if isinstance(value, Module))

    def named_parameters(self):
        """Yield pairs of name and parameter, in the order of the attributes; a shared parameter comes once."""
        found = set()
        for path, value in self._walk():
            if isinstance(value, Tensor) and value not in found:
                found.add(value)
                yield path, value

    def parameters(self):
        """Return the parameters as a list."""
        return [p for _, p in self.named_parameters()]

    def _named_buffers(self):
        """Triples of name, and of the Module and its attribute that hold the buffer."""
        return ((path + name, module, name) for path, module in self.named_modules() for name in module.buffers)

    def label(self):
        """Return what this module is, for the tree that `print` shows."""
        return type(self).__name__

    def __repr__(self):
        """A tree: every part with the shapes of its parameters, and how many numbers the parameters hold in all."""
        return printable("\n".join(self._tree("", 0)).strip())

    def _tree(self, name, depth):
        shapes = [f"{n} {str(p.shape).replace(', ', ',')}" for n, p in self._attributes() if isinstance(p, Tensor)]
        shapes += [f"buffers: {len(self.buffers)}"] if self.buffers else []
        text, parameters = " ".join([" " * 2 * depth + name, self.label(), *shapes]), self.parameters()
        first, *more = textwrap.wrap(text, 64, subsequent_indent=" " * (2 * depth + 4))
        yield f"{first:<64}{sum(p.data.size for p in parameters):>16,}" if parameters else first
        yield from more
        for path, part in self._attributes():
            if isinstance(part, Module):
                yield from part._tree(path.partition(".")[2] or path, depth + 1)

    # --- what can be done with it -------------------------------------------------------------------------------------

    @property
    def training(self):
        """Whether this module is in training mode; within `evaluating` or `frozen`, it is not."""
        return self._training and self not in _evaluated.get()

    def train(self, mode=True):
        """Switch this module and all its parts to training mode. Returns self."""
        for _, module in self.named_modules():
            module._training = mode
        return self

    def eval(self):
        """Switch this module and all its parts to evaluation mode. Returns self."""
        return self.train(False)

    @contextlib.contextmanager
    def _evaluation_mode(self):
        token = _evaluated.set(_evaluated.get().union(module for _, module in self.named_modules()))
        try:
            yield
        finally:
            _evaluated.reset(token)

    @contextlib.contextmanager
    def evaluating(self):
        """`with model.evaluating():` evaluation mode, and no operation is recorded, in this thread alone."""
        with self._evaluation_mode(), no_grad():
            yield

    @contextlib.contextmanager
    def frozen(self):
        """`with model.frozen():` evaluation mode, and no gradient for the parameters, in this thread alone.

        Use it to optimise something else, such as the codes of a fixed decoder.
        """
        with self._evaluation_mode(), no_grad_for(self.parameters()):
            yield

    def zero_grad(self):
        """Clear the gradients of the last step: `backward` adds to what it finds."""
        for p in self.parameters():
            p.grad = None

    def astype(self, dtype):
        """Convert all parameters and buffers, in place, to float32 (for training) or float64 (for checking).

        Returns self.
        """
        for p in self.parameters():
            p.data, p.grad = p.data.astype(dtype), None
        for _, module, name in self._named_buffers():
            setattr(module, name, getattr(module, name).astype(dtype))
        return self

    def state_dict(self):
        """Return a dict from the name of every parameter and buffer to a copy of its values."""
        parameters = {name: p.data.copy() for name, p in self.named_parameters()}
        return parameters | {name: getattr(module, key).copy() for name, module, key in self._named_buffers()}

    def load_state_dict(self, state):
        """Set every parameter and buffer to the values of the same name.

        Raises UserError for a name that only one side has, for another shape, and for anything but arrays of real
        numbers; then nothing has changed.
        """
        check_state(state)
        own = self.state_dict()
        for name in sorted(own.keys() | state.keys()):
            here, saved = (a[name].shape if name in a else "none" for a in (own, state))
            if here != saved:
                shapes = f"has shape {here} in the network, {saved} in the saved state"
                raise UserError(f"the parameter {name} {shapes}: they are different networks")
        for name, p in self.named_parameters():
            p.data = np.array(state[name], dtype=p.dtype)
        for name, module, key in self._named_buffers():
            setattr(module, key, np.array(state[name], dtype=getattr(module, key).dtype))


def _contains_itself(path, value):
    """Return the UserError for a value that contains itself, at this path."""
    what = f"{type(value).__name__} contains itself, as its attribute {path!r}"
    return UserError(f"{what}: its parts would never end; keep that reference outside of the Module")


def _unpacked(name, value, inside=()):
    """Yield the pair of name and value, or for a list, tuple or dict such pairs of everything in it, at any depth."""
    if any(value is outer for outer in inside):
        raise _contains_itself(name, value)
    parts = dict(enumerate(value)) if isinstance(value, (list, tuple)) else value
    if not isinstance(parts, dict):
        yield name, value
        return
    for key, part in parts.items():
        yield from _unpacked(f"{name}.{key}", part, (*inside, value))

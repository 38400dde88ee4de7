"""A Module is a function with parameters: Tensors that it finds by name, saves, loads, and converts.

A subclass sets its parameters (Tensors with `requires_grad`) and its parts (other Modules, or lists or dicts of them)
as attributes and defines `forward`. A parameter's name is the path of attributes that leads to it: `encoder.0.W`.
"""

import numpy as np

from ..autodiff import Tensor
from ..errors import UserError


class Module:
    """The base class of layers and models. Calling a Module calls its `forward`."""

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has to define forward")

    def named_parameters(self, prefix=""):
        """Pairs of name and parameter, in the order in which the attributes were set; a shared one comes once."""
        found = set()
        for name, p in self._all_parameters(prefix):
            if id(p) not in found:
                found.add(id(p))
                yield name, p

    def _all_parameters(self, prefix):
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple)):
                value = dict(enumerate(value))
            parts = {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
            for path, part in parts.items():
                if isinstance(part, Module):
                    yield from part._all_parameters(f"{prefix}{path}.")
                elif isinstance(part, Tensor) and part.requires_grad:
                    yield prefix + path, part

    def parameters(self):
        """The parameters as a list."""
        return [p for _, p in self.named_parameters()]

    def zero_grad(self):
        """Forget the gradients of the last step: `backward` adds to what it finds."""
        for p in self.parameters():
            p.grad = None

    def astype(self, dtype):
        """Convert every parameter, in place, to float32 (for training) or float64 (for checking). Returns self."""
        for p in self.parameters():
            p.data, p.grad = p.data.astype(dtype), None
        return self

    def state_dict(self):
        """A dict from the name of every parameter to a copy of its values."""
        return {name: p.data.copy() for name, p in self.named_parameters()}

    def load_state_dict(self, state):
        """Set every parameter to the values of the same name.

        Raises UserError where a name is missing or too many, or a shape differs; then nothing has been changed.
        """
        parameters = dict(self.named_parameters())
        for name in sorted(parameters.keys() ^ state.keys()):
            where = "network, not in the saved state" if name in parameters else "saved state, not in the network"
            raise UserError(f"the parameter {name} is in the {where}: they are different networks")
        for name, p in parameters.items():
            if state[name].shape != p.shape:
                raise UserError(
                    f"the parameter {name} was saved with shape {state[name].shape}, but the network has {p.shape}: "
                    "they are different networks"
                )
        for name, p in parameters.items():
            p.data = np.array(state[name], dtype=p.dtype)

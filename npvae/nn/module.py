"""A Module is a function with parameters: Tensors that it finds by name, saves, loads, and converts.

A subclass sets its parameters (Tensors with `requires_grad`) and its parts (other Modules, or lists or dicts of them)
as attributes and defines `forward`. A parameter's name is the path of attributes that leads to it: `encoder.0.W`.

What a module has to remember although no gradient flows there, such as the running mean of a batch normalization, is a
*buffer*: an array whose attribute is listed in the class's `buffers`. It is saved and loaded with the parameters.

A module is in training mode when it is made. `eval()` tells it and all its parts that from now on examples are only
looked at, and `train()` that they are learned from again.
"""

import contextlib

import numpy as np

from ..autodiff import Tensor, no_grad
from ..errors import UserError

_frozen = set()  # parameters that do not require a gradient for the moment, but are parameters all the same


class Module:
    """The base class of layers and models. Calling a Module calls its `forward`."""

    buffers = ()  # the names of the attributes that are saved beside the parameters
    training = True

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has to define forward")

    # --- what is in it ------------------------------------------------------------------------------------------------

    def _attributes(self):
        """Pairs of name and value, with lists, tuples and dicts unpacked: `layers.0`, `layers.1`, …"""
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple)):
                value = dict(enumerate(value))
            if isinstance(value, dict):
                yield from ((f"{name}.{key}", part) for key, part in value.items())
            else:
                yield name, value

    def _all_parameters(self, prefix):
        for name, value in self._attributes():
            if isinstance(value, Module):
                yield from value._all_parameters(f"{prefix}{name}.")
            elif isinstance(value, Tensor) and (value.requires_grad or value in _frozen):
                yield prefix + name, value

    def named_parameters(self, prefix=""):
        """Pairs of name and parameter, in the order in which the attributes were set; a shared one comes once."""
        found = set()
        for name, p in self._all_parameters(prefix):
            if id(p) not in found:
                found.add(id(p))
                yield name, p

    def parameters(self):
        """The parameters as a list."""
        return [p for _, p in self.named_parameters()]

    def named_modules(self, prefix=""):
        """Pairs of path and Module: this one, and all its parts."""
        yield prefix, self
        for name, value in self._attributes():
            if isinstance(value, Module):
                yield from value.named_modules(f"{prefix}{name}.")

    def _named_buffers(self):
        """Triples of name, and of the Module and its attribute that hold the buffer."""
        return ((path + name, module, name) for path, module in self.named_modules() for name in module.buffers)

    # --- what can be done with it -------------------------------------------------------------------------------------

    def train(self, mode=True):
        """Training mode, for this module and all its parts. Returns self."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self):
        """Evaluation mode, for this module and all its parts. Returns self."""
        return self.train(False)

    @contextlib.contextmanager
    def _evaluation_mode(self):
        modes = [(module, module.training) for _, module in self.named_modules()]
        self.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode

    @contextlib.contextmanager
    def evaluating(self):
        """`with model.evaluating():` evaluation mode, and nothing is recorded; afterwards all is as it was before."""
        with self._evaluation_mode(), no_grad():
            yield

    @contextlib.contextmanager
    def frozen(self):
        """`with model.frozen():` evaluation mode, and the parameters get no gradient: only what else is optimised."""
        parameters = [p for p in self.parameters() if p.requires_grad]
        _frozen.update(parameters)
        for p in parameters:
            p.requires_grad = False
        try:
            with self._evaluation_mode():
                yield
        finally:
            _frozen.difference_update(parameters)
            for p in parameters:
                p.requires_grad = True

    def zero_grad(self):
        """Forget the gradients of the last step: `backward` adds to what it finds."""
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
        """A dict from the name of every parameter and buffer to a copy of its values."""
        parameters = {name: p.data.copy() for name, p in self.named_parameters()}
        return parameters | {name: getattr(module, key).copy() for name, module, key in self._named_buffers()}

    def load_state_dict(self, state):
        """Set every parameter and buffer to the values of the same name.

        Raises UserError where a name is missing or too many, or a shape differs; then nothing has been changed.
        """
        own = self.state_dict()
        for name in sorted(own.keys() ^ state.keys()):
            where = "network, not in the saved state" if name in own else "saved state, not in the network"
            raise UserError(f"the parameter {name} is in the {where}: they are different networks")
        for name, values in own.items():
            if state[name].shape != values.shape:
                raise UserError(
                    f"the parameter {name} was saved with shape {state[name].shape}, but the network has "
                    f"{values.shape}: they are different networks"
                )
        for name, p in self.named_parameters():
            p.data = np.array(state[name], dtype=p.dtype)
        for name, module, key in self._named_buffers():
            setattr(module, key, np.array(state[name], dtype=getattr(module, key).dtype))

"""Gradient checks of what was written for PyTorch or JAX.

A `torch.autograd.Function` and a `jax.custom_vjp` are operations with a derivative by hand, as ours are. An adapter
gives them our form, a value and one `backward`, on float64 arrays:

    gradcheck(torch_operation(MyFunction), x, W)
    gradcheck(jax_operation(f), x, W)

and `diagnose` reads the report. Both packages are imported when an adapter is made, never before.
"""

from .of_jax import jax_operation
from .of_torch import torch_operation

__all__ = ["jax_operation", "torch_operation"]

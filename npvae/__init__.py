"""npvae: variational autoencoders in plain NumPy, with every derivative written by hand and proved.

Read the packages in the order in which they import one another: autodiff, datasets, nn, probability, training,
models. Each module opens with the idea of its chapter.
"""

import importlib

from . import runtime  # first: it sets what NumPy reads when it loads  # isort: skip
from . import autodiff
from .autodiff import Tensor, gradcheck, no_grad, tape

__version__ = "0.1.0"
__all__ = ["Tensor", "autodiff", "gradcheck", "nn", "no_grad", "probability", "runtime", "tape"]


def __dir__():
    return sorted({*globals(), *__all__})


def __getattr__(name):
    """npvae.nn and npvae.probability are imported when they are first used: they take a third of the time."""
    if name in ("nn", "probability"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

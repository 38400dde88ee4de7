"""npvae: variational autoencoders in plain NumPy, with every derivative written by hand and proved.

Read the packages in the order in which they import one another: errors, arguments, plain, runtime; autodiff, datasets;
nn, diagnosis; probability; models; training, gradchecks; figures; learn, bench, export; experiments; cli. Each module
opens with its idea.
"""

import importlib

from . import runtime  # first: it sets what NumPy reads when it loads  # isort: skip
import numpy as np  # isort: skip

if int(np.__version__.partition(".")[0]) < 2:  # before it fails somewhere else, with a message about something else
    raise ImportError(f"npvae needs NumPy 2.0 or later, found {np.__version__}: pip install 'numpy>=2'")

from . import autodiff
from .autodiff import Tensor, gradcheck, no_grad, tape

__version__ = "0.2.0"
__all__ = ["Tensor", "autodiff", "gradcheck", "nn", "no_grad", "probability", "runtime", "tape"]


def __dir__():
    return sorted({*globals(), *__all__})


def __getattr__(name):
    """Import npvae.nn and npvae.probability when they are first used: `import npvae` stays cheap."""
    if name in ("nn", "probability"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

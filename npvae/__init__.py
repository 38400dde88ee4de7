"""npvae: variational autoencoders in plain NumPy, with every derivative written by hand and proved.

Read the packages in the order in which they import one another: autodiff, datasets, nn, probability, training,
models. Each module opens with the idea of its chapter.
"""

from . import runtime  # first: it sets what NumPy reads when it loads  # isort: skip
from . import autodiff, nn, probability
from .autodiff import Tensor, gradcheck, no_grad, tape

__version__ = "0.1.0"
__all__ = ["Tensor", "autodiff", "gradcheck", "nn", "no_grad", "probability", "runtime", "tape"]

"""What every model can do, so that you can compare them.

    loss(x, rng, step, rows)   what training minimises, and its parts
    codes(x)                   a point in the latent space for each example
    generate(z)                examples from points in the latent space
    reconstruct(x)             the examples, encoded and decoded
    from_noise(eps)            points in the latent space from points of N(0, I)
    sample(n, rng)             new examples
    given(y)                   the model for examples with these labels

The training loop, the evaluation, the pictures and the command line know no model by name. They ask each model what to
measure and what to draw: its `unit`, whether it `has_bound`, its `noise`, and its `posteriors`. Nor do they know what a
model does with labels: if the data has labels, they call `model.given(y)` in place of the model.

What you hand to a model passes through `examples` or `points` once, at the entrance. They convert what has only one
meaning, such as images into rows, and refuse everything else: a network would turn bytes from 0 to 255 into NaN, or
into codes that look right. Pixels lie in [0, 1] for every model: networks that work on [−1, 1] rescale them inside.
"""

import math
import sys

import numpy as np

from ..arguments import check_sizes, generator
from ..autodiff import Tensor
from ..errors import UserError
from ..nn import Module

LARGEST = sys.float_info.max


class LatentModel(Module):
    """The base class of models: a subclass defines `loss`, `codes`, `generate` and `from_noise`.

    data_dim      D, how many numbers an example has
    latent_dim    the dimension of z
    image_shape   (H, W, C) for a model of images of one shape; None for any other
    data_range    the smallest and the largest value that the data may take: (0, 1) for pixels; None for any numbers
    rescales      whether the networks see the pixels rescaled to [−1, 1], and the loss is that of the rescaled pixels
    unit          the unit of what `loss` reports
    has_bound     whether `encode` returns q(z | x) and `decode` p(x | z), a distribution that `likelihood` makes: then
                  we can measure the bound and ln p(x)
    noise         the function with which a denoising model corrupts x; None for any other model
    fitted        the names of the arrays (latent_dim,) that `fit_prior` computes
    needs_labels  whether you can use it only `given` the labels of the examples

    A method that takes examples x accepts everything that `examples` does, and one that takes an rng accepts a seed.
    `encode`, `decode` and `forward` are inside the model: they take rows of its dtype, and check nothing.
    """

    image_shape = None
    data_range = None
    rescales = False
    unit = "squared error per example"
    has_bound = False
    noise = None
    fitted = ()
    needs_labels = False

    def given(self, y):
        """Return the model for examples with the labels y (N,): itself, unless it `needs_labels`."""
        return self

    def loss(self, x, rng, step=math.inf, rows=None):
        """Return what training minimises on the examples x (N, D), a Tensor (), and its parts, a dict of numbers.

        rng    the numpy Generator of all noise
        step   counted from 0, for an objective that changes during training; by default, after all such changes
        rows   the indices of x in the training set, for a model that keeps a q of each example; None for new examples

        The first part is "loss", in the same unit for all models of a kind: compare models by it. If the objective
        differs from it, the last part is "objective".
        """
        raise NotImplementedError

    def codes(self, x):
        """Return a point in the latent space for each of the examples x (N, D): an array (N, latent_dim)."""
        raise NotImplementedError

    def generate(self, z):
        """Return examples from points z (N, latent_dim) in the latent space: an array (N, D)."""
        raise NotImplementedError

    def from_noise(self, eps):
        """Move points eps of N(0, I) to where the model expects codes: return an array (n, latent_dim)."""
        raise NotImplementedError

    def fit_prior(self, x):
        """Fit to the training data x (N, D) what `from_noise` needs: nothing, for a model with a prior."""

    def posteriors(self, x):
        """Return q(z | x) of the examples x (N, D), for warnings; None for a model that has none."""
        return None

    def reconstruct(self, x):
        """Return the examples x (N, D), encoded and decoded: an array (N, D)."""
        return self.generate(self.codes(x))

    def sample(self, n, rng):
        """Draw n new examples: return an array (n, D)."""
        check_sizes(n=n)
        return self.generate(self.from_noise(generator(rng).standard_normal((n, self.latent_dim))))

    # --- at the entrance ----------------------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The dtype of the parameters: float32, or float64 after `astype`."""
        return next(p.dtype for _, p in self.named_parameters())

    def examples(self, x):
        """Return the examples x as rows (N, D) of the model's dtype.

        x   rows (N, D), a single row (D,), or images (N, H, W) or (N, H, W, C): an array, a list, `Pixels`, or a Tensor
            that is on no tape. A model of images of one shape takes a single image, too; a model of pixels in [0, 1]
            divides bytes (uint8) by 255

        Raises UserError for any other shape, for no examples, for anything but finite real numbers, for numbers outside
        `data_range`, and for bytes that could mean two things.
        """
        x = _array("x", x, "examples")
        rows = self._rows(x)
        if rows is None:
            H_W_C = ", ".join(map(str, self.image_shape or "HWC"))
            raise UserError(f"x has shape {x.shape}, expected rows (N, {self.data_dim}), or images (N, {H_W_C})")
        rows = _converted(self._from_bytes(rows) if x.dtype == np.uint8 else rows, self.dtype)
        self.require(rows)
        return rows

    def points(self, z):
        """Return the points z (N, latent_dim) in the latent space, or a single one (latent_dim,), as rows.

        Raises UserError for any other shape, for no points, and for anything but finite real numbers.
        """
        z = _array("z", z, "codes")
        if z.shape[-1:] != (self.latent_dim,) or z.ndim > 2:
            raise UserError(f"z has shape {z.shape}, expected (N, {self.latent_dim})")
        z = _converted(np.atleast_2d(z), self.dtype)
        if not np.isfinite(z).all():
            raise UserError("z holds NaN or infinity, expected finite numbers")
        return z

    def require(self, x):
        """Raise UserError unless the data x (N, D) fits the model: finite numbers, in its data range."""
        smallest, largest = x.min(), x.max()                             # two passes; each is NaN if any number is
        low, high = self.data_range or (-LARGEST, LARGEST)
        if low <= float(smallest) and float(largest) <= high:
            return
        if not (np.isfinite(smallest) and np.isfinite(largest)):
            raise UserError("x holds NaN or infinity, expected finite numbers: remove or replace them")
        raise UserError(
            f"x runs from {smallest!s} to {largest!s}, but this model expects values in [{low:g}, {high:g}]: rescale "
            "it (bytes: x / 255), or choose a vae with a gaussian likelihood, which takes any numbers"
        )

    def _from_bytes(self, x):
        if self.data_range is None:
            raise UserError(
                "x holds bytes, and this model takes any numbers: pass the numbers it was trained on, x / 255 or "
                "x.astype(float)"
            )
        if x.max() == 1:
            raise UserError(
                "x holds bytes up to 1: divide them by 255 if they are pixels that are nearly black; if they are zeros "
                "and ones, pass x.astype(float)"
            )
        return x / np.float32(255)

    def _rows(self, x):
        """Return rows (N, D) of examples that are rows or images, channels last; None for any other shape."""
        D, shape = self.data_dim, x.shape[1:]
        if shape == (D,) or (self._is_image(shape) and math.prod(shape) == D):
            return x.reshape(len(x), D)
        is_one = x.shape == (D,) or x.shape == self.image_shape or (self.image_shape == (*x.shape, 1))
        return x.reshape(1, D) if is_one else None

    def _is_image(self, shape):
        if self.image_shape:
            return shape in (self.image_shape, self.image_shape[:2])
        return len(shape) == 2 or shape[2:] in ((1,), (3,))


def _array(name, x, things):
    """Return x as an array of at least one real number; UserError if that is impossible."""
    if isinstance(x, Tensor):
        if x.record or x.requires_grad:
            raise UserError(f"{name} is a Tensor on a tape, and no gradient reaches {name} here: pass {name}.data")
        x = x.data
    if isinstance(x, np.ma.MaskedArray):
        raise UserError(f"{name} is a masked array: pass {name}.filled(0), or leave out what is masked")
    try:
        array = np.asarray(x)
    except ValueError:
        raise UserError(f"{name} is a list of rows of different lengths, expected rows of one length") from None
    if array.size == 0:
        raise UserError(f"{name} has shape {array.shape}, so it holds no {things}: expected at least one")
    if array.dtype.kind not in "buif":
        found = f"holds {array.dtype}" if isinstance(x, (np.ndarray, list, tuple)) else f"is a {type(x).__name__}"
        raise UserError(f"{name} {found}, expected real numbers")
    return array


def _converted(x, dtype):
    with np.errstate(over="ignore"):         # what float32 cannot hold becomes infinite, and the caller refuses it
        return x.astype(dtype, copy=False)

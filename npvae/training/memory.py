"""How much memory a training will take, estimated before it takes any.

Two things count: the arrays as large as all the weights, and what backpropagation keeps of a minibatch. Without this
estimate, a system that promises more memory than it has would kill the process in the middle of training, and NumPy's
message about an array that it cannot allocate would not say which setting to change.
"""

from ..datasets.files import available_memory
from ..errors import UserError
from ..nn.optim import OPTIMIZERS
from . import settings

FLOAT32, FLOAT64 = 4, 8  # bytes
ARRAYS_OF_A_UNIT = 3  # before and after its activation, and a gradient
ADVICE = {"weights": ("hidden", "channels", "latent_dim"), "minibatch": ("batch_size", "samples")}
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def needed(run, origin):
    """Return how many bytes the weights and a minibatch will take in training: a dict from words to numbers.

    run      complete settings, with channels
    origin   the `Origin` of the data
    """
    if "optimizer" not in run:  # a closed form, computed in float64
        N, D = origin.N, origin.data_dim
        return {"examples": FLOAT64 * N * D, "covariances": 3 * FLOAT64 * min(N, D) ** 2}
    accumulators = len(OPTIMIZERS[run["optimizer"]].accumulators)
    saved = 2 * (1 + accumulators)  # the last checkpoint, in case of NaN, and the next
    arrays = 2 + accumulators + saved + (1 if run["validation"] else 0)  # 2: weights and gradients; 1: the best ones
    rows = min(run["batch_size"], origin.N - run["validation"]) * (1 + run.get("samples", 1))
    return {
        "weights": FLOAT32 * arrays * settings.count_weights(run, origin),
        "minibatch": FLOAT32 * ARRAYS_OF_A_UNIT * rows * _units(run, origin),
    }


def _units(run, origin):
    """Return about how many units the encoder has, or the decoder."""
    if not run.get("channels"):
        return origin.data_dim + sum(run.get("hidden", ())) + run["latent_dim"]
    *_, C = origin.image_shape
    pixels = origin.data_dim // C
    return origin.data_dim + sum(c * pixels // 4**i for i, c in enumerate(run["channels"], start=1))


def require(run, origin):
    """Raise UserError if training would need more memory than is available. The arguments are those of `needed`."""
    parts, available = needed(run, origin), max(available_memory(), 1)
    total = sum(parts.values())
    if total <= available:
        return
    largest = max(parts, key=parts.get)
    smaller = [f"--{name.replace('_', '-')}" for name in ADVICE.get(largest, ()) if name in run]
    advice = f"make {' or '.join(smaller)} smaller" if smaller else "choose data with fewer or smaller examples"
    ratio = _number(total / available)
    raise UserError(
        f"training needs about {_bytes(total)} of memory, {ratio} times the {_bytes(available)} that are available, "
        f"most of it for the {largest} ({_bytes(parts[largest])}): {advice}"
    )


def _bytes(n):
    """Return a number of bytes as text: 1.2 GB."""
    size, unit = next(((size, unit) for size, unit in UNITS if n >= size), UNITS[-1])
    return f"{_number(n / size)} {unit}"


def _number(x):
    return f"{x:.2g}" if x < 10 or x >= 1e7 else f"{x:,.0f}"

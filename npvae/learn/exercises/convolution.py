"""The exercise about the gradient of a convolution."""

import numpy as np

from ...autodiff import convolution
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise

STRIDED = {"stride": 2, "padding": 1}

CONVOLUTION = OperationExercise(
    name="convolution",
    title="the gradient of a convolution",
    solution=convolution.conv2d,
    blanks=("dx", "dW", "db"),
    text="""\
A convolution applies one and the same dense layer to every window of k × k pixels.
`columns(x, k, stride, padding)` copies every window of the images x (N, H, W, C) into
a row: r, an array (M, k·k·C) for M windows. The layer is then

    y = r · W.reshape(k·k·C, O) + b,     seen as images (N, H', W', O).

`add_columns(r, x.shape, k, stride, padding)` is the transpose of `columns`: it puts
every number of a row back on its pixel, and adds up the numbers that meet there.
With these two, write dx (N, H, W, C), dW (k, k, C, O) and db (O,) from
dy (N, H', W', O): you know the derivatives of a dense layer. Hand on stride and
padding; the check tries several. The forward pass has three helpers that only make it
faster, and you need none of them: `by_blocks` takes a few images at a time; `rows(y)`
is a view of y with a whole line of pixels in each row, because NumPy is slow over few
channels; `along_rows(b, y)` repeats b to the length of such a row.

Source: Dumoulin and Visin (2016), A guide to convolution arithmetic, section 4.""",
    prediction=Prediction(
        "A kernel of 3 × 3, stride 1, padding 1. How many windows contain a pixel in the corner of an image, and how "
        "many contain one in the middle?",
        ["9 and 9", "4 and 9", "1 and 9"],
        lambda: _windows_of_a_corner(),
        "A gradient arrives through each window, and they add up. So pixels at the edge get less of the gradient.",
    ),
    hints=[
        "r · W + b is a dense layer whose examples are the rows of r. Given dy as a matrix (M, O), what are dr, dW "
        "and db?",
        "dy.reshape(-1, O) is that matrix. With W as a matrix (k·k·C, O), everything is as in the exercise "
        "dense_backward; at the end, dW gets its four axes back.",
        "The forward pass does not keep r: compute it from x once more. What `columns` does to x, its transpose "
        "undoes for the gradient: give it dr, and the shape that dx must have.",
    ],
    imports=(
        "from npvae.autodiff.convolution import add_columns, along_rows, check_images, columns",
        "from npvae.autodiff.convolution import rows, windows_along",
        "from npvae.runtime import by_blocks",
    ),
    inputs=lambda rng, N, D, K: {"x": normal(rng, N, D, K, 2), "W": normal(rng, 3, 3, 2, 5), "b": normal(rng, 5)},
    others=lambda rng: {"x": normal(rng, 3, 5, 4, 3), "W": normal(rng, 2, 2, 3, 2), "b": normal(rng, 2)},
    also=lambda x, W, b, y: {},
    sizes=("N, the batch", "H, the height", "W, the width"),
    primes=(3, 5, 7),
    counts=lambda y: {"M, the windows": y[..., 0].size},
    options=STRIDED,
    variants=({"stride": 1, "padding": 0}, {"stride": 1, "padding": 2}, {"stride": 3, "padding": 1}),
    suspects={
        "dx": lambda x, W, dy: {
            "where windows overlap, their gradients are not added: the last one stays": _without_overlaps(x, W, dy)
        }
    },
    formulas={
        "dx": {"": lambda dy, x, W: _dx(dy, x, W)},
        "dW": {"": lambda dy, x, W: _dW(dy, x, W)},
        "db": {"": lambda dy: dy.sum(axis=(0, 1, 2))},
    },
    wrong={
        "the kernel turned around": Wrong(
            "reversed along the axes 0 and 1", {"dW": lambda right: right[::-1, ::-1]}
        ),
        "dW averaged over the windows": Wrong("1/M", {"dW": lambda right, y: right / y[..., 0].size}),
        "db summed over the images only": Wrong(
            "the sum over the axes 0, 1 is missing", {"db": lambda dy: dy.sum(axis=0)}
        ),
        "db averaged": Wrong("1/M", {"db": lambda dy: dy.mean(axis=(0, 1, 2))}),
        "rows and columns exchanged": Wrong(
            "the axes 0 and 1 are exchanged", {"dW": lambda right: right.transpose(1, 0, 2, 3)}
        ),
        "dy ignored": Wrong(
            "dy is not used",
            {"dW": lambda x, W, b, dy: convolution.conv2d.raw(x, W, b, stride=2, padding=1)[2](np.ones_like(dy))},
        ),
        "overlaps not added": Wrong("where windows overlap", {"dx": lambda x, W, dy: _without_overlaps(x, W, dy)}),
        "shifted by one pixel": Wrong("shifted by +1 along axis 1", {"dx": lambda right: np.roll(right, 1, axis=1)}),
    },
)


def _dx(dy, x, W):
    rows = dy.reshape(-1, dy.shape[-1]) @ W.reshape(-1, dy.shape[-1]).T
    return convolution.add_columns(rows, x.shape, len(W), **STRIDED)


def _dW(dy, x, W):
    rows = convolution.columns(x, len(W), **STRIDED)
    return (rows.T @ dy.reshape(-1, dy.shape[-1])).reshape(W.shape)


def _windows_of_a_corner():
    counts = convolution.add_columns(np.ones((25, 9)), (1, 5, 5, 1), 3, 1, 1)[0, :, :, 0]
    return [(9, 9), (4, 9), (1, 9)].index((int(counts[0, 0]), int(counts[2, 2])))


def _without_overlaps(x, W, dy):
    """Return dx if every pixel keeps only what arrived last, instead of the sum over its windows."""
    k, stride = len(W), 2
    padded = np.zeros((x.shape[0], x.shape[1] + 2, x.shape[2] + 2, x.shape[3]))
    dr = (dy.reshape(-1, dy.shape[-1]) @ W.reshape(-1, dy.shape[-1]).T).reshape(*dy.shape[:3], k, k, -1)
    for u in range(dy.shape[1]):
        for v in range(dy.shape[2]):
            padded[:, stride * u : stride * u + k, stride * v : stride * v + k] = dr[:, u, v]
    return padded[:, 1:-1, 1:-1]

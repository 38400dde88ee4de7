"""The exercise about the gradient of the importance-weighted bound."""

import numpy as np

from ...autodiff import ops
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise


def _softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


IWAE_WEIGHTS = OperationExercise(
    name="iwae_weights",
    title="how the samples share the gradient of the IWAE bound",
    solution=ops.logsumexp,
    blanks=("dx",),
    text="""\
The bound of the importance-weighted autoencoder is ln (1/K) Σ_k w_k. In terms of
x_k = ln w_k, and up to the constant ln K, it is

    y = ln Σ_k exp x_k,     x (K, N), the sum over axis 0,     y (N,).

The forward pass is given. Write its derivative: dx (K, N) from dy (N,).
`_restore_axes(dy, x.shape, axis)` gives dy back the axis that the sum removed. Like
the forward pass, it must be right for every axis (the check also tries axis=1 and
axis=None, the sum over all).
What does the result say about which sample teaches the encoder most? (The engine sets
derivatives below 10⁻³¹ to zero, for speed; you need not.)

Source: Burda, Grosse, Salakhutdinov (2016), Importance weighted autoencoders, eq. 14.""",
    prediction=Prediction(
        "ln w is (3, 1, 0) for three samples of one example. How is the gradient shared among them?",
        ["equally, a third each", "about 0.84, 0.11, 0.04", "in proportion 3 : 1 : 0"],
        lambda: int(
            np.argmin(
                [
                    np.abs(ops.logsumexp.raw(np.array([3.0, 1, 0]))[1](np.ones(())) - shares).sum()
                    for shares in ([1 / 3] * 3, [0.84, 0.11, 0.04], [0.75, 0.25, 0])
                ]
            )
        ),
        "In proportion to w itself, w / Σ w: a sample that explains x badly teaches next to nothing. In the ELBO it "
        "would count as much as the best.",
    ),
    hints=[
        "Chain rule: the derivative of ln is one over its argument, and that of exp x_k is exp x_k.",
        "∂y/∂x_k = exp x_k / Σ_j exp x_j, a softmax. e and total hold its two parts, and they cannot overflow.",
        "total has kept the summed axis, with length 1, so that it divides e. dy has lost that axis, and gets it back "
        "from `_restore_axes`, whichever axis it was. The chain rule multiplies the two.",
    ],
    imports=("from npvae.autodiff.ops import _restore_axes",),
    inputs=lambda rng, N, D, K: {"x": normal(rng, D, N)},
    also=lambda x, y: {
        "softmax": _softmax(x, 0),
        "other_softmax": _softmax(x, 1),
        "exponential": np.exp(x),
        "uniform": np.full(x.shape, 1 / len(x)),
    },
    formulas={"dx": {"": lambda dy, softmax: dy * softmax}},
    sizes=("N, the batch", "K, the samples"),
    options={"axis": 0},
    variants=({"axis": 1}, {"axis": -1}, {"axis": None}),
    extremes=lambda size: {"x": np.array([[-size, size], [-size - 1.0, size - 2.0]])},
    suspects={
        "dx": lambda x, dy: {
            "all of the gradient goes to the largest weight": dy * (x == x.max(axis=0)),
        }
    },
    wrong={
        "equal shares": Wrong("1/K stands where w/Σw belongs", {"dx": lambda dy, uniform: dy * uniform}),
        "not normalized": Wrong("exp x stands where w/Σw belongs", {"dx": lambda dy, exponential: dy * exponential}),
        "over the wrong axis": Wrong(
            "the sum over the wrong axis stands", {"dx": lambda dy, other_softmax: dy * other_softmax}
        ),
        "squared": Wrong("w/Σw is squared", {"dx": lambda dy, softmax: dy * softmax**2}),
        "the maximum": Wrong("largest weight", {"dx": lambda dy, x: dy * (x == x.max(axis=0))}),
        "dy ignored": Wrong("dy is not used", {"dx": lambda softmax: softmax}),
        "the same for all": Wrong("w/Σw is missing", {"dx": lambda dy, x: np.broadcast_to(dy, x.shape)}),
        "the sign": Wrong("sign is wrong", {"dx": lambda right: -right}),
        "ln w for w": Wrong("x stands where w/Σw belongs", {"dx": lambda dy, x: dy * x}),
    },
)

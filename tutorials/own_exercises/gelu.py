"""The GELU by its usual approximation: an exercise with a question, and words for a wrong version."""

import numpy as np

from npvae.learn import OperationExercise, Prediction, Wrong


def gelu(x):                     # x of any shape   ->   y like x
    s, c = 0.7978845608028654, 0.044715                      # s = √(2/π)
    t = np.tanh(s * (x + c * x**3))
    y = 0.5 * x * (1 + t)
    def dx(dy): return dy * 0.5 * (1 + t + x * (1 - t * t) * s * (1 + 3 * c * x * x))
    return y, dx


GELU = OperationExercise(
    name="gelu",
    title="x times a smooth gate",
    solution=gelu,
    blanks=("dx",),
    inputs=lambda rng, N, D, K: {"x": rng.standard_normal((N, D))},
    text="""\
The activation of most transformers, by its usual approximation:

    y = ½ x (1 + t),     t = tanh(s (x + c x³)),     s = √(2/π),  c = 0.044715.

The forward pass is there; write dx.

Source: Hendrycks and Gimpel (2016), Gaussian error linear units, section 2.""",
    prediction=Prediction(
        "What is the slope of the GELU at x = 0?",
        ["0", "½", "1"],
        lambda: [0, 0.5, 1].index(float(gelu(np.zeros(1))[1](np.ones(1))[0])),
        "There the gate is half open, and t = 0. ReLU has a kink at this place.",
    ),
    hints=[
        "x stands in two places: in front of the gate, and inside tanh. Use the product rule.",
        "The derivative of tanh is 1 − tanh², so you need no new exponential.",
        "What is inside tanh has the slope s (1 + 3 c x²).",
    ],
    wrong={
        "the gate as a constant": Wrong(changes={"dx": lambda dy, x, y: dy * y / x}),
        "dy forgotten": Wrong("dy is not used", {"dx": lambda right, dy: right / dy}),
        "a sum too many": Wrong("", {"dx": lambda right: right + right.mean()}),
    },
)

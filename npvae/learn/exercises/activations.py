"""The exercises about ReLU, sigmoid and softplus."""

import numpy as np

from ...autodiff import ops
from ...gradchecks.check import normal, off_zero
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise

RELU = OperationExercise(
    name="relu",
    title="max(x, 0), and which way the gradient goes",
    solution=ops.relu,
    blanks=("y", "dx"),
    text="""\
The most common activation:

    y = max(x, 0),     element by element, x of any shape.

Its slope is 1 where x is positive and 0 where x is negative. At the kink x = 0 there
is no slope; take 0. Write the forward pass, and dx from dy. (Never write into x:
another operation may need it.)

Source: Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann
machines; Glorot, Bordes, Bengio (2011), Deep sparse rectifier neural networks.""",
    prediction=Prediction(
        "x holds a million numbers from N(0, 1). How much of dx is exactly zero, whatever dy is?",
        ["none of it", "about half", "all of it where dy is negative"],
        lambda: int(
            abs(np.mean(ops.relu.raw(np.random.default_rng(0).standard_normal(10**6))[1](np.ones(10**6)) == 0) - 0.5)
            < 0.01
        ),
        "All of it where x is negative. If that happens for every example, the unit is dead: it never learns again.",
    ),
    hints=[
        "np.maximum takes the larger of two numbers, element by element. (np.max takes the largest of all.)",
        "The slope is a mask: x > 0 is an array of bool, which multiplies as 0 and 1.",
        "By the chain rule, dx is dy times the slope, element by element. Only the sign of x matters for the slope, "
        "not that of dy. (y has the same mask as x.)",
    ],
    inputs=lambda rng, N, D, K: {"x": off_zero(rng, N, D)},
    also=lambda x, y: {"positive": (x > 0) * 1.0},
    formulas={"y": {"": lambda x, positive: x * positive}, "dx": {"": lambda dy, positive: dy * positive}},
    extremes=lambda size: {"x": np.array([0.0, size, -size])},
    suspects={
        "y": lambda x: {
            "−x is kept where x < 0": np.abs(x),
            "the smaller of x and 0 is taken instead of the larger": np.minimum(x, 0),
        },
        "dx": lambda dy, positive: {
            "the mask is taken from the sign of dy instead of that of x": dy * (dy > 0),
            "the slope is 1 where x < 0, and 0 where x > 0": dy * (1 - positive),
        },
    },
    wrong={
        "no mask": Wrong("(x > 0) is missing", {"dx": lambda dy: dy * 1.0}),
        "the mask of dy": Wrong("mask is taken from the sign of dy", {"dx": lambda dy: dy * (dy > 0)}),
        "the mask upside down": Wrong("the slope is 1 where x < 0", {"dx": lambda dy, x: dy * (x < 0)}),
        "y for its slope": Wrong("y stands where (x > 0) belongs", {"dx": lambda dy, y: dy * y}),
        "x for its slope": Wrong("x stands where (x > 0) belongs", {"dx": lambda dy, x: dy * x}),
        "dy ignored": Wrong("dy is not used", {"dx": lambda x: (x > 0) * 1.0}),
        "|x|": Wrong("−x is kept where x < 0", {"y": lambda x: np.abs(x)}),
        "a leak": Wrong("where x < 0", {"dx": lambda dy, x: dy * np.where(x > 0, 1, 0.01)}),
        "min": Wrong("smaller of x and 0", {"y": lambda x: np.minimum(x, 0)}),
        "in place": Wrong("changed this input", function=lambda x: _relu_in_place(x)),
    },
)


def _relu_in_place(x):
    y = np.maximum(x, 0, out=x)
    return y, lambda dy: dy * (y > 0)


def _slopes(x, y):
    return {"y_slope": y * (1 - y), "x_slope": x * (1 - x), "one_minus_y": 1 - y, "decay": np.exp(-x)}


SIGMOID = OperationExercise(
    name="sigmoid",
    title="the sigmoid, and its slope in terms of its value",
    solution=ops.sigmoid,
    blanks=("y", "dx"),
    text="""\
From any real number to a probability:

    y = σ(x) = 1 / (1 + e⁻ˣ),     element by element.

Write the forward pass. Then show on paper that ∂y/∂x can be written with y alone,
without another exponential, and use that in dx.

Source: Bishop (2006), Pattern recognition and machine learning, eq. 4.59 and 4.88.""",
    prediction=Prediction(
        "In float32, dy = 1 and x = 20. What is dx?",
        ["0, exactly", "2 · 10⁻⁹", "¼", "1"],
        lambda: [0.0, 2e-9, 0.25, 1.0].index(
            float(ops.sigmoid.raw(np.array([20], np.float32))[1](np.ones(1, np.float32))[0])
        ),
        "σ(20) rounds to 1 in float32, so 1 − y is 0: an overconfident unit stops learning. (The true slope is "
        "2 · 10⁻⁹.) This is why losses are computed from logits.",
    ),
    hints=[
        "1 − σ(x) = e⁻ˣ / (1 + e⁻ˣ) = σ(−x).",
        "Differentiate (1 + e⁻ˣ)⁻¹ by the chain rule, and look for y and 1 − y in the result.",
        "∂y/∂x = e⁻ˣ / (1 + e⁻ˣ)². One factor 1 / (1 + e⁻ˣ) of it is y itself, and the first hint has a name for the "
        "rest.",
    ],
    inputs=lambda rng, N, D, K: {"x": normal(rng, N, D)},
    also=_slopes,
    formulas={"y": {"": lambda x: 1 / (1 + np.exp(-x))}, "dx": {"": lambda dy, y_slope: dy * y_slope}},
    suspects={
        "y": lambda x: {"e⁺ˣ stands where e⁻ˣ belongs": 1 / (1 + np.exp(x)), "tanh": np.tanh(x)},
        "dx": lambda dy, y: {
            "the sign in 1 − y is wrong": dy * y * (1 + y),
            "1 − y² is the slope of tanh": dy * (1 - y * y),
        },
    },
    extremes=lambda size: {"x": np.array([1.0, -1]) * size},
    wrong={
        "e⁺ˣ": Wrong("e⁺ˣ stands", {"y": lambda x: 1 / (1 + np.exp(x))}),
        "x (1 − x)": Wrong("x (1 − x) stands where y (1 − y) belongs", {"dx": lambda dy, x: dy * x * (1 - x)}),
        "1 − y forgotten": Wrong("y stands where y (1 − y) belongs", {"dx": lambda dy, y: dy * y}),
        "y forgotten": Wrong("1 − y stands where y (1 − y) belongs", {"dx": lambda dy, y: dy * (1 - y)}),
        "1 + y": Wrong("sign in 1 − y", {"dx": lambda dy, y: dy * y * (1 + y)}),
        "the slope of tanh": Wrong("slope of tanh", {"dx": lambda dy, y: dy * (1 - y * y)}),
        "dy ignored": Wrong("dy is not used", {"dx": lambda y: y * (1 - y)}),
        "overflow": Wrong("overflows", {"y": lambda x: np.exp(x) / (1 + np.exp(x))}),
    },
)

SOFTPLUS = OperationExercise(
    name="softplus",
    title="a smooth ReLU, without overflow",
    solution=ops.softplus,
    blanks=("y", "dx"),
    text="""\
A smooth version of max(x, 0):

    y = ζ(x) = ln(1 + eˣ),     element by element.

For x = 800, eˣ overflows to ∞, and so does y, although the answer is 800. Take
max(x, 0) out of the logarithm first, so that no exponential grows. Then write dx: the
slope of ζ is a function that you know. (For x = −40, y is e⁻⁴⁰ and not 0: as 1 + e⁻⁴⁰
is rounded to 1, use np.log1p.)

Source: Dugas, Bengio, Bélisle, Nadeau, Garcia (2001), Incorporating second-order
functional knowledge for better option pricing.""",
    prediction=Prediction(
        "What is the slope of softplus at x = 0?",
        ["0", "½", "ln 2", "1"],
        lambda: int(np.argmin(np.abs(ops.softplus.raw(np.zeros(1))[1](np.ones(1)) - [0, 0.5, np.log(2), 1]))),
        "σ(0) = ½: halfway between the slopes 0 and 1 of ReLU. ln 2 is the value of softplus there.",
    ),
    hints=[
        "ln(1 + eˣ) = x + ln(e⁻ˣ + 1). Which of the two forms is harmless for x > 0, and which for x < 0?",
        "In both, what stands before the logarithm is max(x, 0), and the exponent is never positive: use |x|. "
        "np.log1p(t) is ln(1 + t), exact for small t.",
        "∂ζ/∂x = eˣ / (1 + eˣ). Divide above and below by eˣ: then no large exponential is left, and you see the "
        "value of another exercise.",
    ],
    inputs=lambda rng, N, D, K: {"x": normal(rng, N, D)},
    also=lambda x, y: {"sigmoid": 1 / (1 + np.exp(-x)), "exponential": np.exp(x), "positive": (x > 0) * 1.0},
    formulas={"y": {"": lambda x: np.logaddexp(0, x)}, "dx": {"": lambda dy, sigmoid: dy * sigmoid}},
    suspects={
        "y": lambda x: {
            "the largest part, max(x, 0), is missing": np.log1p(np.exp(-np.abs(x))),
            "the 1 in ln(1 + eˣ) is missing": x,
        },
        "dx": lambda dy, x, y: {
            "σ is taken at y instead of x": dy / (1 + np.exp(-y)),
            "σ(−x) stands where σ(x) belongs": dy / (1 + np.exp(x)),
        },
    },
    extremes=lambda size: {"x": np.array([1.0, -1]) * size},
    small=("y",),
    wrong={
        "overflow": Wrong("overflows", {"y": lambda x: np.log(1 + np.exp(x))}),
        "max(x, 0) forgotten": Wrong("max(x, 0), is missing", {"y": lambda x: np.log1p(np.exp(-np.abs(x)))}),
        "ln eˣ": Wrong("the 1 in ln(1 + eˣ) is missing", {"y": lambda x: np.log(np.exp(x))}),
        "at the value": Wrong("σ is taken at y", {"dx": lambda dy, y: dy / (1 + np.exp(-y))}),
        "the slope of ReLU": Wrong("(x > 0) stands where σ(x) belongs", {"dx": lambda dy, x: dy * (x > 0)}),
        "the exponential": Wrong("exp x stands where σ(x) belongs", {"dx": lambda dy, x: dy * np.exp(x)}),
        "σ(−x)": Wrong("σ(−x) stands", {"dx": lambda dy, x: dy / (1 + np.exp(x))}),
        "σ twice": Wrong("σ(x) is squared", {"dx": lambda dy, sigmoid: dy * sigmoid**2}),
        "dy ignored": Wrong("dy is not used", {"dx": lambda sigmoid: sigmoid}),
    },
)

"""The exercise about the Bernoulli log-likelihood."""

import numpy as np

from ... import probability as p
from ...autodiff import ops
from ...gradchecks.check import normal
from ..exercise import Prediction, Wrong
from ..operation import OperationExercise

BERNOULLI = OperationExercise(
    name="bernoulli",
    title="the Bernoulli log-likelihood, without overflow",
    solution=p.bernoulli_log_likelihood,
    blanks=("y", "dlogits"),
    text="""\
A black-and-white pixel x is 1 with probability σ(l), where l is its logit and
σ(l) = 1 / (1 + e⁻ˡ). For N images of D pixels, x and the logits are (N, D), and

    y_n = ln p(x_n | l_n) = Σ_d [ x ln σ(l) + (1 − x) ln(1 − σ(l)) ]     in nats.

Computed like this, it is useless: in float32, σ(40) is exactly 1, and ln(1 − 1) is
−∞. Show first, on paper, that

    y_n = Σ_d [ x l − ζ(l) ],     ζ(l) = ln(1 + eˡ) = max(l, 0) + ln(1 + e^−|l|),

and compute that, so that logits of ±1000 are no problem. Then write the derivative
with respect to the logits: dlogits (N, D), from dy (N,). The data x has no
derivative, hence the None in the return.

Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix C.1.""",
    prediction=Prediction(
        "An untrained decoder gives the logit 0 to each of 784 binary pixels. What is −ln p(x), in nats?",
        ["0", "392: a half for each pixel", "543: ln 2 for each pixel", "784: one for each pixel"],
        lambda: [0, 392, 543, 784].index(
            round(-float(p.bernoulli_log_likelihood.raw(np.zeros((1, 784)), np.arange(784.0)[None] % 2)[0][0]))
        ),
        "ln σ(0) = ln ½, whatever x is. The first loss of a VAE on MNIST is about 545: this plus a little KL.",
    ),
    hints=[
        "ln σ(l) = l − ζ(l), and ln(1 − σ(l)) = −ζ(l). Substitute both, and see what remains of x.",
        "np.log1p(t) is ln(1 + t); np.abs and np.maximum take whole arrays. The sum runs over the last axis.",
        "Differentiate the two terms of x l − ζ(l) with respect to l; the exercise softplus has the slope of ζ. dy "
        "has one number for each row: dy[:, None] makes it a column, which meets all pixels of its row.",
    ],
    inputs=lambda rng, N, D, K: {"logits": 2 * normal(rng, N, D), "x": rng.random((N, D))},
    also=lambda logits, x, y: {
        "probability": ops.sigmoid.raw(logits)[0],
        "probability_slope": ops.sigmoid.raw(logits)[1](np.ones_like(x)),
    },
    formulas={
        "y": {
            "x l": lambda logits, x: (x * logits).sum(axis=-1),
            "−ζ(l)": lambda logits: -np.logaddexp(0, logits).sum(axis=-1),
        },
        "dlogits": {
            "x": lambda dy, x: dy[:, None] * x,
            "−σ(l)": lambda dy, probability: -dy[:, None] * probability,
        },
    },
    sizes=("N, the batch", "D, the pixels"),
    suspects={
        "y": lambda logits, x, probability: {
            "the sigmoid is applied twice": _cross_entropy(x, ops.sigmoid.raw(probability)[0]),
            "the part (1 − x) ln(1 − σ(l)) is missing": (x * np.log(probability)).sum(axis=-1),
        },
    },
    extremes=lambda size: {
        "logits": np.array([[1.0], [-1], [1], [-1], [1]]) * size,
        "x": np.array([[1.0], [0], [0], [1], [0.25]]),
    },
    wrong={
        "summed over the images too": Wrong("summed over axis 0", {"y": lambda y: np.asarray(y.sum())}),
        "mean over pixels": Wrong("1/D", {"y": lambda x, y: y / x.shape[1]}),
        "the sign of a loss": Wrong("sign is wrong", {"y": lambda y: -y}),
        "sigmoid twice": Wrong(
            "sigmoid is applied twice", {"y": lambda x, probability: _cross_entropy(x, ops.sigmoid.raw(probability)[0])}
        ),
        "half of the cross entropy": Wrong(
            "(1 − x) ln(1 − σ(l)) is missing", {"y": lambda x, probability: (x * np.log(probability)).sum(axis=-1)}
        ),
        "overflow": Wrong("overflows", {"y": lambda logits, x: (x * logits - np.log(1 + np.exp(logits))).sum(axis=-1)}),
        "dy ignored": Wrong("dy is not used", {"dlogits": lambda x, probability: x - probability}),
        "the derivative of the loss": Wrong("sign is wrong", {"dlogits": lambda right: -right}),
        "σ' once too often": Wrong(
            "σ(l) (1 − σ(l)) too many", {"dlogits": lambda right, probability_slope: right * probability_slope}
        ),
        "x forgotten": Wrong("term x is missing", {"dlogits": lambda dy, probability: -dy[:, None] * probability}),
        "the logit for its sigmoid": Wrong(
            "logits stands where σ(l) belongs", {"dlogits": lambda dy, x, logits: dy[:, None] * (x - logits)}
        ),
    },
)


def _cross_entropy(x, probability):
    return (x * np.log(probability) + (1 - x) * np.log(1 - probability)).sum(axis=-1)

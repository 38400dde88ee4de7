"""Layer normalization: an exercise with three inputs, of which one derivative is left out."""

import numpy as np

from npvae.learn import OperationExercise, Wrong


def layer_norm(x, gamma, beta):  # x (N, D)   gamma (D,)   beta (D,)   ->   y (N, D)
    s = np.sqrt(x.var(axis=1, keepdims=True) + x.dtype.type(1e-5))
    x_hat = (x - x.mean(axis=1, keepdims=True)) / s          # each row has mean 0 and variance 1
    y = gamma * x_hat + beta
    def dx(dy):
        d = dy * gamma
        return (d - d.mean(axis=1, keepdims=True) - x_hat * (d * x_hat).mean(axis=1, keepdims=True)) / s
    def dgamma(dy): return (dy * x_hat).sum(axis=0)
    def dbeta(dy): return dy.sum(axis=0)
    return y, dx, dgamma, dbeta


def draw(rng, N, D, K):
    return {"x": rng.standard_normal((N, D)), "gamma": rng.uniform(0.5, 2, D), "beta": rng.standard_normal(D)}


LAYER_NORM = OperationExercise(
    name="layer_norm",
    title="every example gets mean 0 and variance 1",
    solution=layer_norm,
    blanks=("dx", "dgamma"),
    inputs=draw,
    sizes=("N, the batch", "D, the features"),
    text="""\
Each example is normalized by itself, then scaled and shifted:

    x̂ = (x − m) / s,     y = γ x̂ + β,     m and s² = variance + ε of each row.

Unlike batch normalization, it does not know the other examples. Write dx and dgamma.

Source: Ba, Kiros, Hinton (2016), Layer normalization, section 3.""",
    hints=[
        "γ acts on all rows, so its gradient adds up over them.",
        "x acts on y by three paths: directly, through the mean and through s. Each takes something away from dy γ.",
        "What is taken away: the part of dy γ that moves a whole row, and the part along x̂. Both are means of a row.",
    ],
    wrong={
        "x̂ as if it did not move": Wrong(changes={"dx": lambda dy, gamma: dy * gamma}),
        "dgamma not summed but averaged": Wrong("N, the batch", {"dgamma": lambda right, dy: right / len(dy)}),
    },
)

"""The Huber loss: an exercise of your own."""

import numpy as np

from npvae.learn import OperationExercise, Wrong


def huber(x, t):                 # x (N, D)   t (N, D)   ->   y (N,)
    r = x - t
    y = np.where(np.abs(r) <= 1, r * r / 2, np.abs(r) - 0.5).sum(axis=1)
    def dx(dy): return dy[:, None] * np.clip(r, -1, 1)
    return y, dx, None           # t is data


def draw(rng, N, D, K):          # |r| stays away from 1, where the slope has a kink
    r = rng.choice([-2, -0.5, 0.5, 2], (N, D)) * rng.uniform(0.7, 1.3, (N, D))
    t = rng.standard_normal((N, D))
    return {"x": r + t, "t": t}


HUBER = OperationExercise(
    name="huber",
    title="a squared error that forgives outliers",
    solution=huber,
    blanks=("y", "dx"),
    inputs=draw,
    text="""\
Half the square of a small residual r = x − t, and about the size of a large one:

    y_n = Σ_d { r² / 2  where |r| ≤ 1,   |r| − ½  elsewhere }

Write the forward pass and dx. Source: Huber (1964), Robust estimation of a location
parameter.""",
    hints=["np.where(condition, a, b) is a where the condition holds, and b elsewhere.",
           "Differentiate the two pieces one by one. Which slope has |r|?"],
    wrong={"dx not clipped": Wrong(changes={"dx": lambda dy, x, t: dy[:, None] * (x - t)})},
)

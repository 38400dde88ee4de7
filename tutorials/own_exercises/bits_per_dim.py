"""Bits per dimension: an exercise about a function that is not an operation, so it has no derivatives."""

import numpy as np

from npvae.diagnosis.comparison import Comparison
from npvae.learn import ProcedureExercise, Wrong
from npvae.learn.exercise import array


def bits_per_dim(log_p, D):      # log_p (N,) in nats, of D numbers in [0, 1] that stand for 0 to 255   ->   bits (N,)
    return 8 - log_p / (D * np.log(2))


def compare(f, rng, N, D, K):    # one draw: what the student's function f computes, beside what is right
    log_p = 50 * rng.standard_normal(N)
    found, right = array(f(log_p.copy(), D), "bits"), bits_per_dim(log_p, D)
    yield Comparison("bits", found, right, known={"log_p": log_p}, numbers={"D": D})


BITS_PER_DIM = ProcedureExercise(
    name="bits_per_dim",
    title="the unit in which densities of images are compared",
    solution=bits_per_dim,
    compare=compare,
    text="""\
A density of pixels that were divided by 256 counts nats, and all D pixels together.
Papers compare bits per dimension of the pixels as they were, with values 0 to 255:

    bits_n = −log₂ (p_n / 256ᴰ) / D

Write it for log_p = ln p_n.

Source: Theis, van den Oord, Bethge (2016), A note on the evaluation of generative
models, section 3.1.""",
    hints=[
        "How many nats is a bit?",
        "The logarithm of a quotient is a difference, and log₂ 256 is a whole number.",
    ],
    wrong={"nats": Wrong(function=lambda log_p, D: 8 - log_p / D)},
)

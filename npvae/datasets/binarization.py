"""Binarization of grey pixels: a pixel of grey value x becomes 1 with probability x.

A Bernoulli log-likelihood is defined for zeros and ones only. There are three ways to treat grey images. Their results
are not comparable, so every report names the way:

    none      keep the grey values: the Bernoulli formula is then a convention, and not a log-likelihood
    static    binarize every image once, before training
    dynamic   binarize an image again whenever a minibatch contains it, which acts like more data

With static and dynamic, the test set is binarized once, always from the same seed.

Source: Salakhutdinov and Murray (2008), On the quantitative analysis of deep belief networks, section 4, for the static
draw; Burda, Grosse, Salakhutdinov (2016), section 5.1, for the dynamic one.
"""

import numpy as np

from ..arguments import generator

BINARIZATIONS = ("none", "static", "dynamic")


def binarize(x, rng):
    """Return zeros and ones, 1 with probability x, in the shape and dtype of x (N, D), whose values are in [0, 1]."""
    return (generator(rng).random(x.shape, dtype=np.float32) < x).astype(x.dtype)

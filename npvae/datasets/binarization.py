"""Making grey pixels black and white: a pixel of grey value x becomes 1 with probability x.

A Bernoulli likelihood is one only for zeros and ones. There are three ways to deal with a grey image, whose numbers
cannot be compared, and so it is always said which one was taken:

    none      the grey values as they are: the Bernoulli formula is then a convention, and not a log-likelihood
    static    every image is drawn once, before training
    dynamic   every image is drawn anew whenever it comes up in training, which is like having more data

The test set is drawn once in both cases, always with the same seed.

Source: Salakhutdinov and Murray (2008), On the quantitative analysis of deep belief networks, section 4, for the static
draw; Burda, Grosse, Salakhutdinov (2016), section 5.1, for the dynamic one.
"""

import numpy as np

BINARIZATIONS = ("none", "static", "dynamic")


def binarize(x, rng):
    """Zeros and ones, 1 with probability x: an array like x (N, D), whose values are in [0, 1]."""
    return (rng.random(x.shape, dtype=np.float32) < x).astype(x.dtype)

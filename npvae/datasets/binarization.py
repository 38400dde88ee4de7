"""Making grey pixels black and white: a pixel of grey value x becomes 1 with probability x.

A Bernoulli likelihood is one only for zeros and ones. Grey images can be treated in three ways. Their numbers are not
comparable, so every report names the way:

    none      keep the grey values: the Bernoulli formula is then a convention, and not a log-likelihood
    static    draw every image once, before training
    dynamic   redraw an image whenever it comes up in training, which is like having more data

In both cases the test set is drawn once, always with the same seed.

Source: Salakhutdinov and Murray (2008), On the quantitative analysis of deep belief networks, section 4, for the static
draw; Burda, Grosse, Salakhutdinov (2016), section 5.1, for the dynamic one.
"""

import numpy as np

BINARIZATIONS = ("none", "static", "dynamic")


def binarize(x, rng):
    """Draw zeros and ones, 1 with probability x: an array like x (N, D), whose values are in [0, 1]."""
    return (rng.random(x.shape, dtype=np.float32) < x).astype(x.dtype)

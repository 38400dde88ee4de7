"""Exercise 5: relu, max(x, 0), and which way the gradient goes.

The most common activation:

    y = max(x, 0),     element by element, x of any shape.

Its slope is 1 where x is positive and 0 where x is negative. At the kink x = 0 there
is no slope; take 0. Write the forward pass, and dx from dy. (Never write into x:
another operation may need it.)

Source: Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann
machines; Glorot, Bordes, Bengio (2011), Deep sparse rectifier neural networks.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict relu):

x holds a million numbers from N(0, 1). How much of dx is exactly zero, whatever
dy is?
    1  none of it
    2  about half
    3  all of it where dy is negative

When you have it:     npvae learn check relu
If you are stuck:     npvae learn hint relu
"""

import numpy as np


def relu(x):
    """y = max(x, 0). At the kink x = 0 the derivative is taken to be 0. A NaN lets dy
    through, and so stays visible."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    return y, dx

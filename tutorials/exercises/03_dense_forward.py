"""Exercise 3: dense_forward, a layer of linear units.

A layer of O linear units, each of which sees all I numbers of an example:

    y_no = Σ_i x_ni W_io + b_o,     x (N, I)   W (I, O)   b (O,)   y (N, O),

for N examples at once, one in each row. Write it as one matrix product and a sum;
NumPy repeats b for every row. Loops over N, I and O would take a thousand times as
long.

Source: Goodfellow, Bengio, Courville (2016), Deep learning, section 6.1.

Networks are trained in float32 and checked in float64, so the result must have the
dtype of the inputs: write np.zeros(…, dtype=x.dtype), and float(np.log(2.0)).

Predict (npvae learn predict dense_forward):

A dense layer maps 784 pixels to 512 units. How many numbers does it learn?
    1  1,296
    2  401,408
    3  401,920

When you have it:     npvae learn check dense_forward
If you are stuck:     npvae learn hint dense_forward
"""

import numpy as np


def dense(x, W, b):                          # x (N, I)   W (I, O)   b (O,)   ->   y (N, O)
    """A layer of O linear units: y = x W + b, one example in each row."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    return y
